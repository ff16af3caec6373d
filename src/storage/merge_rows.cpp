// SPDX-License-Identifier: Apache-2.0
#include "storage/merge_rows.hpp"

#include <algorithm>
#include <numeric>

#include "storage/locate.hpp"
#include "storage/row_order.hpp"
#include "storage/segment_format.hpp"

namespace tickstone::storage {

namespace {

constexpr std::size_t kWindowRows = 8192;
constexpr std::size_t kBatchRows = 8192;

/// Rows [first, first + count) of a Flat column.
ColumnView stretch_of(ColumnView column, std::size_t first, std::size_t count) {
  if (column.data != nullptr) {
    column.data = static_cast<const std::byte*>(column.data) + first * width_bytes(column.layout.physical);
  }
  if (column.offsets != nullptr) column.offsets += first;
  column.bit_offset += first;
  column.size = count;
  return column;
}

/// Walks one layer's visible rows in order, a window at a time.
class Cursor {
 public:
  Cursor(const TableState& table, CommitSeq seq, MergeInput& input)
      : table_(table), seq_(seq), input_(input) {
    for (const auto& column : stored_columns(*table.schema)) columns_.push_back(column.id);
    for (const ColumnId id : sort_columns(*table.schema)) {
      sort_at_.push_back(
          static_cast<std::size_t>(std::find(columns_.begin(), columns_.end(), id) - columns_.begin()));
    }
    if (input_.open != nullptr) {
      sorted_ = input_.open->sorted_rows(seq);
      if (input_.left_out != nullptr)
        std::erase_if(sorted_, [&](RowNumber row) { return input_.leaves_out(row); });
      input_.moved_to.assign(input_.open->row_count(), kNoRow);
    } else {
      input_.moved_to.assign(input_.sealed->segment().row_count(), kNoRow);
    }
    load();
  }

  bool is_done() const { return at_ == rows_.size(); }
  bool is_below(const Cursor& other) const {
    return order_rows(keys_, rows_[at_], other.keys_, other.rows_[other.at_]).order < 0;
  }
  /// Rows of the window that come before `other`'s; nullptr: all.
  std::size_t count_below(const Cursor* other) const {
    if (other == nullptr) return rows_.size() - at_;
    std::size_t low = at_ + 1;  // the first is known to be below
    std::size_t high = rows_.size();
    // Layers mostly take turns in long runs or not at all.
    for (std::size_t step = 1; low + step < high; step *= 2) {
      if (order_rows(keys_, rows_[low + step], other->keys_, other->rows_[other->at_]).order > 0) {
        high = low + step;
        break;
      }
      low += step;
    }
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      if (order_rows(keys_, rows_[middle], other->keys_, other->rows_[other->at_]).order < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low - at_;
  }
  /// Rows of the window that come before a key in sort order, of at most `limit`.
  std::size_t count_below_key(const std::vector<ColumnView>& key, std::size_t key_row,
                              std::size_t limit) const {
    std::size_t low = at_;
    std::size_t high = at_ + limit;
    if (order_rows(keys_, rows_[high - 1], key, key_row).order < 0) return limit;
    while (low < high) {
      const std::size_t middle = low + (high - low) / 2;
      if (order_rows(keys_, rows_[middle], key, key_row).order < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low - at_;
  }
  /// Appends the next `count` rows of the window; `first` is their row in the new segment.
  void take(std::size_t count, std::uint64_t first, Batch& out, CommitSeq& newest) {
    const bool is_stretch = rows_[at_ + count - 1] - rows_[at_] == count - 1;
    // A whole window of gathered rows is given away: the next one takes the place of what it was given for.
    const bool gives_window = input_.open != nullptr && count == rows_.size() && out.row_count() == 0;
    if (gives_window) std::swap(out.columns, gathered_.columns);
    for (std::size_t i = 0; !gives_window && i < out.columns.size(); ++i) {
      if (is_stretch && views_[i].form == ColumnView::Form::Flat) {
        out.columns[i].append_all(stretch_of(views_[i], rows_[at_], count));
      } else {
        out.columns[i].append_rows(views_[i], rows_.data() + at_, count);
      }
    }
    std::uint64_t last = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t row = source_rows_[at_ + i];
      input_.moved_to[row] = static_cast<std::uint32_t>(first + i);
      last = std::max(last, row);
    }
    // Rows of an open chunk are in the order of their commits.
    newest = std::max(newest, input_.open != nullptr ? input_.open->created(static_cast<RowNumber>(last))
                                                     : input_.sealed->newest_created());
    at_ += count;
    if (at_ == rows_.size()) load();
  }

 private:
  void load() {
    at_ = 0;
    rows_.clear();
    source_rows_.clear();
    if (input_.open != nullptr) {
      load_open();
    } else {
      load_sealed();
    }
    keys_.clear();
    if (rows_.empty()) return;
    for (const std::size_t at : sort_at_) keys_.push_back(views_[at]);
    input_.checksum.add(columns_, views_, input_.open != nullptr ? nullptr : rows_.data(), rows_.size());
  }

  void load_open() {
    const std::size_t count = std::min(kWindowRows, sorted_.size() - next_);
    if (count == 0) return;
    const OpenChunk& open = *input_.open;
    const auto& schema = open.schema();
    if (gathered_.columns.empty()) gathered_ = empty_rows(table_);
    views_.clear();
    missing_.clear();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const bool is_row_id = columns_[i] == kRowIdColumn;
      Column& column = gathered_.columns[i];
      column.clear();
      if (is_row_id || schema.find(columns_[i]) != nullptr) {
        column.reserve(count);
        open.append_cells(column, is_row_id ? schema.columns.size() : schema.index_of(columns_[i]),
                          sorted_.data() + next_, count);
      } else {
        column.append_all(MissingColumn(table_, i).view(count));
      }
    }
    for (const auto& column : gathered_.columns) views_.push_back(column.view());
    rows_.resize(count);
    std::iota(rows_.begin(), rows_.end(), 0U);
    source_rows_.assign(sorted_.begin() + static_cast<std::ptrdiff_t>(next_),
                        sorted_.begin() + static_cast<std::ptrdiff_t>(next_ + count));
    next_ += count;
  }

  void load_sealed() {
    const SealedSegment& sealed = *input_.sealed;
    const Segment& segment = sealed.segment();
    while (rows_.empty() && next_ < segment.row_groups().size()) {
      const std::size_t group = next_++;
      const auto& info = segment.row_groups()[group];
      for (std::uint32_t row = 0; row < info.row_count; ++row) {
        if (sealed.ended(info.first_row + row) <= seq_ || input_.leaves_out(info.first_row + row)) continue;
        rows_.push_back(row);
        source_rows_.push_back(info.first_row + row);
      }
      if (rows_.empty()) continue;
      blocks_.clear();
      views_.clear();
      missing_.clear();
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        if (segment.has_column(columns_[i])) {
          blocks_.push_back(segment.read(group, columns_[i]));
          views_.push_back(blocks_.back()->view());
        } else {
          missing_.push_back(std::make_unique<MissingColumn>(table_, i));
          views_.push_back(missing_.back()->view(info.row_count));
        }
      }
    }
  }

  const TableState& table_;
  CommitSeq seq_;
  MergeInput& input_;
  std::vector<ColumnId> columns_;
  std::vector<std::size_t> sort_at_;
  std::vector<RowNumber> sorted_;
  std::size_t next_ = 0;  // of `sorted_`, or row group
  Batch gathered_;
  std::vector<std::shared_ptr<const Segment::Block>> blocks_;
  std::vector<std::unique_ptr<MissingColumn>> missing_;
  std::vector<ColumnView> views_;
  std::vector<ColumnView> keys_;
  std::vector<std::uint32_t> rows_;  // of `views_`
  std::vector<std::uint64_t> source_rows_;
  std::size_t at_ = 0;
};

}  // namespace

std::uint64_t merge_rows(const TableState& table, CommitSeq seq, std::vector<MergeInput>& inputs,
                         const MergeLimits& limits, MergeSink& sink) {
  std::vector<std::unique_ptr<Cursor>> cursors;
  for (auto& input : inputs) {
    auto cursor = std::make_unique<Cursor>(table, seq, input);
    if (!cursor->is_done()) cursors.push_back(std::move(cursor));
  }
  Batch batch = empty_rows(table);
  CommitSeq newest = 0;
  std::uint64_t count = 0;
  std::uint64_t since_cut = 0;
  std::size_t boundary = 0;
  const std::size_t boundary_count =
      limits.boundaries == nullptr || limits.boundaries->empty() ? 0 : limits.boundaries->front().size;
  const auto flush = [&] {
    if (batch.row_count() == 0) return;
    sink.append(batch, newest);
    for (auto& column : batch.columns) column.clear();
    newest = 0;
  };
  const auto cut = [&] {
    flush();
    if (since_cut > 0) sink.cut();
    since_cut = 0;
  };
  while (!cursors.empty()) {
    std::size_t first = 0;
    for (std::size_t i = 1; i < cursors.size(); ++i) {
      if (cursors[i]->is_below(*cursors[first])) first = i;
    }
    const Cursor* second = nullptr;
    for (std::size_t i = 0; i < cursors.size(); ++i) {
      if (i != first && (second == nullptr || cursors[i]->is_below(*second))) second = cursors[i].get();
    }
    std::size_t taken = cursors[first]->count_below(second);
    if (boundary < boundary_count) {
      taken = cursors[first]->count_below_key(*limits.boundaries, boundary, taken);
      if (taken == 0) {
        ++boundary;
        cut();
        continue;
      }
    }
    if (since_cut == limits.segment_rows) cut();
    taken = static_cast<std::size_t>(std::min<std::uint64_t>(taken, limits.segment_rows - since_cut));
    cursors[first]->take(taken, count, batch, newest);
    count += taken;
    since_cut += taken;
    if (cursors[first]->is_done()) cursors.erase(cursors.begin() + static_cast<std::ptrdiff_t>(first));
    if (batch.row_count() >= kBatchRows) flush();
  }
  flush();
  return count;
}

}  // namespace tickstone::storage
