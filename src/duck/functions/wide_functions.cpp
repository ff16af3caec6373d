// SPDX-License-Identifier: Apache-2.0
#include "duck/functions/wide_functions.hpp"

#include <cmath>

#include <fmt/format.h>

#include "duck/functions/functions.hpp"
#include "duck/functions/list_aggregate.hpp"
#include "duck/functions/numeric_math.hpp"
#include "duck/functions/numeric_types.hpp"
#include "duck/functions/scalar_builder.hpp"

// Arithmetic of NUMERIC past 38 digits, for statements that the narrow form cannot compute exactly.

namespace tickstone::duck {

namespace {

using duckdb::ExpressionState;
using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::string_t;
using duckdb::StringVector;
using duckdb::Vector;

string_t stored(Vector& result, const WideNumeric& value) {
  return StringVector::AddStringOrBlob(result, encode_wide(value));
}

using Unary = WideNumeric (*)(const WideNumeric&);
using Binary = WideNumeric (*)(const WideNumeric&, const WideNumeric&);

template <Unary operation>
void unary_loop(duckdb::DataChunk& arguments, ExpressionState&, Vector& result) {
  through_duckdb([&] {
    duckdb::UnaryExecutor::Execute<string_t, string_t>(
        arguments.data[0], result, arguments.size(),
        [&](string_t value) { return stored(result, operation(decode_wide(view_of(value)))); });
  });
}

/// Computes in 128 bits; nothing where those do not suffice.
using Short = std::optional<Decimal> (*)(Decimal, Decimal);

template <Binary operation, Short in_short = nullptr>
void binary_loop(duckdb::DataChunk& arguments, ExpressionState&, Vector& result) {
  through_duckdb([&] {
    duckdb::BinaryExecutor::Execute<string_t, string_t, string_t>(
        arguments.data[0], arguments.data[1], result, arguments.size(), [&](string_t left, string_t right) {
          if constexpr (in_short != nullptr) {
            const auto a = decode_decimal(view_of(left));
            const auto b = decode_decimal(view_of(right));
            if (const auto value = a && b ? in_short(*a, *b) : std::nullopt)
              return StringVector::AddStringOrBlob(result, encode_wide(*value));
          }
          return stored(result, operation(decode_wide(view_of(left)), decode_wide(view_of(right))));
        });
  });
}

std::optional<Decimal> short_sum(Decimal a, Decimal b) {
  const int scale = std::max(a.scale, b.scale);
  const auto left = rescale(a.unscaled, a.scale, scale);
  const auto right = rescale(b.unscaled, b.scale, scale);
  Int128 sum;
  if (!left || !right || __builtin_add_overflow(*left, *right, &sum) || !fits_38_digits(sum))
    return std::nullopt;
  return trimmed({sum, static_cast<std::uint8_t>(scale)});
}
std::optional<Decimal> short_difference(Decimal a, Decimal b) { return short_sum(a, {-b.unscaled, b.scale}); }
std::optional<Decimal> short_product(Decimal a, Decimal b) {
  Int128 product;
  const int scale = a.scale + b.scale;
  if (scale > kMaxNumericDigits || __builtin_mul_overflow(a.unscaled, b.unscaled, &product) ||
      !fits_38_digits(product))
    return std::nullopt;
  return trimmed({product, static_cast<std::uint8_t>(scale)});
}
std::optional<Decimal> short_quotient(Decimal a, Decimal b) {
  if (b.unscaled == 0) throw Error(ErrorCode::DivisionByZero, "division by zero");
  const int scale = quotient_scale(a, b);
  if (scale > kMaxNumericDigits) return std::nullopt;
  const auto quotient = divide(a, b, scale);
  if (!quotient) return std::nullopt;
  return trimmed({*quotient, static_cast<std::uint8_t>(scale)});
}

template <WideNumeric (*operation)(const WideNumeric&, int)>
void digits_loop(duckdb::DataChunk& arguments, ExpressionState&, Vector& result) {
  through_duckdb([&] {
    duckdb::BinaryExecutor::Execute<string_t, std::int32_t, string_t>(
        arguments.data[0], arguments.data[1], result, arguments.size(),
        [&](string_t value, std::int32_t digits) {
          return stored(result, operation(decode_wide(view_of(value)), std::clamp(digits, -2000, 2000)));
        });
  });
}

WideNumeric negated(const WideNumeric& value) { return {-value.unscaled, value.scale}; }
WideNumeric absolute(const WideNumeric& value) { return {abs(value.unscaled), value.scale}; }
WideNumeric sign(const WideNumeric& value) { return {wide_sign(value), 0}; }
WideNumeric rounded(const WideNumeric& value) { return wide_round(value, 0); }
WideNumeric cut(const WideNumeric& value) { return wide_truncate(value, 0); }
WideNumeric floor_of(const WideNumeric& value) {
  const WideNumeric whole = wide_truncate(value, 0);
  return wide_sign(value) < 0 && value.scale > 0 ? wide_subtract(whole, {1, 0}) : whole;
}
WideNumeric ceiling_of(const WideNumeric& value) {
  const WideNumeric whole = wide_truncate(value, 0);
  return wide_sign(value) > 0 && value.scale > 0 ? wide_add(whole, {1, 0}) : whole;
}
WideNumeric whole_quotient(const WideNumeric& a, const WideNumeric& b) {
  const WideNumeric rest = wide_remainder(a, b);
  return wide_divide_at(wide_subtract(a, rest), b, 0);
}

/// For roots, powers and logarithms, whose results have some 16 digits: 38 of the argument are enough.
Decimal narrowed(const WideNumeric& value) {
  if (const auto decimal = to_decimal(value)) return *decimal;
  const int whole = static_cast<int>(to_text(wide_truncate(absolute(value), 0)).size());
  const auto decimal = to_decimal(wide_round(value, std::clamp(kMaxNumericDigits - 1 - whole, 0, 37)));
  if (!decimal) throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
  return *decimal;
}

template <Decimal (*function)(Decimal)>
WideNumeric through_decimal(const WideNumeric& value) {
  return to_wide(function(narrowed(value)));
}
template <Decimal (*function)(Decimal, Decimal)>
WideNumeric through_decimals(const WideNumeric& a, const WideNumeric& b) {
  return to_wide(function(narrowed(a), narrowed(b)));
}
Decimal log_of_ten(Decimal value) { return numeric_log({10, 0}, value); }

struct Operation {
  std::string_view name;
  std::size_t arguments;
  duckdb::scalar_function_t loop;
  bool takes_digits = false;
};

const Operation kOperations[] = {
    {"+", 2, binary_loop<wide_add, short_sum>},
    {"-", 2, binary_loop<wide_subtract, short_difference>},
    {"-", 1, unary_loop<negated>},
    {"*", 2, binary_loop<wide_multiply, short_product>},
    {"/", 2, binary_loop<wide_divide, short_quotient>},
    {"%", 2, binary_loop<wide_remainder>},
    {"mod", 2, binary_loop<wide_remainder>},
    {"div", 2, binary_loop<whole_quotient>},
    {"abs", 1, unary_loop<absolute>},
    {"sign", 1, unary_loop<sign>},
    {"round", 1, unary_loop<rounded>},
    {"round", 2, digits_loop<wide_round>, true},
    {"trunc", 1, unary_loop<cut>},
    {"trunc", 2, digits_loop<wide_truncate>, true},
    {"ceil", 1, unary_loop<ceiling_of>},
    {"ceiling", 1, unary_loop<ceiling_of>},
    {"floor", 1, unary_loop<floor_of>},
    {"sqrt", 1, unary_loop<through_decimal<numeric_sqrt>>},
    {"exp", 1, unary_loop<through_decimal<numeric_exp>>},
    {"ln", 1, unary_loop<through_decimal<numeric_ln>>},
    {"log", 1, unary_loop<through_decimal<log_of_ten>>},
    {"log10", 1, unary_loop<through_decimal<log_of_ten>>},
    {"log", 2, binary_loop<through_decimals<numeric_log>>},
    {"power", 2, binary_loop<through_decimals<numeric_power>>},
    {"pow", 2, binary_loop<through_decimals<numeric_power>>},
    {"^", 2, binary_loop<through_decimals<numeric_power>>},
    {"**", 2, binary_loop<through_decimals<numeric_power>>},
};

duckdb::Value wide_value(const WideNumeric& number) {
  const std::string bytes = encode_wide(number);
  duckdb::Value value =
      duckdb::Value::BLOB(reinterpret_cast<duckdb::const_data_ptr_t>(bytes.data()), bytes.size());
  value.Reinterpret(wide_type());
  return value;
}

WideNumeric wide_of(const duckdb::Value& value) { return decode_wide(duckdb::StringValue::Get(value)); }

// Casts. One argument of any kind.

void pass(duckdb::DataChunk& arguments, ExpressionState&, Vector& result) {
  result.Reinterpret(arguments.data[0]);
}

duckdb::unique_ptr<duckdb::FunctionData> bind_wide_cast(
    duckdb::ClientContext&, duckdb::ScalarFunction& function,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& arguments) {
  const LogicalType type = arguments[0]->return_type;
  if (type.id() == LogicalTypeId::UNKNOWN) throw duckdb::ParameterNotResolvedException();
  // The cast to the argument's type does the work.
  function.function = pass;
  set_types(function, {wide_type()}, wide_type());
  return nullptr;
}

/// numeric(precision, scale) of a number.
duckdb::Value fitted(const std::vector<duckdb::Value>& values, ExpressionState&) {
  const int precision = values[1].GetValue<std::int32_t>();
  const int scale = values[2].GetValue<std::int32_t>();
  const WideNumeric number = wide_round(wide_of(values[0]), scale);
  const int whole = precision - scale;
  const std::string digits = to_text(wide_truncate(absolute(number), 0));
  const bool has_whole = digits != "0";
  if (has_whole && static_cast<int>(digits.size()) > whole) {
    throw Error(
        ErrorCode::NumericValueOutOfRange, "numeric field overflow",
        fmt::format("A field with precision {}, scale {} must round to an absolute value less than {}.",
                    precision, scale, whole == 0 ? "1" : fmt::format("10^{}", whole)));
  }
  return wide_value(number);
}

// Aggregates, over the list of a group's values.

duckdb::Value sum_of(const duckdb::Value& list) {
  std::optional<WideNumeric> sum;
  for (const auto& value : duckdb::ListValue::GetChildren(list)) {
    if (!value.IsNull()) sum = sum ? wide_add(*sum, wide_of(value)) : wide_of(value);
  }
  return sum ? wide_value(*sum) : duckdb::Value();
}

duckdb::Value average_of(const duckdb::Value& list) {
  WideNumeric sum;
  std::int64_t count = 0;
  for (const auto& value : duckdb::ListValue::GetChildren(list)) {
    if (value.IsNull()) continue;
    sum = wide_add(sum, wide_of(value));
    ++count;
  }
  return count > 0 ? wide_value(wide_divide(sum, {count, 0})) : duckdb::Value();
}

template <Spread spread>
duckdb::Value spread_of_list(const duckdb::Value& list) {
  constexpr bool kIsSample = spread == Spread::VarianceSample || spread == Spread::DeviationSample;
  constexpr bool kIsRoot = spread == Spread::DeviationSample || spread == Spread::DeviationPopulation;
  WideNumeric sum;
  WideNumeric squares;
  std::int64_t count = 0;
  for (const auto& value : duckdb::ListValue::GetChildren(list)) {
    if (value.IsNull()) continue;
    const WideNumeric number = wide_of(value);
    sum = wide_add(sum, number);
    squares = wide_add(squares, wide_multiply(number, number));
    ++count;
  }
  if (count == 0 || (kIsSample && count == 1)) return duckdb::Value();
  const WideNumeric n{count, 0};
  const WideNumeric numerator = wide_subtract(wide_multiply(n, squares), wide_multiply(sum, sum));
  if (wide_sign(numerator) <= 0) return wide_value({});
  const WideNumeric denominator{boost::multiprecision::cpp_int(count) * (kIsSample ? count - 1 : count), 0};
  const int scale = wide_quotient_scale(numerator, denominator);
  const WideNumeric variance = wide_divide_at(numerator, denominator, scale);
  return wide_value(kIsRoot ? wide_root(variance, scale) : variance);
}

void add_aggregate(FunctionCatalog& catalog, const std::string& name, ListFinish finish) {
  auto set = catalog.aggregates(name);
  auto function = list_aggregate(name, {wide_type()}, wide_type(), finish);
  function.order_dependent = duckdb::AggregateOrderDependent::NOT_ORDER_DEPENDENT;
  set.AddFunction(std::move(function));
  catalog.replace(std::move(set));
}

}  // namespace

const LogicalType& wide_type() {
  static const LogicalType kType = [] {
    LogicalType type(LogicalTypeId::BLOB);
    type.SetAlias("NUMERIC_WIDE");
    return type;
  }();
  return kType;
}

bool is_wide_numeric(const LogicalType& type) {
  return type.id() == LogicalTypeId::BLOB && type.HasAlias() && type.GetAlias() == "NUMERIC_WIDE";
}

bool try_bind_wide(duckdb::ScalarFunction& function,
                   const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& arguments) {
  bool has_wide = false;
  for (const auto& argument : arguments) {
    const LogicalType& type = argument->return_type;
    has_wide = has_wide || is_wide_numeric(type);
    const NumberKind kind = number_kind(type);
    if (kind == NumberKind::Real || kind == NumberKind::Double) return false;
    if (kind == NumberKind::None && !is_wide_numeric(type) && !is_untyped(*argument)) return false;
  }
  if (!has_wide) return false;
  for (const Operation& operation : kOperations) {
    if (operation.name != function.name || operation.arguments != arguments.size()) continue;
    function.function = operation.loop;
    duckdb::vector<LogicalType> types(arguments.size(), wide_type());
    if (operation.takes_digits) types[1] = LogicalType::INTEGER;
    set_types(function, std::move(types), wide_type());
    return true;
  }
  return false;
}

void register_wide_functions(FunctionCatalog& catalog) {
  catalog.add_type("NUMERIC_WIDE", wide_type());
  duckdb::ScalarFunction cast("pg_wide", {LogicalType::ANY}, wide_type(), nullptr, bind_wide_cast);
  cast.null_handling = duckdb::FunctionNullHandling::SPECIAL_HANDLING;
  cast.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
  catalog.replace(std::move(cast));
  ScalarBuilder("pg_wide_typmod")
      .boxed({wide_type(), LogicalType::INTEGER, LogicalType::INTEGER}, wide_type(), fitted)
      .replace_in(catalog);
  for (const char* name : {"-", "abs"}) {
    duckdb::ScalarFunction function(name, {wide_type()}, wide_type(),
                                    name[0] == '-' ? unary_loop<negated> : unary_loop<absolute>);
    function.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
    catalog.add(std::move(function));
  }
  add_aggregate(catalog, "sum", sum_of);
  add_aggregate(catalog, "avg", average_of);
  for (const char* name : {"variance", "var_samp"})
    add_aggregate(catalog, name, spread_of_list<Spread::VarianceSample>);
  add_aggregate(catalog, "var_pop", spread_of_list<Spread::VariancePopulation>);
  for (const char* name : {"stddev", "stddev_samp"})
    add_aggregate(catalog, name, spread_of_list<Spread::DeviationSample>);
  add_aggregate(catalog, "stddev_pop", spread_of_list<Spread::DeviationPopulation>);
}

}  // namespace tickstone::duck
