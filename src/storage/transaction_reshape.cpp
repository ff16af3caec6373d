// SPDX-License-Identifier: Apache-2.0
// Chunks that are merged or split.
#include <algorithm>
#include <list>

#include <tickstone/error.hpp>

#include "base/check.hpp"
#include "storage/chunk_reshaping.hpp"
#include "storage/mass_change.hpp"
#include "storage/replaced_layers.hpp"
#include "storage/row_time.hpp"
#include "storage/store_core.hpp"
#include "storage/transaction.hpp"

namespace tickstone::storage {

namespace {

bool overlap(const TimeRange& a, const TimeRange& b) { return a.start < b.end && b.start < a.end; }

bool lies_in(std::int64_t time, const TimeRange& range) {
  return time >= range.start && (time < range.end || range.end == INT64_MAX);
}

/// The chunks that together cover `whole`; none where they do not do so exactly.
std::vector<const ChunkState*> chunks_that_cover(const TableState& table, const TimeRange& whole) {
  std::vector<const ChunkState*> chunks;
  std::int64_t covered = whole.start;
  for (auto at = table.chunks.find(whole.start); at != table.chunks.end() && covered < whole.end; ++at) {
    if (at->first != covered) return {};
    chunks.push_back(at->second.get());
    covered = at->second->range.end;
  }
  if (covered != whole.end) chunks.clear();
  return chunks;
}

void require_adjacent(const std::vector<TimeRange>& ranges) {
  TICKSTONE_CHECK(!ranges.empty());
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    TICKSTONE_CHECK(ranges[i].start < ranges[i].end);
    TICKSTONE_CHECK(i == 0 || ranges[i - 1].end == ranges[i].start);
  }
}

/// Marks the rows that are visible at `seq` and lie outside of `range`.
void mark_outside(const SealedSegment& sealed, ColumnId time_column, const TimeRange& range, CommitSeq seq,
                  RowMarks& marks) {
  const Segment& segment = sealed.segment();
  for (std::size_t group = 0; group < segment.row_groups().size(); ++group) {
    const auto block = segment.read(group, time_column);
    const ColumnView times = block->view();
    const std::uint64_t first = segment.row_groups()[group].first_row;
    for (std::size_t row = 0; row < times.size; ++row) {
      if (!lies_in(time_of(times, row), range) && sealed.ended(first + row) > seq) marks.set(first + row);
    }
  }
}

void mark_outside(const OpenChunk& open, const TimeRange& range, CommitSeq seq, RowMarks& marks) {
  const RowNumber count = open.row_count();
  for (RowNumber row = 0; row < count; ++row) {
    if (open.is_visible(row, seq) && !lies_in(open.time(row), range)) marks.set(row);
  }
}

}  // namespace

ChunkReshaping& ChunkReshaping::of(Transaction& transaction) {
  return dynamic_cast<ChunkReshaping&>(transaction);
}

void StoreTransaction::reshape_chunks(TableId id, const std::vector<TimeRange>& ranges) {
  require_adjacent(ranges);
  // What the transaction has replaced of the chunks one by one is left out of the copies.
  if (!begin_mass_change(id)) {
    throw Error(ErrorCode::SerializationFailure, "could not serialize access due to concurrent update",
                "The table was written meanwhile.");
  }
  operate([&] {
    const Snapshot snapshot = core_.snapshot();
    OwnTable& own = own_table(id, snapshot);
    const auto replaced = std::move(own.replaced);
    const TableState& table = replaced->table();
    const TimeRange whole{ranges.front().start, ranges.back().end};
    const auto chunks = chunks_that_cover(table, whole);
    if (chunks.empty() || !table.schema->time_column)
      throw Error(ErrorCode::InvalidParameterValue, "the ranges are not those of whole chunks side by side");
    const bool has_own_rows =
        std::any_of(own.parts.begin(), own.parts.end(),
                    [&](const OwnPart& part) {
                      return overlap(part.range, whole) && part.rows->live_row_count() > 0;
                    }) ||
        (own.sealed != nullptr &&
         std::any_of(own.sealed->chunks.begin(), own.sealed->chunks.end(),
                     [&](const auto& entry) { return overlap(entry.second->range, whole); }));
    if (has_own_rows)
      throw Error(ErrorCode::ObjectNotInPrerequisiteState,
                  "cannot merge or split chunks that this transaction has written to", {},
                  "Commit the transaction first.");
    const CommitSeq seq = replaced->seq();
    const auto* kept = *std::min_element(chunks.begin(), chunks.end(),
                                         [](const auto* a, const auto* b) { return a->label < b->label; });
    std::vector<std::int64_t> dropped;
    std::vector<MadeChunk> made;
    for (const auto* chunk : chunks) dropped.push_back(chunk->range.start);
    for (const TimeRange& range : ranges) {
      ReplacedLayers layers;
      std::list<RowMarks> outside;  // the layers point to them
      for (const auto* chunk : chunks) {
        if (!overlap(chunk->range, range)) continue;
        const bool is_whole = chunk->range.start >= range.start && chunk->range.end <= range.end;
        const auto marks_of = [&](const auto& layer, std::uint64_t row_count, const auto& mark) {
          const RowMarks* marks = replaced->find(layer.get());
          if (is_whole) return marks;
          outside.push_back(marks == nullptr ? RowMarks(row_count) : *marks);
          mark(outside.back());
          return static_cast<const RowMarks*>(&outside.back());
        };
        for (const auto& sealed : chunk->segments) {
          layers.inputs.push_back({nullptr,
                                   sealed,
                                   marks_of(sealed, sealed->segment().row_count(),
                                            [&](RowMarks& marks) {
                                              mark_outside(*sealed, *table.schema->time_column, range, seq,
                                                           marks);
                                            }),
                                   {},
                                   {}});
        }
        for (const auto& open : chunk->open) {
          layers.inputs.push_back({open,
                                   nullptr,
                                   marks_of(open, open->row_count(),
                                            [&](RowMarks& marks) { mark_outside(*open, range, seq, marks); }),
                                   {},
                                   {}});
        }
      }
      copy_layers(id, own, layers, range, seq, snapshot);
      made.push_back({range, made.empty() ? kept->label : core_.reserve_chunk_number(), kept->created_us});
    }
    replace_chunks(id, own, dropped, made, seq, snapshot);
  });
}

void StoreTransaction::empty_chunk(TableId id, TimeRange range) {
  const auto dropped = drop_chunks(id, range);
  operate([&] {
    const Snapshot snapshot = core_.snapshot();
    OwnTable& own = own_table(id, snapshot);
    auto overlay = copy_overlay(id, own, snapshot);
    for (const auto& chunk : dropped)
      overlay->made_chunks.push_back({chunk.range, chunk.number, chunk.created_us});
    set_overlay(id, own, std::move(overlay));
  });
}

}  // namespace tickstone::storage
