// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <tickstone/error.hpp>

#include "sql/parse_tree.hpp"
#include "sql/statement.hpp"

namespace tickstone::sql {
namespace {

[[noreturn]] void refuse(const std::string& detail, const std::string& hint = {}) {
  throw Error(ErrorCode::FeatureNotSupported, "invalid continuous aggregate view", detail, hint);
}

/// The first table of FROM, joins included.
const PgQuery__RangeVar* first_table(const Node* node) {
  if (node->node_case == PG_QUERY__NODE__NODE_RANGE_VAR) return node->range_var;
  if (node->node_case == PG_QUERY__NODE__NODE_JOIN_EXPR) return first_table(node->join_expr->larg);
  return nullptr;
}

std::string last_field(const Node* node) {
  if (node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF || node->column_ref->n_fields == 0) return {};
  return string_of(node->column_ref->fields[node->column_ref->n_fields - 1]);
}

}  // namespace

AggregateShape aggregate_shape_of(const Expr& query) {
  const Node* node = node_of(query);
  if (node->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) refuse("Only a SELECT can be continuous.");
  const PgQuery__SelectStmt& select = *node->select_stmt;
  if (select.op != PG_QUERY__SET_OPERATION__SETOP_NONE)
    refuse("UNION, EXCEPT and INTERSECT are not supported.");
  if (select.n_distinct_clause > 0) refuse("DISTINCT is not supported.");
  if (select.limit_count != nullptr || select.limit_offset != nullptr) refuse("LIMIT is not supported.");
  if (select.with_clause != nullptr) refuse("WITH is not supported.");
  if (select.n_group_clause == 0)
    refuse("The query has no GROUP BY.", "Group by time_bucket() and the series.");
  if (select.n_from_clause != 1) refuse("The query must read one hypertable, perhaps joined to others.");
  const PgQuery__RangeVar* source = first_table(select.from_clause[0]);
  if (source == nullptr) refuse("The query must read a hypertable directly.");

  AggregateShape shape;
  shape.source.schema = source->schemaname;
  shape.source.name = source->relname;
  for (std::size_t i = 0; i < select.n_target_list; ++i) {
    const PgQuery__ResTarget& target = *select.target_list[i]->res_target;
    const auto call = function_call_of(make_expr(query.tree, target.val));
    if (!call || call->function != "time_bucket") continue;
    if (!shape.bucket_column.empty())
      refuse("time_bucket() stands there twice.", "Use it once and select from the view for the rest.");
    if (call->arguments.size() < 2) refuse("time_bucket() needs a width and a time column.");
    const auto width = constant_of(call->arguments[0].value);
    if (!width || width->is_null) refuse("The width of time_bucket() must be a constant.");
    shape.bucket_column = *target.name != '\0' ? target.name : "time_bucket";
    shape.bucket_width = width->text;
    shape.bucket_function = to_postgres_text(make_expr(query.tree, target.val));
    shape.time_column = last_field(node_of(call->arguments[1].value));
    if (shape.time_column.empty()) refuse("The second argument of time_bucket() must be the time column.");
  }
  if (shape.bucket_column.empty())
    refuse("The query does not select time_bucket().", "Select time_bucket(width, time) and group by it.");
  return shape;
}

}  // namespace tickstone::sql
