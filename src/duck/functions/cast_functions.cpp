// SPDX-License-Identifier: Apache-2.0
#include "duck/functions/functions.hpp"
#include "duck/functions/numeric_math.hpp"
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
          const auto scaled = rescale_exactly(value->unscaled, value->scale, kOpenScale);
          if (!scaled) throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
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

/// numeric(precision, scale) of an exact number, as DECIMAL(18, scale) or DECIMAL(38, scale).
struct TypmodData : duckdb::FunctionData {
  TypmodData(int precision_in, int scale_in, int from_in)
      : precision(precision_in), scale(scale_in), from(from_in) {}
  int precision;
  int scale;
  int from;
  unique_ptr<duckdb::FunctionData> Copy() const override {
    return duckdb::make_uniq<TypmodData>(precision, scale, from);
  }
  bool Equals(const duckdb::FunctionData& other) const override {
    const auto& that = other.Cast<TypmodData>();
    return precision == that.precision && scale == that.scale && from == that.from;
  }
};

template <typename From, typename To>
void fit_numeric(duckdb::DataChunk& arguments, ExpressionState& state, Vector& result) {
  const auto& typmod = state.expr.Cast<duckdb::BoundFunctionExpression>().bind_info->Cast<TypmodData>();
  through_duckdb([&] {
    duckdb::UnaryExecutor::Execute<From, To>(arguments.data[0], result, arguments.size(), [&](From value) {
      const auto scaled = rescale(widen(value), typmod.from, typmod.scale);
      if (!scaled || digit_count(*scaled) > typmod.precision) {
        const int whole = typmod.precision - typmod.scale;
        throw Error(ErrorCode::NumericValueOutOfRange, "numeric field overflow",
                    "A field with precision " + std::to_string(typmod.precision) + ", scale " +
                        std::to_string(typmod.scale) + " must round to an absolute value less than " +
                        (whole == 0 ? "1" : "10^" + std::to_string(whole)) + ".");
      }
      if constexpr (sizeof(To) == 8) {
        return static_cast<std::int64_t>(*scaled);
      } else {
        return to_hugeint(*scaled);
      }
    });
  });
}

unique_ptr<duckdb::FunctionData> bind_typmod(duckdb::ClientContext& context, ScalarFunction& function,
                                             Arguments& arguments) {
  const auto number_at = [&](std::size_t i) {
    return duckdb::ExpressionExecutor::EvaluateScalar(context, *arguments[i]).GetValue<std::int32_t>();
  };
  const int precision = number_at(1);
  const int scale = number_at(2);
  const LogicalType type = arguments[0]->return_type;
  if (type.id() == LogicalTypeId::UNKNOWN) throw duckdb::ParameterNotResolvedException();
  const LogicalType loop = loop_type(type);
  const bool is_narrow = precision <= 18;
  if (is_wide(loop)) {
    function.function = is_narrow ? fit_numeric<duckdb::hugeint_t, std::int64_t>
                                  : fit_numeric<duckdb::hugeint_t, duckdb::hugeint_t>;
  } else {
    function.function =
        is_narrow ? fit_numeric<std::int64_t, std::int64_t> : fit_numeric<std::int64_t, duckdb::hugeint_t>;
  }
  set_types(function, {loop, LogicalType::INTEGER, LogicalType::INTEGER},
            LogicalType::DECIMAL(is_narrow ? 18 : 38, static_cast<std::uint8_t>(scale)));
  return duckdb::make_uniq<TypmodData>(precision, scale, scale_of(loop));
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
    FormatContext context = session.format();
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
  ScalarFunction typmod("pg_numeric_typmod", {LogicalType::ANY, LogicalType::INTEGER, LogicalType::INTEGER},
                        LogicalType::ANY, nullptr, bind_typmod);
  typmod.null_handling = duckdb::FunctionNullHandling::SPECIAL_HANDLING;
  typmod.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
  catalog.replace(std::move(typmod));
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
