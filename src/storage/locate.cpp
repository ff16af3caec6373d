// SPDX-License-Identifier: Apache-2.0
#include "storage/locate.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <span>
#include <unordered_map>

#include "storage/key_codec.hpp"
#include "storage/row_order.hpp"
#include "storage/row_time.hpp"

namespace tickstone::storage {

namespace {

/// One question to a chunk: which keys are still to be found.
struct Search {
  const TableState& table;
  std::size_t count;  // of keys
  const std::vector<ColumnView>& views;
  CommitSeq seq;
  std::span<RowPlace> places;
};

std::size_t row_group_of(const Segment& segment, std::uint64_t row) {
  const auto& groups = segment.row_groups();
  auto after = std::upper_bound(
      groups.begin(), groups.end(), row,
      [](std::uint64_t value, const RowGroupInfo& group) { return value < group.first_row; });
  return static_cast<std::size_t>(after - groups.begin()) - 1;
}

/// For keys that do not have all columns that segments are sorted by: reads the key columns of every row
/// group that may hold one.
void scan_segment(const Search& search, std::vector<std::uint32_t>& pending, SealedSegment& sealed) {
  const Segment& segment = sealed.segment();
  const auto key = key_columns(*search.table.schema);
  std::unordered_multimap<std::string, std::uint32_t> wanted;
  std::string bytes;
  for (const std::uint32_t row : pending) {
    bytes.clear();
    for (const auto& view : search.views) append_key_part(bytes, view, row);
    wanted.emplace(bytes, row);
  }
  std::vector<bool> is_found(search.count);
  for (std::size_t group = 0; group < segment.row_groups().size(); ++group) {
    bool may_hold = false;
    for (const std::uint32_t row : pending) {
      bool fits = true;
      for (std::size_t i = 0; fits && i < key.size(); ++i) {
        const ColumnRange& range = segment.range(group, key[i]);
        if (!range.has_values || search.views[i].is_null(row)) continue;
        const Value value = value_at(search.views[i], row);
        fits = compare_values(value, range.minimum) >= 0 && compare_values(value, range.maximum) <= 0 &&
               (!segment.has_filter(group, key[i]) || segment.may_contain(group, key[i], value));
      }
      if (fits) {
        may_hold = true;
        break;
      }
    }
    if (!may_hold) continue;
    std::vector<std::shared_ptr<const Segment::Block>> blocks;
    std::vector<ColumnView> views;
    for (const ColumnId column : key) {
      blocks.push_back(segment.read(group, column));
      views.push_back(blocks.back()->view());
    }
    const auto& info = segment.row_groups()[group];
    for (std::uint32_t row = 0; row < info.row_count; ++row) {
      bytes.clear();
      for (const auto& view : views) append_key_part(bytes, view, row);
      auto [first, last] = wanted.equal_range(bytes);
      if (first == last || sealed.ended(info.first_row + row) <= search.seq) continue;
      for (; first != last; ++first) {
        search.places[first->second].sealed = &sealed;
        search.places[first->second].row = info.first_row + row;
        is_found[first->second] = true;
      }
    }
  }
  std::erase_if(pending, [&](std::uint32_t row) { return is_found[row]; });
}

/// `pending` sorted as segments are, with the key's columns in segment order; empty where the key lacks one.
std::vector<ColumnView> sort_pending(const Search& search, std::vector<std::uint32_t>& pending) {
  const auto key = key_columns(*search.table.schema);
  std::vector<ColumnView> sorted_views;
  for (const ColumnId column : sort_columns(*search.table.schema)) {
    const auto at = std::find(key.begin(), key.end(), column);
    if (at == key.end()) return {};
    sorted_views.push_back(search.views[static_cast<std::size_t>(at - key.begin())]);
  }
  std::sort(pending.begin(), pending.end(), [&](std::uint32_t a, std::uint32_t b) {
    return order_rows(sorted_views, a, sorted_views, b).order < 0;
  });
  return sorted_views;
}

void search_segments(const Search& search, std::vector<std::uint32_t> pending, const ChunkState& chunk) {
  if (chunk.segments.empty() || pending.empty()) return;
  const auto sorted_views = sort_pending(search, pending);
  for (const auto& sealed : chunk.segments) {
    if (pending.empty()) return;
    if (sorted_views.empty()) {
      scan_segment(search, pending, *sealed);
      continue;
    }
    Batch sorted;
    for (const auto& view : sorted_views) {
      auto& column = sorted.columns.emplace_back(view.type, view.layout);
      column.append_rows(view, pending.data(), pending.size());
    }
    const auto rows = sealed->segment().find(sorted);
    std::vector<std::uint32_t> left;
    for (std::size_t i = 0; i < pending.size(); ++i) {
      if (rows[i] < 0 || sealed->ended(static_cast<std::uint64_t>(rows[i])) <= search.seq) {
        left.push_back(pending[i]);
      } else {
        search.places[pending[i]].sealed = sealed.get();
        search.places[pending[i]].row = static_cast<std::uint64_t>(rows[i]);
      }
    }
    pending = std::move(left);
  }
}

CommitSeq newest_segment(const ChunkState& chunk) {
  CommitSeq newest = 0;
  for (const auto& sealed : chunk.segments) newest = std::max(newest, sealed->newest_created());
  return newest;
}

void search_chunk(const Search& search, std::vector<std::uint32_t> pending, const ChunkState& chunk) {
  std::string key;
  const CommitSeq newest = newest_segment(chunk);
  for (std::size_t i = chunk.open.size(); i-- > 0 && !pending.empty();) {
    OpenChunk& open = *chunk.open[i];
    std::erase_if(pending, [&](std::uint32_t row) {
      if (!open.may_hold(search.views, row)) return false;
      key.clear();
      for (const auto& view : search.views) append_key_part(key, view, row);
      const auto found = open.find(key, hash_key(key), search.seq);
      if (found.found == OpenChunk::Found::Visible) {
        search.places[row].open = &open;
        search.places[row].row = found.row;
      }
      if (found.found != OpenChunk::Found::Gone) return found.found == OpenChunk::Found::Visible;
      // It is in no older layer; a segment may have come later.
      return open.ended(found.row) > newest;
    });
  }
  search_segments(search, std::move(pending), chunk);
}

}  // namespace

CommitSeq RowPlace::created() const {
  if (open != nullptr) return open->created(static_cast<RowNumber>(row));
  return sealed == nullptr ? 0 : sealed->newest_created();
}

void RowPlace::set_ended(CommitSeq seq) const {
  if (open != nullptr) {
    open->set_ended(static_cast<RowNumber>(row), seq);
  } else {
    sealed->set_ended(row, seq);
  }
}

std::vector<RowPlace> locate(const TableState& table, const Batch& keys, CommitSeq seq) {
  std::vector<RowPlace> places(keys.row_count());
  if (table.chunks.empty() || keys.row_count() == 0) return places;
  const auto views = views_of(keys);
  const Search search{table, keys.row_count(), views, seq, places};
  if (!table.schema->time_column) {
    std::vector<std::uint32_t> all(keys.row_count());
    std::iota(all.begin(), all.end(), 0U);
    search_chunk(search, std::move(all), *table.chunks.begin()->second);
    return places;
  }
  const auto key = key_columns(*table.schema);
  const auto time_at =
      static_cast<std::size_t>(std::find(key.begin(), key.end(), *table.schema->time_column) - key.begin());
  if (keys.row_count() == 1) {
    const auto* chunk = views[time_at].is_null(0) ? nullptr : table.find_chunk(time_of(views[time_at], 0));
    if (chunk != nullptr) search_chunk(search, {0}, *chunk);
    return places;
  }
  std::map<const ChunkState*, std::vector<std::uint32_t>> by_chunk;
  for (std::uint32_t row = 0; row < keys.row_count(); ++row) {
    if (views[time_at].is_null(row)) continue;
    if (const auto* chunk = table.find_chunk(time_of(views[time_at], row))) by_chunk[chunk].push_back(row);
  }
  for (auto& [chunk, rows] : by_chunk) search_chunk(search, std::move(rows), *chunk);
  return places;
}

RowPlace locate_row(const TableState& table, const std::vector<ColumnView>& cells, std::string_view key,
                    std::uint64_t hash, CommitSeq seq) {
  RowPlace place;
  std::int64_t time = 0;
  if (table.schema->time_column) {
    const auto columns = key_columns(*table.schema);
    const auto at = std::find(columns.begin(), columns.end(), *table.schema->time_column) - columns.begin();
    const auto& times = cells[static_cast<std::size_t>(at)];
    if (times.is_null(0)) return place;
    time = time_of(times, 0);
  }
  const auto* chunk = table.find_chunk(time);
  if (chunk == nullptr) return place;
  for (std::size_t i = chunk->open.size(); i-- > 0;) {
    OpenChunk& open = *chunk->open[i];
    if (!open.may_hold(cells, 0)) continue;
    const auto found = open.find(key, hash, seq);
    if (found.found == OpenChunk::Found::Absent) continue;
    if (found.found == OpenChunk::Found::Visible) {
      place.open = &open;
      place.row = found.row;
      return place;
    }
    if (open.ended(found.row) > newest_segment(*chunk)) return place;
  }
  search_segments({table, 1, cells, seq, {&place, 1}}, {0}, *chunk);
  return place;
}

Batch empty_rows(const TableState& table) {
  Batch batch;
  for (std::size_t i = 0; i < table.schema->columns.size(); ++i) {
    batch.columns.emplace_back(table.schema->columns[i].type, table.layout.columns[i]);
  }
  if (table.schema->primary_key.empty()) batch.columns.emplace_back(SqlType::of(TypeId::BigInt));
  return batch;
}

void append_row(const TableState& table, const RowPlace& place, Batch& out) {
  const auto& columns = table.schema->columns;
  const auto row = static_cast<RowNumber>(place.row);
  const std::size_t group = place.sealed == nullptr ? 0 : row_group_of(place.sealed->segment(), place.row);
  for (std::size_t i = 0; i < out.columns.size(); ++i) {
    const ColumnId id = i < columns.size() ? columns[i].id : kRowIdColumn;
    if (place.open != nullptr) {
      const TableSchema& schema = place.open->schema();
      if (id == kRowIdColumn || schema.find(id) != nullptr) {
        place.open->append_cells(out.columns[i],
                                 id == kRowIdColumn ? schema.columns.size() : schema.index_of(id), &row, 1);
        continue;
      }
    } else if (place.sealed->segment().has_column(id)) {
      const auto block = place.sealed->segment().read(group, id);
      out.columns[i].append_from(block->view(),
                                 place.row - place.sealed->segment().row_groups()[group].first_row);
      continue;
    }
    out.columns[i].append_from(MissingColumn(table, i).view(1), 0);
  }
}

MissingColumn::MissingColumn(const TableState& table, std::size_t column)
    : value_(table.schema->columns[column].type, table.layout.columns[column]) {
  const auto found = table.defaults.find(table.schema->columns[column].id);
  if (found == table.defaults.end() || found->second.is_null) {
    value_.append_null();
  } else {
    append_value(value_, found->second);
  }
}

ColumnView MissingColumn::view(std::size_t rows) const {
  ColumnView view = value_.view();
  view.form = ColumnView::Form::Constant;
  view.size = rows;
  return view;
}

}  // namespace tickstone::storage
