// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <tickstone/batch_result.hpp>
#include <tickstone/database_manager.hpp>

#include "market/batch_lookup.hpp"
#include "market/batch_table.hpp"

namespace tickstone::market {

/// Stores batches in one table: on every home in the same way, idempotently, with an account of each row.
///
/// Rows past the newest of their series cannot collide, so only the rest is looked up (`BatchLookup`). What
/// is new or changed is upserted in the order of the keys, in statements of fixed sizes; many new rows go by
/// COPY. Rows that the server refuses are found by halving, and rejected with its reason; the others are
/// stored.
///
/// Errors: whatever is not about a row (42P01 where the table is missing). Threads: any; it never changes.
class BatchStore {
 public:
  explicit BatchStore(BatchTable table);

  const BatchTable& table() const { return table_; }
  /// Rows for this table.
  BatchRows rows() const { return BatchRows(table_); }

  /// In a transaction of its own, or within the one that `executor` is. Cost: one statement to look for the
  /// newest rows of a thousand series, one for a thousand rows that may be stored already (of many rows of
  /// one series: one each), one for some hundred rows that are stored.
  BatchResult store(Executor& executor, BatchRows rows) const;

 private:
  class Writer;

  struct SizedInsert {
    std::size_t row_count;
    std::string sql;
  };

  std::string insert_sql(std::size_t row_count) const;

  BatchTable table_;
  BatchLookup lookup_;
  std::string copy_sql_;
  std::vector<SizedInsert> inserts_;  // largest first, down to one row
};

}  // namespace tickstone::market
