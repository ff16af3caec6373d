// SPDX-License-Identifier: Apache-2.0
// Scans of some rows of a table, told by the table's number.
#include "engine/aggregate_log.hpp"
#include "engine/aggregate_query.hpp"
#include "storage/changed_times.hpp"
#include "storage/row_count.hpp"

namespace tickstone::engine {
namespace {

class ViewOfSomeRows final : public storage::ReadView {
 public:
  ViewOfSomeRows(const AggregateTracker& tracker, std::shared_ptr<const storage::ReadView> view,
                 std::shared_ptr<const storage::TimeRanges> aggregated_times)
      : tracker_(tracker), view_(std::move(view)), aggregated_times_(std::move(aggregated_times)) {}

  storage::CommitSeq seq() const override { return view_->seq(); }
  std::vector<storage::TableId> tables() const override { return view_->tables(); }
  const storage::TableSchema* schema(storage::TableId table) const override {
    return view_->schema(real(table));
  }
  std::uint64_t schema_version(storage::TableId table) const override {
    return view_->schema_version(real(table));
  }
  std::vector<ColumnLayout> layouts(storage::TableId table) const override {
    return view_->layouts(real(table));
  }
  std::vector<storage::ChunkInfo> chunks(storage::TableId table) const override {
    return view_->chunks(real(table));
  }
  std::uint64_t row_count(storage::TableId table) const override {
    if (!tracker_.find_restricted_table(table)) return view_->row_count(table);
    storage::ScanRequest request;
    request.table = table;
    return storage::count_rows(*scan(request));
  }
  LookupResult lookup(storage::TableId table, const Batch& keys) const override {
    return view_->lookup(real(table), keys);
  }
  storage::CommitSeq newest_commit(storage::TableId table) const override {
    return view_->newest_commit(real(table));
  }

  std::unique_ptr<storage::TableScan> scan(const storage::ScanRequest& request) const override {
    const auto restricted = tracker_.find_restricted_table(request.table);
    if (!restricted) return view_->scan(request);
    ScanConditions conditions;
    (void)split_scan_name(restricted->second, conditions);
    storage::ScanRequest real_request = request;
    real_request.table = restricted->first;
    real_request.predicates.push_back(storage::only_times(times_of(conditions)));
    return view_->scan(real_request);
  }

 private:
  storage::TableId real(storage::TableId table) const {
    const auto restricted = tracker_.find_restricted_table(table);
    return restricted ? restricted->first : table;
  }

  storage::TimeRanges times_of(const ScanConditions& conditions) const {
    storage::TimeRanges times{{}};
    for (const auto& condition : conditions) {
      if (condition.kind == ScanCondition::Kind::Changed) {
        times = aggregated_times_ == nullptr ? storage::TimeRanges{}
                                             : storage::intersection(times, *aggregated_times_);
        continue;
      }
      const auto watermark =
          find_aggregate_value(*view_, condition.aggregate, AggregateValue::Watermark).value_or(INT64_MIN);
      const bool is_below = condition.kind == ScanCondition::Kind::Below;
      times = storage::intersection(times, is_below ? storage::TimeRange{INT64_MIN, watermark}
                                                    : storage::TimeRange{watermark, INT64_MAX});
    }
    return times;
  }

  const AggregateTracker& tracker_;
  std::shared_ptr<const storage::ReadView> view_;
  std::shared_ptr<const storage::TimeRanges> aggregated_times_;
};

}  // namespace

std::shared_ptr<const storage::ReadView> view_of_some_rows(
    const AggregateTracker& tracker, std::shared_ptr<const storage::ReadView> view,
    std::shared_ptr<const storage::TimeRanges> aggregated_times) {
  return std::make_shared<ViewOfSomeRows>(tracker, std::move(view), std::move(aggregated_times));
}

}  // namespace tickstone::engine
