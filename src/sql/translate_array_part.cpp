// SPDX-License-Identifier: Apache-2.0
// SET a[i] = value and SET a[i:j] = values: the array with that part replaced, longer where it must be.
#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/duck_text.hpp"
#include "sql/translator.hpp"

namespace tickstone::sql {

/// pg_array_set(array, value, place, column) and pg_array_set_slice(array, values, first, last, column),
/// which the statement's builder makes of such assignments.
Typed Translator::array_with_part(const PgQuery__FuncCall& call, const Scope& scope) {
  const bool is_slice = call.n_args == 5;
  const std::string column = expression(call.args[call.n_args - 1], scope).literal;
  const Typed array = expression(call.args[0], scope);
  const int location = location_of(call.args[1]);
  if (!array.is_array()) {
    if (array.has_type(TypeId::Jsonb)) refuse("assignment to a part of a jsonb", call.location);
    throw located(Error(ErrorCode::DatatypeMismatch,
                        fmt::format("cannot subscript type {} because it does not support subscripting",
                                    array.type ? to_sql(*array.type) : "unknown")),
                  call.location);
  }
  const SqlType wanted = is_slice ? *array.type : array.type->element();
  Typed value = coerced(expression(call.args[1], scope), wanted);
  if (value.type && *value.type != wanted && value.type->id != TypeId::Unknown) {
    const bool is_assignable = value.type->is_array == wanted.is_array &&
                               (common_type(value.type->is_array ? value.type->element() : *value.type,
                                            wanted.is_array ? wanted.element() : wanted) ||
                                is_text_like(wanted.id));
    if (!is_assignable) {
      throw located(
          Error(ErrorCode::DatatypeMismatch,
                fmt::format("subscripted assignment to \"{}\" requires type {} but expression is of type {}",
                            column, to_sql(wanted), to_sql(*value.type)),
                {}, "You will need to rewrite or cast the expression."),
          location);
    }
    value = cast_to(std::move(value), wanted, nullptr);
  }
  const auto bound = [&](const Node* node) {
    return operand(coerced(expression(node, scope), SqlType::of(TypeId::Integer)));
  };
  const auto is_left_out = [](const Node* node) {
    return node->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT;
  };
  // What is given is computed once, beside the functions over the elements, which cannot have queries.
  const auto replaced = [&](const std::string& members, const std::string& end, const std::string& is_meant,
                            const std::string& element) {
    return fmt::format(
        "list_transform([{{'a': coalesce({0}, CAST([] AS {1})), 'v': {2}, {3}}}], lambda pg_part: "
        "list_transform(list_resize(pg_part.a, greatest(len(pg_part.a), {4})), lambda pg_each, pg_at: CASE "
        "WHEN {5} "
        "THEN {6} ELSE pg_each END))[1]",
        array.text, duck_type(*array.type), value.text, members, end, is_meant, element);
  };
  if (!is_slice) {
    return plain(replaced("'i': " + bound(call.args[2]), "pg_array_place(pg_part.i, len(pg_part.a))",
                          "pg_at = pg_part.i", "pg_part.v"),
                 array.type);
  }
  const bool is_to_end = is_left_out(call.args[3]);
  const std::string first = is_left_out(call.args[2]) ? "1" : bound(call.args[2]);
  const std::string last =
      is_to_end ? fmt::format("nullif(CAST(len({}) AS INTEGER), 0)", operand(array)) : bound(call.args[3]);
  const std::string text = replaced(
      fmt::format("'i': {}, 'k': {}", first, last),
      fmt::format("pg_array_slice(pg_part.i, pg_part.k, len(pg_part.a), len(pg_part.v), {})", is_to_end),
      "pg_at BETWEEN pg_part.i AND pg_part.k", "pg_part.v[pg_at - pg_part.i + 1]");
  return plain(fmt::format("CASE WHEN {} IS NULL THEN {} ELSE {} END", operand(value), array.text, text),
               array.type);
}

}  // namespace tickstone::sql
