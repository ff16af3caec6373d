// SPDX-License-Identifier: Apache-2.0
#include "storage/newest_row.hpp"

#include <algorithm>
#include <optional>

#include "storage/read_view.hpp"
#include "storage/row_order.hpp"
#include "storage/row_time.hpp"

namespace tickstone::storage {

namespace {

int order_keys(const std::vector<Value>& entry, std::span<const Value> key) {
  for (std::size_t i = 0; i < key.size(); ++i) {
    const bool are_texts = key[i].type.id == TypeId::Text && entry[i].type.id == TypeId::Text;
    const int order =
        are_texts && !entry[i].is_null ? entry[i].text.compare(key[i].text) : order_values(entry[i], key[i]);
    if (order != 0) return order;
  }
  return 0;
}

/// Looks for the row; what it is not sure of it says, and is done.
class Search {
 public:
  Search(const TableState& table, const NewestRowRequest& request, CommitSeq seq)
      : table_(table), request_(request), seq_(seq) {}

  NewestRow run(std::vector<Column>& out) {
    for (auto at = table_.chunks.rbegin(); at != table_.chunks.rend() && !is_found_; ++at) {
      const ChunkState& chunk = *at->second;
      if (chunk.range.start > request_.high) continue;
      if (chunk.range.end != INT64_MAX && chunk.range.end <= request_.low) break;
      for (const auto& open : chunk.open) look_in(*open);
      // Later ones mostly have later rows.
      for (auto sealed = chunk.segments.rbegin(); sealed != chunk.segments.rend(); ++sealed)
        look_in(**sealed);
      if (is_unsure_) return NewestRow::Unsure;
    }
    if (!is_found_) return NewestRow::None;
    return open_ != nullptr ? append_open(out) : append_sealed(out);
  }

 private:
  /// Whether a row with this time is what is looked for so far; not sure where another one has it as well.
  bool takes(std::int64_t time) {
    is_unsure_ |= is_found_ && time == time_;
    if (is_found_ && time <= time_) return false;
    is_found_ = true;
    time_ = time;
    return true;
  }

  void look_in(const OpenChunk& open) {
    const RowNumber limit = open.visible_prefix(seq_);
    if (limit == 0) return;
    std::vector<const Value*> key(request_.series.size());
    for (std::size_t i = 0; i < key.size(); ++i) key[i] = &request_.series[i];
    const auto series = open.find_series(key);
    if (series.empty()) return;
    const auto head = open.series_head(series.front());
    is_unsure_ |= series.size() > 1 || !head.is_ordered;
    if (is_unsure_) return;
    bool has_row = false;
    for (RowNumber row = head.row; row != kNoRow; row = open.previous_in_series(row)) {
      const std::int64_t time = open.time(row);
      if (time < request_.low || (has_row && time != time_) || (is_found_ && time < time_)) return;
      if (row >= limit || time > request_.high || open.ended(row) <= seq_) continue;
      if (!takes(time)) return;
      has_row = true;
      open_ = &open;
      sealed_ = nullptr;
      row_ = row;
    }
  }

  void look_in(const SealedSegment& sealed) {
    const Segment& segment = sealed.segment();
    const auto& entries = segment.series();
    if (entries.empty() || segment.schema().series_key != table_.schema->series_key ||
        segment.schema().time_column != table_.schema->time_column) {
      is_unsure_ |= segment.row_count() > 0;
      return;
    }
    const auto entry = std::partition_point(entries.begin(), entries.end(), [&](const SeriesEntry& one) {
      return order_keys(one.key, request_.series) < 0;
    });
    if (entry == entries.end() || order_keys(entry->key, request_.series) != 0) return;
    if (entry->min_time > request_.high || entry->max_time_inclusive < request_.low ||
        (is_found_ && entry->max_time_inclusive < time_)) {
      return;
    }
    std::uint64_t row = entry->first_row + entry->row_count;
    if (entry->max_time_inclusive > request_.high) row = first_after(segment, *entry, request_.high);
    bool has_row = false;
    while (row > entry->first_row) {
      --row;
      const std::int64_t time = time_at(segment, row);
      if (time < request_.low || (has_row && time != time_) || (is_found_ && time < time_)) return;
      if (sealed.ended(row) <= seq_) continue;
      if (!takes(time)) return;
      has_row = true;
      sealed_ = &sealed;
      open_ = nullptr;
      sealed_row_ = row;
      group_of_row_ = group_;
    }
  }

  /// The first row of a series that is later than `time`.
  std::uint64_t first_after(const Segment& segment, const SeriesEntry& entry, std::int64_t time) {
    std::uint64_t low = entry.first_row;
    std::uint64_t high = entry.first_row + entry.row_count;
    while (low < high) {
      const std::uint64_t middle = low + (high - low) / 2;
      if (time_at(segment, middle) > time) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  /// Keeps the row group of the last row that was asked for.
  std::int64_t time_at(const Segment& segment, std::uint64_t row) {
    const auto& groups = segment.row_groups();
    const bool is_here = times_of_ == &segment && row >= groups[group_].first_row &&
                         row < groups[group_].first_row + groups[group_].row_count;
    if (!is_here) {
      const auto after = std::partition_point(groups.begin(), groups.end(), [&](const RowGroupInfo& info) {
        return info.first_row + info.row_count <= row;
      });
      group_ = static_cast<std::size_t>(after - groups.begin());
      times_ = segment.read(group_, *table_.schema->time_column);
      times_of_ = &segment;
    }
    return time_of(times_->view(), static_cast<std::size_t>(row - groups[group_].first_row));
  }

  NewestRow append_sealed(std::vector<Column>& out) {
    const Segment& segment = sealed_->segment();
    for (std::size_t i = 0; i < out.size(); ++i) {
      const ColumnId id = request_.columns[i];
      if (!segment.has_column(id) || segment.layout(id) != out[i].layout()) return NewestRow::Unsure;
    }
    const auto row = static_cast<std::uint32_t>(sealed_row_ - segment.row_groups()[group_of_row_].first_row);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto block = segment.read(group_of_row_, request_.columns[i]);
      out[i].append_rows(block->view(), &row, 1);
    }
    return NewestRow::Found;
  }

  NewestRow append_open(std::vector<Column>& out) {
    const TableSchema& schema = open_->schema();
    std::vector<std::size_t> places(out.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (schema.find(request_.columns[i]) == nullptr) return NewestRow::Unsure;
      places[i] = schema.index_of(request_.columns[i]);
      if (open_->column_layout(places[i]) != out[i].layout()) return NewestRow::Unsure;
    }
    for (std::size_t i = 0; i < out.size(); ++i) open_->append_cells(out[i], places[i], &row_, 1);
    return NewestRow::Found;
  }

  const TableState& table_;
  const NewestRowRequest& request_;
  const CommitSeq seq_;
  bool is_found_ = false;
  bool is_unsure_ = false;
  std::int64_t time_ = 0;
  const OpenChunk* open_ = nullptr;
  RowNumber row_ = kNoRow;
  const SealedSegment* sealed_ = nullptr;
  std::uint64_t sealed_row_ = 0;
  std::size_t group_of_row_ = 0;
  const Segment* times_of_ = nullptr;
  std::shared_ptr<const Segment::Block> times_;
  std::size_t group_ = 0;
};

}  // namespace

NewestRow read_newest_row(const ReadView& view, const NewestRowRequest& request, std::vector<Column>& out) {
  const auto* snapshot = dynamic_cast<const SnapshotView*>(&view);
  const TableState* table = snapshot == nullptr ? nullptr : snapshot->find_unchanged(request.table);
  if (table == nullptr || table->schema->series_key.size() != request.series.size() ||
      !table->schema->time_column) {
    return NewestRow::Unsure;
  }
  return Search(*table, request, snapshot->seq()).run(out);
}

}  // namespace tickstone::storage
