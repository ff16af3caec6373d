// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include <duckdb/common/types/data_chunk.hpp>

#include "duck/duckdb_api.hpp"
#include "duck/order_key.hpp"

namespace tickstone::duck {

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
