// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace tickstone {

/// Names the calling thread, as debuggers and `top -H` show it. Shape: cut to 15 bytes, which is all the
/// system keeps.
void set_thread_name(std::string_view name);

}  // namespace tickstone
