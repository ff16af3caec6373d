// SPDX-License-Identifier: Apache-2.0
#include "types/candlestick.hpp"

#include <new>

#include "duck/functions/functions.hpp"
#include "duck/functions/scalar_builder.hpp"
#include "duck/logical_types.hpp"

// The toolkit's candlesticks. A value is its text; aggregates compute with the struct.

namespace tickstone::duck {

namespace {

using duckdb::AggregateFunction;
using duckdb::AggregateInputData;
using duckdb::data_ptr_t;
using duckdb::DataChunk;
using duckdb::ExpressionState;
using duckdb::FlatVector;
using duckdb::idx_t;
using duckdb::LogicalType;
using duckdb::ScalarFunction;
using duckdb::string_t;
using duckdb::UnaryExecutor;
using duckdb::UnifiedVectorFormat;
using duckdb::ValidityMask;
using duckdb::Vector;

struct CandleState {
  Candlestick value;
  bool is_set;
};

idx_t state_size(const AggregateFunction&) { return sizeof(CandleState); }
void initialize(const AggregateFunction&, data_ptr_t state) { new (state) CandleState{{}, false}; }

void add(CandleState& state, const Candlestick& value) {
  if (!state.is_set) {
    state.value = value;
    state.is_set = true;
  } else {
    state.value.add(value);
  }
}

double double_at(const UnifiedVectorFormat& format, idx_t row) {
  return reinterpret_cast<const double*>(format.data)[format.sel->get_index(row)];
}
std::int64_t time_at(const UnifiedVectorFormat& format, idx_t row) {
  return reinterpret_cast<const std::int64_t*>(format.data)[format.sel->get_index(row)];
}
bool is_null(const UnifiedVectorFormat& format, idx_t row) {
  return !format.validity.RowIsValid(format.sel->get_index(row));
}
CandleState& state_at(const UnifiedVectorFormat& states, idx_t row) {
  return *reinterpret_cast<CandleState**>(states.data)[states.sel->get_index(row)];
}

/// Trades without a time or a price do not count; one without a volume makes that of all unknown.
void add_trades(Vector inputs[], AggregateInputData&, idx_t, Vector& states, idx_t count) {
  UnifiedVectorFormat time, price, volume, places;
  inputs[0].ToUnifiedFormat(count, time);
  inputs[1].ToUnifiedFormat(count, price);
  inputs[2].ToUnifiedFormat(count, volume);
  states.ToUnifiedFormat(count, places);
  for (idx_t row = 0; row < count; ++row) {
    if (is_null(time, row) || is_null(price, row)) continue;
    std::optional<double> of_trade;
    if (!is_null(volume, row)) of_trade = double_at(volume, row);
    add(state_at(places, row), Candlestick::of_trade(time_at(time, row), double_at(price, row), of_trade));
  }
}

void add_candlesticks(Vector inputs[], AggregateInputData&, idx_t, Vector& states, idx_t count) {
  UnifiedVectorFormat values, places;
  inputs[0].ToUnifiedFormat(count, values);
  states.ToUnifiedFormat(count, places);
  for (idx_t row = 0; row < count; ++row) {
    if (is_null(values, row)) continue;
    const auto& text = reinterpret_cast<const string_t*>(values.data)[values.sel->get_index(row)];
    add(state_at(places, row), through_duckdb([&] { return parse_candlestick(view_of(text)); }));
  }
}

void combine(Vector& sources, Vector& targets, AggregateInputData&, idx_t count) {
  auto** from = FlatVector::GetData<CandleState*>(sources);
  auto** to = FlatVector::GetData<CandleState*>(targets);
  for (idx_t i = 0; i < count; ++i) {
    if (from[i]->is_set) add(*to[i], from[i]->value);
  }
}

void finalize(Vector& states, AggregateInputData&, Vector& result, idx_t count, idx_t offset) {
  const bool is_constant = states.GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR;
  UnifiedVectorFormat places;
  states.ToUnifiedFormat(count, places);
  for (idx_t i = 0; i < count; ++i) {
    const CandleState& state = state_at(places, i);
    duckdb::Value value(candlestick_type());
    if (state.is_set) {
      std::string text;
      append_candlestick(text, state.value);
      value = duckdb::Value(text);
      value.Reinterpret(candlestick_type());
    }
    result.SetValue(is_constant ? 0 : offset + i, value);
  }
  if (is_constant) result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
}

void add_aggregate(FunctionCatalog& catalog, const std::string& name, duckdb::vector<LogicalType> arguments,
                   duckdb::aggregate_update_t update) {
  // NULLs come in: a trade without a volume counts.
  AggregateFunction function(std::move(arguments), candlestick_type(), state_size, initialize, update,
                             combine, finalize, duckdb::FunctionNullHandling::SPECIAL_HANDLING);
  function.name = name;
  function.order_dependent = duckdb::AggregateOrderDependent::ORDER_DEPENDENT;
  duckdb::AggregateFunctionSet set(name);
  set.AddFunction(std::move(function));
  catalog.replace(std::move(set));
}

void from_bar(DataChunk& chunk, ExpressionState&, Vector& result) {
  UnifiedVectorFormat formats[6];
  for (idx_t i = 0; i < 6; ++i) chunk.data[i].ToUnifiedFormat(chunk.size(), formats[i]);
  result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  auto* out = FlatVector::GetData<string_t>(result);
  std::string text;
  for (idx_t row = 0; row < chunk.size(); ++row) {
    bool has_null = false;
    for (int i = 0; i < 5; ++i) has_null = has_null || is_null(formats[i], row);
    if (has_null) {
      FlatVector::SetNull(result, row, true);
      continue;
    }
    std::optional<double> volume;
    if (!is_null(formats[5], row)) volume = double_at(formats[5], row);
    text.clear();
    append_candlestick(text, Candlestick::of_bar(time_at(formats[0], row), double_at(formats[1], row),
                                                 double_at(formats[2], row), double_at(formats[3], row),
                                                 double_at(formats[4], row), volume));
    out[row] = duckdb::StringVector::AddString(result, text);
  }
  if (chunk.AllConstant()) result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
}

/// One part of a candlestick, or NULL.
template <typename T, std::optional<T> (*part)(const Candlestick&)>
void add_part(FunctionCatalog& catalog, const std::string& name, const LogicalType& type) {
  ScalarFunction function(
      name, {candlestick_type()}, type, [](DataChunk& chunk, ExpressionState&, Vector& result) {
        UnaryExecutor::ExecuteWithNulls<string_t, T>(
            chunk.data[0], result, chunk.size(), [](string_t text, ValidityMask& mask, idx_t row) {
              const auto value = through_duckdb([&] { return part(parse_candlestick(view_of(text))); });
              if (!value) mask.SetInvalid(row);
              return value.value_or(T{});
            });
      });
  function.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
  catalog.replace(std::move(function));
}

using Price = std::optional<double>;
using Time = std::optional<std::int64_t>;

template <Candlestick::Point Candlestick::*point>
Price price_of(const Candlestick& value) {
  return (value.*point).value;
}
template <Candlestick::Point Candlestick::*point>
Time time_of(const Candlestick& value) {
  return (value.*point).us;
}
Price volume_of(const Candlestick& value) {
  return value.volume ? Price(value.volume->volume) : std::nullopt;
}
Price vwap_of(const Candlestick& value) { return value.vwap(); }

template <Candlestick::Point Candlestick::*point>
void add_point(FunctionCatalog& catalog, const std::string& name) {
  add_part<double, price_of<point>>(catalog, name, LogicalType::DOUBLE);
  add_part<std::int64_t, time_of<point>>(catalog, name + "_time", LogicalType::TIMESTAMP_TZ);
}

}  // namespace

void register_candlestick(FunctionCatalog& catalog) {
  const LogicalType number = LogicalType::DOUBLE;
  add_aggregate(catalog, "candlestick_agg", {LogicalType::TIMESTAMP_TZ, number, number}, add_trades);
  add_aggregate(catalog, "candlestick_rollup", {candlestick_type()}, add_candlesticks);
  ScalarFunction bar("candlestick", {LogicalType::TIMESTAMP_TZ, number, number, number, number, number},
                     candlestick_type(), from_bar);
  bar.null_handling = duckdb::FunctionNullHandling::SPECIAL_HANDLING;
  catalog.replace(std::move(bar));
  add_point<&Candlestick::open>(catalog, "candlestick_open");
  add_point<&Candlestick::high>(catalog, "candlestick_high");
  add_point<&Candlestick::low>(catalog, "candlestick_low");
  add_point<&Candlestick::close>(catalog, "candlestick_close");
  add_part<double, volume_of>(catalog, "candlestick_volume", number);
  add_part<double, vwap_of>(catalog, "candlestick_vwap", number);
}

}  // namespace tickstone::duck
