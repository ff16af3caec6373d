// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "duck/duckdb_api.hpp"

namespace tickstone::duck {

/// A column that rows are ordered by.
struct OrderKey {
  duckdb::idx_t column = 0;
  duckdb::LogicalType type;
  /// Of two values that are there, at these places of what the formats lead to.
  int (*compare)(const duckdb::UnifiedVectorFormat& a, duckdb::idx_t a_at,
                 const duckdb::UnifiedVectorFormat& b, duckdb::idx_t b_at) = nullptr;
  bool is_descending = false;
  bool has_nulls_first = false;

  /// Orders as `order` does, whose expression is not looked at.
  void set_direction(const duckdb::BoundOrderByNode& order);
  /// Below, equal to or above zero; NULLs and the direction are in it.
  int order(const duckdb::UnifiedVectorFormat& a, duckdb::idx_t a_row, const duckdb::UnifiedVectorFormat& b,
            duckdb::idx_t b_row) const;
};

/// A key by a column, ascending, NULLs last. Nothing for a type that DuckDB does not sort by its plain
/// values.
std::optional<OrderKey> order_key_by(duckdb::idx_t column, const duckdb::LogicalType& type);

/// The columns of an ORDER BY; none where it sorts by an expression, or by a type that DuckDB does not sort
/// by its plain values.
std::vector<OrderKey> order_keys_of(const duckdb::vector<duckdb::BoundOrderByNode>& orders);

}  // namespace tickstone::duck
