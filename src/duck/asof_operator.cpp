// SPDX-License-Identifier: Apache-2.0
#include "duck/asof_operator.hpp"

#include <array>
#include <mutex>

#include <duckdb/common/types/column/column_data_collection.hpp>
#include <duckdb/parallel/meta_pipeline.hpp>
#include <duckdb/parallel/pipeline.hpp>
#include <duckdb/storage/buffer_manager.hpp>

#include "duck/asof_keys.hpp"
#include "duck/asof_right.hpp"
#include "duck/error_translation.hpp"
#include "duck/session_state.hpp"
#include "storage/changed_times.hpp"

namespace tickstone::duck {

namespace {

using duckdb::ClientContext;
using duckdb::ColumnDataCollection;
using duckdb::DataChunk;
using duckdb::ExecutionContext;
using duckdb::idx_t;
using duckdb::LogicalTypeId;
using duckdb::make_uniq;
using duckdb::unique_ptr;

constexpr std::uint32_t kNone = AsofPartners::kNone;

/// Of more series than this the scan is not told the names.
constexpr std::size_t kMostSeries = 256;

/// So many texts and lists may be kept of rows that have been replaced, besides a few for each place.
constexpr std::size_t kLeastCopies = 65'536;

struct GlobalSink final : duckdb::GlobalSinkState {
  std::mutex mutex;
  unique_ptr<ColumnDataCollection> rows;
};

struct LocalSink final : duckdb::LocalSinkState {
  unique_ptr<ColumnDataCollection> rows;
  duckdb::ColumnDataAppendState append;
};

/// How far partners are looked for, round by round, in units of the time's type; whoever has none yet looks
/// further in the next. A partner is mostly near, and what is further away is then not read.
std::array<std::int64_t, 5> reaches_of(const duckdb::LogicalType& type) {
  constexpr std::int64_t kMinute = 60'000'000;
  std::int64_t unit = 1;
  if (type.id() == LogicalTypeId::TIMESTAMP_NS) unit = 1000;
  if (type.id() == LogicalTypeId::DATE) return {1, 8, 90, 1000, INT64_MAX};
  return {kMinute * unit, 60 * kMinute * unit, 2880 * kMinute * unit, 100'000 * kMinute * unit, INT64_MAX};
}

/// Copies the rows that were taken to their places.
template <typename T>
void copy_values(const duckdb::UnifiedVectorFormat& from, duckdb::Vector& to,
                 const std::vector<AsofPartners::Taken>& taken) {
  const auto* values = reinterpret_cast<const T*>(from.data);
  auto* places = reinterpret_cast<T*>(duckdb::FlatVector::GetData(to));
  for (const auto& one : taken) places[one.place] = values[from.sel->get_index(one.row)];
}

void copy_column(duckdb::Vector& from, idx_t count, duckdb::Vector& to,
                 const std::vector<AsofPartners::Taken>& taken) {
  const auto type = to.GetType().InternalType();
  if (!duckdb::TypeIsConstantSize(type) && type != duckdb::PhysicalType::VARCHAR) {
    // Lists and the like, row by row.
    duckdb::SelectionVector row(1);
    for (const auto& one : taken) {
      row.set_index(0, one.row);
      duckdb::FlatVector::Validity(to).SetValid(one.place);
      duckdb::VectorOperations::Copy(from, to, row, 1, 0, one.place);
    }
    return;
  }
  duckdb::UnifiedVectorFormat format;
  from.ToUnifiedFormat(count, format);
  auto& validity = duckdb::FlatVector::Validity(to);
  if (!format.validity.AllValid() || !validity.AllValid()) {
    for (const auto& one : taken)
      validity.Set(one.place, format.validity.RowIsValid(format.sel->get_index(one.row)));
  }
  if (type == duckdb::PhysicalType::VARCHAR) {
    const auto* texts = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(format);
    auto* places = duckdb::FlatVector::GetData<duckdb::string_t>(to);
    for (const auto& one : taken) {
      const idx_t at = format.sel->get_index(one.row);
      if (format.validity.RowIsValid(at))
        places[one.place] = duckdb::StringVector::AddStringOrBlob(to, texts[at]);
    }
    return;
  }
  switch (duckdb::GetTypeIdSize(type)) {
    case 1:
      return copy_values<std::uint8_t>(format, to, taken);
    case 2:
      return copy_values<std::uint16_t>(format, to, taken);
    case 4:
      return copy_values<std::uint32_t>(format, to, taken);
    case 8:
      return copy_values<std::uint64_t>(format, to, taken);
    default:
      return copy_values<duckdb::hugeint_t>(format, to, taken);
  }
}

/// Joins the gathered rows, a pass after the other, and hands out what comes of them.
class Join {
 public:
  Join(ClientContext& context, const AsofMerge& op, const ColumnDataCollection& rows)
      : op_(op),
        shape_(op.shape()),
        rows_(rows),
        view_(SessionState::of(context).view()),
        right_(context, op.right()),
        left_keys_(context, shape_.left),
        right_keys_(context, shape_.right),
        partners_(shape_.looks_ahead, shape_.is_strict),
        names_(shape_.left.size() - 1) {
    rows_.InitializeScan(to_index_);
    rows_.InitializeScanChunk(to_index_, index_chunk_);
    rows_.InitializeScan(to_give_);
    rows_.InitializeScanChunk(to_give_, given_);
    for (const idx_t column : shape_.right_columns) right_types_.push_back(op.right().types[column]);
  }

  /// False at the end.
  bool next(ExecutionContext& context, DataChunk& out) {
    for (;;) {
      if (next_row_ == partners_.row_count() && !begin_pass(context)) return false;
      given_.Reset();
      rows_.Scan(to_give_, given_);
      if (give(out)) return true;
    }
  }

  /// For EXPLAIN ANALYZE.
  idx_t rows_read() const { return rows_read_; }
  idx_t rounds() const { return rounds_; }

 private:
  bool begin_pass(ExecutionContext& context) {
    partners_.clear();
    numbers_.clear();
    for (auto& names : names_) names.clear();
    next_row_ = 0;
    while (partners_.row_count() < AsofMerge::kPassRows) {
      index_chunk_.Reset();
      if (!rows_.Scan(to_index_, index_chunk_)) break;
      add_left(index_chunk_);
    }
    if (partners_.row_count() == 0) return false;
    partners_.arrange(numbers_.size());
    no_place_ = partners_.row_count();
    copied_ = 0;
    found_.Destroy();
    found_.Initialize(duckdb::BufferAllocator::Get(context.client), right_types_, no_place_ + 1);
    for (auto& column : found_.data) duckdb::FlatVector::SetNull(column, no_place_, true);
    find_partners(context);
    partners_.settle();
    return true;
  }

  void add_left(DataChunk& rows) {
    left_keys_.compute(rows, numbers_, AsofKeys::Unknown::Numbered);
    std::uint32_t before = kNone;
    for (idx_t row = 0; row < rows.size(); ++row) {
      const std::uint32_t series = left_keys_.series()[row];
      partners_.add(series, series == kNone ? 0 : left_keys_.times()[row]);
      if (series != before && series < kMostSeries) name(series, row);
      before = series;
    }
  }

  /// Keeps the values that series `number` has, which row `row` is of.
  void name(std::uint32_t number, idx_t row) {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (names_[i].size() <= number) names_[i].resize(number + 1);
      if (names_[i][number].IsNull()) names_[i][number] = left_keys_.values().GetValue(i, row);
    }
  }

  void find_partners(ExecutionContext& context) {
    std::vector<std::uint32_t> series;
    const auto& time_type = shape_.right.back()->return_type;
    for (const std::int64_t reach : reaches_of(time_type)) {
      // Of other columns than the table's time the scan knows no ranges.
      const auto ranges = partners_.next_ranges(shape_.is_timed ? reach : INT64_MAX, series);
      if (ranges.empty()) return;
      std::vector<storage::ColumnPredicate> narrowed;
      if (shape_.is_timed) narrowed.push_back(storage::only_times(ranges));
      name_series(series, narrowed);
      ++rounds_;
      right_.read(context, view_, std::move(narrowed), [&](DataChunk& rows) { offer(rows); });
    }
  }

  void name_series(const std::vector<std::uint32_t>& series,
                   std::vector<storage::ColumnPredicate>& narrowed) const {
    if (series.size() > kMostSeries || numbers_.size() > kMostSeries) return;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (!shape_.scanned[i]) continue;
      duckdb::vector<duckdb::Value> values;
      for (const std::uint32_t number : series) values.push_back(names_[i][number]);
      auto predicate = predicate_of(right_.bind().relation.columns[*shape_.scanned[i]],
                                    duckdb::ExpressionType::COMPARE_IN, values);
      if (predicate) narrowed.push_back(std::move(*predicate));
    }
  }

  void offer(DataChunk& rows) {
    rows_read_ += rows.size();
    right_keys_.compute(rows, numbers_, AsofKeys::Unknown::Skipped);
    taken_.clear();
    partners_.offer(right_keys_.series(), right_keys_.times(), rows.size(), taken_);
    if (taken_.empty()) return;
    for (std::size_t i = 0; i < shape_.right_columns.size(); ++i)
      copy_column(rows.data[shape_.right_columns[i]], rows.size(), found_.data[i], taken_);
    copied_ += taken_.size();
    if (copied_ > 4 * partners_.place_count() + kLeastCopies) drop_replaced();
  }

  /// Texts and lists of rows that were replaced by nearer ones are still there: copies those that count.
  void drop_replaced() {
    copied_ = 0;
    taken_.clear();
    for (std::uint32_t place = 0; place < partners_.place_count(); ++place) {
      if (partners_.is_found(place)) taken_.push_back({place, place});
    }
    for (auto& column : found_.data) {
      if (duckdb::TypeIsConstantSize(column.GetType().InternalType())) continue;
      duckdb::Vector kept(column.GetType(), no_place_ + 1);
      copy_column(column, no_place_ + 1, kept, taken_);
      duckdb::FlatVector::SetNull(kept, no_place_, true);
      column.Reference(kept);
    }
  }

  /// The next rows on the left with their partners; false where none of them comes out.
  bool give(DataChunk& out) {
    const idx_t count = given_.size();
    duckdb::SelectionVector places(count);
    duckdb::SelectionVector kept(count);
    idx_t kept_count = 0;
    for (idx_t row = 0; row < count; ++row) {
      const std::uint32_t place = partners_.partner_of(next_row_ + row);
      if (place == kNone && !shape_.keeps_all) continue;
      places.set_index(kept_count, place == kNone ? no_place_ : place);
      kept.set_index(kept_count++, row);
    }
    next_row_ += count;
    if (kept_count == 0) return false;
    idx_t to = 0;
    for (const idx_t column : shape_.left_columns) {
      if (kept_count == count) {
        out.data[to++].Reference(given_.data[column]);
      } else {
        out.data[to++].Slice(given_.data[column], kept, kept_count);
      }
    }
    for (auto& column : found_.data) out.data[to++].Slice(column, places, kept_count);
    out.SetCardinality(kept_count);
    return true;
  }

  const AsofMerge& op_;
  const AsofShape& shape_;
  const ColumnDataCollection& rows_;
  const std::shared_ptr<const storage::ReadView> view_;
  AsofRight right_;
  AsofKeys left_keys_;
  AsofKeys right_keys_;
  SeriesNumbers numbers_;
  AsofPartners partners_;
  std::vector<std::vector<duckdb::Value>> names_;  // by equality, then by series
  // The pass's rows are read twice: to find out what is asked for, and to hand them out.
  duckdb::ColumnDataScanState to_index_;
  duckdb::ColumnDataScanState to_give_;
  DataChunk index_chunk_;
  DataChunk given_;
  idx_t next_row_ = 0;  // of the pass, to hand out
  duckdb::vector<duckdb::LogicalType> right_types_;
  DataChunk found_;  // rows of the right, by place; behind them one of NULLs
  idx_t no_place_ = 0;
  std::vector<AsofPartners::Taken> taken_;
  std::size_t copied_ = 0;  // rows of the right, since the replaced ones were dropped
  idx_t rows_read_ = 0;     // of the right
  idx_t rounds_ = 0;
};

struct GlobalSource final : duckdb::GlobalSourceState {
  std::optional<Join> join;
};

}  // namespace

AsofMerge::AsofMerge(duckdb::PhysicalPlan& plan, duckdb::vector<duckdb::LogicalType> out, idx_t estimate,
                     duckdb::PhysicalOperator& left, duckdb::PhysicalOperator& right, AsofShape shape)
    : PhysicalOperator(plan, duckdb::PhysicalOperatorType::EXTENSION, std::move(out), estimate),
      left_(left),
      right_(right),
      shape_(std::move(shape)) {
  children.push_back(left);
  children.push_back(right);
}

duckdb::InsertionOrderPreservingMap<duckdb::string> AsofMerge::ParamsToString() const {
  duckdb::InsertionOrderPreservingMap<duckdb::string> result;
  result["Join Type"] = shape_.keeps_all ? "LEFT" : "INNER";
  result["Conditions"] = shape_.text;
  SetEstimatedCardinality(result, estimated_cardinality);
  return result;
}

unique_ptr<duckdb::GlobalSinkState> AsofMerge::GetGlobalSinkState(ClientContext& context) const {
  auto state = make_uniq<GlobalSink>();
  state->rows = make_uniq<ColumnDataCollection>(context, left_.types);
  return state;
}

unique_ptr<duckdb::LocalSinkState> AsofMerge::GetLocalSinkState(ExecutionContext& context) const {
  auto state = make_uniq<LocalSink>();
  state->rows = make_uniq<ColumnDataCollection>(context.client, left_.types);
  state->rows->InitializeAppend(state->append);
  return state;
}

duckdb::SinkResultType AsofMerge::Sink(ExecutionContext&, DataChunk& chunk,
                                       duckdb::OperatorSinkInput& input) const {
  auto& local = input.local_state.Cast<LocalSink>();
  local.rows->Append(local.append, chunk);
  return duckdb::SinkResultType::NEED_MORE_INPUT;
}

duckdb::SinkCombineResultType AsofMerge::Combine(ExecutionContext&,
                                                 duckdb::OperatorSinkCombineInput& input) const {
  auto& global = input.global_state.Cast<GlobalSink>();
  auto& local = input.local_state.Cast<LocalSink>();
  const std::scoped_lock guard(global.mutex);
  global.rows->Combine(*local.rows);
  return duckdb::SinkCombineResultType::FINISHED;
}

unique_ptr<duckdb::GlobalSourceState> AsofMerge::GetGlobalSourceState(ClientContext& context) const {
  auto state = make_uniq<GlobalSource>();
  state->join.emplace(context, *this, *sink_state->Cast<GlobalSink>().rows);
  return state;
}

duckdb::SourceResultType AsofMerge::GetData(ExecutionContext& context, DataChunk& chunk,
                                            duckdb::OperatorSourceInput& input) const {
  auto& source = input.global_state.Cast<GlobalSource>();
  const bool has_rows = through_duckdb([&] { return source.join->next(context, chunk); });
  return has_rows ? duckdb::SourceResultType::HAVE_MORE_OUTPUT : duckdb::SourceResultType::FINISHED;
}

duckdb::InsertionOrderPreservingMap<duckdb::string> AsofMerge::ExtraSourceParams(
    duckdb::GlobalSourceState& global, duckdb::LocalSourceState&) const {
  const auto& join = global.Cast<GlobalSource>().join;
  duckdb::InsertionOrderPreservingMap<duckdb::string> result;
  result["Right Rows Read"] = std::to_string(join->rows_read());
  result["Right Rounds"] = std::to_string(join->rounds());
  return result;
}

void AsofMerge::BuildPipelines(duckdb::Pipeline& current, duckdb::MetaPipeline& meta_pipeline) {
  op_state.reset();
  sink_state.reset();
  // The right side is no pipeline: it is read when the left one is known.
  meta_pipeline.GetState().SetPipelineSource(current, *this);
  meta_pipeline.CreateChildMetaPipeline(current, *this).Build(left_);
}

}  // namespace tickstone::duck
