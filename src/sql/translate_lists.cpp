// SPDX-License-Identifier: Apache-2.0
// A value beside a list of them, or a pattern: IN, ANY, ALL, LIKE, SIMILAR TO.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/duck_text.hpp"
#include "sql/translator.hpp"
#include "types/array_value.hpp"
#include "types/regex_text.hpp"

namespace tickstone::sql {

namespace {

const SqlType kBoolean = SqlType::of(TypeId::Boolean);
const SqlType kText = SqlType::of(TypeId::Text);

/// A literal beside a character(n) is one, whose blanks at the end do not count.
void trim_literals(std::vector<Typed>& values) {
  const bool is_padded =
      std::any_of(values.begin(), values.end(), [](const Typed& one) { return one.has_type(TypeId::Char); });
  for (Typed& one : values) {
    if (is_padded && one.form == Typed::Form::UnknownLiteral)
      one.literal.erase(one.literal.find_last_not_of(' ') + 1);
  }
}

}  // namespace

Typed Translator::in_list(const PgQuery__AExpr& expr, const Scope& scope) {
  const bool is_negated = expr.n_name > 0 && std::string_view(string_of(expr.name[0])) == "<>";
  const PgQuery__List& list = *expr.rexpr->list;
  if (expr.lexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR) {
    std::string text;
    for (std::size_t i = 0; i < list.n_items; ++i) {
      if (list.items[i]->node_case != PG_QUERY__NODE__NODE_ROW_EXPR)
        refuse("IN of a row and a value", expr.location);
      const Typed equal =
          row_comparison("=", *expr.lexpr->row_expr, *list.items[i]->row_expr, scope, expr.location);
      text += (i > 0 ? " OR (" : "(") + equal.text + ")";
    }
    return is_negated ? plain("NOT (" + text + ")", kBoolean, false)
                      : plain(std::move(text), kBoolean, false);
  }
  std::vector<Typed> values;
  values.push_back(expression(expr.lexpr, scope));
  for (std::size_t i = 0; i < list.n_items; ++i) values.push_back(expression(list.items[i], scope));
  trim_literals(values);
  for (Typed& one : values) one = unpadded(std::move(one));
  require_one_enum(values, "=", expr.location);
  unify(values);
  for (Typed& one : values) one = jsonb_key(std::move(one));
  std::string text = operand(values[0]) + (is_negated ? " NOT IN (" : " IN (");
  for (std::size_t i = 1; i < values.size(); ++i) text += (i > 1 ? ", " : "") + values[i].text;
  return plain(text + ")", kBoolean, false);
}

Typed Translator::any_all(const PgQuery__AExpr& expr, const Scope& scope, bool is_any, Place place,
                          bool is_negated) {
  const std::string op = string_of(expr.name[expr.n_name - 1]);
  Typed value = expression(expr.lexpr, scope);
  const bool is_literal = value.form == Typed::Form::UnknownLiteral || value.is_number;
  const bool is_list = (is_any && op == "=") || (!is_any && (op == "<>" || op == "!="));
  const char* in = is_any ? " IN (" : " NOT IN (";

  // Constant arrays are lists, which the scan understands.
  if (is_list && expr.rexpr->node_case == PG_QUERY__NODE__NODE_A_ARRAY_EXPR &&
      expr.rexpr->a_array_expr->n_elements > 0) {
    const PgQuery__AArrayExpr& array = *expr.rexpr->a_array_expr;
    std::vector<Typed> values;
    values.push_back(std::move(value));
    for (std::size_t i = 0; i < array.n_elements; ++i) values.push_back(expression(array.elements[i], scope));
    trim_literals(values);
    for (Typed& one : values) one = unpadded(std::move(one));
    require_one_enum(values, op, expr.location);
    unify(values);
    for (Typed& one : values) one = jsonb_key(std::move(one));
    std::string text = operand(values[0]) + in;
    for (std::size_t i = 1; i < values.size(); ++i) text += (i > 1 ? ", " : "") + values[i].text;
    return plain(text + ")", kBoolean, false);
  }

  // DuckDB would bring the elements to the digits of the value.
  if (expr.rexpr->node_case == PG_QUERY__NODE__NODE_A_ARRAY_EXPR &&
      expr.rexpr->a_array_expr->n_elements > 0 && is_comparison(op)) {
    const PgQuery__AArrayExpr& elements = *expr.rexpr->a_array_expr;
    std::string text;
    for (std::size_t i = 0; i < elements.n_elements; ++i) {
      const Typed each = binary(op, value, expression(elements.elements[i], scope), expr.location);
      text += fmt::format("{}({})", i == 0 ? "" : is_any ? " OR " : " AND ", each.text);
    }
    return plain("(" + text + ")", kBoolean);
  }

  Typed array = expression(expr.rexpr, scope);
  if (is_list && array.form == Typed::Form::UnknownLiteral && value.type && !value.type->is_array) {
    std::string items;
    try {
      const std::string encoded = parse_array_text(array.literal, kText);
      for (const auto& element : decode_array(encoded)) {
        if (!items.empty()) items += ", ";
        items += element ? literal_text(*value.type, *element) : "NULL";
      }
    } catch (Error& error) {
      throw located(std::move(error), array.location);
    }
    if (!items.empty()) return plain(operand(value) + in + items + ")", kBoolean, false);
  }
  if (array.form != Typed::Form::Plain) {
    SqlType element = value.type && !value.type->is_array ? *value.type : kText;
    element.is_array = true;
    array = coerced(std::move(array), element);
  }
  if (array.has_type(TypeId::Int2Vector) || array.has_type(TypeId::OidVector)) {
    array = plain(fmt::format("pg_vector_list({})", array.text), SqlType::array_of(TypeId::SmallInt));
  }
  if (array.is_array() && value.form != Typed::Form::Plain)
    value = coerced(std::move(value), array.type->element());
  if (array.is_array()) {
    const std::array<Typed, 2> sides = {value, plain(array.text, array.type->element())};
    require_one_enum(sides, op, expr.location);
  }
  // An array of the row is looked through; another is joined with, so that the scan sees its values.
  const bool is_of_jsonb = array.type && array.type->id == TypeId::Jsonb;
  if (is_any && op == "=" && reads_columns(expr.rexpr) && !is_negated && !is_of_jsonb) {
    const std::string contains = fmt::format("list_contains({}, {})", array.text, value.text);
    if (place == Place::Filter) return plain(contains, kBoolean);
    std::string unknown = fmt::format("{0} IS NULL OR len({0}) > list_count({0})", operand(array));
    if (!is_literal)
      unknown += fmt::format(" OR ({} IS NULL AND len({}) > 0)", operand(value), operand(array));
    return plain(fmt::format("CASE WHEN {} THEN true WHEN {} THEN NULL ELSE false END", contains, unknown),
                 kBoolean);
  }
  const bool is_of_digits =
      is_of_jsonb || value.has_type(TypeId::Numeric) || (array.type && array.type->id == TypeId::Numeric);
  if (is_comparison(op) && !is_of_digits) {
    const std::string text =
        fmt::format("{} {} {} ({})", operand(value), op, is_any ? "ANY" : "ALL", array.text);
    // Of no array nothing is known.
    if (is_any && place == Place::Filter) return plain(text, kBoolean, false);
    return plain(fmt::format("CASE WHEN {} IS NULL THEN NULL ELSE {} END", operand(array), text), kBoolean);
  }
  // LIKE ANY, ~ ANY and their kin: over the elements.
  std::optional<SqlType> element_type = array.is_array() ? std::optional(array.type->element()) : kText;
  const Typed each = binary(op, value, plain("pg_each", element_type), expr.location);
  // Of no elements all are, and none is.
  return plain(
      fmt::format("CASE WHEN len({0}) = 0 THEN {1} ELSE {2}(list_transform({0}, lambda pg_each: {3})) END",
                  operand(array), is_any ? "false" : "true", is_any ? "list_bool_or" : "list_bool_and",
                  each.text),
      kBoolean);
}

Typed Translator::like_text(Typed value, Typed pattern, const Typed* escape, bool is_negated,
                            bool ignores_case) {
  value = coerced(std::move(value), kText);
  const bool is_literal = pattern.form == Typed::Form::UnknownLiteral;
  const std::string literal = pattern.literal;
  pattern = coerced(std::move(pattern), kText);
  const char* word = ignores_case ? (is_negated ? "NOT ILIKE" : "ILIKE") : (is_negated ? "NOT LIKE" : "LIKE");
  std::string text = fmt::format(
      "{} {} {}",
      value.type && is_text_like(value.type->id) && !value.type->is_array ? operand(value) : as_text(value),
      word, operand(pattern));
  // PostgreSQL's escape is a backslash unless told otherwise; DuckDB has none.
  if (escape != nullptr) {
    const bool is_none = escape->form == Typed::Form::UnknownLiteral && escape->literal.empty();
    if (!is_none) text += " ESCAPE " + operand(coerced(*escape, kText));
  } else if (!is_literal || literal.find('\\') != std::string::npos) {
    text += " ESCAPE '\\'";
  }
  return plain(std::move(text), kBoolean, false);
}

Typed Translator::like(const PgQuery__AExpr& expr, const Scope& scope) {
  const bool is_negated = string_of(expr.name[0])[0] == '!';
  const bool ignores_case = expr.kind == PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE;
  const Node* right = expr.rexpr;
  std::optional<Typed> escape;
  if (right->node_case == PG_QUERY__NODE__NODE_FUNC_CALL && right->func_call->n_args == 2 &&
      std::string_view(string_of(right->func_call->funcname[right->func_call->n_funcname - 1])) ==
          "like_escape") {
    escape = expression(right->func_call->args[1], scope);
    right = right->func_call->args[0];
  }
  Typed value = expression(expr.lexpr, scope);
  return like_text(std::move(value), expression(right, scope), escape ? &*escape : nullptr, is_negated,
                   ignores_case);
}

std::string Translator::similar_text(Typed pattern, std::optional<Typed> escape, SimilarFor use) {
  const bool is_known =
      pattern.form == Typed::Form::UnknownLiteral &&
      (!escape || (escape->form == Typed::Form::UnknownLiteral && escape->literal.size() < 2));
  if (is_known) {
    const char character = !escape ? '\\' : escape->literal.empty() ? '\0' : escape->literal[0];
    const std::string regex = similar_regex(pattern.literal, character);
    return duck_string(use == SimilarFor::Match ? regex_for_re2(regex) : regex);
  }
  return fmt::format("{}({}, {})", use == SimilarFor::Match ? "pg_similar_pattern" : "pg_similar_regex",
                     coerced(std::move(pattern), kText).text,
                     escape ? coerced(std::move(*escape), kText).text : duck_string("\\"));
}

Typed Translator::similar(const PgQuery__AExpr& expr, const Scope& scope) {
  const bool is_negated = string_of(expr.name[0])[0] == '!';
  const PgQuery__FuncCall& call = *expr.rexpr->func_call;  // similar_to_escape(pattern [, escape])
  std::optional<Typed> escape;
  if (call.n_args > 1) escape = expression(call.args[1], scope);
  const Typed value = coerced(expression(expr.lexpr, scope), kText);
  const std::string text =
      fmt::format("pg_regex_match({}, {})", value.text,
                  similar_text(expression(call.args[0], scope), std::move(escape), SimilarFor::Match));
  return is_negated ? plain("NOT " + text, kBoolean, false) : plain(text, kBoolean);
}

}  // namespace tickstone::sql
