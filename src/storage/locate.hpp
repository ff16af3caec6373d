// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "storage/state.hpp"
#include "types/column.hpp"

namespace tickstone::storage {

/// Any commit so far, published or not.
inline constexpr CommitSeq kNewest = kNeverEnded - 1;

/// Where the version of a row is.
struct RowPlace {
  OpenChunk* open = nullptr;
  SealedSegment* sealed = nullptr;
  std::uint64_t row = 0;
  std::uint32_t chunk = 0;

  explicit operator bool() const { return open != nullptr || sealed != nullptr; }
  /// The commit that created it, or a later one where only that is known.
  CommitSeq created() const;
  void set_ended(CommitSeq seq) const;
};

/// The committed versions of `keys` (columns as `key_columns`) that are visible at `seq`. `seq` has to be at
/// or after what `table` was published with. Cost: decodes key columns of segments where a key may be.
std::vector<RowPlace> locate(const TableState& table, const Batch& keys, CommitSeq seq);

/// The same of one key, which is also given as `append_key_part` writes it.
RowPlace locate_row(const TableState& table, const std::vector<ColumnView>& cells, std::string_view key,
                    std::uint64_t hash, CommitSeq seq);

/// Appends one row of a layer to columns of `table`'s schema and layout (and the row id last where the table
/// has one).
void append_row(const TableState& table, const RowPlace& place, Batch& out);
/// Empty columns that `append_row` fills.
Batch empty_rows(const TableState& table);

/// A column that a layer does not have: as many rows of the default, or of NULL.
class MissingColumn {
 public:
  MissingColumn(const TableState& table, std::size_t column);
  ColumnView view(std::size_t rows) const;

 private:
  Column value_;
};

}  // namespace tickstone::storage
