// SPDX-License-Identifier: Apache-2.0
#include "sql/dependent_columns.hpp"

#include <algorithm>
#include <set>

#include "sql/duck_text.hpp"

namespace tickstone::sql {

namespace {

/// Names of columns that stand below, in the query's own level and in those within it.
void add_column_names(const Node* node, std::set<std::string>& names) {
  walk(&node->base, [&](const ProtobufCMessage* message) {
    const auto* ref = as_message<PgQuery__ColumnRef>(message, pg_query__column_ref__descriptor);
    if (ref != nullptr && ref->n_fields > 0) {
      const Node& last = *ref->fields[ref->n_fields - 1];
      names.insert(last.node_case == PG_QUERY__NODE__NODE_STRING ? last.string->sval : "*");
    }
    return true;
  });
}

}  // namespace

std::vector<std::string> dependent_columns(const PgQuery__SelectStmt& stmt, const Scope& scope) {
  std::vector<std::string> added;
  std::vector<std::vector<std::string>> grouped;
  for (std::size_t i = 0; i < stmt.n_group_clause; ++i) {
    const Node* node = stmt.group_clause[i];
    if (node->node_case == PG_QUERY__NODE__NODE_GROUPING_SET) return {};
    // An ordinal is what stands there.
    if (node->node_case == PG_QUERY__NODE__NODE_A_CONST &&
        node->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL) {
      const auto at = static_cast<std::size_t>(node->a_const->ival->ival) - 1;
      if (at < stmt.n_target_list) node = stmt.target_list[at]->res_target->val;
    }
    if (node == nullptr || node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) continue;
    auto& names = grouped.emplace_back();
    for (std::size_t f = 0; f < node->column_ref->n_fields; ++f) {
      if (node->column_ref->fields[f]->node_case == PG_QUERY__NODE__NODE_STRING)
        names.emplace_back(node->column_ref->fields[f]->string->sval);
    }
  }
  std::set<std::string> named;
  for (const Range& range : scope.ranges) {
    if (range.primary_key.empty() || range.alias.empty()) continue;
    const auto is_grouped = [&](const std::string& column) {
      return std::any_of(grouped.begin(), grouped.end(), [&](const auto& names) {
        if (names.empty() || names.back() != column) return false;
        if (names.size() > 1) return names[names.size() - 2] == range.alias;
        // A bare name is another table's where that has such a column, and of both where a join merged it.
        return std::count_if(scope.ranges.begin(), scope.ranges.end(), [&](const Range& other) {
                 return std::any_of(other.list.columns.begin(), other.list.columns.end(),
                                    [&](const ScopeColumn& c) { return c.name == column; });
               }) == 1;
      });
    };
    if (!std::all_of(range.primary_key.begin(), range.primary_key.end(), is_grouped)) continue;
    if (named.empty()) {
      for (std::size_t i = 0; i < stmt.n_target_list; ++i) add_column_names(stmt.target_list[i], named);
      if (stmt.having_clause != nullptr) add_column_names(stmt.having_clause, named);
      for (std::size_t i = 0; i < stmt.n_sort_clause; ++i) add_column_names(stmt.sort_clause[i], named);
    }
    for (const ScopeColumn& column : range.list.columns) {
      if (is_grouped(column.name) || (!named.contains("*") && !named.contains(column.name))) continue;
      added.push_back(duck_identifier(range.alias) + "." + duck_identifier(column.name));
    }
  }
  return added;
}

}  // namespace tickstone::sql
