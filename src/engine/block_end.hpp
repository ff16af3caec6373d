// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "sql/statement.hpp"

namespace tickstone::engine {

/// Errors: InFailedSqlTransaction, always.
[[noreturn]] void throw_block_aborted();
/// Whether a text begins as COMMIT, ROLLBACK and their kin do: no statement whose text or plan is kept begins
/// so.
bool may_end_block(std::string_view text);
/// What a block that has failed still takes.
bool ends_failed_block(const sql::Statement& statement);

}  // namespace tickstone::engine
