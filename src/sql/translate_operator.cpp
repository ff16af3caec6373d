// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <set>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/duck_text.hpp"
#include "sql/function_table.hpp"
#include "sql/translator.hpp"
#include "types/regex_text.hpp"

namespace tickstone::sql {

namespace {

const SqlType kBoolean = SqlType::of(TypeId::Boolean);
const SqlType kText = SqlType::of(TypeId::Text);

bool is_moment(const Typed& value) {
  return value.has_type(TypeId::Timestamp) || value.has_type(TypeId::TimestampTz) ||
         value.has_type(TypeId::Date);
}

bool is_number(const std::optional<SqlType>& type) {
  if (!type || type->is_array) return false;
  switch (type->id) {
    case TypeId::SmallInt:
    case TypeId::Integer:
    case TypeId::BigInt:
    case TypeId::Numeric:
    case TypeId::Real:
    case TypeId::Double:
    case TypeId::Oid:
      return true;
    default:
      return false;
  }
}

bool is_json(const Typed& value) { return value.has_type(TypeId::Json) || value.has_type(TypeId::Jsonb); }

/// Types of one kind compare with each other; 0 for those that are not sure.
int comparison_kind(const SqlType& type) {
  switch (type.id) {
    case TypeId::SmallInt:
    case TypeId::Integer:
    case TypeId::BigInt:
    case TypeId::Numeric:
    case TypeId::Real:
    case TypeId::Double:
      return 1;
    case TypeId::Text:
    case TypeId::Varchar:
    case TypeId::Char:
    case TypeId::Name:
    case TypeId::InternalChar:
      return 2;
    case TypeId::Date:
    case TypeId::Timestamp:
    case TypeId::TimestampTz:
      return 3;
    case TypeId::Boolean:
      return 4;
    case TypeId::Uuid:
      return 5;
    case TypeId::Interval:
      return 6;
    case TypeId::Bytea:
      return 7;
    default:
      return 0;
  }
}

/// Whether an array as DuckDB writes it has texts and numbers alone.
bool has_only_constants(std::string_view text) {
  bool is_quoted = false;
  for (const char c : text) {
    if (c == '\'') is_quoted = !is_quoted;
    if (!is_quoted && std::string_view("'[](), .-+0123456789").find(c) == std::string_view::npos)
      return false;
  }
  return true;
}

}  // namespace

bool is_comparison(std::string_view op) {
  static const std::set<std::string_view> kComparisons = {"=", "<>", "!=", "<", ">", "<=", ">="};
  return kComparisons.count(op) > 0;
}

Typed Translator::operation(const PgQuery__AExpr& expr, const Scope& scope) {
  const std::string op = expr.n_name > 0 ? string_of(expr.name[expr.n_name - 1]) : "";
  switch (expr.kind) {
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP:
      break;
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
      return any_all(expr, scope, true, Place::Value);
    case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL:
      return any_all(expr, scope, false, Place::Value);
    case PG_QUERY__A__EXPR__KIND__AEXPR_IN:
      return in_list(expr, scope);
    case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE:
    case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE:
      return like(expr, scope);
    case PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR:
      return similar(expr, scope);
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
    case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM:
      return between(expr, scope);
    case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT:
    case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT: {
      std::array<Typed, 2> sides = {expression(expr.lexpr, scope), expression(expr.rexpr, scope)};
      unify(sides);
      const bool is_not = expr.kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT;
      return plain(fmt::format("{} IS {}DISTINCT FROM {}", operand(jsonb_key(sides[0])), is_not ? "NOT " : "",
                               operand(jsonb_key(sides[1]))),
                   kBoolean, false);
    }
    case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF: {
      std::array<Typed, 2> sides = {expression(expr.lexpr, scope), expression(expr.rexpr, scope)};
      const std::optional<SqlType> type = unify(sides);
      if (sides[0].has_type(TypeId::Jsonb) && sides[1].has_type(TypeId::Jsonb)) {
        return plain(fmt::format("CASE WHEN pg_jsonb_compare({0}, {1}) = 0 THEN NULL ELSE {0} END",
                                 sides[0].text, sides[1].text),
                     type);
      }
      return plain(fmt::format("nullif({}, {})", sides[0].text, sides[1].text),
                   sides[0].type ? sides[0].type : type);
    }
    default:
      refuse("this operator", expr.location);
  }
  if (expr.lexpr == nullptr) return unary(op, expression(expr.rexpr, scope), expr.location);
  if (op == "->" && expr.rexpr->node_case == PG_QUERY__NODE__NODE_FUNC_CALL &&
      expr.rexpr->func_call->n_args == 0) {
    // The toolkit's other way to write accessor(state).
    const PgQuery__FuncCall& accessor = *expr.rexpr->func_call;
    const std::string_view name = string_of(accessor.funcname[accessor.n_funcname - 1]);
    if (is_accessor(name)) {
      const FunctionRow& row = *find_function(name, 1);
      const Typed state = coerced(expression(expr.lexpr, scope), SqlType::of(TypeId::Text));
      return plain(fmt::format("{}({})", row.print, state.text), SqlType::of(*type_id_from_name(row.result)));
    }
  }
  if (expr.lexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR &&
      expr.rexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR) {
    return row_comparison(op, *expr.lexpr->row_expr, *expr.rexpr->row_expr, scope, expr.location);
  }
  if (expr.lexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR &&
      expr.rexpr->node_case == PG_QUERY__NODE__NODE_SUB_LINK &&
      expr.rexpr->sub_link->sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK) {
    return row_and_subquery(op, *expr.lexpr->row_expr, *expr.rexpr->sub_link, scope, expr.location);
  }
  Typed left = expression(expr.lexpr, scope);
  Typed right = expression(expr.rexpr, scope);
  return binary(op, std::move(left), std::move(right), expr.location);
}

namespace {

const PgQuery__AExpr* arithmetic_of(const Node* node) {
  if (node->node_case != PG_QUERY__NODE__NODE_A_EXPR) return nullptr;
  const PgQuery__AExpr* expr = node->a_expr;
  if (expr->kind != PG_QUERY__A__EXPR__KIND__AEXPR_OP || expr->lexpr == nullptr || expr->n_name != 1)
    return nullptr;
  const std::string_view op = string_of(expr->name[0]);
  return op == "+" || op == "-" || op == "*" || op == "/" ? expr : nullptr;
}

bool has_quotient(const Node* node) {
  const PgQuery__AExpr* expr = arithmetic_of(node);
  if (expr == nullptr) return false;
  return std::string_view(string_of(expr->name[0])) == "/" || has_quotient(expr->lexpr) ||
         has_quotient(expr->rexpr);
}

}  // namespace

Typed Translator::streamed_target(const Node* node, const Scope& scope) {
  const Holding<bool> inside(streams_rows_, false);
  if (has_quotient(node)) {
    if (std::optional<Typed> wide = wide_chain(node, scope)) return std::move(*wide);
  }
  return expression(node, scope);
}

std::optional<Typed> Translator::wide_chain(const Node* node, const Scope& scope) {
  const PgQuery__AExpr* expr = arithmetic_of(node);
  if (expr == nullptr) {
    Typed leaf = expression(node, scope);
    const bool is_exact = leaf.form == Typed::Form::Plain && leaf.type && !leaf.type->is_array &&
                          (is_integer(leaf.type->id) || leaf.type->id == TypeId::Numeric);
    if (!is_exact) return std::nullopt;
    if (leaf.has_type(TypeId::Numeric)) leaf.text = fmt::format("pg_wide({})", leaf.text);
    leaf.is_atomic = leaf.is_atomic || leaf.has_type(TypeId::Numeric);
    return leaf;
  }
  std::optional<Typed> left = wide_chain(expr->lexpr, scope);
  std::optional<Typed> right = left ? wide_chain(expr->rexpr, scope) : std::nullopt;
  if (!left || !right) return std::nullopt;
  return arithmetic(string_of(expr->name[0]), std::move(*left), std::move(*right));
}

Typed Translator::unary(const std::string& op, Typed value, int location) {
  if (op == "-" || op == "+") {
    if (value.form == Typed::Form::Parameter || value.form == Typed::Form::UnknownLiteral)
      value = coerced(std::move(value), SqlType::of(TypeId::Double));
    if (value.form == Typed::Form::Plain && value.type && !value.type->is_array &&
        is_text_like(value.type->id)) {
      throw located(
          Error(ErrorCode::UndefinedFunction,
                fmt::format("operator does not exist: {} {}", op, type_words(value.type)), {},
                "No operator matches the given name and argument type. You might need to add an explicit "
                "type cast."),
          location);
    }
    if (op == "+") return value;
    return plain("-" + (value.text[0] == '-' ? "(" + value.text + ")" : operand(value)), value.type, false);
  }
  if (op == "~") return plain("~" + operand(value), value.type, false);
  const char* function = op == "@" ? "abs" : op == "|/" ? "sqrt" : op == "||/" ? "cbrt" : nullptr;
  if (function != nullptr)
    return plain(fmt::format("{}({})", function, value.text),
                 op == "@" ? value.type : SqlType::of(TypeId::Double));
  throw located(Error(ErrorCode::UndefinedFunction,
                      fmt::format("operator does not exist: {} {}", op, type_words(value.type)), {},
                      "No operator matches the given name and argument type. You might need to add an "
                      "explicit type cast."),
                location);
}

Typed Translator::comparison(const std::string& op, Typed left, Typed right, int location) {
  // What PostgreSQL has no operator for DuckDB would cast, and fail on some row.
  const auto is_certain = [](const Typed& value) {
    return value.type && !value.type->is_array && (value.is_column || value.is_number);
  };
  if (is_certain(left) && is_certain(right)) {
    const int kinds[] = {comparison_kind(*left.type), comparison_kind(*right.type)};
    if (kinds[0] != kinds[1] && kinds[0] != 0 && kinds[1] != 0) fail_no_operator(op, left, right, location);
  }
  const std::array<Typed, 2> given = {left, right};
  require_one_enum(given, op, location);
  // A literal beside a character(n) is one, whose blanks at the end do not count.
  const bool is_padded = left.has_type(TypeId::Char) || right.has_type(TypeId::Char);
  for (Typed* side : {&left, &right}) {
    if (is_padded && side->form == Typed::Form::UnknownLiteral)
      side->literal.erase(side->literal.find_last_not_of(' ') + 1);
  }
  std::array<Typed, 2> sides = {unpadded(std::move(left)), unpadded(std::move(right))};
  unify(sides);
  // Intervals are equal where 30 days and a month, 24 hours and a day are.
  if (sides[0].has_type(TypeId::Interval) && sides[1].has_type(TypeId::Interval)) {
    return plain(
        fmt::format("pg_interval_span({}) {} pg_interval_span({})", sides[0].text, op, sides[1].text),
        kBoolean, false);
  }
  // Values of jsonb are ordered by their kinds and numbers, not by their texts.
  if (sides[0].has_type(TypeId::Jsonb) && sides[1].has_type(TypeId::Jsonb))
    return plain(fmt::format("pg_jsonb_compare({}, {}) {} 0", sides[0].text, sides[1].text, op), kBoolean,
                 false);
  if (sides[0].has_type(TypeId::Json) && sides[1].has_type(TypeId::Json))
    fail_no_operator(op, sides[0], sides[1], location);
  return plain(fmt::format("{} {} {}", operand(sides[0]), op, operand(sides[1])), kBoolean, false);
}

void Translator::fail_no_operator(const std::string& op, const Typed& left, const Typed& right,
                                  int location) const {
  throw located(
      Error(
          ErrorCode::UndefinedFunction,
          fmt::format("operator does not exist: {} {} {}", type_words(left.type), op, type_words(right.type)),
          {},
          "No operator matches the given name and argument types. You might need to add explicit type "
          "casts."),
      location);
}

Typed Translator::binary(const std::string& op, Typed left, Typed right, int location) {
  static const std::set<std::string_view> kArithmetic = {"+", "-", "*", "/", "%", "^"};
  static const std::set<std::string_view> kJson = {"->", "->>", "#>", "#>>", "#-", "?", "?|", "?&"};
  // DuckDB would read the text as a number.
  const auto is_text = [](const Typed& value) {
    return value.form == Typed::Form::Plain && value.type && !value.type->is_array &&
           (value.type->id == TypeId::Text || value.type->id == TypeId::Varchar);
  };
  const auto is_of_numbers = [](const Typed& value) {
    return value.form == Typed::Form::Plain && value.type && !value.type->is_array &&
           (is_integer(value.type->id) || value.type->id == TypeId::Numeric);
  };
  if (((is_text(left) && is_of_numbers(right)) || (is_of_numbers(left) && is_text(right))) &&
      (is_comparison(op) || kArithmetic.count(op) > 0))
    fail_no_operator(op, left, right, location);
  if (is_comparison(op)) return comparison(op, std::move(left), std::move(right), location);
  if (kArithmetic.count(op) > 0) return arithmetic(op, std::move(left), std::move(right));
  if (kJson.count(op) > 0) return json_operation(op, std::move(left), std::move(right));
  if (op == "@?" || (op == "@@" && (is_json(left) || left.form != Typed::Form::Plain)))
    return plain(fmt::format("{}({}, {})",
                             op == "@?" ? "pg_jsonb_path_exists_silently" : "pg_jsonb_path_match_silently",
                             coerced(std::move(left), SqlType::of(TypeId::Jsonb)).text,
                             coerced(std::move(right), kText).text),
                 kBoolean);
  if (op == "||") {
    if (is_json(left) || is_json(right)) {
      const SqlType type = is_json(left) ? *left.type : *right.type;
      return plain(fmt::format("jsonb_concat({}, {})", coerced(left, type).text, coerced(right, type).text),
                   type);
    }
    if (left.is_array() || right.is_array()) {
      const SqlType type = left.is_array() ? *left.type : *right.type;
      const bool has_element_left = !left.is_array() && left.form != Typed::Form::UnknownLiteral && left.type;
      const bool has_element_right =
          !right.is_array() && right.form != Typed::Form::UnknownLiteral && right.type;
      if (has_element_right) return plain(fmt::format("list_append({}, {})", left.text, right.text), type);
      if (has_element_left) return plain(fmt::format("list_prepend({}, {})", left.text, right.text), type);
      left = coerced(std::move(left), type);
      right = coerced(std::move(right), type);
      const std::string text = fmt::format("list_concat({}, {})", left.text, right.text);
      // Of two that are NULL DuckDB makes an empty one.
      if (!left.is_column && !right.is_column) return plain(text, type);
      return plain(fmt::format("CASE WHEN {} IS NULL AND {} IS NULL THEN NULL ELSE {} END", operand(left),
                               operand(right), text),
                   type);
    }
    if (left.has_type(TypeId::Bytea) || right.has_type(TypeId::Bytea)) {
      const SqlType bytea = SqlType::of(TypeId::Bytea);
      return plain(fmt::format("{} || {}", operand(coerced(left, bytea)), operand(coerced(right, bytea))),
                   bytea, false);
    }
    const auto as_operand = [this](Typed value) {
      value = unpadded(coerced(std::move(value), kText));
      if (!value.type || is_text_like(value.type->id)) return operand(value);
      return as_text(value);
    };
    return plain(fmt::format("{} || {}", as_operand(std::move(left)), as_operand(std::move(right))), kText,
                 false);
  }
  if (op == "~" || op == "!~" || op == "~*" || op == "!~*") {
    const char* function = op.ends_with('*') ? "pg_regex_match_ci" : "pg_regex_match";
    // DuckDB compiles a literal once.
    if (right.form == Typed::Form::UnknownLiteral) right.literal = regex_for_re2(right.literal);
    const std::string call = fmt::format("{}({}, {})", function, coerced(std::move(left), kText).text,
                                         coerced(std::move(right), kText).text);
    return op[0] == '!' ? plain("NOT " + call, kBoolean, false) : plain(call, kBoolean);
  }
  if (op == "~~" || op == "!~~" || op == "~~*" || op == "!~~*") {
    return like_text(std::move(left), std::move(right), nullptr, op[0] == '!', op.ends_with('*'));
  }
  if (op == "@>" || op == "<@") {
    const bool is_array = left.is_array() || right.is_array();
    std::array<Typed, 2> sides = {std::move(left), std::move(right)};
    if (is_array) {
      unify(sides);
      if (op == "<@") std::swap(sides[0], sides[1]);
      {
        const std::string text = fmt::format("list_has_all({}, {})", sides[0].text, sides[1].text);
        // A NULL is in no array; DuckDB passes over it.
        if (has_only_constants(sides[1].text)) return plain(text, kBoolean);
        return plain(
            fmt::format("CASE WHEN {0} IS NOT NULL AND list_count({1}) < len({1}) THEN false ELSE {2} END",
                        operand(sides[0]), operand(sides[1]), text),
            kBoolean);
      }
    }
    for (Typed& side : sides) side = coerced(std::move(side), SqlType::of(TypeId::Jsonb));
    return plain(
        fmt::format("{}({}, {})", op == "@>" ? "pg_contains" : "pg_contained", sides[0].text, sides[1].text),
        kBoolean);
  }
  if (op == "&&") {
    std::array<Typed, 2> sides = {std::move(left), std::move(right)};
    unify(sides);
    return plain(fmt::format("list_has_any({}, {})", sides[0].text, sides[1].text), kBoolean);
  }
  if (op == "^@")
    return plain(fmt::format("starts_with({}, {})", coerced(std::move(left), kText).text,
                             coerced(std::move(right), kText).text),
                 kBoolean);
  if (op == "&" || op == "|" || op == "<<" || op == ">>" || op == "#") {
    std::array<Typed, 2> sides = {std::move(left), std::move(right)};
    const std::optional<SqlType> type = unify(sides);
    if (op == "#") return plain(fmt::format("xor({}, {})", sides[0].text, sides[1].text), type);
    return plain(fmt::format("{} {} {}", operand(sides[0]), op, operand(sides[1])),
                 sides[0].type ? sides[0].type : type, false);
  }
  throw located(
      Error(
          ErrorCode::UndefinedFunction,
          fmt::format("operator does not exist: {} {} {}", type_words(left.type), op, type_words(right.type)),
          {},
          "No operator matches the given name and argument types. You might need to add explicit type "
          "casts."),
      location);
}

Typed Translator::arithmetic(const std::string& op, Typed left, Typed right) {
  if (left.has_type(TypeId::Interval)) right = as_double(std::move(right));
  if (right.has_type(TypeId::Interval)) left = as_double(std::move(left));
  const auto with_type = [&](std::optional<SqlType> type) {
    return plain(fmt::format("{} {} {}", operand(left), op, operand(right)), type, false);
  };
  if (op == "-" && is_json(left)) {
    if (right.form == Typed::Form::UnknownLiteral || right.form == Typed::Form::Parameter)
      right = coerced(std::move(right), kText);
    return plain(fmt::format("jsonb_delete({}, {})", left.text, right.text), left.type);
  }
  const SqlType interval = SqlType::of(TypeId::Interval);
  const bool is_left_untyped = left.form != Typed::Form::Plain;
  const bool is_right_untyped = right.form != Typed::Form::Plain;

  // Untyped next to a moment: added, it is an interval; subtracted, a moment of the same kind (PostgreSQL's
  // rule).
  if (is_moment(left) && is_right_untyped)
    right = coerced(std::move(right), op == "+" ? interval : *left.type);
  if (is_moment(right) && is_left_untyped)
    left = coerced(std::move(left), op == "+" ? interval : *right.type);
  if (left.has_type(TypeId::Interval) && is_right_untyped)
    right = coerced(std::move(right), op == "*" || op == "/" ? SqlType::of(TypeId::Double) : interval);
  if (right.has_type(TypeId::Interval) && is_left_untyped)
    left = coerced(std::move(left), op == "*" ? SqlType::of(TypeId::Double) : interval);

  if (is_moment(left) || is_moment(right)) {
    const bool has_both = is_moment(left) && is_moment(right);
    if (has_both && op == "-") {
      return with_type(left.has_type(TypeId::Date) && right.has_type(TypeId::Date)
                           ? SqlType::of(TypeId::Integer)
                           : interval);
    }
    const Typed& moment = is_moment(left) ? left : right;
    const Typed& other = is_moment(left) ? right : left;
    if (!moment.has_type(TypeId::Date)) return with_type(moment.type);
    if (other.has_type(TypeId::Interval)) return with_type(SqlType::of(TypeId::Timestamp));
    if (is_number(other.type)) return with_type(SqlType::of(TypeId::Date));
    if (other.has_type(TypeId::Time)) return with_type(SqlType::of(TypeId::Timestamp));
    return with_type(std::nullopt);
  }
  if (left.has_type(TypeId::Interval) || right.has_type(TypeId::Interval)) {
    if (left.has_type(TypeId::Time) || right.has_type(TypeId::Time))
      return with_type(SqlType::of(TypeId::Time));
    return with_type(interval);
  }
  if (left.has_type(TypeId::Time) && right.has_type(TypeId::Time)) return with_type(interval);

  std::array<Typed, 2> sides = {std::move(left), std::move(right)};
  const bool has_unknown_side = (sides[0].form == Typed::Form::Plain && !sides[0].type) ||
                                (sides[1].form == Typed::Form::Plain && !sides[1].type);
  std::optional<SqlType> type;
  if (!has_unknown_side) {
    // Two untyped operands: PostgreSQL takes unknown + unknown for no operator; numbers are what is meant.
    if (sides[0].form != Typed::Form::Plain && sides[1].form != Typed::Form::Plain) {
      for (Typed& side : sides) side = coerced(std::move(side), SqlType::of(TypeId::Double));
    }
    type = unify(sides);
  }
  left = std::move(sides[0]);
  right = std::move(sides[1]);
  if (!is_number(type)) type = std::nullopt;
  // Of real alone the result is real; with any other number it is double precision.
  if (type && type->id == TypeId::Real && !(left.has_type(TypeId::Real) && right.has_type(TypeId::Real)))
    type = SqlType::of(TypeId::Double);
  if (op == "^" && type) type = SqlType::of(type->id == TypeId::Numeric ? TypeId::Numeric : TypeId::Double);
  if (type && type->id == TypeId::Numeric) type = SqlType::of(TypeId::Numeric);
  return with_type(type);
}

Typed Translator::json_operation(const std::string& op, Typed left, Typed right) {
  const SqlType jsonb = SqlType::of(TypeId::Jsonb);
  left = coerced(std::move(left), jsonb);
  const SqlType type = left.has_type(TypeId::Json) ? *left.type : jsonb;
  if (op == "->" || op == "->>") {
    const bool as_json = op == "->";
    const bool is_index = right.type && !right.type->is_array && is_integer(right.type->id);
    if (!is_index) right = coerced(std::move(right), kText);
    return plain(fmt::format("{}({}, {})", as_json ? "jsonb_get" : "jsonb_get_text", left.text, right.text),
                 as_json ? type : kText);
  }
  if (op == "?")
    return plain(fmt::format("jsonb_exists({}, {})", left.text, coerced(std::move(right), kText).text),
                 kBoolean);
  right = coerced(std::move(right), SqlType::array_of(TypeId::Text));
  if (op == "?|") return plain(fmt::format("jsonb_exists_any({}, {})", left.text, right.text), kBoolean);
  if (op == "?&") return plain(fmt::format("jsonb_exists_all({}, {})", left.text, right.text), kBoolean);
  if (op == "#>") return plain(fmt::format("jsonb_extract_path({}, {})", left.text, right.text), type);
  if (op == "#>>") return plain(fmt::format("jsonb_extract_path_text({}, {})", left.text, right.text), kText);
  return plain(fmt::format("jsonb_delete_path({}, {})", left.text, right.text), type);
}

Typed Translator::row_comparison(const std::string& op, const PgQuery__RowExpr& left,
                                 const PgQuery__RowExpr& right, const Scope& scope, int location) {
  if (left.n_args != right.n_args || left.n_args == 0) {
    throw located(Error(ErrorCode::SyntaxError, "unequal number of entries in row expressions"), location);
  }
  std::vector<std::array<Typed, 2>> pairs;
  for (std::size_t i = 0; i < left.n_args; ++i)
    pairs.push_back({expression(left.args[i], scope), expression(right.args[i], scope)});
  return pairs_compared(op, std::move(pairs), location);
}

Typed Translator::row_and_subquery(const std::string& op, const PgQuery__RowExpr& left,
                                   const PgQuery__SubLink& link, const Scope& scope, int location) {
  const Holding<bool> nested(is_top_level_, false);
  ColumnList columns;
  const std::string query = select(*link.subselect->select_stmt, &scope, columns);
  if (!columns.is_complete) refuse("a row beside this subquery", location);
  if (columns.columns.size() != left.n_args) {
    throw located(
        Error(ErrorCode::SyntaxError, columns.columns.size() < left.n_args ? "subquery has too few columns"
                                                                           : "subquery has too many columns"),
        location);
  }
  std::vector<std::array<Typed, 2>> pairs;
  std::string names;
  for (std::size_t i = 0; i < left.n_args; ++i) {
    const std::string name = fmt::format("pg_row_c{}", i + 1);
    names += (i > 0 ? ", " : "") + name;
    pairs.push_back({expression(left.args[i], scope), plain(name, columns.columns[i].type)});
  }
  return plain(fmt::format("(SELECT {} FROM ({}) AS pg_row_rows({}))",
                           pairs_compared(op, std::move(pairs), location).text, query, names),
               kBoolean);
}

Typed Translator::pairs_compared(const std::string& op, std::vector<std::array<Typed, 2>> pairs,
                                 int location) {
  for (auto& pair : pairs) {
    unify(pair);
    for (Typed& side : pair) side = jsonb_key(std::move(side));
  }
  const auto compare = [&pairs](std::size_t i, std::string_view with) {
    return fmt::format("{} {} {}", operand(pairs[i][0]), with, operand(pairs[i][1]));
  };
  std::string text;
  if (op == "=" || op == "<>" || op == "!=") {
    for (std::size_t i = 0; i < pairs.size(); ++i)
      text += (i > 0 ? (op == "=" ? " AND " : " OR ") : "") + compare(i, op);
    return plain(std::move(text), kBoolean, false);
  }
  if (op != "<" && op != ">" && op != "<=" && op != ">=")
    refuse(fmt::format("operator {} on rows", op), location);
  // (a, b) < (c, d) is a < c OR (a = c AND b < d); that a <= c lets the scan skip.
  const std::string strict(1, op[0]);
  text = compare(pairs.size() - 1, op);
  for (std::size_t i = pairs.size() - 1; i-- > 0;)
    text = fmt::format("{} OR ({} AND ({}))", compare(i, strict), compare(i, "="), text);
  if (pairs.size() > 1) text = fmt::format("{} AND ({})", compare(0, strict + "="), text);
  return plain(std::move(text), kBoolean, false);
}

Typed Translator::between(const PgQuery__AExpr& expr, const Scope& scope) {
  const PgQuery__List& bounds = *expr.rexpr->list;
  if (expr.lexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR) refuse("BETWEEN of rows", expr.location);
  std::array<Typed, 3> values = {expression(expr.lexpr, scope), expression(bounds.items[0], scope),
                                 expression(bounds.items[1], scope)};
  require_one_enum(values, ">=", expr.location);
  unify(values);
  for (Typed& value : values) value = jsonb_key(std::move(value));
  const bool is_negated = expr.kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN ||
                          expr.kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM;
  const bool is_symmetric = expr.kind == PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM ||
                            expr.kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM;
  const std::string value = operand(values[0]);
  const std::string low = operand(values[1]);
  const std::string high = operand(values[2]);
  if (!is_symmetric)
    return plain(fmt::format("{} {}BETWEEN {} AND {}", value, is_negated ? "NOT " : "", low, high), kBoolean,
                 false);
  const std::string text =
      fmt::format("({0} BETWEEN {1} AND {2} OR {0} BETWEEN {2} AND {1})", value, low, high);
  return is_negated ? plain("NOT " + text, kBoolean, false) : plain(text, kBoolean);
}

}  // namespace tickstone::sql
