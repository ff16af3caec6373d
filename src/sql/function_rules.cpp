// SPDX-License-Identifier: Apache-2.0
#include "sql/function_rules.hpp"

namespace tickstone::sql {

namespace {

/// Of these sums and averages are NUMERIC.
bool is_exact(const std::optional<SqlType>& type) {
  return type && !type->is_array && (is_integer(type->id) || type->id == TypeId::Numeric);
}

}  // namespace

std::optional<SqlType> type_of_code(char code) {
  switch (code) {
    case 't':
      return SqlType::of(TypeId::Text);
    case 'v':
      return SqlType::of(TypeId::Interval);
    case 'z':
      return SqlType::of(TypeId::TimestampTz);
    case 's':
      return SqlType::of(TypeId::Timestamp);
    case 'i':
      return SqlType::of(TypeId::Integer);
    case 'd':
      return SqlType::of(TypeId::Double);
    case 'n':
      return SqlType::of(TypeId::Numeric);
    case 'j':
      return SqlType::of(TypeId::Jsonb);
    case 'J':
      return SqlType::of(TypeId::Json);
    case 'a':
      return SqlType::array_of(TypeId::Text);
    case 'b':
      return SqlType::of(TypeId::Boolean);
    case 'u':
      return SqlType::of(TypeId::Uuid);
    case 'c':
      return SqlType::of(TypeId::Candlestick);
    case 'x':
      return SqlType::of(TypeId::Bytea);
    default:
      return std::nullopt;
  }
}

std::optional<SqlType> result_of(std::string_view rule, const std::vector<Typed>& arguments) {
  const auto argument_type = [&](std::size_t i) {
    return i < arguments.size() ? arguments[i].type : std::nullopt;
  };
  if (rule.empty()) return std::nullopt;
  if (rule.starts_with("arg") && rule.size() == 4)
    return argument_type(static_cast<std::size_t>(rule[3] - '1'));
  if (rule == "any") return argument_type(0);
  if (rule == "list1") {
    const auto type = argument_type(0);
    return type && !type->is_array ? std::optional(array_of(*type)) : std::nullopt;
  }
  if (rule == "sum") {
    const auto type = argument_type(0);
    if (!type) return std::nullopt;
    if (type->id == TypeId::SmallInt || type->id == TypeId::Integer) return SqlType::of(TypeId::BigInt);
    if (is_exact(type)) return SqlType::of(TypeId::Numeric);
    return type;
  }
  if (rule == "avg") {
    const auto type = argument_type(0);
    if (!type) return std::nullopt;
    if (is_exact(type)) return SqlType::of(TypeId::Numeric);
    return type->id == TypeId::Interval ? type : SqlType::of(TypeId::Double);
  }
  if (rule == "math") {
    // Of integers alone PostgreSQL takes the function of double precision.
    bool is_numeric = false;
    for (const Typed& argument : arguments) {
      if (!argument.type) return std::nullopt;
      if (argument.type->id == TypeId::Real || argument.type->id == TypeId::Double)
        return SqlType::of(TypeId::Double);
      is_numeric = is_numeric || argument.type->id == TypeId::Numeric;
    }
    return SqlType::of(is_numeric ? TypeId::Numeric : TypeId::Double);
  }
  if (rule == "zone") {
    const auto type = argument_type(1);
    if (!type) return std::nullopt;
    return SqlType::of(type->id == TypeId::TimestampTz ? TypeId::Timestamp : TypeId::TimestampTz);
  }
  const bool is_array = rule.ends_with("[]");
  const auto id = type_id_from_name(is_array ? rule.substr(0, rule.size() - 2) : rule);
  if (!id) return std::nullopt;
  return is_array ? SqlType::array_of(*id) : SqlType::of(*id);
}

std::string filled_in(std::string_view print, const std::vector<Typed>& arguments) {
  std::string out;
  for (std::size_t i = 0; i < print.size(); ++i) {
    if (print[i] != '$' || i + 1 == print.size()) {
      out += print[i];
      continue;
    }
    const char c = print[++i];
    if (c == '*') {
      for (std::size_t a = 0; a < arguments.size(); ++a) out += (a > 0 ? ", " : "") + arguments[a].text;
    } else if (c >= '1' && c <= '9') {
      const auto index = static_cast<std::size_t>(c - '1');
      out += index < arguments.size() ? Translator::operand(arguments[index]) : "NULL";
    } else {
      out += '$';
      out += c;
    }
  }
  return out;
}

}  // namespace tickstone::sql
