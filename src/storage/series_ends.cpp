// SPDX-License-Identifier: Apache-2.0
#include "storage/series_ends.hpp"

#include <algorithm>
#include <functional>
#include <string_view>

#include "storage/row_order.hpp"
#include "storage/row_time.hpp"

namespace tickstone::storage {

std::size_t SeriesEnds::Hash::operator()(const std::vector<Value>& key) const {
  std::size_t hash = key.size();
  for (const Value& value : key) {
    const std::size_t one = physical_of(value.type) == Physical::Bytes
                                ? std::hash<std::string_view>()(value.text)
                                : std::hash<std::int64_t>()(static_cast<std::int64_t>(value.integer)) ^
                                      std::hash<double>()(value.number);
    hash = hash * 1099511628211ULL + one + (value.is_null ? 1 : 0);
  }
  return hash;
}

bool SeriesEnds::Equal::operator()(const std::vector<Value>& a, const std::vector<Value>& b) const {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](const Value& x, const Value& y) {
           return x.is_null == y.is_null && (x.is_null || order_values(x, y) == 0);
         });
}

bool SeriesEnds::is_known(const TableView& view, const ScanFilter& filter) {
  const TableSchema& schema = *view.table->schema;
  return view.own == nullptr && schema.time_column && !schema.series_key.empty() && filter.times == nullptr;
}

bool SeriesEnds::note(const std::vector<Value>& key, std::int64_t time) {
  const auto [known, is_new] = known_.try_emplace(key, time);
  if (is_new) return true;
  if (is_past(known->second, time)) return false;
  known->second = time;
  return true;
}

bool SeriesEnds::plan(std::deque<ScanUnit>& units, ScanStatistics& statistics) {
  const auto& chunks = view_.table->chunks;
  for (const auto& [start, chunk] : chunks) {
    for (const auto& sealed : chunk->segments) {
      const Segment& segment = sealed->segment();
      if (segment.series().empty() || segment.schema().series_key != view_.table->schema->series_key)
        return false;
    }
  }
  const auto add = [&](const std::shared_ptr<const ChunkState>& chunk) {
    const std::int64_t last = chunk->range.end == INT64_MAX ? INT64_MAX : chunk->range.end - 1;
    if (last < filter_.time.start ||
        (chunk->range.start >= filter_.time.end && filter_.time.end != INT64_MAX))
      return;
    const std::size_t before = units.size();
    for (const auto& open : chunk->open) add_open(chunk, open, units, statistics);
    for (SealedSegment* sealed : from_the_end(*chunk)) add_segment(chunk, *sealed, units, statistics);
    if (units.size() == before) return;
    ++statistics.chunks_read;
    statistics.chunk_numbers.push_back(chunk->label);
  };
  if (is_newest_) {
    for (auto chunk = chunks.rbegin(); chunk != chunks.rend(); ++chunk) add(chunk->second);
  } else {
    for (const auto& [start, chunk] : chunks) add(chunk);
  }
  return true;
}

std::vector<SealedSegment*> SeriesEnds::from_the_end(const ChunkState& chunk) const {
  std::vector<SealedSegment*> segments;
  for (const auto& sealed : chunk.segments) segments.push_back(sealed.get());
  std::stable_sort(segments.begin(), segments.end(), [&](const SealedSegment* a, const SealedSegment* b) {
    const auto of_a = a->segment().time_range(), of_b = b->segment().time_range();
    return is_newest_ ? of_a.end > of_b.end : of_a.start < of_b.start;
  });
  return segments;
}

std::vector<RowNumber> SeriesEnds::outermost(const OpenChunk& open, std::uint32_t series, RowNumber limit,
                                             std::int64_t& time) const {
  std::vector<RowNumber> rows;
  const auto take = [&](RowNumber row) {
    const std::int64_t at = open.time(row);
    if (row >= limit || !is_in_time(at) || open.ended(row) <= view_.seq) return;
    if (!rows.empty() && is_past(time, at)) return;
    if (!rows.empty() && at != time) rows.clear();
    time = at;
    rows.push_back(row);
  };
  const auto head = open.series_head(series);
  if (!is_newest_ || !head.is_ordered) {
    for (const RowNumber row : open.series_rows(series, limit)) take(row);
    return rows;
  }
  for (RowNumber row = head.row; row != kNoRow; row = open.previous_in_series(row)) {
    if (!rows.empty() && open.time(row) != time) break;
    take(row);
  }
  return rows;
}

void SeriesEnds::add_open(const std::shared_ptr<const ChunkState>& chunk,
                          const std::shared_ptr<OpenChunk>& open, std::deque<ScanUnit>& units,
                          ScanStatistics& statistics) {
  const RowNumber limit = open->visible_prefix(view_.seq);
  if (limit == 0) return;
  std::vector<RowNumber> chosen;
  const std::uint32_t count = open->series().size();
  for (std::uint32_t series = 0; series < count; ++series) {
    const auto head = open->series_head(series);
    if (head.row == kNoRow) continue;
    const auto key = open->series_values(head.row);
    if (filter_.has_series && !series_matches(filter_, key)) continue;
    std::int64_t time = 0;
    const auto rows = outermost(*open, series, limit, time);
    if (!rows.empty() && note(key, time)) chosen.insert(chosen.end(), rows.begin(), rows.end());
  }
  std::sort(chosen.begin(), chosen.end());
  statistics.open_rows_read += chosen.size();
  for (std::size_t at = 0; at < chosen.size();) {
    const std::size_t block = OpenChunk::block_of(chosen[at]);
    const RowNumber begin = OpenChunk::block_begin(block);
    const RowNumber end = begin + OpenChunk::block_capacity(block);
    ScanUnit unit;
    unit.chunk = chunk;
    unit.open = open;
    unit.first_row = begin;
    unit.row_count = std::min(limit, end) - begin;
    for (; at < chosen.size() && chosen[at] < end; ++at)
      unit.ranges.emplace_back(chosen[at] - begin, chosen[at] - begin + 1);
    units.push_back(std::move(unit));
  }
}

std::vector<std::uint64_t> SeriesEnds::outermost(const SealedSegment& sealed, const SeriesEntry& entry,
                                                 std::int64_t& time, ScanStatistics& statistics) const {
  std::vector<std::uint64_t> rows;
  const Segment& segment = sealed.segment();
  const auto& groups = segment.row_groups();
  const std::uint64_t end = entry.first_row + entry.row_count;
  std::uint64_t row = is_newest_ ? end - 1 : entry.first_row;
  auto group = static_cast<std::size_t>(
      std::partition_point(groups.begin(), groups.end(),
                           [&](const RowGroupInfo& info) { return info.first_row + info.row_count <= row; }) -
      groups.begin());
  for (std::uint64_t left = entry.row_count; left > 0;) {
    const auto& info = groups[group];
    const auto block = segment.read(group, *view_.table->schema->time_column);
    ++statistics.blocks_read;
    statistics.block_bytes_read += block->stored_bytes;
    const ColumnView times = block->view();
    const std::uint64_t in_group =
        std::min(left, is_newest_ ? row - info.first_row + 1 : info.first_row + info.row_count - row);
    for (std::uint64_t i = 0; i < in_group; ++i, --left) {
      const std::uint64_t at = is_newest_ ? row - i : row + i;
      const std::int64_t one = time_of(times, static_cast<std::size_t>(at - info.first_row));
      if (!rows.empty() && one != time) return rows;
      // Nothing further on is in the range.
      if (!is_in_time(one) && (is_newest_ ? one < filter_.time.start : one >= filter_.time.end)) return rows;
      if (!is_in_time(one) || sealed.ended(at) <= view_.seq) continue;
      time = one;
      rows.push_back(at);
    }
    if (left == 0) break;
    row = is_newest_ ? row - in_group : row + in_group;
    group = is_newest_ ? group - 1 : group + 1;
  }
  return rows;
}

void SeriesEnds::add_segment(const std::shared_ptr<const ChunkState>& chunk, SealedSegment& sealed,
                             std::deque<ScanUnit>& units, ScanStatistics& statistics) {
  const Segment& segment = sealed.segment();
  const auto& groups = segment.row_groups();
  statistics.row_groups_total += groups.size();
  std::vector<std::uint64_t> chosen;
  for (const SeriesEntry& entry : segment.series()) {
    if (filter_.has_series && !series_matches(filter_, entry.key)) continue;
    if (entry.max_time_inclusive < filter_.time.start ||
        (entry.min_time >= filter_.time.end && filter_.time.end != INT64_MAX)) {
      continue;
    }
    const auto known = known_.find(entry.key);
    if (known != known_.end() &&
        is_past(known->second, is_newest_ ? entry.max_time_inclusive : entry.min_time)) {
      continue;
    }
    std::int64_t time = 0;
    auto rows = outermost(sealed, entry, time, statistics);
    if (rows.empty() || !note(entry.key, time)) continue;
    chosen.insert(chosen.end(), rows.begin(), rows.end());
  }
  std::sort(chosen.begin(), chosen.end());
  std::size_t group = 0;
  for (std::size_t at = 0; at < chosen.size();) {
    while (groups[group].first_row + groups[group].row_count <= chosen[at]) ++group;
    const auto& info = groups[group];
    ScanUnit unit;
    unit.chunk = chunk;
    unit.sealed = &sealed;
    unit.row_group = group;
    unit.first_row = info.first_row;
    unit.row_count = info.row_count;
    for (; at < chosen.size() && chosen[at] < info.first_row + info.row_count; ++at) {
      const auto row = static_cast<std::uint32_t>(chosen[at] - info.first_row);
      unit.ranges.emplace_back(row, row + 1);
    }
    ++statistics.row_groups_read;
    units.push_back(std::move(unit));
  }
}

}  // namespace tickstone::storage
