// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "storage/numeric_layout.hpp"
#include "storage/open_chunk.hpp"
#include "storage/schema.hpp"
#include "storage/sealed_segment.hpp"
#include "storage/store.hpp"
#include "types/value.hpp"

namespace tickstone::storage {

/// What all states of one table share.
struct TableCounters {
  std::atomic<std::int64_t> next_row_id{1};
  std::atomic<CommitSeq> last_commit{0};  // that wrote or erased a row of the table; may not be visible yet
  std::atomic<CommitSeq> last_erase{0};   // that erased one without a successor
};

/// One chunk: layers of rows, of which only one holds the living version of a key.
struct ChunkState {
  std::uint32_t number = 0;  // another one when the chunk is rewritten
  std::uint32_t label = 0;   // what others call it: kept then
  TimeRange range;
  std::int64_t created_us = 0;
  std::vector<std::shared_ptr<SealedSegment>> segments;
  std::vector<std::shared_ptr<OpenChunk>> open;  // oldest first
  bool has_active = false;                       // the last of `open` takes new rows
  bool has_late_segment = false;                 // a segment is newer than some of `open`
};

struct TableState {
  std::shared_ptr<const TableSchema> schema;
  std::uint64_t version = 0;
  TableLayout layout;
  std::map<ColumnId, Value> defaults;  // what rows from before a column was added have in it
  std::map<std::int64_t, std::shared_ptr<const ChunkState>> chunks;  // by start of range
  std::shared_ptr<TableCounters> counters;

  const ChunkState* find_chunk(std::int64_t time) const;
};

/// All tables at one moment; immutable once published, but for the rows that open chunks take.
struct StoreState {
  std::map<TableId, std::shared_ptr<const TableState>> tables;
  std::uint32_t next_chunk_number = 1;

  const TableState* find(TableId table) const;
  std::shared_ptr<const TableState> share(TableId table) const;
};

/// The range of the chunk that `time` belongs to: an existing one's, or a new one's of the table's interval
/// that overlaps none.
TimeRange chunk_range(const TableState& table, std::int64_t time);
ChunkInfo describe_chunk(TableId table, const ChunkState& chunk);

/// Checks what storage demands of a schema. Errors: InvalidTableDefinition.
void check_schema(const TableSchema& schema);

/// The layers of a committed chunk below a transaction's rows, or below a new open chunk.
class ChunkLayers : public OlderLayers {
 public:
  /// `chunk` may be nullptr: nothing is below.
  ChunkLayers(const ChunkState* chunk, std::size_t open_count, std::uint64_t version)
      : chunk_(chunk), open_count_(open_count), version_(version) {}
  static ChunkLayers all_of(const ChunkState* chunk, std::uint64_t version) {
    return {chunk, chunk == nullptr ? 0 : chunk->open.size(), version};
  }
  std::int64_t last_time(const OpenChunk& rows, RowNumber row) const override;
  std::uint64_t version() const override { return version_; }

 private:
  const ChunkState* chunk_;
  std::size_t open_count_;
  std::uint64_t version_;
};

/// `ChunkLayers` of committed rows have this version: no transaction's.
inline constexpr std::uint64_t kCommittedLayers = UINT64_MAX;

}  // namespace tickstone::storage
