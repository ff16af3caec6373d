// SPDX-License-Identifier: Apache-2.0
#include "duck/functions/functions.hpp"
#include "duck/functions/numeric_types.hpp"
#include "duck/functions/scalar_builder.hpp"
#include "duck/session_state.hpp"
#include "types/array_value.hpp"

// Casts that the rewriter writes as functions, because their type or meaning depends on more than the two
// types.

namespace tickstone::duck {

namespace {

using duckdb::Expression;
using duckdb::ExpressionState;
using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::ScalarFunction;
using duckdb::unique_ptr;
using duckdb::Vector;

using Arguments = duckdb::vector<unique_ptr<Expression>>;

/// Digits after the point of numbers whose own are not known at bind.
constexpr std::uint8_t kOpenScale = 18;

void pass(duckdb::DataChunk& arguments, ExpressionState&, Vector& result) {
  result.Reference(arguments.data[0]);
}

/// A text that must keep every digit.
void text_to_open_numeric(duckdb::DataChunk& arguments, ExpressionState&, Vector& result) {
  through_duckdb([&] {
    duckdb::UnaryExecutor::Execute<duckdb::string_t, duckdb::hugeint_t>(
        arguments.data[0], result, arguments.size(), [](duckdb::string_t text) {
          const auto value = parse_decimal(view_of(text));
          if (!value) {
            throw Error(ErrorCode::InvalidTextRepresentation,
                        "invalid input syntax for type numeric: \"" + text.GetString() + "\"");
          }
          const Decimal exact = trimmed(*value);
          const auto scaled = rescale(exact.unscaled, exact.scale, kOpenScale);
          if (exact.scale > kOpenScale || !scaled) {
            throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format",
                        "A cast of text holds 20 digits before and 18 after the decimal point.",
                        "Cast to numeric(precision, scale) instead.");
          }
          return to_hugeint(*scaled);
        });
  });
}

unique_ptr<duckdb::FunctionData> bind_numeric(duckdb::ClientContext&, ScalarFunction& function,
                                              Arguments& arguments) {
  const LogicalType type = arguments[0]->return_type;
  const auto to = [&](const LogicalType& decimal) {
    function.function = pass;
    set_types(function, {decimal}, decimal);
    return unique_ptr<duckdb::FunctionData>();
  };
  if (type.id() == LogicalTypeId::VARCHAR && !type.HasAlias()) {
    if (arguments[0]->GetExpressionClass() == duckdb::ExpressionClass::BOUND_CONSTANT) {
      const auto& value = arguments[0]->Cast<duckdb::BoundConstantExpression>().value;
      if (!value.IsNull()) {
        return through_duckdb([&] {
          const auto decimal = parse_decimal(duckdb::StringValue::Get(value));
          if (!decimal) {
            throw Error(ErrorCode::InvalidTextRepresentation,
                        "invalid input syntax for type numeric: \"" + duckdb::StringValue::Get(value) + "\"");
          }
          const bool is_short = digit_count(decimal->unscaled) <= 18 && decimal->scale <= 18;
          return to(LogicalType::DECIMAL(is_short ? 18 : 38, decimal->scale));
        });
      }
    }
    function.function = text_to_open_numeric;
    set_types(function, {LogicalType::VARCHAR}, LogicalType::DECIMAL(38, kOpenScale));
    return nullptr;
  }
  switch (number_kind(type)) {
    case NumberKind::SmallInt:
    case NumberKind::Integer:
      return to(LogicalType::DECIMAL(18, 0));
    case NumberKind::BigInt:
      return to(LogicalType::DECIMAL(38, 0));
    case NumberKind::Numeric:
      return to(type.id() == LogicalTypeId::DECIMAL ? type : LogicalType::DECIMAL(38, 0));
    case NumberKind::Real:
    case NumberKind::Double:
      return to(LogicalType::DECIMAL(38, kOpenScale));
    case NumberKind::None:
      break;
  }
  if (is_json(type) || type.id() == LogicalTypeId::UNKNOWN || type.id() == LogicalTypeId::SQLNULL) {
    return to(LogicalType::DECIMAL(38, kOpenScale));
  }
  throw_through_duckdb(ErrorCode::CannotCoerce,
                       "cannot cast type " + to_sql(sql_type_of(type)) + " to numeric");
}

unique_ptr<duckdb::FunctionData> bind_text(duckdb::ClientContext&, ScalarFunction& function, Arguments&) {
  function.function = pass;
  set_types(function, {LogicalType::VARCHAR}, LogicalType::VARCHAR);
  return nullptr;
}

// Literals of times. `now` and its like belong to one execution; any other text is folded at once.

bool depends_on_now(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  for (const std::string_view word : {"now", "today", "tomorrow", "yesterday"}) {
    if (text.size() < word.size()) continue;
    bool same = true;
    for (std::size_t i = 0; i < word.size(); ++i) same = same && (text[i] | 0x20) == word[i];
    if (same) return true;
  }
  return false;
}

template <TypeId id>
void parse_time_literal(duckdb::DataChunk& arguments, ExpressionState& state, Vector& result) {
  const ScalarBuilder::Boxed body = [](const std::vector<duckdb::Value>& values, ExpressionState& at) {
    auto& session = SessionState::of(at.GetContext());
    const std::string& text = duckdb::StringValue::Get(values[0]);
    FormatContext context;
    context.zone = &session.zone();
    if (depends_on_now(text)) context.now_us = static_cast<std::int64_t>(session.call("now", {}).integer);
    return to_duck(parse_value(SqlType::of(id), text, context));
  };
  run_boxed(arguments, state, result, body, false);
}

unique_ptr<duckdb::FunctionData> bind_time_literal(duckdb::ClientContext&, ScalarFunction& function,
                                                   Arguments& arguments) {
  bool is_open = true;
  if (arguments[0]->GetExpressionClass() == duckdb::ExpressionClass::BOUND_CONSTANT) {
    const auto& value = arguments[0]->Cast<duckdb::BoundConstantExpression>().value;
    is_open = !value.IsNull() && depends_on_now(value.ToString());
  }
  // The plan is bound again at each execution where the text says `now`.
  if (is_open) function.stability = duckdb::FunctionStability::CONSISTENT_WITHIN_QUERY;
  return nullptr;
}

template <TypeId id>
void register_time_literal(FunctionCatalog& catalog, const std::string& name) {
  ScalarFunction function(name, {LogicalType::VARCHAR}, logical_type_of(SqlType::of(id)),
                          parse_time_literal<id>, bind_time_literal);
  function.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
  catalog.replace(std::move(function));
}

std::string cut_to_length(std::string_view text, std::int64_t length) {
  std::size_t at = 0;
  for (std::int64_t characters = 0; at < text.size(); ++at) {
    const bool is_start = (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
    if (is_start && characters++ == length) break;
  }
  return std::string(text.substr(0, at));
}

}  // namespace

void register_cast_functions(FunctionCatalog& catalog) {
  ScalarFunction numeric("pg_cast_numeric", {LogicalType::ANY}, LogicalType::ANY, nullptr, bind_numeric);
  numeric.null_handling = duckdb::FunctionNullHandling::SPECIAL_HANDLING;
  numeric.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
  catalog.replace(std::move(numeric));
  ScalarFunction text("pg_text", {LogicalType::ANY}, LogicalType::VARCHAR, nullptr, bind_text);
  text.null_handling = duckdb::FunctionNullHandling::SPECIAL_HANDLING;
  catalog.replace(std::move(text));

  register_time_literal<TypeId::TimestampTz>(catalog, "pg_timestamptz");
  register_time_literal<TypeId::Timestamp>(catalog, "pg_timestamp");
  register_time_literal<TypeId::Date>(catalog, "pg_date");
  register_time_literal<TypeId::Time>(catalog, "pg_time");

  const LogicalType text_list = LogicalType::LIST(LogicalType::VARCHAR);
  ScalarBuilder("pg_text_array")
      .boxed(
          {LogicalType::VARCHAR}, text_list,
          [](const auto& values, auto&) {
            return to_duck(parse_value(SqlType::array_of(TypeId::Text), duckdb::StringValue::Get(values[0])));
          })
      .replace_in(catalog);
  ScalarBuilder("pg_vector_list")
      .boxed({LogicalType::VARCHAR}, LogicalType::LIST(LogicalType::BIGINT),
             [](const auto& values, auto&) {
               duckdb::vector<duckdb::Value> numbers;
               const std::string& vector = duckdb::StringValue::Get(values[0]);
               std::size_t at = 0;
               while (at < vector.size()) {
                 const auto end = std::min(vector.find(' ', at), vector.size());
                 if (end > at) {
                   const Value number = parse_value(SqlType::of(TypeId::BigInt), vector.substr(at, end - at));
                   numbers.push_back(to_duck(number));
                 }
                 at = end + 1;
               }
               return duckdb::Value::LIST(LogicalType::BIGINT, std::move(numbers));
             })
      .replace_in(catalog);
  ScalarBuilder("pg_cast_varchar")
      .boxed({LogicalType::VARCHAR, LogicalType::INTEGER}, LogicalType::VARCHAR,
             [](const auto& values, auto&) {
               return duckdb::Value(cut_to_length(duckdb::StringValue::Get(values[0]),
                                                  values[1].template GetValue<std::int64_t>()));
             })
      .replace_in(catalog);
}

}  // namespace tickstone::duck
