// SPDX-License-Identifier: Apache-2.0
#include "storage/table_scan.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <numeric>
#include <optional>

#include "base/check.hpp"
#include "storage/key_codec.hpp"
#include "storage/locate.hpp"
#include "storage/scan_plan.hpp"

namespace tickstone::storage {

namespace {

/// Shorter runs than this are copied together rather than returned alone.
constexpr std::uint32_t kShortRun = 256;

using Run = std::pair<std::uint32_t, std::uint32_t>;  // half-open

ColumnView slice(ColumnView view, std::size_t first, std::size_t count) {
  view.size = count;
  switch (view.form) {
    case ColumnView::Form::Constant:
      return view;
    case ColumnView::Form::Dictionary:
      view.codes += first;
      break;
    case ColumnView::Form::Flat:
      if (view.layout.physical == Physical::Bytes) {
        view.offsets += first;
      } else {
        view.data = static_cast<const char*>(view.data) + first * width_bytes(view.layout.physical);
      }
      break;
  }
  view.bit_offset += first;
  return view;
}

/// What a scan reads of a layer: requested columns, then those that only filters need.
struct ReadColumn {
  ColumnId id = 0;
  ColumnLayout layout;
  std::optional<std::size_t> index;  // in the table's schema
};

/// One column's buffers of a state: what a batch's view may borrow.
struct ColumnBuffer {
  OpenChunk::Lease lease;
  std::shared_ptr<const Segment::Block> block;
  std::unique_ptr<MissingColumn> missing;
  ColumnView unit;  // over the whole unit
  Column gathered;
  std::vector<std::uint32_t> codes;
  std::vector<std::uint64_t> validity;
  std::vector<std::byte> converted;
  std::vector<std::uint64_t> converted_validity;
};

class Scan final : public TableScan {
 public:
  Scan(TableView view, const ScanRequest& request)
      : view_(std::move(view)), plan_(plan_scan(view_, request)), requested_(request.columns.size()) {
    const auto& table = *view_.table;
    for (const ColumnId id : request.columns) {
      add_column(id);
      layouts_.push_back(columns_.back().layout);
    }
    if (table.schema->time_column && plan_.filter.has_time) {
      time_position_ = columns_.size();
      add_column(*table.schema->time_column);
    }
    if (view_.has_touched()) {
      key_position_ = columns_.size();
      for (const ColumnId id : key_columns(*table.schema)) add_column(id);
    }
  }

  std::unique_ptr<State> make_state() override;
  bool read(State& state, ScanBatch& out) override;
  std::size_t max_threads() const override { return std::max<std::size_t>(1, plan_.units.size()); }
  std::uint64_t estimated_rows() const override { return plan_.estimated_rows; }
  ScanStatistics statistics() const override { return plan_.statistics; }
  const std::vector<ColumnLayout>& layouts() const override { return layouts_; }

 private:
  friend class ScanState;

  void add_column(ColumnId id) {
    ReadColumn column;
    column.id = id;
    if (id == kRowIdColumn) {
      TICKSTONE_CHECK(view_.table->schema->primary_key.empty());
      column.layout = {Physical::Int64, 0};
    } else {
      column.index = view_.table->schema->index_of(id);
      column.layout = view_.table->layout.columns[*column.index];
    }
    columns_.push_back(column);
  }

  TableView view_;
  ScanPlan plan_;
  std::size_t requested_;
  std::vector<ReadColumn> columns_;
  std::vector<ColumnLayout> layouts_;
  std::optional<std::size_t> time_position_;
  std::optional<std::size_t> key_position_;
  std::atomic<std::size_t> next_unit_{0};
};

class ScanState final : public TableScan::State {
 public:
  explicit ScanState(Scan& scan) : scan_(scan), buffers_(scan.columns_.size()) {}

  std::uint64_t unit_index() const override { return unit_index_; }

  bool read(ScanBatch& out) {
    while (at_ == runs_.size()) {
      const std::size_t unit = scan_.next_unit_.fetch_add(1, std::memory_order_relaxed);
      if (unit >= scan_.plan_.units.size()) return false;
      unit_index_ = unit;
      load(scan_.plan_.units[unit]);
    }
    out.columns.clear();
    Run& run = runs_[at_];
    const std::uint32_t length = run.second - run.first;
    if (length >= kShortRun || at_ + 1 == runs_.size()) {
      const std::uint32_t count = std::min<std::uint32_t>(length, kScanRows);
      out.row_count = count;
      for (std::size_t i = 0; i < scan_.requested_; ++i) {
        out.columns.push_back(converted(i, slice(buffers_[i].unit, run.first, count)));
      }
      run.first += count;
      if (run.first == run.second) ++at_;
      return true;
    }
    chosen_.clear();
    while (at_ < runs_.size() && chosen_.size() < kScanRows) {
      Run& next = runs_[at_];
      while (next.first < next.second && chosen_.size() < kScanRows) chosen_.push_back(next.first++);
      if (next.first == next.second) ++at_;
    }
    out.row_count = chosen_.size();
    for (std::size_t i = 0; i < scan_.requested_; ++i)
      out.columns.push_back(converted(i, gathered(buffers_[i])));
    return true;
  }

 private:
  void load(const ScanUnit& unit) {
    at_ = 0;
    runs_ = unit.ranges;
    unit_ = &unit;
    if (unit.filters_time && scan_.time_position_) filter_time();
    filter_ended();
    if (scan_.key_position_ && !unit.is_own) filter_touched();
    if (runs_.empty()) return;
    for (std::size_t i = 0; i < scan_.requested_; ++i) load_column(i);
  }

  void load_column(std::size_t position) {
    const ReadColumn& column = scan_.columns_[position];
    ColumnBuffer& buffer = buffers_[position];
    if (unit_->sealed != nullptr) {
      const Segment& segment = unit_->sealed->segment();
      if (segment.has_column(column.id)) {
        buffer.block = segment.read(unit_->row_group, column.id);
        buffer.unit = buffer.block->view();
        return;
      }
    } else {
      const OpenChunk& open = *unit_->open;
      if (!column.index || open.schema().find(column.id) != nullptr) {
        const std::size_t index =
            column.index ? open.schema().index_of(column.id) : open.schema().columns.size();
        buffer.unit =
            open.view(index, static_cast<RowNumber>(unit_->first_row), unit_->row_count, buffer.lease);
        return;
      }
    }
    if (buffer.missing == nullptr)
      buffer.missing = std::make_unique<MissingColumn>(*scan_.view_.table, *column.index);
    buffer.unit = buffer.missing->view(unit_->row_count);
  }

  void filter_time() {
    const std::size_t position = *scan_.time_position_;
    load_column(position);
    const ColumnView& times = buffers_[position].unit;
    const TimeRange range = scan_.plan_.filter.time;
    const bool is_open_ended = range.end == INT64_MAX;
    std::vector<Run> kept;
    auto is_in = [&](std::int64_t time) {
      return time >= range.start && (time < range.end || is_open_ended);
    };
    for (auto [first, last] : runs_) {
      if (unit_->is_time_sorted) {
        auto bound = [&](std::uint32_t low, auto&& is_before) {
          std::uint32_t high = last;
          while (low < high) {
            const std::uint32_t middle = low + (high - low) / 2;
            if (is_before(time_of(times, middle))) {
              low = middle + 1;
            } else {
              high = middle;
            }
          }
          return low;
        };
        const std::uint32_t begin = bound(first, [&](std::int64_t time) { return time < range.start; });
        const std::uint32_t end =
            is_open_ended ? last : bound(begin, [&](std::int64_t time) { return time < range.end; });
        add_run(kept, begin, end);
        continue;
      }
      for (std::uint32_t row = first; row < last; ++row) {
        if (is_in(time_of(times, row))) add_run(kept, row, row + 1);
      }
    }
    runs_ = std::move(kept);
  }

  static void add_run(std::vector<Run>& runs, std::uint32_t first, std::uint32_t last) {
    if (first >= last) return;
    if (!runs.empty() && runs.back().second == first) {
      runs.back().second = last;
    } else {
      runs.emplace_back(first, last);
    }
  }

  template <typename Keep>
  void keep_rows(Keep&& keep) {
    std::vector<Run> kept;
    for (const auto& [first, last] : runs_) {
      for (std::uint32_t row = first; row < last; ++row) {
        if (keep(row)) add_run(kept, row, row + 1);
      }
    }
    runs_ = std::move(kept);
  }

  void filter_ended() {
    if (runs_.empty()) return;
    const CommitSeq seq = unit_->is_own ? scan_.view_.position : scan_.view_.seq;
    if (unit_->sealed != nullptr) {
      const SealedSegment& sealed = *unit_->sealed;
      if (sealed.is_whole(unit_->first_row, unit_->row_count)) return;
      keep_rows([&](std::uint32_t row) { return sealed.ended(unit_->first_row + row) > seq; });
      return;
    }
    const OpenChunk& open = *unit_->open;
    const auto first = static_cast<RowNumber>(unit_->first_row);
    if (open.is_block_whole(OpenChunk::block_of(first))) return;
    keep_rows([&](std::uint32_t row) { return open.ended(first + row) > seq; });
  }

  void filter_touched() {
    const auto& touched = *scan_.view_.own->touched;
    const std::size_t begin = *scan_.key_position_;
    for (std::size_t i = begin; i < scan_.columns_.size(); ++i) load_column(i);
    std::string key;
    keep_rows([&](std::uint32_t row) {
      key.clear();
      for (std::size_t i = begin; i < scan_.columns_.size(); ++i) append_key_part(key, buffers_[i].unit, row);
      return !touched.hides(key, hash_key(key), scan_.view_.position);
    });
  }

  /// Rows `chosen_` of the unit's column.
  ColumnView gathered(ColumnBuffer& buffer) {
    const ColumnView& unit = buffer.unit;
    const std::size_t count = chosen_.size();
    if (unit.form == ColumnView::Form::Constant) return slice(unit, 0, count);
    if (unit.form == ColumnView::Form::Dictionary) {
      ColumnView view = unit;
      view.size = count;
      buffer.codes.resize(count);
      for (std::size_t i = 0; i < count; ++i) buffer.codes[i] = unit.codes[chosen_[i]];
      view.codes = buffer.codes.data();
      view.bit_offset = 0;
      if (unit.validity != nullptr) {
        buffer.validity.assign((count + 63) / 64, 0);
        for (std::size_t i = 0; i < count; ++i) {
          if (!unit.is_null(chosen_[i])) buffer.validity[i / 64] |= std::uint64_t{1} << (i % 64);
        }
        view.validity = buffer.validity.data();
      }
      return view;
    }
    if (buffer.gathered.type() != unit.type || buffer.gathered.layout() != unit.layout) {
      buffer.gathered = Column(unit.type, unit.layout);
    }
    buffer.gathered.clear();
    buffer.gathered.append_rows(unit, chosen_.data(), count);
    return buffer.gathered.view();
  }

  /// The same rows in the scan's layout.
  ColumnView converted(std::size_t position, ColumnView view) {
    const ColumnLayout target = scan_.columns_[position].layout;
    if (view.layout == target) return view;
    ColumnBuffer& buffer = buffers_[position];
    const std::size_t count = view.form == ColumnView::Form::Constant ? 1 : view.size;
    buffer.converted.resize(count * width_bytes(target.physical));
    convert_decimals(view, 0, count, target, buffer.converted.data());
    if (view.validity != nullptr) {
      buffer.converted_validity.assign((count + 63) / 64, 0);
      for (std::size_t i = 0; i < count; ++i) {
        if (!view.is_null(i)) buffer.converted_validity[i / 64] |= std::uint64_t{1} << (i % 64);
      }
      view.validity = buffer.converted_validity.data();
      view.bit_offset = 0;
    }
    if (view.form == ColumnView::Form::Dictionary) {
      view.form = ColumnView::Form::Flat;
      view.codes = nullptr;
      view.dictionary = nullptr;
      view.dictionary_id = 0;
    }
    view.layout = target;
    view.data = buffer.converted.data();
    return view;
  }

  Scan& scan_;
  std::vector<ColumnBuffer> buffers_;
  const ScanUnit* unit_ = nullptr;
  std::uint64_t unit_index_ = 0;
  std::vector<Run> runs_;
  std::size_t at_ = 0;
  std::vector<std::uint32_t> chosen_;
};

std::unique_ptr<TableScan::State> Scan::make_state() { return std::make_unique<ScanState>(*this); }

bool Scan::read(State& state, ScanBatch& out) { return static_cast<ScanState&>(state).read(out); }

}  // namespace

std::unique_ptr<TableScan> make_table_scan(TableView view, const ScanRequest& request) {
  return std::make_unique<Scan>(std::move(view), request);
}

}  // namespace tickstone::storage
