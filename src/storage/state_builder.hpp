// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "storage/locate.hpp"
#include "storage/state.hpp"

namespace tickstone::storage {

/// The next state in the making: copies what changes, once. Belongs to whoever leads commits.
class StateBuilder {
 public:
  explicit StateBuilder(std::shared_ptr<const StoreState> base) : base_(std::move(base)) {}

  const TableState* find(TableId table) const;
  std::shared_ptr<const TableState> share(TableId table) const;
  bool is_changed() const { return state_ != nullptr; }
  /// What was built; this builder must not be used any more.
  std::shared_ptr<const StoreState> finish();

  void add_table(std::shared_ptr<TableState> table);
  void drop_table(TableId table);
  TableState& edit_table(TableId table);
  ChunkState& edit_chunk(TableId table, std::int64_t start);
  void drop_chunk(TableId table, std::int64_t start);
  void drop_all_chunks(TableId table);
  /// An empty chunk, where there is none.
  void make_chunk(TableId table, const MadeChunk& made);
  /// The number of the next chunk that is made.
  std::uint32_t next_chunk() const { return (state_ == nullptr ? *base_ : *state_).next_chunk_number; }
  /// Passes over numbers that were given to somebody.
  void skip_chunks_to(std::uint32_t number);
  /// When the chunks that come are made.
  void set_time(std::int64_t time_us) { time_us_ = time_us; }
  /// Grows the table's layout to hold what `layout` does; a new version where columns change.
  void widen(TableId table, const TableLayout& layout, std::uint64_t new_version);

  /// Appends rows of the table's schema (row id last where it has one) that all lie in one chunk, in the
  /// order given, made by `seq`. With `suspects`, those whose keys may exist already are told. Returns the
  /// open chunk and the first row's number.
  struct Appended {
    OpenChunk* open = nullptr;
    RowNumber first = 0;
  };
  Appended append(TableId table, std::int64_t time, const OpenChunk::Rows& rows, CommitSeq seq,
                  std::vector<RowNumber>* suspects);
  /// Makes a whole run of rows the chunk's newest layer. The rows have the table's schema and layout.
  void adopt(TableId table, std::int64_t time, std::shared_ptr<OpenChunk> rows, CommitSeq seq);

  /// Makes a segment that only the log names a layer of its chunk.
  void add_segment(TableId table, std::shared_ptr<SealedSegment> sealed);

  /// Bytes by which open chunks have grown since.
  std::int64_t grown_bytes() const { return grown_bytes_; }
  /// Whether segments have gone with their chunks.
  bool drops_segments() const { return drops_segments_; }

 private:
  StoreState& edit();
  void forget_layers(TableId table, const ChunkState& chunk);
  ChunkState& chunk_for(TableId table, std::int64_t time);
  ChunkState& new_chunk(TableId table, const TimeRange& range, std::uint32_t number);

  std::shared_ptr<const StoreState> base_;
  std::shared_ptr<StoreState> state_;
  std::map<TableId, std::shared_ptr<TableState>> tables_;
  std::map<std::pair<TableId, std::int64_t>, std::shared_ptr<ChunkState>> chunks_;
  std::int64_t time_us_ = 0;
  std::int64_t grown_bytes_ = 0;
  bool drops_segments_ = false;
};

}  // namespace tickstone::storage
