// SPDX-License-Identifier: Apache-2.0
#include "storage/table_scan.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>
#include <mutex>
#include <numeric>
#include <optional>

#include "base/check.hpp"
#include "storage/key_codec.hpp"
#include "storage/locate.hpp"
#include "storage/row_count.hpp"
#include "storage/row_time.hpp"
#include "storage/scan_plan.hpp"

namespace tickstone::storage {

namespace {

/// Shorter runs than this are copied together rather than returned alone.
constexpr std::uint32_t kShortRun = 256;

/// Of single rows of row groups, so many are worth another thread.
constexpr std::size_t kUnitsOfEnds = 512;

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
  const ScanUnit* loaded = nullptr;  // what `unit` is of
  std::unique_ptr<MissingColumn> missing;
  ColumnView unit;  // over the whole unit
  /// Of rows that are put together or converted; most reads need none of it.
  struct Made {
    Column gathered;
    std::vector<std::uint32_t> codes;
    std::vector<std::uint64_t> validity;
    std::vector<std::byte> converted;
    std::vector<std::uint64_t> converted_validity;
  };
  std::unique_ptr<Made> made_or_none;
  Made& made() {
    if (made_or_none == nullptr) made_or_none = std::make_unique<Made>();
    return *made_or_none;
  }
};

class Scan final : public TableScan {
 public:
  Scan(TableView view, const ScanRequest& request)
      : view_(std::move(view)),
        order_(request.order),
        first_batch_rows_(std::clamp<std::uint32_t>(request.first_batch_rows, 1, kScanRows)),
        planner_(view_, request),
        filter_(planner_.filter()),
        requested_(request.columns.size()) {
    const auto& table = *view_.table;
    columns_.reserve(request.columns.size() + 1);
    layouts_.reserve(request.columns.size());
    for (const ColumnId id : request.columns) {
      add_column(id);
      layouts_.push_back(columns_.back().layout);
    }
    if (table.schema->time_column && (filter_.has_time || order_ != ScanOrder::Any)) {
      const auto asked =
          std::find(request.columns.begin(), request.columns.end(), *table.schema->time_column);
      time_position_ = static_cast<std::size_t>(asked - request.columns.begin());
      if (asked == request.columns.end()) add_column(*table.schema->time_column);
    }
    if (view_.has_touched()) {
      key_position_ = columns_.size();
      for (const ColumnId id : key_columns(*table.schema)) add_column(id);
    }
    // Without an order all units are known from the start; with one, as many as say how many threads pay.
    while (planner_.plan_next(INT64_MIN, INT64_MAX, units_) && order_ == ScanOrder::Any) {
    }
  }

  std::unique_ptr<State> make_state() override;
  bool read(State& state, ScanBatch& out) override;
  std::size_t max_threads() const override {
    const std::scoped_lock lock(mutex_);
    if (planner_.is_of_ends()) return 1 + units_.size() / kUnitsOfEnds;
    return std::max<std::size_t>(1, units_.size() + (planner_.has_more() ? 1 : 0));
  }
  std::uint64_t estimated_rows() const override {
    const std::scoped_lock lock(mutex_);
    return planner_.estimated_rows();
  }
  ScanStatistics statistics() const override {
    const std::scoped_lock lock(mutex_);
    ScanStatistics statistics = planner_.statistics();
    statistics.row_groups_read -= row_groups_left_out_;
    statistics.blocks_read += blocks_read_.load(std::memory_order_relaxed);
    statistics.block_bytes_read += block_bytes_read_.load(std::memory_order_relaxed);
    return statistics;
  }
  void tighten(const ColumnPredicate& predicate) override;
  const std::vector<ColumnLayout>& layouts() const override { return layouts_; }
  /// Whether its units say what is in them.
  bool is_countable() const { return order_ == ScanOrder::Any && !planner_.is_of_ends(); }

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

  /// The next unit that may hold rows within the bounds, or nullptr; `index` is set to its number.
  const ScanUnit* next_unit(std::uint64_t& index);
  bool is_left_out(const ScanUnit& unit) const;

  TableView view_;
  ScanOrder order_;
  std::uint32_t first_batch_rows_;
  mutable std::mutex mutex_;  // guards what is handed out and planned on the way
  ScanPlanner planner_;
  const ScanFilter& filter_;
  std::deque<ScanUnit> units_;
  std::size_t next_unit_ = 0;
  std::uint64_t row_groups_left_out_ = 0;
  std::atomic<std::uint64_t> blocks_read_{0}, block_bytes_read_{0};
  std::vector<ColumnPredicate> bounds_;  // by column other than time, the newest of each
  /// What `tighten` left of time, both ends inclusive; they only come closer.
  std::atomic<std::int64_t> low_{INT64_MIN};
  std::atomic<std::int64_t> high_{INT64_MAX};
  std::size_t requested_;
  std::vector<ReadColumn> columns_;
  std::vector<ColumnLayout> layouts_;
  std::optional<std::size_t> time_position_;
  std::optional<std::size_t> key_position_;
};

/// Times of a column; those of 8 bytes, nearly all there are, without asking for the layout at each.
class Times {
 public:
  explicit Times(const ColumnView& cells) : cells_(cells) {}
  std::int64_t operator[](std::size_t row) const {
    return is_wide_ ? cells_.fixed<std::int64_t>(row) : time_of(cells_, row);
  }

 private:
  const ColumnView& cells_;
  const bool is_wide_ = cells_.layout.physical == Physical::Int64;
};

class ScanState final : public TableScan::State {
 public:
  explicit ScanState(Scan& scan)
      : scan_(scan),
        is_backwards_(scan.order_ == ScanOrder::TimeDescending),
        batch_rows_(scan.first_batch_rows_),
        buffers_(scan.columns_.size()) {}

  std::uint64_t unit_index() const override { return unit_index_; }

  bool read(ScanBatch& out) {
    const auto most = static_cast<std::uint32_t>(batch_rows_);
    batch_rows_ = std::min(batch_rows_ * 2, kScanRows);
    out.columns.clear();
    out.columns.reserve(scan_.requested_);
    out.meets_predicates = false;
    if (scan_.planner_.is_of_ends()) return read_ends(out);
    for (;;) {
      if (chain_ != kNoRow && read_chain(most, out)) return true;
      if (at_ < runs_.size()) follow_bounds();
      if (at_ < runs_.size()) break;
      unit_ = scan_.next_unit(unit_index_);
      if (unit_ == nullptr) return false;
      load();
    }
    out.meets_predicates = unit_->meets_predicates;
    const std::uint32_t length = runs_[at_].second - runs_[at_].first;
    if (length >= std::min(kShortRun, most) || at_ + 1 == runs_.size()) {
      const Run run = take(most);
      out.row_count = run.second - run.first;
      for (std::size_t i = 0; i < scan_.requested_; ++i) {
        out.columns.push_back(converted(i, slice(buffers_[i].unit, run.first, out.row_count)));
      }
      return true;
    }
    chosen_.clear();
    while (at_ < runs_.size() && chosen_.size() < most) {
      const Run run = take(most - static_cast<std::uint32_t>(chosen_.size()));
      for (std::uint32_t row = run.first; row < run.second; ++row) chosen_.push_back(row);
    }
    out.row_count = chosen_.size();
    for (std::size_t i = 0; i < scan_.requested_; ++i)
      out.columns.push_back(converted(i, gathered(buffers_[i])));
    return true;
  }

  /// All rows that are left; units that chains lead through are not among them.
  std::uint64_t count() {
    std::uint64_t rows = 0;
    while ((unit_ = scan_.next_unit(unit_index_)) != nullptr) {
      load();
      for (const auto& [first, last] : runs_) rows += last - first;
    }
    return rows;
  }

 private:
  /// Single rows of many units, put together.
  bool read_ends(ScanBatch& out) {
    if (ends_.empty()) {
      const auto& schema = *scan_.view_.table->schema;
      for (std::size_t i = 0; i < scan_.requested_; ++i) {
        const ReadColumn& column = scan_.columns_[i];
        const SqlType type = column.index ? schema.columns[*column.index].type : SqlType::of(TypeId::BigInt);
        ends_.emplace_back(type, column.layout);
      }
    }
    for (auto& column : ends_) column.clear();
    out.row_count = 0;
    while (out.row_count < kScanRows) {
      if (at_ >= runs_.size()) {
        unit_ = scan_.next_unit(unit_index_);
        if (unit_ == nullptr) break;
        load();
        continue;
      }
      chosen_.clear();
      while (at_ < runs_.size() && out.row_count + chosen_.size() < kScanRows)
        chosen_.push_back(take(1).first);
      every_.resize(std::max(every_.size(), chosen_.size()));
      std::iota(every_.begin(), every_.end(), 0U);
      for (std::size_t i = 0; i < scan_.requested_; ++i)
        ends_[i].append_rows(converted(i, gathered(buffers_[i])), every_.data(), chosen_.size());
      out.row_count += chosen_.size();
    }
    for (std::size_t i = 0; i < scan_.requested_ && out.row_count > 0; ++i)
      out.columns.push_back(ends_[i].view());
    return out.row_count > 0;
  }

  void load() {
    at_ = 0;
    runs_ = unit_->ranges;
    chain_ = unit_->chain_head;
    if (chain_ != kNoRow) return;
    low_ = INT64_MIN;
    high_ = INT64_MAX;
    limit_time(unit_->filters_time);
    if (scan_.filter_.times != nullptr) filter_times(*scan_.filter_.times);
    filter_ended();
    if (scan_.key_position_ && !unit_->is_own) filter_touched();
    if (is_backwards_) std::reverse(runs_.begin(), runs_.end());
    if (runs_.empty()) return;
    for (std::size_t i = 0; i < scan_.requested_; ++i) load_column(i);
  }

  /// Up to `most` rows of the run at `at_`, from the end that comes first.
  Run take(std::uint32_t most) {
    Run& run = runs_[at_];
    const std::uint32_t count = std::min(most, run.second - run.first);
    const Run taken = is_backwards_ ? Run{run.second - count, run.second} : Run{run.first, run.first + count};
    if (is_backwards_) {
      run.second -= count;
    } else {
      run.first += count;
    }
    if (run.first == run.second) ++at_;
    return taken;
  }

  /// Leaves out rows outside of the filter's and the bounds' time.
  void limit_time(bool filters_time) {
    if (!scan_.time_position_) return;
    const TimeRange& range = scan_.filter_.time;
    std::int64_t low = scan_.low_.load(std::memory_order_relaxed);
    std::int64_t high = scan_.high_.load(std::memory_order_relaxed);
    if (filters_time) {
      low = std::max(low, range.start);
      if (range.end != INT64_MAX) high = std::min(high, range.end - 1);
    }
    if (low <= low_ && high >= high_) return;
    low_ = std::max(low_, low);
    high_ = std::min(high_, high);
    if (low_ > unit_->min_time || high_ < unit_->max_time_inclusive) filter_time(low_, high_);
  }

  /// What `tighten` has said since the unit was loaded. Cost: two loads where it said nothing.
  void follow_bounds() {
    if (scan_.order_ == ScanOrder::Any) return;
    if (scan_.low_.load(std::memory_order_relaxed) <= low_ &&
        scan_.high_.load(std::memory_order_relaxed) >= high_) {
      return;
    }
    runs_.erase(runs_.begin(), runs_.begin() + static_cast<std::ptrdiff_t>(at_));
    at_ = 0;
    if (is_backwards_) std::reverse(runs_.begin(), runs_.end());
    limit_time(false);
    if (is_backwards_) std::reverse(runs_.begin(), runs_.end());
  }

  /// Rows of one series, newest first. False where none is left.
  bool read_chain(std::uint32_t most, ScanBatch& out) {
    const OpenChunk& open = *unit_->open;
    const CommitSeq seq = unit_->is_own ? scan_.view_.position : scan_.view_.seq;
    const TimeRange& range = scan_.filter_.time;
    const std::int64_t low = std::max(range.start, scan_.low_.load(std::memory_order_relaxed));
    const std::int64_t high = std::min(range.end == INT64_MAX ? INT64_MAX : range.end - 1,
                                       scan_.high_.load(std::memory_order_relaxed));
    const bool may_be_touched = scan_.key_position_ && !unit_->is_own;
    std::string key;
    chosen_.clear();
    while (chain_ != kNoRow && chosen_.size() < most) {
      const RowNumber row = chain_;
      if (row < unit_->row_count && open.time(row) < low) {
        chain_ = kNoRow;
        break;
      }
      chain_ = open.previous_in_series(row);
      if (row >= unit_->row_count || open.time(row) > high || open.ended(row) <= seq) continue;
      if (scan_.filter_.times != nullptr && !contains(*scan_.filter_.times, open.time(row))) continue;
      if (may_be_touched) {
        key.clear();
        open.append_key(key, row);
        if (scan_.view_.own->touched->hides(key, hash_key(key), scan_.view_.position)) continue;
      }
      chosen_.push_back(row);
    }
    if (chosen_.empty()) return false;
    out.row_count = chosen_.size();
    for (std::size_t i = 0; i < scan_.requested_; ++i) out.columns.push_back(converted(i, chain_cells(i)));
    return true;
  }

  /// Rows `chosen_` of the open chunk.
  ColumnView chain_cells(std::size_t position) {
    const ReadColumn& column = scan_.columns_[position];
    ColumnBuffer& buffer = buffers_[position];
    const OpenChunk& open = *unit_->open;
    if (column.index && open.schema().find(column.id) == nullptr) {
      if (buffer.missing == nullptr)
        buffer.missing = std::make_unique<MissingColumn>(*scan_.view_.table, *column.index);
      return buffer.missing->view(chosen_.size());
    }
    const std::size_t index = column.index ? open.schema().index_of(column.id) : open.schema().columns.size();
    const SqlType type = open.column_type(index);
    const ColumnLayout layout = open.column_layout(index);
    Column& gathered = buffer.made().gathered;
    if (gathered.type() != type || gathered.layout() != layout) gathered = Column(type, layout);
    gathered.clear();
    open.append_cells(gathered, index, chosen_.data(), chosen_.size());
    return gathered.view();
  }

  void load_column(std::size_t position) {
    const ReadColumn& column = scan_.columns_[position];
    ColumnBuffer& buffer = buffers_[position];
    if (buffer.loaded == unit_) return;
    buffer.loaded = unit_;
    if (unit_->sealed != nullptr) {
      const Segment& segment = unit_->sealed->segment();
      if (segment.has_column(column.id)) {
        buffer.block = segment.read(unit_->row_group, column.id);
        scan_.blocks_read_.fetch_add(1, std::memory_order_relaxed);
        scan_.block_bytes_read_.fetch_add(buffer.block->stored_bytes, std::memory_order_relaxed);
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

  void filter_time(std::int64_t low, std::int64_t high) {
    if (runs_.empty()) return;
    const std::size_t position = *scan_.time_position_;
    load_column(position);
    const Times times(buffers_[position].unit);
    std::vector<Run> kept;
    for (auto [first, last] : runs_) {
      if (unit_->is_time_sorted) {
        auto bound = [&](std::uint32_t from, auto&& is_before) {
          std::uint32_t to = last;
          while (from < to) {
            const std::uint32_t middle = from + (to - from) / 2;
            if (is_before(times[middle])) {
              from = middle + 1;
            } else {
              to = middle;
            }
          }
          return from;
        };
        const std::uint32_t begin = bound(first, [&](std::int64_t time) { return time < low; });
        const std::uint32_t end =
            high == INT64_MAX ? last : bound(begin, [&](std::int64_t time) { return time <= high; });
        // Neighbouring runs stay apart: each is sorted, both together may not be.
        if (begin < end) kept.emplace_back(begin, end);
        continue;
      }
      for (std::uint32_t row = first; row < last; ++row) {
        const std::int64_t time = times[row];
        if (time >= low && time <= high) add_run(kept, row, row + 1);
      }
    }
    runs_ = std::move(kept);
  }

  /// Leaves out rows whose time is in none of the ranges.
  void filter_times(const TimeRanges& times) {
    if (runs_.empty() || !unit_->filters_time) return;
    const std::size_t position = *scan_.time_position_;
    load_column(position);
    const Times cells(buffers_[position].unit);
    std::vector<Run> kept;
    for (const auto& [first, last] : runs_) {
      // Rows of one run mostly lie in the range of the one before.
      auto range = times.end();
      const auto is_in = [&](std::int64_t time) {
        return range != times.end() && range->start <= time && (time < range->end || range->end == INT64_MAX);
      };
      for (std::uint32_t row = first; row < last;) {
        const std::int64_t time = cells[row];
        if (!is_in(time)) {
          const auto is_before = [&](const TimeRange& one) {
            return one.end <= time && one.end != INT64_MAX;
          };
          // Of sorted rows mostly the next one.
          const auto next = range != times.end() && unit_->is_time_sorted ? std::next(range) : times.begin();
          const bool is_next = next != times.begin() && next != times.end() && !is_before(*next);
          range = is_next ? next : std::partition_point(next, times.end(), is_before);
          if (range == times.end() && unit_->is_time_sorted) break;
          if (!is_in(time)) {
            row = unit_->is_time_sorted ? first_at(cells, row + 1, last, range->start) : row + 1;
            continue;
          }
        }
        std::uint32_t end = row + 1;
        if (unit_->is_time_sorted && range->end != INT64_MAX) {
          end = first_at(cells, end, last, range->end);
        } else if (unit_->is_time_sorted) {
          end = last;
        }
        // Runs stay apart, see filter_time.
        if (!kept.empty() && kept.back().second == row && row != first) {
          kept.back().second = end;
        } else {
          kept.emplace_back(row, end);
        }
        row = end;
      }
    }
    runs_ = std::move(kept);
  }

  /// The first of sorted rows `[from, to)` at or after `time`, or `to`; quick where it is near.
  static std::uint32_t first_at(const Times& times, std::uint32_t from, std::uint32_t to, std::int64_t time) {
    for (std::uint32_t step = 1; from < to && to - from > step; step *= 2) {
      if (times[from + step - 1] >= time) {
        to = from + step - 1;
        break;
      }
      from += step;
    }
    while (from < to) {
      const std::uint32_t middle = from + (to - from) / 2;
      if (times[middle] < time) {
        from = middle + 1;
      } else {
        to = middle;
      }
    }
    return from;
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
      const std::size_t before = kept.size();
      for (std::uint32_t row = first; row < last; ++row) {
        if (!keep(row)) continue;
        // Runs stay apart, see filter_time.
        if (kept.size() > before && kept.back().second == row) {
          ++kept.back().second;
        } else {
          kept.emplace_back(row, row + 1);
        }
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
    auto& made = buffer.made();
    if (unit.form == ColumnView::Form::Dictionary) {
      ColumnView view = unit;
      view.size = count;
      made.codes.resize(count);
      for (std::size_t i = 0; i < count; ++i) made.codes[i] = unit.codes[chosen_[i]];
      view.codes = made.codes.data();
      view.bit_offset = 0;
      if (unit.validity != nullptr) {
        made.validity.assign((count + 63) / 64, 0);
        for (std::size_t i = 0; i < count; ++i) {
          if (!unit.is_null(chosen_[i])) made.validity[i / 64] |= std::uint64_t{1} << (i % 64);
        }
        view.validity = made.validity.data();
      }
      return view;
    }
    if (made.gathered.type() != unit.type || made.gathered.layout() != unit.layout) {
      made.gathered = Column(unit.type, unit.layout);
    }
    made.gathered.clear();
    made.gathered.append_rows(unit, chosen_.data(), count);
    return made.gathered.view();
  }

  /// The same rows in the scan's layout.
  ColumnView converted(std::size_t position, ColumnView view) {
    const ColumnLayout target = scan_.columns_[position].layout;
    if (view.layout == target) return view;
    auto& buffer = buffers_[position].made();
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
  const bool is_backwards_;
  std::size_t batch_rows_;
  std::vector<ColumnBuffer> buffers_;
  const ScanUnit* unit_ = nullptr;
  std::uint64_t unit_index_ = 0;
  std::vector<Run> runs_;  // what is left of the unit from `at_` on, in the order to be read
  std::size_t at_ = 0;
  std::int64_t low_ = INT64_MIN;  // of `runs_`, as far as they were limited
  std::int64_t high_ = INT64_MAX;
  RowNumber chain_ = kNoRow;  // the next row of a unit that is a chain
  std::vector<std::uint32_t> chosen_;
  std::vector<Column> ends_;  // of `read_ends`, by requested column
  std::vector<std::uint32_t> every_;
};

const ScanUnit* Scan::next_unit(std::uint64_t& index) {
  const std::scoped_lock lock(mutex_);
  for (;;) {
    while (next_unit_ < units_.size()) {
      index = next_unit_;
      const ScanUnit& unit = units_[next_unit_++];
      if (!is_left_out(unit)) return &unit;
      if (unit.sealed != nullptr) ++row_groups_left_out_;
    }
    if (!planner_.plan_next(low_.load(std::memory_order_relaxed), high_.load(std::memory_order_relaxed),
                            units_)) {
      return nullptr;
    }
  }
}

bool Scan::is_left_out(const ScanUnit& unit) const {
  if (unit.max_time_inclusive < low_.load(std::memory_order_relaxed) ||
      unit.min_time > high_.load(std::memory_order_relaxed)) {
    return true;
  }
  return !bounds_.empty() && unit.sealed != nullptr &&
         !is_in_range(*view_.table->schema, unit.sealed->segment(), unit.row_group, bounds_);
}

void Scan::tighten(const ColumnPredicate& predicate) {
  if (predicate.column != view_.table->schema->time_column) {
    const std::scoped_lock lock(mutex_);
    std::erase_if(bounds_, [&](const auto& bound) { return bound.column == predicate.column; });
    bounds_.push_back(predicate);
    return;
  }
  const SqlType& type = view_.table->schema->find(predicate.column)->type;
  const auto is_time = [&](const std::optional<ColumnPredicate::Bound>& bound) {
    return bound && !bound->value.is_null && bound->value.type.id == type.id;
  };
  if (is_time(predicate.lower)) {
    const Int128 low = least_time(*predicate.lower);
    const auto limited = static_cast<std::int64_t>(std::min<Int128>(low, INT64_MAX));
    auto now = low_.load(std::memory_order_relaxed);
    while (now < limited && !low_.compare_exchange_weak(now, limited, std::memory_order_relaxed)) {
    }
  }
  if (is_time(predicate.upper)) {
    const Int128 high = end_time(*predicate.upper) - 1;
    const auto limited = static_cast<std::int64_t>(std::max<Int128>(high, INT64_MIN));
    auto now = high_.load(std::memory_order_relaxed);
    while (now > limited && !high_.compare_exchange_weak(now, limited, std::memory_order_relaxed)) {
    }
  }
}

std::unique_ptr<TableScan::State> Scan::make_state() { return std::make_unique<ScanState>(*this); }

bool Scan::read(State& state, ScanBatch& out) { return static_cast<ScanState&>(state).read(out); }

}  // namespace

std::unique_ptr<TableScan> make_table_scan(TableView view, const ScanRequest& request) {
  return std::make_unique<Scan>(std::move(view), request);
}

std::uint64_t count_rows(TableScan& scan) {
  const auto state = scan.make_state();
  if (const auto* own = dynamic_cast<Scan*>(&scan); own != nullptr && own->is_countable())
    return static_cast<ScanState&>(*state).count();
  std::uint64_t rows = 0;
  ScanBatch batch;
  while (scan.read(*state, batch)) rows += batch.row_count;
  return rows;
}

}  // namespace tickstone::storage
