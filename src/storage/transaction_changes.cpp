// SPDX-License-Identifier: Apache-2.0
// Which times a transaction changes.
#include <algorithm>

#include "storage/row_time.hpp"
#include "storage/store_core.hpp"
#include "storage/time_ranges.hpp"
#include "storage/transaction.hpp"

namespace tickstone::storage {

ChangeReport& ChangeReport::of(Transaction& transaction) { return dynamic_cast<ChangeReport&>(transaction); }

ColumnPredicate only_times(const TimeRanges& times) {
  ColumnPredicate predicate;
  predicate.column = kTimesColumn;
  for (const auto& range : times) {
    predicate.in.push_back(Value::of_bigint(range.start));
    predicate.in.push_back(Value::of_bigint(range.end));
  }
  return predicate;
}

bool StoreTransaction::has_changes(TableId id) const {
  if (find_lone(id) != nullptr) return true;
  const auto found = tables_.find(id);
  if (found == tables_.end()) return false;
  const OwnTable& own = found->second;
  return own.overlay != nullptr || !own.parts.empty() || own.sealed != nullptr ||
         (own.touched != nullptr && !own.touched->is_empty());
}

TimeRanges StoreTransaction::changed_times(TableId id, const ChangedTimes& asked) {
  take_sealed(cancelled_);
  if (const auto* lone = find_lone(id); lone != nullptr) {
    const TableSchema& schema = *lone->base->schema;
    if (!schema.time_column) return {asked.within};
    TimeRangeBuilder times(asked.within, asked.width, asked.origin, asked.most);
    times.add(time_of(lone->columns[schema.index_of(*schema.time_column)], 0));
    return times.take();
  }
  const auto found = tables_.find(id);
  if (found == tables_.end()) return {};
  const OwnTable& own = found->second;
  const auto* overlay = own.overlay.get();
  if (overlay != nullptr && (overlay->is_dropped || overlay->is_truncated)) {
    return overlay->is_dropped && overlay->is_created ? TimeRanges{} : TimeRanges{asked.within};
  }
  TimeRangeBuilder times(asked.within, asked.width, asked.origin, asked.most);
  const auto add_range = [&](const TimeRange& range) {
    times.add(range.start, range.end == INT64_MAX ? INT64_MAX : range.end - 1);
  };
  if (overlay != nullptr && !overlay->dropped_chunks.empty()) {
    const auto committed = core_.snapshot().state->share(id);
    for (const std::int64_t start : overlay->dropped_chunks) {
      const auto* chunk = committed == nullptr ? nullptr : committed->find_chunk(start);
      if (chunk != nullptr) add_range(chunk->range);
    }
  }
  for (const auto& part : own.parts) {
    const OpenChunk& rows = *part.rows;
    if (!rows.schema().time_column) return {asked.within};
    for (std::size_t block = 0; OpenChunk::block_begin(block) < rows.row_count(); ++block) {
      const auto [first, last] = rows.block_times(block);
      if (times.is_outside(first, last) || times.covers(first, last)) continue;
      const RowNumber end =
          std::min(rows.row_count(), OpenChunk::block_begin(block) + OpenChunk::block_capacity(block));
      for (RowNumber row = OpenChunk::block_begin(block); row < end; ++row) {
        if (rows.is_live(row)) times.add(rows.time(row));
      }
    }
  }
  if (own.sealed != nullptr) {
    for (const auto& [start, chunk] : own.sealed->chunks) {
      for (const auto& sealed : chunk->segments) {
        const Segment& segment = sealed->segment();
        const auto& schema = segment.schema();
        if (!schema.time_column) return {asked.within};
        for (std::size_t group = 0; group < segment.row_groups().size(); ++group) {
          const ColumnRange& range = segment.range(group, *schema.time_column);
          if (range.has_values && !range.minimum.is_null && !range.maximum.is_null) {
            times.add(time_of(range.minimum), time_of(range.maximum));
          } else {
            add_range(chunk->range);
          }
        }
      }
    }
  }
  if (own.touched != nullptr) {
    const auto schema = overlay != nullptr ? overlay->schema : own.base->schema;
    if (!schema->time_column) return {asked.within};
    const auto keys = key_columns(*schema);
    const auto position = std::find(keys.begin(), keys.end(), *schema->time_column) - keys.begin();
    const auto touched = own.touched->touched();
    const auto column = touched.keys.columns[static_cast<std::size_t>(position)].view();
    for (std::size_t row = 0; row < column.size; ++row) times.add(time_of(column, row));
  }
  return times.take();
}

}  // namespace tickstone::storage
