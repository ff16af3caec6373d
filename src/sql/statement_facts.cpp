// SPDX-License-Identifier: Apache-2.0
#include "sql/statement_facts.hpp"

#include "sql/parse_tree.hpp"

namespace tickstone::sql {

bool joins_other_tables(const Expr& whole) {
  const auto* node = node_of(whole);
  if (node->node_case == PG_QUERY__NODE__NODE_UPDATE_STMT) return node->update_stmt->n_from_clause > 0;
  if (node->node_case == PG_QUERY__NODE__NODE_DELETE_STMT) return node->delete_stmt->n_using_clause > 0;
  return true;
}

}  // namespace tickstone::sql
