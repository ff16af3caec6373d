// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/duck_text.hpp"
#include "sql/function_table.hpp"
#include "sql/translator.hpp"
#include "types/timestamp.hpp"

// A query that groups by time_bucket_gapfill becomes two: the grouped one (`pg_gapfill` in duck adds the
// missing buckets to its rows, series by series, and carries values into them), and above it whatever is
// computed of the filled rows: expressions over aggregates, window functions, ORDER BY, LIMIT.

namespace tickstone::sql {

namespace {

constexpr std::string_view kBoundsHint = "Specify start and finish as arguments or in the WHERE clause.";

[[noreturn]] void fail(ErrorCode code, const std::string& message, std::string_view hint = {}) {
  throw Error(code, message, {}, std::string(hint));
}

std::string_view name_of(const PgQuery__FuncCall& call) {
  return string_of(call.funcname[call.n_funcname - 1]);
}
bool is_gapfill(const PgQuery__FuncCall& call) { return name_of(call) == "time_bucket_gapfill"; }
bool is_marker(const PgQuery__FuncCall& call) {
  return name_of(call) == "locf" || name_of(call) == "interpolate";
}
bool is_aggregate_call(const PgQuery__FuncCall& call) {
  return call.agg_star != 0 || call.agg_within_group != 0 || call.agg_filter != nullptr ||
         call.agg_distinct != 0 || call.n_agg_order > 0 || is_aggregate(name_of(call));
}

/// Calls of functions in the node that belong to its own query; `visit` says whether to look at the
/// arguments.
void for_each_call(const Node* node, const std::function<bool(const PgQuery__FuncCall&)>& visit) {
  walk(&node->base, [&](const ProtobufCMessage* message) {
    if (const auto* link = as_message<PgQuery__SubLink>(message, pg_query__sub_link__descriptor)) {
      if (link->testexpr != nullptr) for_each_call(link->testexpr, visit);
      return false;
    }
    const auto* call = as_message<PgQuery__FuncCall>(message, pg_query__func_call__descriptor);
    return call == nullptr || visit(*call);
  });
}

std::size_t count_calls(const Node* node, bool (*matches)(const PgQuery__FuncCall&)) {
  std::size_t count = 0;
  for_each_call(node, [&](const PgQuery__FuncCall& call) {
    if (matches(call)) ++count;
    return true;
  });
  return count;
}

bool has_subquery(const Node* node) {
  bool found = false;
  walk(&node->base, [&found](const ProtobufCMessage* message) {
    found = found || message->descriptor == &pg_query__sub_link__descriptor;
    return !found;
  });
  return found;
}

bool is_null_constant(const Node* node) {
  return node->node_case == PG_QUERY__NODE__NODE_A_CONST && node->a_const->isnull != 0;
}

/// The arguments of a call by the names of its parameters; those left out are null.
template <std::size_t N>
std::array<const Node*, N> by_name(const PgQuery__FuncCall& call,
                                   const std::array<std::string_view, N>& parameters) {
  std::array<const Node*, N> found{};
  for (std::size_t i = 0; i < call.n_args; ++i) {
    const Node* node = call.args[i];
    std::size_t at = i;
    if (node->node_case == PG_QUERY__NODE__NODE_NAMED_ARG_EXPR) {
      const auto known = std::find(parameters.begin(), parameters.end(), node->named_arg_expr->name);
      at = static_cast<std::size_t>(known - parameters.begin());
      node = node->named_arg_expr->arg;
    }
    if (at >= N || found[at] != nullptr) {
      fail(ErrorCode::UndefinedFunction,
           fmt::format("function {} does not exist with these arguments", name_of(call)),
           "No function matches the given name and argument types. You might need to add explicit type "
           "casts.");
    }
    found[at] = node;
  }
  return found;
}

[[noreturn]] void fail_no_function(const std::string& signature) {
  fail(ErrorCode::UndefinedFunction, fmt::format("function {} does not exist", signature),
       "No function matches the given name and argument types. You might need to add explicit type casts.");
}

}  // namespace

const PgQuery__FuncCall* Translator::gapfill_of(const PgQuery__SelectStmt& stmt) {
  if (stmt.n_group_clause == 0) return nullptr;
  const PgQuery__FuncCall* found = nullptr;
  const auto look = [&found](const Node* node) {
    for_each_call(node, [&found](const PgQuery__FuncCall& call) {
      if (is_gapfill(call) && found == nullptr) found = &call;
      return found == nullptr;
    });
  };
  for (std::size_t i = 0; i < stmt.n_target_list; ++i) {
    if (stmt.target_list[i]->res_target->val != nullptr) look(stmt.target_list[i]->res_target->val);
  }
  for (std::size_t i = 0; i < stmt.n_group_clause; ++i) look(stmt.group_clause[i]);
  return found;
}

std::optional<std::pair<std::string, std::string>> Translator::own_column(const Node* node,
                                                                          const Scope& scope) {
  if (node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) return std::nullopt;
  const PgQuery__ColumnRef& ref = *node->column_ref;
  for (std::size_t i = 0; i < ref.n_fields; ++i) {
    if (ref.fields[i]->node_case != PG_QUERY__NODE__NODE_STRING) return std::nullopt;
  }
  const std::string name = string_of(ref.fields[ref.n_fields - 1]);
  const std::string relation = ref.n_fields > 1 ? string_of(ref.fields[ref.n_fields - 2]) : "";
  return own_column(relation, name, scope);
}

std::optional<std::pair<std::string, std::string>> Translator::own_column(const std::string& relation,
                                                                          const std::string& name,
                                                                          const Scope& scope) {
  // A column that JOIN ... USING merged is the first relation's.
  for (const Range& range : scope.ranges) {
    if (!relation.empty() && range.alias != relation) continue;
    for (const ScopeColumn& column : range.list.columns) {
      if (column.name == name) return std::pair{range.alias, name};
    }
  }
  return std::nullopt;
}

Typed Translator::grouped_column(const Fill& fill, const std::string& relation, const std::string& name,
                                 int location) const {
  const auto own = own_column(relation, name, *fill.inner);
  for (const Fill::Key& key : fill.keys) {
    if (own && key.column == own) return key.value;
  }
  throw located(
      Error(ErrorCode::GroupingError,
            fmt::format(
                "column \"{}{}\" must appear in the GROUP BY clause or be used in an aggregate function",
                own ? own->first + "." : "", name)),
      location);
}

std::optional<Typed> Translator::filled(const Node* node, const Scope& scope) {
  const Fill& fill = *scope.fill;
  switch (node->node_case) {
    case PG_QUERY__NODE__NODE_COLUMN_REF:
    case PG_QUERY__NODE__NODE_A_CONST:
    case PG_QUERY__NODE__NODE_PARAM_REF:
    case PG_QUERY__NODE__NODE_SUB_LINK:
      return std::nullopt;
    case PG_QUERY__NODE__NODE_FUNC_CALL: {
      const auto value = fill.values.find(node->func_call);
      if (value != fill.values.end()) return value->second;
      if (node->func_call->over != nullptr) return std::nullopt;
      break;
    }
    default:
      break;
  }
  if (has_subquery(node)) return std::nullopt;
  // An expression that the query groups by.
  std::string text;
  try {
    text = expression(node, *fill.inner).text;
  } catch (const Error&) {
    return std::nullopt;  // its parts say what is wrong
  }
  for (const Fill::Key& key : fill.keys) {
    if (!key.column && key.text == text) return key.value;
  }
  return std::nullopt;
}

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
      has_zone = has_zone || is_text || is_name;
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

/// A call of locf or interpolate: its value goes to the grouped query, its lookups to the series.
Typed Translator::marker_value(const PgQuery__FuncCall& call, const Scope& scope, const Scope& of_series,
                               std::string& kind, std::vector<std::string>& lookups) {
  const std::string name(name_of(call));
  std::size_t nested = 0;
  for (std::size_t i = 0; i < call.n_args; ++i) nested += count_calls(call.args[i], is_marker);
  if (nested > 0) {
    fail(ErrorCode::FeatureNotSupported,
         "multiple interpolate/locf function calls per resultset column not supported");
  }
  const bool is_locf = name == "locf";
  const auto arguments =
      by_name<3>(call, is_locf ? std::array<std::string_view, 3>{"value", "prev", "treat_null_as_missing"}
                               : std::array<std::string_view, 3>{"value", "prev", "next"});
  if (arguments[0] == nullptr) fail_no_function(name + "()");
  bool has_window = false;
  for_each_call(arguments[0], [&has_window](const PgQuery__FuncCall& inner) {
    has_window = has_window || inner.over != nullptr;
    return true;
  });
  if (has_window)
    fail(ErrorCode::FeatureNotSupported, fmt::format("window functions must not be below {}", name));
  Typed value = coerced(expression(arguments[0], scope), SqlType::of(TypeId::Text));
  const auto add_lookup = [&](const Node* node, char letter) {
    if (node == nullptr || is_null_constant(node)) return;
    kind += letter;
    Typed lookup = expression(node, of_series);
    if (is_locf && value.type) {
      lookup = coerced(std::move(lookup), *value.type);
      if (lookup.type && *lookup.type != *value.type)
        lookup = cast_to(std::move(lookup), *value.type, nullptr);
    }
    lookups.push_back(lookup.text);
  };
  if (is_locf) {
    kind = "l";
    if (const Node* flag = arguments[2]; flag != nullptr && !is_null_constant(flag)) {
      const Typed given = expression(flag, scope);
      if (given.form == Typed::Form::Plain && !given.has_type(TypeId::Boolean)) {
        fail_no_function(fmt::format("locf({}, treat_null_as_missing => {})",
                                     value.type ? to_sql(*value.type) : "unknown",
                                     given.type ? to_sql(*given.type) : "unknown"));
      }
      const std::string text = coerced(given, SqlType::of(TypeId::Boolean)).text;
      if (text != "true" && text != "false") {
        fail(ErrorCode::FeatureNotSupported,
             "invalid locf argument: treat_null_as_missing must be a BOOL literal");
      }
      if (text == "true") kind = "L";
    }
    add_lookup(arguments[1], 'p');
    return value;
  }
  kind = "i";
  const bool is_number = value.type && !value.type->is_array &&
                         (is_integer(value.type->id) || value.has_type(TypeId::Numeric) ||
                          value.has_type(TypeId::Real) || value.has_type(TypeId::Double));
  if (value.type && !is_number) fail_no_function(fmt::format("interpolate({})", to_sql(*value.type)));
  if (!value.type || value.has_type(TypeId::Numeric) || value.is_number) {
    const SqlType type =
        value.is_number && !value.has_type(TypeId::Numeric) ? *value.type : SqlType::of(TypeId::Double);
    value = plain(fmt::format("CAST({} AS {})", value.text, duck_type(type)), type);
  }
  add_lookup(arguments[1], 'p');
  add_lookup(arguments[2], 'q');
  return value;
}

/// What the query groups by: positions and names of targets are the targets.
std::vector<const Node*> Translator::group_nodes(const PgQuery__SelectStmt& stmt, const Scope& scope) {
  ColumnList names;
  for (std::size_t i = 0; i < stmt.n_target_list; ++i) {
    const PgQuery__ResTarget& target = *stmt.target_list[i]->res_target;
    const bool is_star = target.val->node_case == PG_QUERY__NODE__NODE_COLUMN_REF &&
                         target.val->column_ref->fields[target.val->column_ref->n_fields - 1]->node_case ==
                             PG_QUERY__NODE__NODE_A_STAR;
    if (is_star) refuse("* beside time_bucket_gapfill", target.location);
    names.columns.push_back(
        {*target.name != '\0' ? target.name : output_name_of(target.val), std::nullopt, false});
  }
  std::vector<const Node*> nodes;
  for (std::size_t i = 0; i < stmt.n_group_clause; ++i) {
    const Node* node = stmt.group_clause[i];
    if (node->node_case == PG_QUERY__NODE__NODE_GROUPING_SET)
      refuse("GROUPING SETS with time_bucket_gapfill", node->grouping_set->location);
    if (node->node_case == PG_QUERY__NODE__NODE_A_CONST &&
        node->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL) {
      const int position = node->a_const->ival->ival;
      if (position < 1 || static_cast<std::size_t>(position) > stmt.n_target_list) {
        throw located(Error(ErrorCode::InvalidColumnReference,
                            fmt::format("GROUP BY position {} is not in select list", position)),
                      node->a_const->location);
      }
      node = stmt.target_list[position - 1]->res_target->val;
    } else if (const ScopeColumn* column = output_column(node, scope, names, true)) {
      node = stmt.target_list[column - names.columns.data()]->res_target->val;
    }
    nodes.push_back(node);
  }
  return nodes;
}

std::string Translator::gapfill_select(const PgQuery__SelectStmt& stmt, const Scope& scope,
                                       const std::string& from, const std::string& where, ColumnList& out,
                                       const TypeHints* hints) {
  const Holding<bool> streams(streams_rows_, false);
  Fill fill;
  fill.inner = &scope;
  fill.name = fmt::format("pg_fill{}", ++fill_count_);

  // What it groups by.
  const PgQuery__FuncCall* bucket = nullptr;
  std::size_t bucket_key = 0;
  std::string grouped;  // targets of the grouped query
  std::string series;   // what names a series
  for (const Node* node : group_nodes(stmt, scope)) {
    const std::size_t number = fill.keys.size();
    const Typed value = coerced(expression(node, scope), SqlType::of(TypeId::Text));
    const std::string column = fmt::format("k{}", number);
    grouped += fmt::format("{}{} AS {}", number > 0 ? ", " : "", value.text, column);
    fill.keys.push_back({value.text, own_column(node, scope), plain(fill.name + "." + column, value.type)});
    if (node->node_case == PG_QUERY__NODE__NODE_FUNC_CALL && is_gapfill(*node->func_call)) {
      if (bucket != nullptr && fill.keys[bucket_key].text != value.text)
        fail(ErrorCode::FeatureNotSupported, "multiple time_bucket_gapfill calls not allowed");
      if (bucket == nullptr) {
        bucket = node->func_call;
        bucket_key = number;
        continue;
      }
    }
    series += (series.empty() ? "" : ", ") + column;
  }
  if (bucket == nullptr)
    fail(ErrorCode::InvalidParameterValue, "no top level time_bucket_gapfill in group by clause");
  const GapfillArguments arguments = gapfill_arguments(*bucket, scope);
  const auto check_bucket = [&](const PgQuery__FuncCall& call) {
    if (!is_gapfill(call)) return true;
    for (std::size_t i = 0; i < call.n_args; ++i) {
      if (count_calls(call.args[i], is_gapfill) > 0)
        fail(ErrorCode::FeatureNotSupported, "multiple time_bucket_gapfill calls not allowed");
    }
    if (gapfill_bucket(call, scope).text != fill.keys[bucket_key].text)
      fail(ErrorCode::FeatureNotSupported, "multiple time_bucket_gapfill calls not allowed");
    return false;
  };

  // What the filled rows hold beside: aggregates, and values that are carried into gaps.
  Scope above = scope;
  above.fill = &fill;
  std::string fields = fmt::format("{{'b': k{}", bucket_key);
  std::string flat = fmt::format("struct_extract(pg_row, 'b') AS k{}", bucket_key);
  std::string kinds;
  std::vector<std::string> lookups;
  std::map<std::string, Typed> known;  // aggregates by their text
  const auto add_value = [&](const PgQuery__FuncCall& call, const Typed& value, const std::string& kind) {
    const std::string column = fmt::format("c{}", fill.values.size());
    grouped += fmt::format(", {} AS {}", value.text, column);
    fields += fmt::format(", '{0}': {0}", column);
    flat += fmt::format(", struct_extract(pg_row, '{0}') AS {0}", column);
    kinds += kind;
    return fill.values[&call] = plain(fill.name + "." + column, value.type);
  };
  const auto collect = [&](const Node* node) {
    for_each_call(node, [&](const PgQuery__FuncCall& call) {
      if (!check_bucket(call)) return false;
      if (call.over != nullptr || fill.values.count(&call) > 0) return call.over != nullptr;
      if (is_marker(call)) {
        std::string kind;
        const Typed value = marker_value(call, scope, above, kind, lookups);
        add_value(call, value, kind);
        return false;
      }
      if (!is_aggregate_call(call)) return true;
      const Typed value = function(call, scope);
      const auto same = known.find(value.text);
      if (same != known.end()) {
        fill.values[&call] = same->second;
      } else {
        known[value.text] = add_value(call, value, "n");
      }
      return false;
    });
  };
  for (std::size_t i = 0; i < stmt.n_target_list; ++i) collect(stmt.target_list[i]->res_target->val);
  for (std::size_t i = 0; i < stmt.n_distinct_clause; ++i) {
    if (stmt.distinct_clause[i]->node_case != PG_QUERY__NODE__NODE__NOT_SET) collect(stmt.distinct_clause[i]);
  }
  for (std::size_t i = 0; i < stmt.n_window_clause; ++i) collect(stmt.window_clause[i]);
  for (std::size_t i = 0; i < stmt.n_sort_clause; ++i) collect(stmt.sort_clause[i]);

  // The grouped query and its series, filled.
  const SqlType type = fill.keys[bucket_key].value.type.value_or(SqlType::of(TypeId::TimestampTz));
  const auto [start, finish] = gapfill_range(stmt, arguments, type, scope);
  const auto width = of_no_row(arguments.width, scope);
  if (!width) {
    fail(ErrorCode::InvalidParameterValue,
         "invalid time_bucket_gapfill argument: bucket_width must be a simple expression");
  }
  const bool is_integer_time = is_integer(type.id);
  const std::string width_text = coerced(*width, is_integer_time ? type : SqlType::of(TypeId::Interval)).text;
  std::string zone = "NULL";
  if (arguments.zone != nullptr) {
    const auto name = of_no_row(arguments.zone, scope);
    if (!name || has_subquery(arguments.zone)) {
      fail(ErrorCode::FeatureNotSupported, "time_bucket_gapfill does not support non-constant timezone",
           "Use a constant timezone value.");
    }
    zone = coerced(*name, SqlType::of(TypeId::Text)).text;
  }
  std::string text = fmt::format("SELECT {}{}{} GROUP BY ", grouped, from, where);
  for (std::size_t i = 0; i < fill.keys.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(i + 1);
  if (stmt.having_clause != nullptr) text += " HAVING " + condition(stmt.having_clause, scope, "HAVING");
  const std::string keys = series.empty() ? "" : series + ", ";
  text = fmt::format("SELECT {}list({}}}) AS pg_rows FROM ({}){}{}", keys, fields, text,
                     series.empty() ? "" : " GROUP BY ", series);
  std::string call =
      fmt::format("pg_gapfill(pg_rows, {}, {}, {}, {}, '{}'", width_text, start, finish, zone, kinds);
  for (const std::string& lookup : lookups) call += ", " + lookup;
  text = fmt::format("SELECT {}{}) AS pg_rows FROM ({}) AS {}", keys, call, text, fill.name);
  text = fmt::format("SELECT {}unnest(pg_rows) AS pg_row FROM ({})", keys, text);
  const std::string filled_from =
      fmt::format(" FROM (SELECT {}{} FROM ({})) AS {}", keys, flat, text, fill.name);

  // What is computed of the filled rows.
  std::string select = "SELECT ";
  const std::string list = targets(stmt.n_target_list, stmt.target_list, above, out, hints);
  if (stmt.n_distinct_clause > 0) {
    select += "DISTINCT ";
    if (stmt.distinct_clause[0]->node_case != PG_QUERY__NODE__NODE__NOT_SET) {
      select += "ON (";
      for (std::size_t i = 0; i < stmt.n_distinct_clause; ++i)
        select += (i > 0 ? ", " : "") + group_item(stmt.distinct_clause[i], above, out);
      select += ") ";
    }
  }
  select += list + filled_from;
  for (std::size_t i = 0; i < stmt.n_window_clause; ++i) {
    const PgQuery__WindowDef& definition = *stmt.window_clause[i]->window_def;
    select += fmt::format("{}{} AS {}", i > 0 ? ", " : " WINDOW ", duck_identifier(definition.name),
                          window_body(definition, above));
  }
  if (stmt.n_sort_clause > 0) {
    select += order_clause(stmt.n_sort_clause, stmt.sort_clause, above, &out);
  } else if (!series.empty() && stmt.n_distinct_clause == 0) {
    // Series by series, as TimescaleDB gives them.
    select += " ORDER BY ";
    for (std::size_t i = 0; i < fill.keys.size(); ++i) {
      if (i != bucket_key) select += fill.keys[i].value.text + ", ";
    }
    select += fill.keys[bucket_key].value.text;
  }
  return select + limit_clause(stmt, above);
}

}  // namespace tickstone::sql
