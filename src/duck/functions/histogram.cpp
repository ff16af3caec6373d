// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "duck/error_translation.hpp"
#include "duck/functions/functions.hpp"

// histogram(value, least, most, buckets): counts of the values below, in each of the buckets, and above.

namespace tickstone::duck {

namespace {

using duckdb::AggregateFunction;
using duckdb::AggregateInputData;
using duckdb::data_ptr_t;
using duckdb::FlatVector;
using duckdb::idx_t;
using duckdb::LogicalType;
using duckdb::UnifiedVectorFormat;
using duckdb::Vector;

using Counts = std::vector<std::int32_t>;

struct HistogramState {
  Counts* counts;  // owned; destroyed by `destroy`
};

struct Bounds {
  double least = 0;
  double most = 0;
  std::int32_t buckets = 0;
};

/// PostgreSQL's width_bucket, whose bounds here ascend.
std::size_t bucket_of(double value, const Bounds& bounds) {
  if (value < bounds.least) return 0;
  if (value >= bounds.most || std::isnan(value)) return static_cast<std::size_t>(bounds.buckets) + 1;
  // Halves, lest the difference of the bounds overflow.
  const double part = (value / 2 - bounds.least / 2) / (bounds.most / 2 - bounds.least / 2);
  const auto bucket = static_cast<std::int32_t>(part * bounds.buckets);
  return static_cast<std::size_t>(std::min(bucket, bounds.buckets - 1)) + 1;
}

void check(const Bounds& bounds) {
  if (bounds.least > bounds.most)
    throw_through_duckdb(ErrorCode::InvalidParameterValue, "lower bound cannot exceed upper bound");
  if (bounds.buckets <= 0)
    throw_through_duckdb(ErrorCode::InvalidWidthBucketArgument, "count must be greater than zero");
  if (std::isnan(bounds.least) || std::isnan(bounds.most)) {
    throw_through_duckdb(ErrorCode::InvalidWidthBucketArgument,
                         "operand, lower bound, and upper bound cannot be NaN");
  }
  if (std::isinf(bounds.least) || std::isinf(bounds.most))
    throw_through_duckdb(ErrorCode::InvalidWidthBucketArgument, "lower and upper bounds must be finite");
  if (bounds.least == bounds.most)
    throw_through_duckdb(ErrorCode::InvalidWidthBucketArgument, "lower bound cannot equal upper bound");
  constexpr std::int32_t kMost = 100'000'000;
  if (bounds.buckets > kMost)
    throw_through_duckdb(ErrorCode::ProgramLimitExceeded, "histogram has too many buckets");
}

void add(HistogramState& state, std::size_t bucket, std::int64_t count) {
  std::int64_t sum = std::int64_t{(*state.counts)[bucket]} + count;
  if (sum > INT32_MAX) throw_through_duckdb(ErrorCode::NumericValueOutOfRange, "integer out of range");
  (*state.counts)[bucket] = static_cast<std::int32_t>(sum);
}

idx_t state_size(const AggregateFunction&) { return sizeof(HistogramState); }

void initialize(const AggregateFunction&, data_ptr_t state) {
  reinterpret_cast<HistogramState*>(state)->counts = nullptr;
}

void update(Vector inputs[], AggregateInputData&, idx_t, Vector& states, idx_t count) {
  UnifiedVectorFormat formats[4];
  for (int i = 0; i < 4; ++i) inputs[i].ToUnifiedFormat(count, formats[i]);
  UnifiedVectorFormat places;
  states.ToUnifiedFormat(count, places);
  for (idx_t row = 0; row < count; ++row) {
    idx_t at[4];
    bool has_null = false;
    for (int i = 0; i < 4; ++i) {
      at[i] = formats[i].sel->get_index(row);
      has_null = has_null || !formats[i].validity.RowIsValid(at[i]);
    }
    if (has_null) continue;
    const double value = reinterpret_cast<const double*>(formats[0].data)[at[0]];
    const Bounds bounds{reinterpret_cast<const double*>(formats[1].data)[at[1]],
                        reinterpret_cast<const double*>(formats[2].data)[at[2]],
                        reinterpret_cast<const std::int32_t*>(formats[3].data)[at[3]]};
    auto& state = *reinterpret_cast<HistogramState**>(places.data)[places.sel->get_index(row)];
    if (state.counts == nullptr) {
      check(bounds);
      state.counts = new Counts(static_cast<std::size_t>(bounds.buckets) + 2);
    } else if (state.counts->size() != static_cast<std::size_t>(bounds.buckets) + 2) {
      throw_through_duckdb(ErrorCode::InvalidParameterValue,
                           "number of buckets must not change between calls");
    } else {
      check(bounds);
    }
    add(state, bucket_of(value, bounds), 1);
  }
}

void combine(Vector& sources, Vector& targets, AggregateInputData&, idx_t count) {
  auto** from = FlatVector::GetData<HistogramState*>(sources);
  auto** to = FlatVector::GetData<HistogramState*>(targets);
  for (idx_t i = 0; i < count; ++i) {
    if (from[i]->counts == nullptr) continue;
    if (to[i]->counts == nullptr) {
      to[i]->counts = new Counts(*from[i]->counts);
      continue;
    }
    if (from[i]->counts->size() != to[i]->counts->size())
      throw_through_duckdb(ErrorCode::InvalidParameterValue,
                           "number of buckets must not change between calls");
    for (std::size_t bucket = 0; bucket < from[i]->counts->size(); ++bucket)
      add(*to[i], bucket, (*from[i]->counts)[bucket]);
  }
}

void finalize(Vector& states, AggregateInputData&, Vector& result, idx_t count, idx_t offset) {
  const bool is_constant = states.GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR;
  UnifiedVectorFormat places;
  states.ToUnifiedFormat(count, places);
  for (idx_t i = 0; i < count; ++i) {
    const auto& state = *reinterpret_cast<HistogramState**>(places.data)[places.sel->get_index(i)];
    duckdb::Value value(result.GetType());
    if (state.counts != nullptr) {
      duckdb::vector<duckdb::Value> counts;
      for (const std::int32_t n : *state.counts) counts.push_back(duckdb::Value::INTEGER(n));
      value = duckdb::Value::LIST(LogicalType::INTEGER, std::move(counts));
    }
    result.SetValue(is_constant ? 0 : offset + i, value);
  }
  if (is_constant) result.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
}

void destroy(Vector& states, AggregateInputData&, idx_t count) {
  auto** places = FlatVector::GetData<HistogramState*>(states);
  for (idx_t i = 0; i < count; ++i) delete places[i]->counts;
}

}  // namespace

void register_histogram(FunctionCatalog& catalog) {
  AggregateFunction function(
      {LogicalType::DOUBLE, LogicalType::DOUBLE, LogicalType::DOUBLE, LogicalType::INTEGER},
      LogicalType::LIST(LogicalType::INTEGER), state_size, initialize, update, combine, finalize,
      duckdb::FunctionNullHandling::DEFAULT_NULL_HANDLING, nullptr, nullptr, destroy);
  function.name = "histogram";
  function.order_dependent = duckdb::AggregateOrderDependent::NOT_ORDER_DEPENDENT;
  duckdb::AggregateFunctionSet set("histogram");
  set.AddFunction(std::move(function));
  catalog.replace(std::move(set));
}

}  // namespace tickstone::duck
