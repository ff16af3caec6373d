// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "duck/duckdb_api.hpp"
#include "types/decimal.hpp"

namespace tickstone::duck {

// DuckDB lays states at multiples of 8 bytes; a plain 128-bit integer would be written as if at 16.
typedef Int128 StateInt128 __attribute__((aligned(8)));

/// The state of sum and avg of exact numbers.
struct ExactState {
  StateInt128 sum;
  std::uint64_t count;
};

/// Whether the function is sum or avg with such a state: its values are INTEGER, BIGINT or DECIMAL of 64 or
/// 128 bits.
bool keeps_exact_sum(const duckdb::AggregateFunction& function);

}  // namespace tickstone::duck
