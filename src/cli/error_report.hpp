// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include <tickstone/error.hpp>

namespace tickstone::cli {

/// To standard error, as psql prints it: ERROR, the line with a caret where a position is known, DETAIL,
/// HINT, CONTEXT.
void report(const Error& error, std::string_view sql = {});

}  // namespace tickstone::cli
