// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sql/parse_tree.hpp"

namespace tickstone::sql {

/// Errors: SyntaxError where the part of WITH RECURSIVE that is repeated reads its own rows within a subquery
/// or under an aggregate: DuckDB, which knows no better, would not come to an end.
void check_recursion(const PgQuery__CommonTableExpr& cte);

}  // namespace tickstone::sql
