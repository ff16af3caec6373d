// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/aggregate_bucket.hpp"
#include "sql/translator.hpp"
#include "types/interval.hpp"
#include "types/timestamp.hpp"

namespace tickstone::sql {

namespace {

[[noreturn]] void fail(std::string detail) {
  throw Error(ErrorCode::FeatureNotSupported, "invalid continuous aggregate query", std::move(detail),
              "Include at least one aggregate function and a GROUP BY clause with a time bucket.");
}

bool is_time_bucket(const Node* node) {
  if (node == nullptr || node->node_case != PG_QUERY__NODE__NODE_FUNC_CALL ||
      node->func_call->n_funcname == 0)
    return false;
  return std::string_view(string_of(node->func_call->funcname[node->func_call->n_funcname - 1])) ==
         "time_bucket";
}

/// An argument by its name, or else by its position.
const Node* argument_of(const PgQuery__FuncCall& call, std::size_t position, std::string_view name) {
  for (std::size_t i = 0; i < call.n_args; ++i) {
    if (call.args[i]->node_case == PG_QUERY__NODE__NODE_NAMED_ARG_EXPR) {
      if (name == call.args[i]->named_arg_expr->name) return call.args[i]->named_arg_expr->arg;
    } else if (i == position) {
      return call.args[i];
    }
  }
  return nullptr;
}

const PgQuery__RangeVar* first_table(const Node* node) {
  while (node->node_case == PG_QUERY__NODE__NODE_JOIN_EXPR) node = node->join_expr->larg;
  return node->node_case == PG_QUERY__NODE__NODE_RANGE_VAR ? node->range_var : nullptr;
}

/// The target that an item of GROUP BY means, if it is a column's or a position.
std::size_t target_of(const PgQuery__SelectStmt& select, const Node* item) {
  if (item->node_case == PG_QUERY__NODE__NODE_A_CONST &&
      item->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL) {
    const int position = item->a_const->ival->ival;
    return position >= 1 && static_cast<std::size_t>(position) <= select.n_target_list
               ? static_cast<std::size_t>(position) - 1
               : select.n_target_list;
  }
  if (item->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) return select.n_target_list;
  const auto name_of = [](const PgQuery__ColumnRef& column) -> std::string {
    const Node* last = column.fields[column.n_fields - 1];
    return last->node_case == PG_QUERY__NODE__NODE_STRING ? string_of(last) : "";
  };
  const std::string name = name_of(*item->column_ref);
  for (std::size_t i = 0; i < select.n_target_list; ++i) {
    const PgQuery__ResTarget& target = *select.target_list[i]->res_target;
    if (target.val == nullptr) continue;
    if (target.val->node_case == PG_QUERY__NODE__NODE_COLUMN_REF && name_of(*target.val->column_ref) == name)
      return i;
  }
  for (std::size_t i = 0; i < select.n_target_list; ++i) {
    if (name == select.target_list[i]->res_target->name) return i;
  }
  return select.n_target_list;
}

/// `time_bucket(width, ts, origin | "offset" | timezone, origin, "offset")`: the third is told by its type.
void read_further_arguments(const Expr& query, const PgQuery__FuncCall& call, AggregateBucket& shape) {
  const auto constant = [&](const Node* node) {
    auto value = constant_of(make_expr(query.tree, node));
    if (!value) {
      throw Error(ErrorCode::FeatureNotSupported,
                  "only immutable expressions allowed in time bucket function", {},
                  "Use an immutable expression as first argument to the time bucket function.");
    }
    return value;
  };
  const auto take = [&](std::optional<Constant>& to, const Node* node) {
    if (node == nullptr) return;
    auto value = constant(node);
    if (!value->is_null) to = std::move(value);
  };
  take(shape.origin, argument_of(call, 3, "origin"));
  take(shape.offset, argument_of(call, 4, "offset"));
  take(shape.timezone, argument_of(call, SIZE_MAX, "timezone"));
  const Node* third = argument_of(call, 2, "");
  if (third == nullptr) return;
  const auto value = constant(third);
  if (value->is_null) return;
  // An untyped literal is what it reads as.
  const auto type = value->type                               ? value->type->id
                    : parse_interval(value->text).has_value() ? TypeId::Interval
                    : find_time_zone(value->text) != nullptr  ? TypeId::Text
                                                              : TypeId::TimestampTz;
  if (type == TypeId::Interval || is_integer(type)) {
    shape.offset = value;
  } else if (type == TypeId::Timestamp || type == TypeId::TimestampTz || type == TypeId::Date) {
    shape.origin = value;
  } else {
    shape.timezone = value;
  }
}

}  // namespace

AggregateShape aggregate_shape_of(const Expr& query) {
  const PgQuery__SelectStmt& select = *node_of(query)->select_stmt;
  if (select.op != PG_QUERY__SET_OPERATION__SETOP_NONE || select.n_values_lists > 0)
    fail("UNION, INTERSECT, EXCEPT and VALUES are not allowed.");
  if (select.n_distinct_clause > 0) fail("DISTINCT is not allowed.");
  if (select.with_clause != nullptr) fail("WITH is not allowed.");
  if (select.limit_count != nullptr || select.limit_offset != nullptr)
    fail("LIMIT and OFFSET are not allowed.");
  if (select.n_group_clause == 0) fail("The query has no GROUP BY.");
  if (select.n_from_clause == 0) fail("The query reads from no table.");
  const PgQuery__RangeVar* source = first_table(select.from_clause[0]);
  if (source == nullptr) fail("The query must read from a hypertable or another continuous aggregate.");

  AggregateShape shape;
  shape.source = {source->schemaname, source->relname, query.tree->position(source->location)};
  std::size_t bucket = select.n_target_list;
  for (std::size_t i = 0; i < select.n_target_list && bucket == select.n_target_list; ++i) {
    if (is_time_bucket(select.target_list[i]->res_target->val)) bucket = i;
  }
  if (bucket == select.n_target_list) fail("No time_bucket function is among the columns.");
  const PgQuery__ResTarget& target = *select.target_list[bucket]->res_target;
  shape.bucket_column = *target.name != '\0' ? target.name : output_name_of(target.val);
  shape.bucket_function = to_postgres_text(make_expr(query.tree, target.val));

  bool is_grouped = false;
  for (std::size_t i = 0; i < select.n_group_clause; ++i) {
    const Node* item = select.group_clause[i];
    if (is_time_bucket(item)) is_grouped = true;
    if (item->node_case == PG_QUERY__NODE__NODE_COLUMN_REF && item->column_ref->n_fields == 1 &&
        shape.bucket_column == string_of(item->column_ref->fields[0])) {
      is_grouped = true;
    }
    if (item->node_case == PG_QUERY__NODE__NODE_A_CONST &&
        item->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL &&
        item->a_const->ival->ival == static_cast<int>(bucket) + 1) {
      is_grouped = true;
    }
  }
  if (!is_grouped) fail("The query does not group by its time_bucket.");

  const PgQuery__FuncCall& call = *target.val->func_call;
  const Node* width = argument_of(call, 0, "bucket_width");
  const Node* time = argument_of(call, 1, "ts");
  if (width == nullptr || time == nullptr) fail("time_bucket needs a width and a time column.");
  const std::optional<Constant> constant = constant_of(make_expr(query.tree, width));
  if (!constant || constant->is_null) fail("The width of time_bucket must be a constant.");
  shape.bucket_width = constant->text;
  if (time->node_case != PG_QUERY__NODE__NODE_COLUMN_REF)
    fail("The second argument of time_bucket must be a column.");
  const PgQuery__ColumnRef& column = *time->column_ref;
  shape.time_column = string_of(column.fields[column.n_fields - 1]);
  return shape;
}

AggregateBucket aggregate_bucket_of(const Expr& query) {
  const PgQuery__SelectStmt& select = *node_of(query)->select_stmt;
  AggregateBucket bucket;
  bucket.position = select.n_target_list;
  for (std::size_t i = 0; i < select.n_target_list && bucket.position == select.n_target_list; ++i) {
    if (is_time_bucket(select.target_list[i]->res_target->val)) bucket.position = i;
  }
  if (bucket.position == select.n_target_list) fail("No time_bucket function is among the columns.");
  const Node* call = select.target_list[bucket.position]->res_target->val;
  read_further_arguments(query, *call->func_call, bucket);
  for (std::size_t i = 0; i < select.n_group_clause; ++i) {
    const std::size_t target = target_of(select, select.group_clause[i]);
    if (target != select.n_target_list && target != bucket.position) bucket.group_columns.push_back(target);
  }
  return bucket;
}

}  // namespace tickstone::sql
