// SPDX-License-Identifier: Apache-2.0
#include <random>

#include "base/clock.hpp"
#include "duck/functions/functions.hpp"
#include "duck/functions/scalar_builder.hpp"
#include "duck/logical_types.hpp"
#include "types/uuid_v7.hpp"

// TimescaleDB's functions of UUIDs of version 7.

namespace tickstone::duck {

namespace {

using duckdb::DataChunk;
using duckdb::ExpressionState;
using duckdb::hugeint_t;
using duckdb::LogicalType;
using duckdb::ScalarFunction;
using duckdb::UnaryExecutor;
using duckdb::ValidityMask;
using duckdb::Vector;

std::uint64_t random_bits() {
  thread_local std::mt19937_64 source{(std::uint64_t{std::random_device{}()} << 32) | std::random_device{}()};
  return source();
}

hugeint_t uuid_of(std::int64_t us, std::uint64_t random) {
  return through_duckdb([&] { return to_hugeint(flip_uuid(uuid_v7_of(us, random))); });
}

void generate(DataChunk& chunk, ExpressionState&, Vector& result) {
  result.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
  auto* out = duckdb::FlatVector::GetData<hugeint_t>(result);
  for (duckdb::idx_t i = 0; i < chunk.size(); ++i) out[i] = uuid_of(system_clock().now_us(), random_bits());
}

template <bool is_boundary>
void from_time(DataChunk& chunk, ExpressionState&, Vector& result) {
  UnaryExecutor::Execute<std::int64_t, hugeint_t>(chunk.data[0], result, chunk.size(), [](std::int64_t us) {
    return uuid_of(us, is_boundary ? 0 : random_bits());
  });
}

template <UuidTime precision>
void to_time(DataChunk& chunk, ExpressionState&, Vector& result) {
  UnaryExecutor::ExecuteWithNulls<hugeint_t, std::int64_t>(
      chunk.data[0], result, chunk.size(), [](hugeint_t uuid, ValidityMask& mask, duckdb::idx_t row) {
        const auto us = uuid_v7_time(flip_uuid(to_int128(uuid)), precision);
        if (!us) mask.SetInvalid(row);
        return us.value_or(0);
      });
}

void version(DataChunk& chunk, ExpressionState&, Vector& result) {
  UnaryExecutor::ExecuteWithNulls<hugeint_t, std::int32_t>(
      chunk.data[0], result, chunk.size(), [](hugeint_t uuid, ValidityMask& mask, duckdb::idx_t row) {
        const auto number = uuid_version(flip_uuid(to_int128(uuid)));
        if (!number) mask.SetInvalid(row);
        return number.value_or(0);
      });
}

void add(FunctionCatalog& catalog, const std::string& name, duckdb::vector<LogicalType> arguments,
         const LogicalType& result, duckdb::scalar_function_t body, bool is_volatile = false) {
  ScalarFunction function(name, std::move(arguments), result, std::move(body));
  if (is_volatile) function.stability = duckdb::FunctionStability::VOLATILE;
  function.errors = duckdb::FunctionErrors::CAN_THROW_RUNTIME_ERROR;
  catalog.replace(std::move(function));
}

}  // namespace

void register_uuid_functions(FunctionCatalog& catalog) {
  const LogicalType uuid = LogicalType::UUID;
  const LogicalType time = LogicalType::TIMESTAMP_TZ;
  add(catalog, "generate_uuidv7", {}, uuid, generate, true);
  add(catalog, "to_uuidv7", {time}, uuid, from_time<false>, true);
  add(catalog, "to_uuidv7_boundary", {time}, uuid, from_time<true>);
  add(catalog, "uuid_timestamp", {uuid}, time, to_time<UuidTime::Milliseconds>);
  add(catalog, "uuid_timestamp_micros", {uuid}, time, to_time<UuidTime::Microseconds>);
  add(catalog, "uuid_version", {uuid}, LogicalType::INTEGER, version);
}

}  // namespace tickstone::duck
