// SPDX-License-Identifier: Apache-2.0
#include "storage/state.hpp"

#include <algorithm>

#include <tickstone/error.hpp>

#include "storage/row_time.hpp"

namespace tickstone::storage {

const ChunkState* TableState::find_chunk(std::int64_t time) const {
  if (!schema->time_column) return chunks.empty() ? nullptr : chunks.begin()->second.get();
  auto after = chunks.upper_bound(time);
  if (after == chunks.begin()) return nullptr;
  const auto& chunk = *std::prev(after)->second;
  // The last chunk of all time has no exclusive end.
  return time < chunk.range.end || chunk.range.end == INT64_MAX ? &chunk : nullptr;
}

const TableState* StoreState::find(TableId table) const {
  const auto found = tables.find(table);
  return found == tables.end() ? nullptr : found->second.get();
}

std::shared_ptr<const TableState> StoreState::share(TableId table) const {
  const auto found = tables.find(table);
  return found == tables.end() ? nullptr : found->second;
}

TimeRange chunk_range(const TableState& table, std::int64_t time) {
  if (const auto* chunk = table.find_chunk(time)) return chunk->range;
  const auto& schema = *table.schema;
  if (!schema.time_column || schema.chunk_interval <= 0) return {};
  const Int128 shifted = Int128{time} - schema.chunk_origin;
  const Int128 interval = schema.chunk_interval;
  const Int128 index = shifted >= 0 ? shifted / interval : -((-shifted + interval - 1) / interval);
  const Int128 start = index * interval + schema.chunk_origin;
  const Int128 end = start + interval;
  TimeRange range{start < INT64_MIN ? INT64_MIN : static_cast<std::int64_t>(start),
                  end > INT64_MAX ? INT64_MAX : static_cast<std::int64_t>(end)};
  // Chunks of an earlier interval keep their range: a new one is cut to what they leave.
  const auto after = table.chunks.upper_bound(time);
  if (after != table.chunks.end()) range.end = std::min(range.end, after->second->range.start);
  if (after != table.chunks.begin()) range.start = std::max(range.start, std::prev(after)->second->range.end);
  return range;
}

ChunkInfo describe_chunk(TableId table, const ChunkState& chunk) {
  ChunkInfo info;
  info.table = table;
  info.number = chunk.label;
  info.range = chunk.range;
  info.created_us = chunk.created_us;
  for (const auto& segment : chunk.segments) {
    info.rows_sealed += segment->segment().row_count() - segment->ended_count();
    info.bytes_on_disk += segment->segment().size_bytes();
  }
  info.segment_count = static_cast<std::uint32_t>(chunk.segments.size());
  for (const auto& open : chunk.open) {
    info.rows_open += open->live_row_count();
    info.bytes_in_memory += open->memory_bytes();
  }
  return info;
}

void check_schema(const TableSchema& schema) {
  auto fail = [&](const std::string& what) {
    throw Error(ErrorCode::InvalidTableDefinition, "table \"" + schema.name + "\" " + what);
  };
  auto require = [&](ColumnId column) {
    if (schema.find(column) == nullptr) fail("has a key on a column that it does not have");
  };
  for (const ColumnId column : schema.primary_key) require(column);
  for (const ColumnId column : schema.series_key) require(column);
  if (!schema.time_column) return;
  require(*schema.time_column);
  if (!is_time_column_type(schema.find(*schema.time_column)->type))
    fail("has a time column that is neither a time nor an integer nor a UUID");
  if (schema.chunk_interval <= 0) fail("has a chunk interval that is not positive");
  const auto& key = schema.primary_key;
  if (!key.empty() && std::find(key.begin(), key.end(), *schema.time_column) == key.end()) {
    fail("has a primary key without its time column");
  }
}

std::int64_t ChunkLayers::last_time(const OpenChunk& rows, RowNumber row) const {
  if (chunk_ == nullptr) return INT64_MIN;
  const TableSchema& schema = rows.schema();
  const auto key = key_columns(schema);
  const bool is_series_in_key =
      std::all_of(schema.series_key.begin(), schema.series_key.end(),
                  [&](ColumnId column) { return std::find(key.begin(), key.end(), column) != key.end(); });
  if (!schema.time_column || !is_series_in_key) {
    if (!chunk_->segments.empty()) return INT64_MAX;
    for (std::size_t i = 0; i < open_count_; ++i) {
      if (chunk_->open[i]->row_count() > 0) return INT64_MAX;
    }
    return INT64_MIN;
  }
  std::int64_t last = INT64_MIN;
  for (std::size_t i = open_count_; i-- > 0;) {
    const OpenChunk& layer = *chunk_->open[i];
    const auto series = layer.find_series_of(rows, row);
    if (!series) continue;
    const std::int64_t time = layer.series_last_time(*series);
    if (time == INT64_MIN) continue;  // still being written
    // The layer has asked for the series below it already, but for what came there since.
    if (chunk_->has_late_segment) {
      last = std::max(last, time);
      continue;
    }
    return std::max({last, time, layer.series()[*series].older_last_time.load(std::memory_order_relaxed)});
  }
  if (chunk_->segments.empty()) return last;
  const auto values = rows.series_values(row);
  for (const auto& sealed : chunk_->segments) {
    const Segment& segment = sealed->segment();
    if (schema.series_key.empty()) {
      if (segment.row_count() > 0) last = std::max(last, segment.time_range().end - 1);
    } else if (const auto time = segment.last_time(values)) {
      last = std::max(last, *time);
    }
  }
  return last;
}

}  // namespace tickstone::storage
