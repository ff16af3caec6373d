// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include <tickstone/error.hpp>

namespace tickstone::client {

/// The code of a SQLSTATE that a server sent; of one that we do not know, the code of its class, else
/// InternalError.
ErrorCode error_code_of(std::string_view sqlstate);

}  // namespace tickstone::client
