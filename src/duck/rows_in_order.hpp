// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include <duckdb/common/types/column/column_data_collection.hpp>
#include <duckdb/common/types/data_chunk.hpp>
#include <duckdb/execution/operator/order/physical_order.hpp>

#include "duck/duckdb_api.hpp"

namespace tickstone::duck {

/// A column that rows are ordered by.
struct OrderKey {
  duckdb::idx_t column;
  duckdb::LogicalType type;
  bool is_descending;
  bool has_nulls_first;
};

/// The columns of an ORDER BY; none where it sorts by an expression or by a type that is not compared here.
std::vector<OrderKey> order_keys_of(const duckdb::PhysicalOrder& order);

/// Follows the rows of one thread: whether they have come in order so far, which of them was the first and
/// which the last.
class RowsInOrder {
 public:
  RowsInOrder(duckdb::ClientContext& context, const std::vector<OrderKey>& keys);

  /// Whether these rows, too, are in order and none of them belongs before those of earlier calls. Once it is
  /// false it stays so.
  bool follow(duckdb::DataChunk& rows);

  bool is_in_order() const { return is_in_order_; }

  /// Whether all rows here may stand before all of `other`; both are in order and have rows.
  bool ends_before(RowsInOrder& other);
  /// Whether the first row here belongs before the first of `other`.
  bool begins_before(RowsInOrder& other);

 private:
  const std::vector<OrderKey>& keys_;
  duckdb::DataChunk first_;  // of the keys' columns alone, as last_
  duckdb::DataChunk last_;
  bool is_in_order_ = true;
};

}  // namespace tickstone::duck
