// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "duck/functions/functions.hpp"
#include "duck/functions/numeric_math.hpp"
#include "duck/functions/numeric_types.hpp"
#include "duck/functions/scalar_builder.hpp"
#include "duck/functions/wide_functions.hpp"

// round, ceil, sqrt, power and their like: numeric stays numeric, everything else is double precision.

namespace tickstone::duck {

namespace {

using duckdb::DataChunk;
using duckdb::Expression;
using duckdb::ExpressionState;
using duckdb::hugeint_t;
using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::make_uniq;
using duckdb::ScalarFunction;
using duckdb::unique_ptr;
using duckdb::Vector;

using Arguments = duckdb::vector<unique_ptr<Expression>>;

/// Digits after the point that results of these functions have room for.
constexpr int kRootScale = 20;
constexpr int kPowerScale = 16;

struct ScalePlan : duckdb::FunctionData {
  ScalePlan(int scale_in, int second_in, int result_in)
      : scale(static_cast<std::uint8_t>(scale_in)),
        second(static_cast<std::uint8_t>(second_in)),
        result(static_cast<std::uint8_t>(result_in)) {}
  std::uint8_t scale;
  std::uint8_t second;
  std::uint8_t result;
  unique_ptr<duckdb::FunctionData> Copy() const override { return make_uniq<ScalePlan>(*this); }
  bool Equals(const duckdb::FunctionData& other) const override {
    const auto& plan = other.Cast<ScalePlan>();
    return scale == plan.scale && second == plan.second && result == plan.result;
  }
};

const ScalePlan& plan_of(ExpressionState& state) {
  return state.expr.Cast<duckdb::BoundFunctionExpression>().bind_info->Cast<ScalePlan>();
}

hugeint_t stored(Decimal value, std::uint8_t scale) {
  const auto scaled = rescale_exactly(value.unscaled, value.scale, scale);
  if (!scaled) throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
  return to_hugeint(*scaled);
}

LogicalType decimal_type(int scale) { return LogicalType::DECIMAL(38, static_cast<std::uint8_t>(scale)); }
LogicalType wide_type(const LogicalType& type) { return decimal_type(scale_of(type)); }

using NumericUnary = Decimal (*)(Decimal);
using FloatUnary = double (*)(double);

template <NumericUnary function>
void numeric_unary(DataChunk& arguments, ExpressionState& state, Vector& result) {
  const ScalePlan& plan = plan_of(state);
  through_duckdb([&] {
    duckdb::UnaryExecutor::Execute<hugeint_t, hugeint_t>(
        arguments.data[0], result, arguments.size(), [&](hugeint_t value) {
          return stored(function({to_int128(value), plan.scale}), plan.result);
        });
  });
}

template <FloatUnary function>
void float_unary(DataChunk& arguments, ExpressionState&, Vector& result) {
  through_duckdb([&] {
    duckdb::UnaryExecutor::Execute<double, double>(arguments.data[0], result, arguments.size(), function);
  });
}

[[noreturn]] void float_overflow() {
  throw Error(ErrorCode::NumericValueOutOfRange, "value out of range: overflow");
}

double checked_sqrt(double value) {
  if (value < 0) {
    throw Error(ErrorCode::InvalidArgumentForPower, "cannot take square root of a negative number");
  }
  return std::sqrt(value);
}
double checked_exp(double value) {
  const double result = std::exp(value);
  if (std::isinf(result) && !std::isinf(value)) float_overflow();
  if (result == 0 && !std::isinf(value)) {
    throw Error(ErrorCode::NumericValueOutOfRange, "value out of range: underflow");
  }
  return result;
}
void check_logarithm(double value) {
  if (value == 0) throw Error(ErrorCode::InvalidArgumentForLogarithm, "cannot take logarithm of zero");
  if (value < 0)
    throw Error(ErrorCode::InvalidArgumentForLogarithm, "cannot take logarithm of a negative number");
}
double checked_ln(double value) {
  check_logarithm(value);
  return std::log(value);
}
double checked_log10(double value) {
  check_logarithm(value);
  return std::log10(value);
}
double plain_ceil(double value) { return std::ceil(value); }
double plain_floor(double value) { return std::floor(value); }
double half_even(double value) { return std::nearbyint(value); }
double toward_zero(double value) { return std::trunc(value); }
double sign_of(double value) { return value > 0 ? 1 : value < 0 ? -1 : value; }

double checked_power(double base, double exponent) {
  if (base == 0 && exponent < 0) {
    throw Error(ErrorCode::InvalidArgumentForPower, "zero raised to a negative power is undefined");
  }
  if (base < 0 && std::floor(exponent) != exponent && std::isfinite(base)) {
    throw Error(ErrorCode::InvalidArgumentForPower,
                "a negative number raised to a non-integer power yields a complex result");
  }
  const double result = std::pow(base, exponent);
  if (std::isinf(result) && !std::isinf(base) && !std::isinf(exponent)) float_overflow();
  if (result == 0 && base != 0 && !std::isinf(base) && !std::isinf(exponent)) {
    throw Error(ErrorCode::NumericValueOutOfRange, "value out of range: underflow");
  }
  return result;
}

Decimal numeric_ceil(Decimal value) {
  const Int128 unit = power_of_ten(value.scale);
  const Int128 whole = value.unscaled / unit;
  return {value.unscaled % unit > 0 ? whole + 1 : whole, 0};
}
Decimal numeric_floor(Decimal value) {
  const Int128 unit = power_of_ten(value.scale);
  const Int128 whole = value.unscaled / unit;
  return {value.unscaled % unit < 0 ? whole - 1 : whole, 0};
}
Decimal round_whole(Decimal value) { return *numeric_round(value, 0); }
Decimal truncate_whole(Decimal value) { return numeric_truncate(value, 0); }
Decimal numeric_sign(Decimal value) { return {value.unscaled > 0 ? 1 : value.unscaled < 0 ? -1 : 0, 0}; }
Decimal numeric_log10(Decimal value) { return numeric_log({10, 0}, value); }

/// A function of one number: of numeric with a result of `scale` digits, or of double precision.
template <NumericUnary of_numeric, FloatUnary of_double, int scale>
unique_ptr<duckdb::FunctionData> bind_unary(duckdb::ClientContext&, ScalarFunction& function,
                                            Arguments& arguments) {
  if (try_bind_wide(function, arguments)) return nullptr;
  const LogicalType& type = arguments[0]->return_type;
  if (number_kind(type) == NumberKind::Numeric) {
    const LogicalType wide = wide_type(type);
    function.function = numeric_unary<of_numeric>;
    set_types(function, {wide}, decimal_type(scale));
    return make_uniq<ScalePlan>(scale_of(type), 0, scale);
  }
  if (number_kind(type) == NumberKind::None && !is_untyped(*arguments[0]))
    throw_no_function(function.name, arguments);
  function.function = float_unary<of_double>;
  set_types(function, {LogicalType::DOUBLE}, LogicalType::DOUBLE);
  return nullptr;
}

ScalarFunction number_function(const std::string& name, std::size_t arguments,
                               duckdb::bind_scalar_function_t bind) {
  ScalarFunction function(name, duckdb::vector<LogicalType>(arguments, LogicalType::ANY), LogicalType::ANY,
                          nullptr, bind);
  function.null_handling = duckdb::FunctionNullHandling::SPECIAL_HANDLING;
  function.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
  return function;
}

/// round(numeric, digits) and trunc(numeric, digits): as many digits as the constant says, else all.
template <bool is_rounding>
void to_digits(DataChunk& arguments, ExpressionState& state, Vector& result) {
  const ScalePlan& plan = plan_of(state);
  through_duckdb([&] {
    duckdb::BinaryExecutor::Execute<hugeint_t, std::int32_t, hugeint_t>(
        arguments.data[0], arguments.data[1], result, arguments.size(),
        [&](hugeint_t value, std::int32_t digits) {
          const Decimal decimal{to_int128(value), plan.scale};
          if (!is_rounding) return stored(numeric_truncate(decimal, digits), plan.result);
          const auto rounded = numeric_round(decimal, digits);
          if (!rounded) throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
          return stored(*rounded, plan.result);
        });
  });
}

template <bool is_rounding>
unique_ptr<duckdb::FunctionData> bind_to_digits(duckdb::ClientContext& context, ScalarFunction& function,
                                                Arguments& arguments) {
  if (try_bind_wide(function, arguments)) return nullptr;
  const LogicalType& type = arguments[0]->return_type;
  const NumberKind kind = number_kind(type);
  // round(double precision, integer) does not exist: neither 2.675 nor 2.67 would be right.
  if (kind == NumberKind::Real || kind == NumberKind::Double ||
      (kind == NumberKind::None && !is_untyped(*arguments[0]))) {
    throw_no_function(function.name, arguments);
  }
  const LogicalType wide = kind == NumberKind::None ? decimal_type(18) : wide_type(type);
  int scale = scale_of(wide);
  if (arguments[1]->IsFoldable()) {
    const auto digits = duckdb::ExpressionExecutor::EvaluateScalar(context, *arguments[1]);
    if (!digits.IsNull()) scale = std::clamp(digits.GetValue<std::int32_t>(), 0, scale);
  }
  function.function = to_digits<is_rounding>;
  set_types(function, {wide, LogicalType::INTEGER}, decimal_type(scale));
  return make_uniq<ScalePlan>(scale_of(wide), 0, scale);
}

using NumericBinary = Decimal (*)(Decimal, Decimal);

template <NumericBinary function>
void numeric_binary(DataChunk& arguments, ExpressionState& state, Vector& result) {
  const ScalePlan& plan = plan_of(state);
  through_duckdb([&] {
    duckdb::BinaryExecutor::Execute<hugeint_t, hugeint_t, hugeint_t>(
        arguments.data[0], arguments.data[1], result, arguments.size(), [&](hugeint_t left, hugeint_t right) {
          return stored(function({to_int128(left), plan.scale}, {to_int128(right), plan.second}),
                        plan.result);
        });
  });
}

void float_power(DataChunk& arguments, ExpressionState&, Vector& result) {
  through_duckdb([&] {
    duckdb::BinaryExecutor::Execute<double, double, double>(arguments.data[0], arguments.data[1], result,
                                                            arguments.size(), checked_power);
  });
}

template <NumericBinary of_numeric, int scale, bool numeric_only>
unique_ptr<duckdb::FunctionData> bind_binary(duckdb::ClientContext&, ScalarFunction& function,
                                             Arguments& arguments) {
  if (try_bind_wide(function, arguments)) return nullptr;
  NumberKind widest = NumberKind::None;
  for (const auto& argument : arguments) {
    const NumberKind kind =
        is_wide_numeric(argument->return_type) ? NumberKind::Double : number_kind(argument->return_type);
    if (kind == NumberKind::None && !is_untyped(*argument)) throw_no_function(function.name, arguments);
    widest = std::max(widest, kind);
  }
  if (numeric_only && (widest == NumberKind::Real || widest == NumberKind::Double)) {
    throw_no_function(function.name, arguments);
  }
  if (widest == NumberKind::Numeric || numeric_only) {
    const auto side = [](const Expression& argument) {
      return number_kind(argument.return_type) == NumberKind::None ? decimal_type(18)
                                                                   : wide_type(argument.return_type);
    };
    const LogicalType left = side(*arguments[0]);
    const LogicalType right = side(*arguments[1]);
    function.function = numeric_binary<of_numeric>;
    set_types(function, {left, right}, decimal_type(scale));
    return make_uniq<ScalePlan>(scale_of(left), scale_of(right), scale);
  }
  function.function = float_power;
  set_types(function, {LogicalType::DOUBLE, LogicalType::DOUBLE}, LogicalType::DOUBLE);
  return nullptr;
}

Decimal numeric_div(Decimal left, Decimal right) {
  if (right.unscaled == 0) throw Error(ErrorCode::DivisionByZero, "division by zero");
  const int scale = std::max(left.scale, right.scale);
  const auto a = rescale(left.unscaled, left.scale, scale);
  const auto b = rescale(right.unscaled, right.scale, scale);
  if (!a || !b) throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
  return {*a / *b, 0};
}

template <NumericUnary of_numeric, FloatUnary of_double, int scale>
void register_unary(FunctionCatalog& catalog, const std::vector<std::string>& names) {
  for (const auto& name : names) {
    catalog.replace(number_function(name, 1, bind_unary<of_numeric, of_double, scale>));
  }
}

/// width_bucket(operand, low, high, count) in exact numbers.
std::int32_t bucket_of(Decimal operand, Decimal low, Decimal high, std::int64_t count) {
  if (count <= 0) {
    throw Error(ErrorCode::InvalidWidthBucketArgument, "count must be greater than zero");
  }
  if (compare(low, high) == 0) {
    throw Error(ErrorCode::InvalidWidthBucketArgument, "lower bound cannot equal upper bound");
  }
  const bool ascending = compare(low, high) < 0;
  const bool below = ascending ? compare(operand, low) < 0 : compare(operand, low) > 0;
  const bool above = ascending ? compare(operand, high) >= 0 : compare(operand, high) <= 0;
  if (below) return 0;
  if (above) return static_cast<std::int32_t>(count + 1);
  const int scale = std::max({operand.scale, low.scale, high.scale});
  const auto at = [&](Decimal value) { return rescale(value.unscaled, value.scale, scale); };
  const auto o = at(operand);
  const auto l = at(low);
  const auto h = at(high);
  Int128 product;
  if (!o || !l || !h || __builtin_mul_overflow(*o - *l, static_cast<Int128>(count), &product)) {
    throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
  }
  return static_cast<std::int32_t>(product / (*h - *l)) + 1;
}

std::int32_t bucket_of(double operand, double low, double high, std::int64_t count) {
  if (count <= 0) throw Error(ErrorCode::InvalidWidthBucketArgument, "count must be greater than zero");
  if (std::isnan(operand) || std::isnan(low) || std::isnan(high)) {
    throw Error(ErrorCode::InvalidWidthBucketArgument, "operand, lower bound, and upper bound cannot be NaN");
  }
  if (low == high) throw Error(ErrorCode::InvalidWidthBucketArgument, "lower bound cannot equal upper bound");
  const bool ascending = low < high;
  if (ascending ? operand < low : operand > low) return 0;
  if (ascending ? operand >= high : operand <= high) return static_cast<std::int32_t>(count + 1);
  return static_cast<std::int32_t>(static_cast<double>(count) * ((operand - low) / (high - low))) + 1;
}

std::int32_t bucket_of(const WideNumeric& operand, const WideNumeric& low, const WideNumeric& high,
                       std::int64_t count) {
  if (count <= 0) throw Error(ErrorCode::InvalidWidthBucketArgument, "count must be greater than zero");
  const WideNumeric width = wide_subtract(high, low);
  const int direction = wide_sign(width);
  if (direction == 0)
    throw Error(ErrorCode::InvalidWidthBucketArgument, "lower bound cannot equal upper bound");
  const WideNumeric within = wide_subtract(operand, low);
  if (wide_sign(within) * direction < 0) return 0;
  if (wide_sign(wide_subtract(operand, high)) * direction >= 0) return static_cast<std::int32_t>(count + 1);
  const WideNumeric product = wide_multiply(within, {count, 0});
  const WideNumeric rest = wide_remainder(product, width);
  const WideNumeric whole = wide_divide_at(wide_subtract(product, rest), width, 0);
  return static_cast<std::int32_t>(whole.unscaled) + 1;
}

void register_width_bucket(FunctionCatalog& catalog) {
  const LogicalType numeric = decimal_type(18);
  ScalarBuilder("width_bucket")
      .boxed({LogicalType::DOUBLE, LogicalType::DOUBLE, LogicalType::DOUBLE, LogicalType::INTEGER},
             LogicalType::INTEGER,
             [](const auto& values, auto&) {
               return duckdb::Value::INTEGER(bucket_of(
                   values[0].template GetValue<double>(), values[1].template GetValue<double>(),
                   values[2].template GetValue<double>(), values[3].template GetValue<std::int64_t>()));
             })
      .boxed({numeric, numeric, numeric, LogicalType::INTEGER}, LogicalType::INTEGER,
             [](const auto& values, auto&) {
               const auto decimal = [&](std::size_t i) {
                 const Value value = from_duck(values[i]);
                 return Decimal{value.integer, value.scale};
               };
               return duckdb::Value::INTEGER(bucket_of(decimal(0), decimal(1), decimal(2),
                                                       values[3].template GetValue<std::int64_t>()));
             })
      .boxed({duck::wide_type(), duck::wide_type(), duck::wide_type(), LogicalType::INTEGER},
             LogicalType::INTEGER,
             [](const auto& values, auto&) {
               const auto number = [&](std::size_t i) {
                 return decode_wide(duckdb::StringValue::Get(values[i]));
               };
               return duckdb::Value::INTEGER(
                   bucket_of(number(0), number(1), number(2), values[3].template GetValue<std::int64_t>()));
             })
      .replace_in(catalog);
}

}  // namespace

void register_numeric_functions(FunctionCatalog& catalog) {
  // Of a NULL as written DuckDB would forget that it is a number.
  auto absolute = catalog.scalars("abs");
  for (auto& function : absolute.functions) {
    if (function.arguments[0].id() == LogicalTypeId::DECIMAL)
      function.null_handling = duckdb::FunctionNullHandling::SPECIAL_HANDLING;
  }
  catalog.replace(std::move(absolute));
  register_unary<round_whole, half_even, 0>(catalog, {"round"});
  register_unary<truncate_whole, toward_zero, 0>(catalog, {"trunc"});
  catalog.add(number_function("round", 2, bind_to_digits<true>));
  catalog.add(number_function("trunc", 2, bind_to_digits<false>));
  register_unary<numeric_ceil, plain_ceil, 0>(catalog, {"ceil", "ceiling"});
  register_unary<numeric_floor, plain_floor, 0>(catalog, {"floor"});
  register_unary<numeric_sign, sign_of, 0>(catalog, {"sign"});
  register_unary<numeric_sqrt, checked_sqrt, kRootScale>(catalog, {"sqrt"});
  register_unary<numeric_exp, checked_exp, kPowerScale>(catalog, {"exp"});
  register_unary<numeric_ln, checked_ln, kRootScale>(catalog, {"ln"});
  register_unary<numeric_log10, checked_log10, kRootScale>(catalog, {"log", "log10"});
  catalog.add(number_function("log", 2, bind_binary<numeric_log, kRootScale, true>));
  for (const char* name : {"power", "pow", "^", "**"}) {
    catalog.replace(number_function(name, 2, bind_binary<numeric_power, kPowerScale, false>));
  }
  catalog.replace(number_function("div", 2, bind_binary<numeric_div, 0, true>));
  register_width_bucket(catalog);
}

}  // namespace tickstone::duck
