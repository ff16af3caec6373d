// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace tickstone::cli {

/// Tells systemd how we are (`READY=1`, `STOPPING=1`) where it asked to be told, by NOTIFY_SOCKET; else does
/// nothing.
void tell_service_manager(std::string_view state);

}  // namespace tickstone::cli
