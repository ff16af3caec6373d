// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tickstone/batch_result.hpp>
#include <tickstone/parameter.hpp>

namespace tickstone::market {

/// What a column takes, as a Parameter of that content. Numeric takes every finite number, Double every
/// number, Integer and BigInt whole ones.
enum class ColumnKind : std::uint8_t {
  Text,
  Numeric,
  Integer,
  BigInt,
  Double,
  Boolean,
  Time,
  Date,
  Texts,
  Json
};
/// `timestamptz`, `text[]`.
std::string_view sql_name(ColumnKind kind);

struct BatchColumn {
  std::string_view name;
  ColumnKind kind = ColumnKind::Text;
  bool is_required = false;
  bool is_compared = true;  // false: a difference in it alone is no change (`last_updated`)
};

/// A table as batches write it. Positions are those of `columns`.
struct BatchTable {
  std::string_view name;
  std::vector<BatchColumn> columns;  // others of the table keep what they have, or get their default
  std::vector<std::size_t> key;      // of a unique constraint, all of them; required
  std::vector<std::size_t> series;   // part of the key: what has a newest row; empty without `time`
  std::optional<std::size_t> time;   // part of the key; none: no row is late
};

/// A row that can be stored.
struct BatchRow {
  std::size_t index = 0;   // in the batch
  Parameters cells;        // as the columns hold them
  std::string order;       // sorts as (series, time, rest of the key)
  std::size_t series = 0;  // bytes of `order` that are the series
};

/// The rows of a batch: gathered, checked, one for each key.
class BatchRows {
 public:
  explicit BatchRows(const BatchTable& table) : table_(table) {}

  /// The next row, its cells in the order of the columns.
  void add(Parameters cells);
  /// The next row, which cannot be stored.
  void reject(std::string reason);

  /// Those that can be stored, last one wins, sorted by `order`: the same for every writer, so that writers
  /// of the same keys wait for one another and do not deadlock. Call it once, after the last `add`.
  const std::vector<BatchRow>& sort();
  /// `superseded` and `rejected`.
  const BatchResult& result() const { return result_; }

 private:
  const BatchTable& table_;
  std::vector<BatchRow> rows_;
  std::size_t count_ = 0;
  BatchResult result_;
};

}  // namespace tickstone::market
