// SPDX-License-Identifier: Apache-2.0
#include "engine/point_read_rows.hpp"

#include <algorithm>
#include <numeric>

#include "storage/key_codec.hpp"
#include "storage/row_order.hpp"

namespace tickstone::engine {
namespace {

using sql::PointRead;

/// So much more than what is kept may lie in the buffer before it is tidied up.
constexpr std::size_t kSpareRows = 1024;
constexpr std::size_t kBatchRows = 2048;

bool matches(PointRead::Comparison comparison, int order) {
  using enum PointRead::Comparison;
  switch (comparison) {
    case Equal:
      return order == 0;
    case NotEqual:
      return order != 0;
    case Less:
      return order < 0;
    case LessOrEqual:
      return order <= 0;
    case Greater:
      return order > 0;
    case GreaterOrEqual:
      return order >= 0;
  }
  return false;
}

bool matches(PointRead::Comparison comparison, const ColumnView& values, const ColumnView& column,
             std::size_t row) {
  if (column.is_null(row)) return false;
  for (std::size_t value = 0; value < values.size; ++value) {
    if (matches(comparison, storage::order_cells(column, row, values, value))) return true;
  }
  return false;
}

}  // namespace

/// Keeps the first rows of the order, as many as the limit allows.
class PointStream::Sorter {
 private:
  /// Whether one kept row comes before another.
  auto by_order() const {
    return [this](std::uint32_t a, std::uint32_t b) { return compare(kept_views_, a, kept_views_, b) < 0; };
  }

 public:
  Sorter(const PointRows& rows, const std::vector<ColumnView>& like)
      : rows_(rows), most_(rows.limit == UINT64_MAX ? UINT64_MAX : rows.limit + rows.offset) {
    kept_.reserve(like.size());
    for (const auto& view : like) kept_.emplace_back(view.type, view.layout);
  }

  void add(const std::vector<ColumnView>& views, const std::vector<std::uint32_t>& rows) {
    if (most_ == UINT64_MAX) {
      const std::size_t first = kept_.front().size();
      for (std::size_t i = 0; i < kept_.size(); ++i) kept_[i].append_rows(views[i], rows.data(), rows.size());
      entries_.resize(entries_.size() + rows.size());
      std::iota(entries_.end() - static_cast<std::ptrdiff_t>(rows.size()), entries_.end(),
                static_cast<std::uint32_t>(first));
      return;
    }
    // A scan gives rows of a series oldest first: from the other end most are beaten at once.
    const bool is_backwards = rows_.shape->order.front().is_descending;
    for (std::size_t i = 0; i < rows.size(); ++i)
      add_row(views, rows[is_backwards ? rows.size() - 1 - i : i]);
    if (kept_.front().size() > 2 * most_ + kSpareRows) tidy();
  }

  /// What the last row that still counts has in the time column, once there are enough.
  std::optional<Int128> time_bound() const {
    if (entries_.size() < most_ || entries_.empty()) return std::nullopt;
    const ColumnView view = kept_[rows_.shape->order.front().column].view();
    return view.integer(entries_.front());
  }

  void finish() {
    if (most_ == UINT64_MAX) look_again();
    std::sort(entries_.begin(), entries_.end(), by_order());
  }
  const std::vector<ColumnView>& views() const { return kept_views_; }
  const std::vector<std::uint32_t>& entries() const { return entries_; }
  /// The columns themselves where the one row in them is the answer: nothing may follow.
  std::vector<Column>* only_row() {
    return entries_.size() == 1 && kept_.front().size() == 1 ? &kept_ : nullptr;
  }

 private:
  void look_again() {
    kept_views_.resize(kept_.size());
    for (std::size_t i = 0; i < kept_.size(); ++i) kept_views_[i] = kept_[i].view();
  }

  int compare(const std::vector<ColumnView>& a, std::size_t a_row, const std::vector<ColumnView>& b,
              std::size_t b_row) const {
    for (const auto& key : rows_.shape->order) {
      const ColumnView& x = a[key.column];
      const ColumnView& y = b[key.column];
      const bool x_null = x.is_null(a_row);
      const bool y_null = y.is_null(b_row);
      if (x_null != y_null) return x_null == key.has_nulls_first ? -1 : 1;
      const int order = storage::order_cells(x, a_row, y, b_row);
      if (order != 0) return key.is_descending ? -order : order;
    }
    return 0;
  }
  void add_row(const std::vector<ColumnView>& views, std::uint32_t row) {
    if (entries_.size() == most_) {
      if (most_ == 0 || compare(views, row, kept_views_, entries_.front()) >= 0) return;
      std::pop_heap(entries_.begin(), entries_.end(), by_order());
      entries_.pop_back();
    }
    entries_.push_back(static_cast<std::uint32_t>(kept_.front().size()));
    for (std::size_t i = 0; i < kept_.size(); ++i) kept_[i].append_rows(views[i], &row, 1);
    look_again();
    std::push_heap(entries_.begin(), entries_.end(), by_order());
  }

  void tidy() {
    std::vector<Column> left;
    for (const auto& column : kept_) {
      left.emplace_back(column.type(), column.layout());
      left.back().append_rows(column.view(), entries_.data(), entries_.size());
    }
    kept_ = std::move(left);
    look_again();
    // The heap's shape is that of positions, which stay.
    std::iota(entries_.begin(), entries_.end(), 0U);
  }

  const PointRows& rows_;
  const std::uint64_t most_;
  std::vector<Column> kept_;
  std::vector<ColumnView> kept_views_;  // valid until `kept_` grows
  std::vector<std::uint32_t> entries_;  // a heap with the last row on top; sorted in the end
};

PointStream::PointStream(const SessionContext& context, std::unique_ptr<PointRows> rows)
    : context_(context), rows_(std::move(rows)) {
  if (rows_->is_empty || rows_->keys || rows_->limit == 0) return;
  scan_ = rows_->view->scan(rows_->request);
  state_ = scan_->make_state();
}

PointStream::~PointStream() = default;

bool PointStream::read() {
  if (rows_->is_empty || rows_->limit == 0) return false;
  if (!rows_->keys) return scan_->read(*state_, batch_);
  do {
    if (next_key_ >= rows_->keys->row_count()) return false;
    std::vector<std::uint32_t> part(std::min(kBatchRows, rows_->keys->row_count() - next_key_));
    std::iota(part.begin(), part.end(), static_cast<std::uint32_t>(next_key_));
    next_key_ += part.size();
    found_ = rows_->view->lookup(rows_->request.table, storage::select_rows(*rows_->keys, part));
  } while (found_.rows.row_count() == 0);
  const auto* schema = rows_->view->schema(rows_->request.table);
  batch_.columns.clear();
  for (const auto id : rows_->shape->columns)
    batch_.columns.push_back(found_.rows.columns[schema->index_of(id)].view());
  batch_.row_count = found_.rows.row_count();
  return true;
}

void PointStream::select() {
  selected_.resize(batch_.row_count);
  std::iota(selected_.begin(), selected_.end(), 0U);
  for (const auto& condition : rows_->conditions) {
    const ColumnView& column = batch_.columns[condition.column];
    const ColumnView values = condition.values.view();
    if (column.form == ColumnView::Form::Constant && column.validity == nullptr) {
      if (!selected_.empty() && !matches(condition.comparison, values, column, 0)) selected_.clear();
      continue;
    }
    std::erase_if(selected_,
                  [&](std::uint32_t row) { return !matches(condition.comparison, values, column, row); });
  }
}

Batch PointStream::output_of(const std::vector<ColumnView>& views, const std::uint32_t* rows,
                             std::size_t count) const {
  const auto& output = rows_->shape->output;
  Batch batch;
  batch.columns.reserve(output.size());
  for (const std::size_t column : output) {
    batch.columns.emplace_back(views[column].type, views[column].layout);
    batch.columns.back().append_rows(views[column], rows, count);
  }
  batch.zero_column_rows = count;
  return batch;
}

bool PointStream::next(Batch& out, duck::LongNumbers /*long_numbers*/) {
  return rows_->shape->order.empty() ? next_unsorted(out) : next_sorted(out);
}

bool PointStream::next_unsorted(Batch& out) {
  while (sent_ < rows_->limit && read()) {
    context_.check_cancelled();
    select();
    const std::uint64_t left_out = std::min<std::uint64_t>(rows_->offset - skipped_, selected_.size());
    skipped_ += left_out;
    selected_.erase(selected_.begin(), selected_.begin() + static_cast<std::ptrdiff_t>(left_out));
    if (selected_.size() > rows_->limit - sent_) selected_.resize(rows_->limit - sent_);
    if (selected_.empty()) continue;
    sent_ += selected_.size();
    out = output_of(batch_.columns, selected_.data(), selected_.size());
    return true;
  }
  return false;
}

bool PointStream::next_sorted(Batch& out) {
  if (sorter_ == nullptr) {
    while (read()) {
      context_.check_cancelled();
      if (sorter_ == nullptr) sorter_ = std::make_unique<Sorter>(*rows_, batch_.columns);
      select();
      if (selected_.empty()) continue;
      sorter_->add(batch_.columns, selected_);
      if (scan_ == nullptr || !rows_->is_time_order) continue;
      if (const auto bound = sorter_->time_bound()) {
        storage::ColumnPredicate predicate;
        const auto& order = rows_->shape->order;
        const auto& key = order.front();
        predicate.column = rows_->shape->columns[key.column];
        // Of rows with the same time the later keys decide; without one any will do.
        storage::ColumnPredicate::Bound limit{Value::null_of(batch_.columns[key.column].type),
                                              order.size() > 1};
        limit.value.is_null = false;
        limit.value.integer = *bound;
        (key.is_descending ? predicate.lower : predicate.upper) = std::move(limit);
        scan_->tighten(predicate);
      }
    }
    if (sorter_ == nullptr) return false;
    sorter_->finish();
    skipped_ = rows_->offset;
  }
  const auto& entries = sorter_->entries();
  const std::size_t first = std::min<std::size_t>(skipped_ + sent_, entries.size());
  const std::size_t count = std::min<std::size_t>(
      {kBatchRows, entries.size() - first, static_cast<std::size_t>(rows_->limit - sent_)});
  if (count == 0) return false;
  sent_ += count;
  auto* const only = rows_->shape->is_output_first && first == 0 ? sorter_->only_row() : nullptr;
  if (only == nullptr) {
    out = output_of(sorter_->views(), entries.data() + first, count);
    return true;
  }
  only->erase(only->begin() + static_cast<std::ptrdiff_t>(rows_->shape->output.size()), only->end());
  out.columns = std::move(*only);
  out.zero_column_rows = count;
  return true;
}

PointEachStream::PointEachStream(const SessionContext& context, std::unique_ptr<PointRows> rows,
                                 std::vector<PointEach> each)
    : context_(context),
      rows_(std::move(rows)),
      each_(std::move(each)),
      at_(each_.size(), 0),
      is_at_end_(rows_->is_empty) {}

/// To the next combination, the last column first.
bool PointEachStream::advance() {
  for (std::size_t i = each_.size(); i-- > 0;) {
    if (++at_[i] < each_[i].values.size()) return true;
    at_[i] = 0;
  }
  return false;
}

bool PointEachStream::next(Batch& out, duck::LongNumbers long_numbers) {
  out = {};
  while (!is_at_end_ && out.row_count() < kBatchRows) {
    context_.check_cancelled();
    auto rows = std::make_unique<PointRows>(*rows_);
    for (std::size_t i = 0; i < each_.size(); ++i) {
      const Value& value = each_[i].values[at_[i]];
      Column cell(value.type);
      append_value(cell, value);
      rows->conditions[each_[i].condition].values = std::move(cell);
      auto& predicate = rows->request.predicates[each_[i].predicate];
      predicate.in.assign(1, value);
    }
    is_at_end_ = !advance();
    PointStream stream(context_, std::move(rows));
    Batch first;
    if (!stream.next(first, long_numbers)) continue;
    if (out.columns.empty()) {
      out = std::move(first);
      continue;
    }
    for (std::size_t i = 0; i < out.columns.size(); ++i) out.columns[i].append_all(first.columns[i].view());
    out.zero_column_rows += first.zero_column_rows;
  }
  return out.row_count() > 0;
}

}  // namespace tickstone::engine
