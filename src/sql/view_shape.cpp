// SPDX-License-Identifier: Apache-2.0
#include "sql/view_shape.hpp"

#include "sql/function_table.hpp"
#include "sql/gapfill_calls.hpp"
#include "sql/parse_tree.hpp"

namespace tickstone::sql {
namespace {

bool calls(const PgQuery__SelectStmt& select, bool windowed) {
  bool found = false;
  for (std::size_t i = 0; i < select.n_target_list && !found; ++i) {
    gapfill::for_each_call(select.target_list[i], [&](const PgQuery__FuncCall& call) {
      const bool is_windowed = call.over != nullptr;
      found = found || (windowed ? is_windowed : !is_windowed && gapfill::is_aggregate_call(call));
      return !found;
    });
  }
  return found;
}

/// PostgreSQL's checks, in its order.
std::string problem_of(const PgQuery__SelectStmt& select) {
  const auto containing = [](const char* what) {
    return std::string("Views containing ") + what + " are not automatically updatable.";
  };
  if (select.n_distinct_clause > 0) return containing("DISTINCT");
  if (select.n_group_clause > 0) return containing("GROUP BY");
  if (select.having_clause != nullptr) return containing("HAVING");
  if (select.op != PG_QUERY__SET_OPERATION__SETOP_NONE) return containing("UNION, INTERSECT, or EXCEPT");
  if (select.with_clause != nullptr) return containing("WITH");
  if (select.limit_count != nullptr || select.limit_offset != nullptr) return containing("LIMIT or OFFSET");
  if (calls(select, false)) return "Views that return aggregate functions are not automatically updatable.";
  if (calls(select, true)) return "Views that return window functions are not automatically updatable.";
  if (select.n_from_clause == 1 &&
      select.from_clause[0]->node_case == PG_QUERY__NODE__NODE_RANGE_TABLE_SAMPLE)
    return containing("TABLESAMPLE");
  if (select.n_from_clause != 1 || select.from_clause[0]->node_case != PG_QUERY__NODE__NODE_RANGE_VAR)
    return "Views that do not select from a single table or view are not automatically updatable.";
  return {};
}

/// The query itself where names were given to a view's columns: SELECT * FROM (query) AS renamed(a, b).
const PgQuery__SelectStmt& without_names(const PgQuery__SelectStmt& select) {
  if (select.n_from_clause != 1 || select.n_target_list != 1 || select.where_clause != nullptr) return select;
  const Node& item = *select.from_clause[0];
  if (item.node_case != PG_QUERY__NODE__NODE_RANGE_SUBSELECT) return select;
  const auto& inner = *item.range_subselect;
  if (inner.alias == nullptr || std::string_view(inner.alias->aliasname) != "renamed" ||
      inner.alias->n_colnames == 0 || inner.lateral != 0)
    return select;
  return *inner.subquery->select_stmt;
}

ViewShape::Output output_of(const Node& target, const std::string& alias) {
  ViewShape::Output output;
  const Node* value = target.res_target->val;
  if (value == nullptr || value->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) return output;
  const auto& ref = *value->column_ref;
  if (ref.n_fields == 0) return output;
  if (ref.n_fields > 1 && string_of(ref.fields[ref.n_fields - 2]) != alias) return output;
  const Node& last = *ref.fields[ref.n_fields - 1];
  if (last.node_case == PG_QUERY__NODE__NODE_A_STAR) {
    output.is_star = true;
  } else if (last.node_case == PG_QUERY__NODE__NODE_STRING) {
    output.column = last.string->sval;
  }
  return output;
}

}  // namespace

ViewShape view_shape_of(const Expr& query) {
  ViewShape shape;
  const auto& select = without_names(*node_of(query)->select_stmt);
  shape.problem = problem_of(select);
  if (!shape.problem.empty()) return shape;
  const auto& item = *select.from_clause[0]->range_var;
  shape.source = {item.schemaname, item.relname, 0};
  shape.alias = item.alias != nullptr ? item.alias->aliasname : item.relname;
  if (item.inh == 0) shape.unsupported = "ONLY in a view";
  if (item.alias != nullptr && item.alias->n_colnames > 0) shape.unsupported = "names for columns in FROM";
  for (std::size_t i = 0; i < select.n_target_list; ++i) {
    shape.outputs.push_back(output_of(*select.target_list[i], shape.alias));
    if (!shape.outputs.back().is_star && shape.outputs.back().column.empty())
      shape.unsupported = "a column that is an expression";
  }
  if (select.where_clause != nullptr) shape.where = Expr{query.tree, select.where_clause};
  return shape;
}

}  // namespace tickstone::sql
