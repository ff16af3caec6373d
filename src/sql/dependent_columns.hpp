// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "sql/parse_tree.hpp"
#include "sql/scope.hpp"

namespace tickstone::sql {

/// Columns that depend on the primary key of their table, where that is grouped by: PostgreSQL takes them as
/// they are, DuckDB wants them in GROUP BY. Only those that may be named; as DuckDB's text.
std::vector<std::string> dependent_columns(const PgQuery__SelectStmt& stmt, const Scope& scope);

}  // namespace tickstone::sql
