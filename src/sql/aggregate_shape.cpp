// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/aggregate_bucket.hpp"
#include "sql/translator.hpp"
#include "types/interval.hpp"
#include "types/timestamp.hpp"

namespace tickstone::sql {

namespace {

[[noreturn]] void fail(std::string detail, std::string hint = {}) {
  throw Error(ErrorCode::FeatureNotSupported, "invalid continuous aggregate query", std::move(detail),
              std::move(hint));
}

[[noreturn]] void fail_argument(const char* position) {
  throw Error(
      ErrorCode::FeatureNotSupported, "only immutable expressions allowed in time bucket function", {},
      std::string("Use an immutable expression as ") + position + " argument to the time bucket function.");
}

[[noreturn]] void fail_time_column() {
  throw Error(ErrorCode::FeatureNotSupported,
              "time bucket function must reference the primary hypertable dimension column");
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

/// Whether the item of GROUP BY is the bare name of the column that the time_bucket is of: a column of a
/// table comes before one of the result that has its name.
bool is_its_time_column(const Node* item, const PgQuery__FuncCall& call) {
  const Node* time = argument_of(call, 1, "ts");
  return item->node_case == PG_QUERY__NODE__NODE_COLUMN_REF && time != nullptr &&
         time->node_case == PG_QUERY__NODE__NODE_COLUMN_REF && item->column_ref->n_fields == 1 &&
         std::string_view(string_of(item->column_ref->fields[0])) ==
             string_of(time->column_ref->fields[time->column_ref->n_fields - 1]);
}

/// `time_bucket(width, ts, origin | "offset" | timezone, origin, "offset")`: the third is told by its type.
void read_further_arguments(const Expr& query, const PgQuery__FuncCall& call, AggregateBucket& shape) {
  const auto constant = [&](const Node* node) {
    auto value = constant_of(make_expr(query.tree, node));
    if (!value)
      fail_argument(node == argument_of(call, 3, "origin")   ? "fourth"
                    : node == argument_of(call, 4, "offset") ? "fifth"
                                                             : "third");
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
  check_aggregate_query(query);
  const PgQuery__SelectStmt& select = *node_of(query)->select_stmt;
  const auto text_of = [&](const Node* node) { return to_postgres_text(make_expr(query.tree, node)); };
  const Node* bucket = nullptr;
  for (std::size_t i = 0; i < select.n_group_clause; ++i) {
    const Node* item = select.group_clause[i];
    const std::size_t target = target_of(select, item);
    const Node* meant = target < select.n_target_list ? select.target_list[target]->res_target->val : item;
    if (!is_time_bucket(meant) || is_its_time_column(item, *meant->func_call)) continue;
    if (bucket != nullptr && text_of(meant) != text_of(bucket)) {
      throw Error(ErrorCode::FeatureNotSupported,
                  "continuous aggregate view cannot contain multiple time bucket functions");
    }
    bucket = meant;
  }
  if (bucket == nullptr) {
    throw Error(ErrorCode::FeatureNotSupported,
                "continuous aggregate view must include a valid time bucket function");
  }
  const PgQuery__ResTarget* target = nullptr;
  for (std::size_t i = 0; i < select.n_target_list && target == nullptr; ++i) {
    const PgQuery__ResTarget* candidate = select.target_list[i]->res_target;
    if (is_time_bucket(candidate->val) && text_of(candidate->val) == text_of(bucket)) target = candidate;
  }
  if (target == nullptr)
    fail("The time bucket that the query groups by is not among its columns.", "Add it to the columns.");

  AggregateShape shape;
  shape.bucket_column = *target->name != '\0' ? target->name : output_name_of(target->val);
  shape.bucket_function = text_of(target->val);
  const PgQuery__FuncCall& call = *target->val->func_call;
  const Node* width = argument_of(call, 0, "bucket_width");
  const Node* time = argument_of(call, 1, "ts");
  if (width == nullptr || time == nullptr) fail("time_bucket needs a width and a time column.");
  const std::optional<Constant> constant = constant_of(make_expr(query.tree, width));
  if (!constant) fail_argument("first");
  if (constant->is_null)
    throw Error(ErrorCode::InvalidParameterValue, "invalid bucket width for time bucket function");
  shape.bucket_width = constant->text;
  if (time->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) fail_time_column();
  const PgQuery__ColumnRef& column = *time->column_ref;
  shape.time_column = string_of(column.fields[column.n_fields - 1]);
  if (column.n_fields > 1) shape.time_relation = string_of(column.fields[column.n_fields - 2]);
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
