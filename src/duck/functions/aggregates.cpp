// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "duck/functions/exact_sums.hpp"
#include "duck/functions/functions.hpp"
#include "duck/functions/list_aggregate.hpp"
#include "duck/functions/numeric_math.hpp"
#include "duck/functions/numeric_types.hpp"
#include "duck/functions/time_arithmetic.hpp"

// sum, avg, variance and deviation with PostgreSQL's result types and digits; first and last.

namespace tickstone::duck {

namespace {

using duckdb::AggregateFinalizeData;
using duckdb::AggregateFunction;
using duckdb::AggregateFunctionSet;
using duckdb::AggregateInputData;
using duckdb::AggregateUnaryInput;
using duckdb::Expression;
using duckdb::hugeint_t;
using duckdb::idx_t;
using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::make_uniq;
using duckdb::unique_ptr;

using Arguments = duckdb::vector<unique_ptr<Expression>>;

struct ScaleData : duckdb::FunctionData {
  explicit ScaleData(int scale_in, int result_scale_in) : scale(scale_in), result_scale(result_scale_in) {}
  int scale;
  int result_scale;
  unique_ptr<duckdb::FunctionData> Copy() const override { return make_uniq<ScaleData>(scale, result_scale); }
  bool Equals(const duckdb::FunctionData& other) const override {
    return scale == other.Cast<ScaleData>().scale && result_scale == other.Cast<ScaleData>().result_scale;
  }
};

bool add_overflows(ExactState& state, Int128 value) {
  Int128 sum;
  if (__builtin_add_overflow(static_cast<Int128>(state.sum), value, &sum)) return true;
  state.sum = sum;
  return false;
}

/// For each value: DuckDB's own cast looks at the type again.
const ScaleData& scales_of(const AggregateFinalizeData& data) {
  return static_cast<const ScaleData&>(*data.input.bind_data);
}

/// What sum and avg of exact numbers share.
struct ExactOperation {
  template <class STATE>
  static void Initialize(STATE& state) {
    state.sum = 0;
    state.count = 0;
  }
  template <class INPUT, class STATE, class OP>
  static void Operation(STATE& state, const INPUT& input, AggregateUnaryInput&) {
    if constexpr (sizeof(INPUT) == sizeof(hugeint_t)) {
      if (add_overflows(state, widen(input))) throw_numeric_overflow();
    } else {
      state.sum += input;
    }
    ++state.count;
  }
  template <class INPUT, class STATE, class OP>
  static void ConstantOperation(STATE& state, const INPUT& input, AggregateUnaryInput&, idx_t count) {
    Int128 product;
    Int128 value;
    if constexpr (sizeof(INPUT) == sizeof(hugeint_t)) {
      value = widen(input);
    } else {
      value = input;
    }
    if (__builtin_mul_overflow(value, static_cast<Int128>(count), &product) ||
        add_overflows(state, product)) {
      throw_numeric_overflow();
    }
    state.count += count;
  }
  template <class STATE, class OP>
  static void Combine(const STATE& source, STATE& target, AggregateInputData&) {
    if (add_overflows(target, source.sum)) throw_numeric_overflow();
    target.count += source.count;
  }
  static bool IgnoreNull() { return true; }
};

struct SumToBigInt : ExactOperation {
  template <class RESULT, class STATE>
  static void Finalize(STATE& state, RESULT& target, AggregateFinalizeData& data) {
    if (state.count == 0) {
      data.ReturnNull();
      return;
    }
    if (state.sum > INT64_MAX || state.sum < INT64_MIN) throw_integer_overflow(NumberKind::BigInt);
    target = static_cast<std::int64_t>(state.sum);
  }
};

struct SumToNumeric : ExactOperation {
  template <class RESULT, class STATE>
  static void Finalize(STATE& state, RESULT& target, AggregateFinalizeData& data) {
    if (state.count == 0) {
      data.ReturnNull();
      return;
    }
    if (!fits_38_digits(state.sum)) throw_numeric_overflow();
    target = to_hugeint(state.sum);
  }
};

struct AverageToNumeric : ExactOperation {
  template <class RESULT, class STATE>
  static void Finalize(STATE& state, RESULT& target, AggregateFinalizeData& data) {
    if (state.count == 0) {
      data.ReturnNull();
      return;
    }
    const ScaleData& scales = scales_of(data);
    const auto average = divide({state.sum, static_cast<std::uint8_t>(scales.scale)},
                                {static_cast<Int128>(state.count), 0}, scales.result_scale);
    if (!average) throw_numeric_overflow();
    target = to_hugeint(*average);
  }
};

/// Youngs and Cramer's sums, as PostgreSQL keeps them for floats.
struct FloatState {
  double count;
  double sum;
  double squares;
};

struct FloatOperation {
  template <class STATE>
  static void Initialize(STATE& state) {
    state.count = 0;
    state.sum = 0;
    state.squares = 0;
  }
  template <class INPUT, class STATE, class OP>
  static void Operation(STATE& state, const INPUT& input, AggregateUnaryInput&) {
    const double value = input;
    state.count += 1;
    state.sum += value;
    if (state.count > 1) {
      const double difference = value * state.count - state.sum;
      state.squares += difference * difference / (state.count * (state.count - 1));
    } else if (std::isnan(value) || std::isinf(value)) {
      state.squares = std::nan("");
    }
  }
  template <class INPUT, class STATE, class OP>
  static void ConstantOperation(STATE& state, const INPUT& input, AggregateUnaryInput& unary, idx_t count) {
    for (idx_t i = 0; i < count; ++i) Operation<INPUT, STATE, OP>(state, input, unary);
  }
  template <class STATE, class OP>
  static void Combine(const STATE& source, STATE& target, AggregateInputData&) {
    if (source.count == 0) return;
    if (target.count == 0) {
      target = source;
      return;
    }
    const double count = source.count + target.count;
    const double difference = target.sum / target.count - source.sum / source.count;
    target.squares += source.squares + target.count * source.count * difference * difference / count;
    target.sum += source.sum;
    target.count = count;
  }
  static bool IgnoreNull() { return true; }
};

template <class T>
T checked_float(double value, const FloatState& state) {
  const T result = static_cast<T>(value);
  if (std::isinf(result) && std::isfinite(state.squares)) {
    throw_through_duckdb(ErrorCode::NumericValueOutOfRange, "value out of range: overflow");
  }
  return result;
}

/// A plain sum is all that sum and avg of floats need.
struct PlainFloatOperation : FloatOperation {
  template <class INPUT, class STATE, class OP>
  static void Operation(STATE& state, const INPUT& input, AggregateUnaryInput&) {
    state.count += 1;
    state.sum += input;
    if (!std::isfinite(input)) state.squares = std::nan("");
  }
  template <class INPUT, class STATE, class OP>
  static void ConstantOperation(STATE& state, const INPUT& input, AggregateUnaryInput& unary, idx_t count) {
    for (idx_t i = 0; i < count; ++i) Operation<INPUT, STATE, OP>(state, input, unary);
  }
  template <class STATE, class OP>
  static void Combine(const STATE& source, STATE& target, AggregateInputData&) {
    target.count += source.count;
    target.sum += source.sum;
    if (std::isnan(source.squares)) target.squares = source.squares;
  }
};

struct SumOfFloats : PlainFloatOperation {
  template <class RESULT, class STATE>
  static void Finalize(STATE& state, RESULT& target, AggregateFinalizeData& data) {
    if (state.count == 0) {
      data.ReturnNull();
    } else {
      target = checked_float<RESULT>(state.sum, state);
    }
  }
};

struct AverageOfFloats : PlainFloatOperation {
  template <class RESULT, class STATE>
  static void Finalize(STATE& state, RESULT& target, AggregateFinalizeData& data) {
    if (state.count == 0) {
      data.ReturnNull();
    } else {
      target = checked_float<RESULT>(state.sum / state.count, state);
    }
  }
};

template <Spread spread>
struct SpreadOfFloats : FloatOperation {
  template <class RESULT, class STATE>
  static void Finalize(STATE& state, RESULT& target, AggregateFinalizeData& data) {
    constexpr bool kIsSample = spread == Spread::VarianceSample || spread == Spread::DeviationSample;
    constexpr bool kIsRoot = spread == Spread::DeviationSample || spread == Spread::DeviationPopulation;
    if (state.count == 0 || (kIsSample && state.count <= 1)) {
      data.ReturnNull();
      return;
    }
    const double variance = state.squares / (kIsSample ? state.count - 1 : state.count);
    target = kIsRoot ? std::sqrt(variance) : variance;
  }
};

template <Spread spread>
struct SpreadOfNumbers {
  template <class STATE>
  static void Initialize(STATE& state) {
    new (&state) STATE();
  }
  template <class INPUT, class STATE, class OP>
  static void Operation(STATE& state, const INPUT& input, AggregateUnaryInput&) {
    if constexpr (sizeof(INPUT) == sizeof(hugeint_t)) {
      through_duckdb([&] { state.add(widen(input)); });
    } else {
      through_duckdb([&] { state.add(input); });
    }
  }
  template <class INPUT, class STATE, class OP>
  static void ConstantOperation(STATE& state, const INPUT& input, AggregateUnaryInput& unary, idx_t count) {
    for (idx_t i = 0; i < count; ++i) Operation<INPUT, STATE, OP>(state, input, unary);
  }
  template <class STATE, class OP>
  static void Combine(const STATE& source, STATE& target, AggregateInputData&) {
    through_duckdb([&] { target.merge(source); });
  }
  template <class RESULT, class STATE>
  static void Finalize(STATE& state, RESULT& target, AggregateFinalizeData& data) {
    through_duckdb([&] {
      const ScaleData& scales = scales_of(data);
      const auto value = spread_of(state, scales.scale, spread);
      if (!value) {
        data.ReturnNull();
        return;
      }
      const auto rounded = rescale_exactly(value->unscaled, value->scale, scales.result_scale);
      if (!rounded) throw_numeric_overflow();
      target = to_hugeint(*rounded);
    });
  }
  static bool IgnoreNull() { return true; }
};

/// Values that follow each other, in their own width as long as that holds their sum.
template <class INPUT>
void add_values(ExactState& state, const INPUT* values, idx_t count) {
  using Sum = std::conditional_t<sizeof(INPUT) == sizeof(hugeint_t), Int128, std::int64_t>;
  Sum sum = 0;
  for (idx_t i = 0; i < count; ++i) {
    Sum value;
    if constexpr (sizeof(INPUT) == sizeof(hugeint_t)) {
      value = widen(values[i]);
    } else {
      value = values[i];
    }
    Sum next;
    if (!__builtin_add_overflow(sum, value, &next)) {
      sum = next;
      continue;
    }
    if (add_overflows(state, sum)) throw_numeric_overflow();
    sum = value;
  }
  if (add_overflows(state, sum)) throw_numeric_overflow();
  state.count += count;
}

bool is_flat_without_nulls(duckdb::Vector& input) {
  return input.GetVectorType() == duckdb::VectorType::FLAT_VECTOR &&
         duckdb::FlatVector::Validity(input).AllValid();
}

/// Rows that follow each other are mostly of one group: a segment is sorted by series and time. Their sum is
/// added to the group's state once.
template <class INPUT, class OP>
void add_stretches(duckdb::Vector inputs[], AggregateInputData& data, idx_t /*input_count*/,
                   duckdb::Vector& states, idx_t count) {
  duckdb::Vector& input = inputs[0];
  if (!is_flat_without_nulls(input) || states.GetVectorType() != duckdb::VectorType::FLAT_VECTOR) {
    duckdb::AggregateExecutor::UnaryScatter<ExactState, INPUT, OP>(input, states, data, count);
    return;
  }
  const auto* values = duckdb::FlatVector::GetData<INPUT>(input);
  ExactState* const* const states_of = duckdb::FlatVector::GetData<ExactState*>(states);
  for (idx_t row = 0; row < count;) {
    const idx_t first = row;
    while (row < count && states_of[row] == states_of[first]) ++row;
    add_values(*states_of[first], values + first, row - first);
  }
}

/// The same where all rows are of one group.
template <class INPUT, class OP>
void add_all(duckdb::Vector inputs[], AggregateInputData& data, idx_t /*input_count*/,
             duckdb::data_ptr_t state, idx_t count) {
  if (is_flat_without_nulls(inputs[0])) {
    add_values(*reinterpret_cast<ExactState*>(state), duckdb::FlatVector::GetData<INPUT>(inputs[0]), count);
  } else {
    duckdb::AggregateExecutor::UnaryUpdate<ExactState, INPUT, OP>(inputs[0], data, state, count);
  }
}

template <class STATE, class INPUT, class RESULT, class OP>
AggregateFunction unary_aggregate(const LogicalType& loop, const LogicalType& result) {
  auto function = AggregateFunction::UnaryAggregate<STATE, INPUT, RESULT, OP>(loop, result);
  if constexpr (std::is_same_v<STATE, ExactState>) {
    function.update = add_stretches<INPUT, OP>;
    function.simple_update = add_all<INPUT, OP>;
  }
  return function;
}

/// For an exact argument: BIGINT or DECIMAL as it lies.
template <class STATE, class OP>
AggregateFunction exact_aggregate(const LogicalType& loop, const LogicalType& result) {
  if (is_wide(loop)) return unary_aggregate<STATE, hugeint_t, hugeint_t, OP>(loop, result);
  return unary_aggregate<STATE, std::int64_t, hugeint_t, OP>(loop, result);
}

LogicalType wide_decimal(int scale) { return LogicalType::DECIMAL(38, static_cast<std::uint8_t>(scale)); }

void put(AggregateFunction& function, AggregateFunction specific) {
  specific.name = function.name;
  specific.bind = function.bind;
  specific.order_dependent = duckdb::AggregateOrderDependent::NOT_ORDER_DEPENDENT;
  function = std::move(specific);
}

unique_ptr<duckdb::FunctionData> bind_sum(duckdb::ClientContext&, AggregateFunction& function,
                                          Arguments& arguments) {
  const LogicalType& type = arguments[0]->return_type;
  switch (number_kind(type)) {
    case NumberKind::SmallInt:
    case NumberKind::Integer: {
      auto specific = unary_aggregate<ExactState, std::int32_t, std::int64_t, SumToBigInt>(
          LogicalType::INTEGER, LogicalType::BIGINT);
      put(function, std::move(specific));
      return nullptr;
    }
    case NumberKind::BigInt:
    case NumberKind::Numeric: {
      const LogicalType loop = loop_type(type);
      put(function, exact_aggregate<ExactState, SumToNumeric>(loop, wide_decimal(scale_of(loop))));
      return nullptr;
    }
    case NumberKind::Real:
      put(function, AggregateFunction::UnaryAggregate<FloatState, float, float, SumOfFloats>(
                        LogicalType::FLOAT, LogicalType::FLOAT));
      return nullptr;
    case NumberKind::Double:
      put(function, AggregateFunction::UnaryAggregate<FloatState, double, double, SumOfFloats>(
                        LogicalType::DOUBLE, LogicalType::DOUBLE));
      return nullptr;
    case NumberKind::None:
      break;
  }
  throw_no_function(function.name, arguments);
}

unique_ptr<duckdb::FunctionData> bind_average(duckdb::ClientContext&, AggregateFunction& function,
                                              Arguments& arguments) {
  const LogicalType& type = arguments[0]->return_type;
  const NumberKind kind = number_kind(type);
  if (kind == NumberKind::None) throw_no_function(function.name, arguments);
  if (kind == NumberKind::Real || kind == NumberKind::Double) {
    put(function, AggregateFunction::UnaryAggregate<FloatState, double, double, AverageOfFloats>(
                      LogicalType::DOUBLE, LogicalType::DOUBLE));
    return nullptr;
  }
  const LogicalType loop = loop_type(type);
  const int result_scale = std::max(kQuotientScale, std::min(scale_of(loop), 28));
  put(function, exact_aggregate<ExactState, AverageToNumeric>(loop, wide_decimal(result_scale)));
  return make_uniq<ScaleData>(scale_of(loop), result_scale);
}

template <Spread spread>
unique_ptr<duckdb::FunctionData> bind_spread(duckdb::ClientContext&, AggregateFunction& function,
                                             Arguments& arguments) {
  const LogicalType& type = arguments[0]->return_type;
  const NumberKind kind = number_kind(type);
  if (kind == NumberKind::None) throw_no_function(function.name, arguments);
  if (kind == NumberKind::Real || kind == NumberKind::Double) {
    put(function, AggregateFunction::UnaryAggregate<FloatState, double, double, SpreadOfFloats<spread>>(
                      LogicalType::DOUBLE, LogicalType::DOUBLE));
    return nullptr;
  }
  const LogicalType loop = loop_type(type);
  const int result_scale = kQuotientScale;
  put(function, exact_aggregate<SquareSums, SpreadOfNumbers<spread>>(loop, wide_decimal(result_scale)));
  return make_uniq<ScaleData>(scale_of(loop), result_scale);
}

duckdb::Value interval_sum(const duckdb::Value& list, std::int64_t& count) {
  Int128 months = 0;
  Int128 days = 0;
  Int128 micros = 0;
  for (const auto& value : duckdb::ListValue::GetChildren(list)) {
    if (value.IsNull()) continue;
    const auto interval = value.GetValueUnsafe<duckdb::interval_t>();
    months += interval.months;
    days += interval.days;
    micros += interval.micros;
    ++count;
  }
  if (count == 0) return duckdb::Value();
  const auto fits = [](Int128 value, Int128 most) { return value <= most && value >= -most - 1; };
  if (!fits(months, INT32_MAX) || !fits(days, INT32_MAX) || !fits(micros, INT64_MAX))
    throw Error(ErrorCode::DatetimeFieldOverflow, "interval out of range");
  duckdb::interval_t sum;
  sum.months = static_cast<std::int32_t>(months);
  sum.days = static_cast<std::int32_t>(days);
  sum.micros = static_cast<std::int64_t>(micros);
  return duckdb::Value::INTERVAL(sum);
}
duckdb::Value sum_of_intervals(const duckdb::Value& list) {
  std::int64_t count = 0;
  return interval_sum(list, count);
}
duckdb::Value average_of_intervals(const duckdb::Value& list) {
  std::int64_t count = 0;
  const duckdb::Value sum = interval_sum(list, count);
  if (count == 0) return sum;
  return duckdb::Value::INTERVAL(
      scaled_interval(sum.GetValueUnsafe<duckdb::interval_t>(), 1 / static_cast<double>(count)));
}

void add_interval_aggregate(FunctionCatalog& catalog, const std::string& name, ListFinish finish) {
  auto set = catalog.aggregates(name);
  std::erase_if(set.functions, [](const AggregateFunction& function) {
    return function.arguments.size() == 1 && function.arguments[0].id() == LogicalTypeId::INTERVAL;
  });
  auto function = list_aggregate(name, {LogicalType::INTERVAL}, LogicalType::INTERVAL, finish);
  function.order_dependent = duckdb::AggregateOrderDependent::NOT_ORDER_DEPENDENT;
  set.AddFunction(std::move(function));
  catalog.replace(std::move(set));
}

/// One aggregate over any number; DuckDB's own overloads for intervals and times stay.
void register_number_aggregate(FunctionCatalog& catalog, const std::string& name,
                               duckdb::bind_aggregate_function_t bind) {
  AggregateFunctionSet set(name);
  for (auto& overload : catalog.aggregates(name).functions) {
    const auto id = overload.arguments.empty() ? LogicalTypeId::INVALID : overload.arguments[0].id();
    if (id == LogicalTypeId::INTERVAL) set.AddFunction(overload);
  }
  for (const LogicalType& type : duckdb::vector<LogicalType>{
           LogicalType::SMALLINT, LogicalType::INTEGER, LogicalType::BIGINT, LogicalType::HUGEINT,
           LogicalType(LogicalTypeId::DECIMAL), LogicalType::FLOAT, LogicalType::DOUBLE}) {
    AggregateFunction function({type}, type, nullptr, nullptr, nullptr, nullptr, nullptr,
                               duckdb::FunctionNullHandling::DEFAULT_NULL_HANDLING, nullptr, bind);
    function.name = name;
    set.AddFunction(std::move(function));
  }
  catalog.replace(std::move(set));
}

/// first(value, time) is DuckDB's arg_min that keeps NULL values; last is arg_max.
template <bool is_first>
unique_ptr<duckdb::FunctionData> bind_first(duckdb::ClientContext& context, AggregateFunction& function,
                                            Arguments& arguments) {
  auto& entry = duckdb::Catalog::GetSystemCatalog(context).GetEntry<duckdb::AggregateFunctionCatalogEntry>(
      context, DEFAULT_SCHEMA, is_first ? "arg_min_null" : "arg_max_null");
  auto overloads = entry.functions;
  duckdb::FunctionBinder binder(context);
  duckdb::ErrorData error;
  const auto best = binder.BindFunction(entry.name, overloads, arguments, error);
  if (!best.IsValid()) error.Throw();
  const std::string name = function.name;
  function = overloads.GetFunctionByOffset(best.GetIndex());
  function.name = name;
  binder.ResolveTemplateTypes(function, arguments);
  return function.bind ? function.bind(context, function, arguments) : nullptr;
}

template <bool is_first>
void register_first(FunctionCatalog& catalog, const std::string& name) {
  auto set = catalog.aggregates(name);
  AggregateFunction function({LogicalType::ANY, LogicalType::ANY}, LogicalType::ANY, nullptr, nullptr,
                             nullptr, nullptr, nullptr, duckdb::FunctionNullHandling::DEFAULT_NULL_HANDLING,
                             nullptr, bind_first<is_first>);
  function.name = name;
  set.AddFunction(std::move(function));
  catalog.replace(std::move(set));
}

}  // namespace

bool keeps_exact_sum(const AggregateFunction& function) {
  return function.update == add_stretches<std::int32_t, SumToBigInt> ||
         function.update == add_stretches<std::int64_t, SumToNumeric> ||
         function.update == add_stretches<hugeint_t, SumToNumeric> ||
         function.update == add_stretches<std::int64_t, AverageToNumeric> ||
         function.update == add_stretches<hugeint_t, AverageToNumeric>;
}

void register_aggregates(FunctionCatalog& catalog) {
  register_number_aggregate(catalog, "sum", bind_sum);
  register_number_aggregate(catalog, "avg", bind_average);
  for (const char* name : {"variance", "var_samp"}) {
    register_number_aggregate(catalog, name, bind_spread<Spread::VarianceSample>);
  }
  register_number_aggregate(catalog, "var_pop", bind_spread<Spread::VariancePopulation>);
  for (const char* name : {"stddev", "stddev_samp"}) {
    register_number_aggregate(catalog, name, bind_spread<Spread::DeviationSample>);
  }
  register_number_aggregate(catalog, "stddev_pop", bind_spread<Spread::DeviationPopulation>);
  add_interval_aggregate(catalog, "sum", sum_of_intervals);
  add_interval_aggregate(catalog, "avg", average_of_intervals);
  register_first<true>(catalog, "first");
  register_first<false>(catalog, "last");
  catalog.alias("every", "bool_and");
}

}  // namespace tickstone::duck
