// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "engine/session_context.hpp"

namespace tickstone::engine {

/// Of a statement that commits by itself and so cannot be part of anything. Errors: ActiveSqlTransaction
/// where `command` is run in a transaction block, in a query of several statements, or by a function.
void refuse_in_block(const SessionContext& context, std::string_view command);

}  // namespace tickstone::engine
