// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "storage/locate.hpp"
#include "storage/row_marks.hpp"
#include "storage/state.hpp"
#include "storage/store.hpp"

namespace tickstone::storage {

/// Changes of so many rows of a table that their keys would not fit in memory.
///
/// Between `begin_mass_change` and `finish_mass_change` the transaction's `update` and `erase` of the table
/// note the committed rows that they replace by their places, a bit each, and lock no rows, nor does `lock`;
/// `insert` asks what they left, or replaces as they do. Views that are taken meanwhile show replaced rows
/// still. At the end what is left of a chunk is copied and the chunk dropped, as a commit drops chunks; where
/// little of it changed, its keys are touched instead.
///
/// An error meanwhile undoes what the statement did only with its savepoint or transaction.
class MassChanges {
 public:
  virtual ~MassChanges() = default;
  /// Every transaction has this door.
  static MassChanges& of(Transaction& transaction);

  /// The transaction must have the table's lock alone. False where it has to be done row by row: a temporary
  /// table, or rows that the transaction wrote before others committed theirs.
  virtual bool begin_mass_change(TableId table) = 0;
  /// Errors: DiskFull, IoError, DataCorrupted, QueryCanceled.
  virtual void finish_mass_change(TableId table) = 0;
  /// Keys of the table whose committed rows this transaction hides so far, one by one.
  virtual std::uint64_t touched_count(TableId table) const = 0;
};

/// The rows that a mass change has replaced so far, in the table as it found it.
class ReplacedRows {
 public:
  ReplacedRows(std::shared_ptr<const TableState> table, CommitSeq seq)
      : table_(std::move(table)), seq_(seq) {}

  const TableState& table() const { return *table_; }
  CommitSeq seq() const { return seq_; }
  const RowMarks* find(const void* layer) const {
    const auto found = marks_.find(layer);
    return found == marks_.end() ? nullptr : &found->second;
  }
  bool has(const RowPlace& place) const {
    const RowMarks* marks = find(layer_of(place));
    return marks != nullptr && marks->has(place.row);
  }
  /// False where it was there already.
  bool add(const RowPlace& place);
  /// Of one chunk.
  std::uint64_t count_in(const ChunkState& chunk) const;

 private:
  static const void* layer_of(const RowPlace& place) {
    return place.open != nullptr ? static_cast<const void*>(place.open) : place.sealed;
  }

  std::shared_ptr<const TableState> table_;
  CommitSeq seq_;
  std::unordered_map<const void*, RowMarks> marks_;
};

}  // namespace tickstone::storage
