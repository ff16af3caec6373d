// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sql/parse_tree.hpp"

namespace tickstone::sql {

/// Errors: SyntaxError where the part of WITH RECURSIVE that is repeated reads its own rows within a subquery
/// or under an aggregate: DuckDB, which knows no better, would not come to an end.
void check_recursion(const PgQuery__CommonTableExpr& cte);

/// Whether a query of WITH RECURSIVE is recursive. Errors of one that is: FeatureNotSupported, as in
/// PostgreSQL, where it is sorted or limited as a whole.
bool is_recursive_query(const PgQuery__CommonTableExpr& cte);

}  // namespace tickstone::sql
