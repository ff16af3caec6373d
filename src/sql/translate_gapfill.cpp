// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/duck_text.hpp"
#include "sql/gapfill_calls.hpp"
#include "sql/translator.hpp"

// A query that groups by time_bucket_gapfill becomes two: the grouped one (`pg_gapfill` in duck adds the
// missing buckets to its rows, series by series, and carries values into them), and above it whatever is
// computed of the filled rows: expressions over aggregates, window functions, ORDER BY, LIMIT.

namespace tickstone::sql {

using namespace gapfill;

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
      if (is_gapfill(*node->func_call)) return fill.keys[fill.bucket].value;
      if (node->func_call->over != nullptr) return std::nullopt;
      break;
    }
    case PG_QUERY__NODE__NODE_GROUPING_FUNC: {
      std::vector<std::string> arguments;
      for (std::size_t i = 0; i < node->grouping_func->n_args; ++i)
        arguments.push_back(expression(node->grouping_func->args[i], *fill.inner).text);
      return filled_grouping(*node->grouping_func, arguments, fill);
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

std::string Translator::gapfill_select(const PgQuery__SelectStmt& stmt, const Scope& scope,
                                       const std::string& from, const std::string& where, ColumnList& out,
                                       const TypeHints* hints) {
  const Holding<bool> streams(streams_rows_, false);
  Fill fill;
  fill.inner = &scope;
  fill.name = fmt::format("pg_fill{}", ++fill_count_);

  const FillGroups groups = fill_groups(stmt, scope, fill);
  const PgQuery__FuncCall* bucket = groups.bucket;
  const std::size_t bucket_key = fill.bucket;
  const std::string& series = groups.series;
  std::string grouped = groups.columns;  // targets of the grouped query
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
  std::string text = fmt::format("SELECT {}{}{} GROUP BY {}", grouped, from, where, groups.clause);
  if (stmt.having_clause != nullptr) text += " HAVING " + condition(stmt.having_clause, scope, "HAVING");
  const std::string keys = series.empty() ? "" : series + ", ";
  text = fmt::format("SELECT {}list({}}}) AS pg_rows FROM ({}){}{}", keys, fields, text,
                     series.empty() ? "" : " GROUP BY ", series);
  std::string call =
      fmt::format("pg_gapfill(pg_rows, {}, {}, {}, {}, '{}'", width_text, start, finish, zone, kinds);
  for (const std::string& lookup : lookups) call += ", " + lookup;
  call += ')';
  if (!fill.grouping.empty()) {
    // Rows of a grouping set without the bucket have no gaps among them.
    call = fmt::format("CASE WHEN ({} >> {}) & 1 = 1 THEN pg_rows ELSE {} END", fill.grouping,
                       fill.keys.size() - 1 - bucket_key, call);
  }
  text = fmt::format("SELECT {}{} AS pg_rows FROM ({}) AS {}", keys, call, text, fill.name);
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
    if (!fill.grouping.empty()) select += fill.grouping + ", ";
    for (std::size_t i = 0; i < fill.keys.size(); ++i) {
      if (i != bucket_key) select += fill.keys[i].value.text + ", ";
    }
    select += fill.keys[bucket_key].value.text;
  }
  return select + limit_clause(stmt, above);
}

}  // namespace tickstone::sql
