// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/duck_text.hpp"
#include "sql/gapfill_calls.hpp"
#include "sql/translator.hpp"
#include "types/timestamp.hpp"

// The arguments of time_bucket_gapfill, and the range that it fills: given, or from the query's conditions.

namespace tickstone::sql {

using namespace gapfill;

Translator::GapfillArguments Translator::gapfill_arguments(const PgQuery__FuncCall& call,
                                                           const Scope& scope) {
  static constexpr std::array<std::string_view, 5> kWithZone = {"bucket_width", "ts", "timezone", "start",
                                                                "finish"};
  static constexpr std::array<std::string_view, 4> kWithout = {"bucket_width", "ts", "start", "finish"};
  bool has_zone = call.n_args > 4;
  bool has_named_zone = false;
  for (std::size_t i = 0; i < call.n_args; ++i) {
    const Node* node = call.args[i];
    if (node->node_case == PG_QUERY__NODE__NODE_NAMED_ARG_EXPR) {
      has_named_zone = has_named_zone || std::string_view(node->named_arg_expr->name) == "timezone";
    } else if (i == 2 && !is_null_constant(node)) {
      const Typed third = expression(node, scope);
      const bool is_text = third.type && is_text_like(third.type->id);
      // Of a literal without a type: a zone begins with a letter, and so do `now`, `today` and `infinity`.
      const bool is_name = third.form == Typed::Form::UnknownLiteral && !third.literal.empty() &&
                           std::isalpha(static_cast<unsigned char>(third.literal[0])) != 0 &&
                           !parse_timestamptz(third.literal, utc_zone());
      // A parameter by itself is a zone, where times have one; before another, the start.
      const bool is_parameter = third.form == Typed::Form::Parameter && !third.type && call.n_args == 3 &&
                                expression(call.args[1], scope).has_type(TypeId::TimestampTz);
      has_zone = has_zone || is_text || is_name || is_parameter;
    }
  }
  GapfillArguments arguments;
  if (has_zone || has_named_zone) {
    const auto found = by_name(call, kWithZone);
    arguments = {found[0], found[1], found[2], found[3], found[4]};
  } else {
    const auto found = by_name(call, kWithout);
    arguments = {found[0], found[1], nullptr, found[2], found[3]};
  }
  if (arguments.width == nullptr || arguments.time == nullptr)
    fail_no_function(fmt::format("{}()", name_of(call)));
  return arguments;
}

std::pair<Typed, Typed> Translator::bucket_width_and_time(Typed width, Typed time) {
  const bool is_integer_time = time.type && !time.type->is_array && is_integer(time.type->id);
  if (time.form != Typed::Form::Plain) time = coerced(std::move(time), SqlType::of(TypeId::TimestampTz));
  if (width.form != Typed::Form::Plain)
    width = coerced(std::move(width), is_integer_time ? *time.type : SqlType::of(TypeId::Interval));
  if (is_integer_time && width.type && is_integer(width.type->id)) {
    // The overload whose types take both.
    const SqlType type = *common_type(*width.type, *time.type);
    for (Typed* value : {&width, &time}) {
      if (value->type == type && !value->is_number) continue;
      *value = plain(fmt::format("CAST({} AS {})", value->text, duck_type(type)), type);
    }
  }
  return {std::move(width), std::move(time)};
}

Typed Translator::gapfill_bucket(const PgQuery__FuncCall& call, const Scope& scope) {
  const GapfillArguments arguments = gapfill_arguments(call, scope);
  auto [width, time] =
      bucket_width_and_time(expression(arguments.width, scope), expression(arguments.time, scope));
  std::string text = fmt::format("time_bucket(pg_gapfill_width({}), {}", width.text, time.text);
  if (arguments.zone != nullptr) {
    if (is_null_constant(arguments.zone)) {
      fail(ErrorCode::InvalidParameterValue, "invalid time_bucket_gapfill argument: timezone cannot be NULL");
    }
    text += ", " + coerced(expression(arguments.zone, scope), SqlType::of(TypeId::Text)).text;
  }
  return plain(text + ")", time.type);
}

std::optional<Typed> Translator::of_no_row(const Node* node, const Scope& scope) {
  Scope around;
  around.outer = scope.around();
  try {
    return expression(node, around);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::UndefinedColumn && error.code() != ErrorCode::UndefinedTable) throw;
    expression(node, scope);  // throws where the name means nothing at all
    return std::nullopt;
  }
}

std::string Translator::gapfill_bound(const char* name, const Node* given, const SqlType& type,
                                      const Scope& scope) {
  std::optional<Typed> value = of_no_row(given, scope);
  if (!value || count_calls(given, is_aggregate_call) > 0) {
    fail(ErrorCode::InvalidParameterValue,
         fmt::format("invalid time_bucket_gapfill argument: {} must be a simple expression", name));
  }
  Typed bound = coerced(std::move(*value), type);
  return bound.type == type && !bound.is_number ? bound.text : cast_to(std::move(bound), type, nullptr).text;
}

void Translator::collect_bounds(const Node* condition, const Node* time, const SqlType& type,
                                const Scope& scope, Bounds& bounds) {
  if (condition->node_case == PG_QUERY__NODE__NODE_BOOL_EXPR &&
      condition->bool_expr->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR) {
    for (std::size_t i = 0; i < condition->bool_expr->n_args; ++i)
      collect_bounds(condition->bool_expr->args[i], time, type, scope, bounds);
    return;
  }
  if (condition->node_case != PG_QUERY__NODE__NODE_A_EXPR) return;
  const PgQuery__AExpr& expr = *condition->a_expr;
  const auto column = own_column(time, scope);
  const auto is_time = [&](const Node* node) {
    return node != nullptr && node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF &&
           own_column(node, scope) == column;
  };
  const auto add = [&](std::string op, const Node* node) {
    if (count_calls(node, is_aggregate_call) > 0) return;
    std::optional<Typed> value = of_no_row(node, scope);
    if (!value) return;
    Typed bound = coerced(std::move(*value), type);
    std::string text =
        bound.type == type && !bound.is_number ? bound.text : cast_to(std::move(bound), type, nullptr).text;
    if (op == ">" || op == "<=") text = fmt::format("pg_gapfill_after({})", text);
    if (op == ">" || op == ">=")
      bounds.starts.push_back(std::move(text));
    else if (op == "<" || op == "<=")
      bounds.finishes.push_back(std::move(text));
  };
  if (expr.kind == PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN && is_time(expr.lexpr)) {
    const PgQuery__List& ends = *expr.rexpr->list;
    add(">=", ends.items[0]);
    add("<=", ends.items[1]);
    return;
  }
  if (expr.kind != PG_QUERY__A__EXPR__KIND__AEXPR_OP || expr.lexpr == nullptr || expr.rexpr == nullptr)
    return;
  const std::string op = string_of(expr.name[expr.n_name - 1]);
  if (is_time(expr.lexpr) && is_time(expr.rexpr)) return;
  if (is_time(expr.lexpr)) {
    add(op, expr.rexpr);
  } else if (is_time(expr.rexpr)) {
    add(op == "<" ? ">" : op == "<=" ? ">=" : op == ">" ? "<" : op == ">=" ? "<=" : op, expr.lexpr);
  }
}

void Translator::collect_join_bounds(const Node* from, const Node* time, const SqlType& type,
                                     const Scope& scope, Bounds& bounds) {
  if (from->node_case != PG_QUERY__NODE__NODE_JOIN_EXPR) return;
  const PgQuery__JoinExpr& join = *from->join_expr;
  if (join.jointype != PG_QUERY__JOIN_TYPE__JOIN_INNER) return;
  if (join.quals != nullptr) collect_bounds(join.quals, time, type, scope, bounds);
  collect_join_bounds(join.larg, time, type, scope, bounds);
  collect_join_bounds(join.rarg, time, type, scope, bounds);
}

std::pair<std::string, std::string> Translator::gapfill_range(const PgQuery__SelectStmt& stmt,
                                                              const GapfillArguments& arguments,
                                                              const SqlType& type, const Scope& scope) {
  const auto is_given = [](const Node* node) { return node != nullptr && !is_null_constant(node); };
  Bounds bounds;
  if (!is_given(arguments.start) || !is_given(arguments.finish)) {
    if (!own_column(arguments.time, scope)) {
      fail(ErrorCode::InvalidParameterValue,
           "invalid time_bucket_gapfill argument: ts needs to refer to a single column if no start or finish "
           "is "
           "supplied",
           kBoundsHint);
    }
    if (stmt.where_clause != nullptr) collect_bounds(stmt.where_clause, arguments.time, type, scope, bounds);
    for (std::size_t i = 0; i < stmt.n_from_clause; ++i)
      collect_join_bounds(stmt.from_clause[i], arguments.time, type, scope, bounds);
  }
  const auto inferred = [](const char* name, const std::vector<std::string>& found, const char* choice) {
    if (found.empty()) {
      fail(ErrorCode::InvalidParameterValue,
           fmt::format("missing time_bucket_gapfill argument: could not infer {} from WHERE clause", name),
           kBoundsHint);
    }
    if (found.size() == 1) return found[0];
    std::string nulls;
    std::string list;
    for (const std::string& text : found) {
      nulls += fmt::format("{}({}) IS NULL", nulls.empty() ? "" : " OR ", text);
      list += (list.empty() ? "" : ", ") + text;
    }
    return fmt::format("CASE WHEN {} THEN NULL ELSE {}({}) END", nulls, choice, list);
  };
  std::string start = is_given(arguments.start) ? gapfill_bound("start", arguments.start, type, scope)
                                                : inferred("start", bounds.starts, "greatest");
  std::string finish = is_given(arguments.finish) ? gapfill_bound("finish", arguments.finish, type, scope)
                                                  : inferred("finish", bounds.finishes, "least");
  return {std::move(start), std::move(finish)};
}

}  // namespace tickstone::sql
