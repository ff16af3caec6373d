// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <tickstone/database_manager.hpp>

#include "market/batch_table.hpp"

namespace tickstone::market {

/// The rows of a batch that are of one series, in the order of time.
struct SeriesRows {
  std::span<const BatchRow> rows;
  std::optional<Timestamp> newest;  // the newest stored time that is not before the first row's
};

/// Rows by `BatchRow::order`, with their cells.
using StoredRows = std::unordered_map<std::string, Parameters>;

/// Asks a home what it holds already of a batch, in few statements however many series the batch is of.
///
/// Threads: any; it never changes.
class BatchLookup {
 public:
  explicit BatchLookup(const BatchTable& table);

  /// Fills in `newest`. The table has a time. Cost: one statement for a thousand series; where the series'
  /// key has several columns whose combinations are few of all, one for each value of one of them.
  void read_newest(Executor& executor, std::span<SeriesRows> series) const;

  /// What is stored under the keys of rows, perhaps with more of their series. `parts`: of one series each.
  /// Cost: one statement for a thousand keys; parts of many rows are read as ranges, one statement or more
  /// each.
  StoredRows read_stored(Executor& executor, std::span<const std::span<const BatchRow>> parts) const;

 private:
  using Series = std::vector<SeriesRows*>;

  void read_newest_of_one(Executor& executor, SeriesRows& series) const;
  void read_newest_by_keys(Executor& executor, std::span<SeriesRows> series) const;
  void read_newest_by_values(Executor& executor, const Series& series) const;
  void read_keys(Executor& executor, StoredRows& stored, std::span<const BatchRow* const> rows) const;
  void read_range(Executor& executor, StoredRows& stored, std::span<const BatchRow> rows) const;

  BatchTable table_;
  std::string newest_sql_;   // one series, from a time on; where there is a time
  std::string newest_keys_;  // arrays of the series' columns and of the times, one of each a series
  std::string newest_any_;   // an array of values for each column of the series; from a time on
  std::string point_sql_;    // one key
  std::string keys_sql_;     // arrays of the key's columns, one of each a key
  std::string range_sql_;    // the series, from a time to another, in order; where there is a time
  std::string instant_sql_;  // the series at a time
};

Timestamp time_of(const BatchTable& table, const BatchRow& row);

}  // namespace tickstone::market
