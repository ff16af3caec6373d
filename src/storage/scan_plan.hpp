// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "storage/own_rows.hpp"
#include "storage/scan.hpp"
#include "storage/time_ranges.hpp"

namespace tickstone::storage {

/// A stretch of rows that one thread reads at a time.
struct ScanUnit {
  std::shared_ptr<const ChunkState> chunk;  // keeps the layers alive; nullptr for own rows in memory
  SealedSegment* sealed = nullptr;
  std::size_t row_group = 0;
  std::shared_ptr<OpenChunk> open;
  bool is_own = false;
  std::uint64_t first_row = 0;  // of the row group or the block, in its layer
  std::uint32_t row_count = 0;
  /// Half-open ranges of rows from `first_row` that may match; each sorted by time where `is_time_sorted`.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges;
  bool is_time_sorted = false;
  bool filters_time = false;      // rows outside of the time range are in it
  bool meets_predicates = false;  // those that are in the time range meet all predicates
  /// Bounds of the times in it, inclusive; of tables without time column all of time.
  std::int64_t min_time = INT64_MIN;
  std::int64_t max_time_inclusive = INT64_MAX;
  /// Instead of `ranges`: the newest row of one series of `open`, to be followed backwards in time through
  /// rows below `row_count`.
  RowNumber chain_head = kNoRow;
};

/// What the predicates say of time and series.
struct ScanFilter {
  TimeRange time;  // half-open; end INT64_MAX includes the last instant
  bool has_time = false;
  bool is_empty = false;                    // nothing can match
  std::shared_ptr<const TimeRanges> times;  // within `time`; nullptr: all of it
  /// By position in the series key: the values asked for; empty where any matches.
  std::vector<std::vector<Value>> series;
  bool has_series = false;
};

/// Whether the series is one of those asked for.
bool series_matches(const ScanFilter& filter, const std::vector<Value>& key);

/// Whether a row of the row group can match the predicates, by minimum, maximum and nulls.
bool is_in_range(const TableSchema& schema, const Segment& segment, std::size_t group,
                 const std::vector<ColumnPredicate>& predicates);

/// Plans a scan, one chunk at a time in the order asked for, so that who stops early plans no more than they
/// read. Lifetime: the view's table has to outlive it.
class ScanPlanner {
 public:
  ScanPlanner(const TableView& view, const ScanRequest& request);

  const ScanFilter& filter() const { return filter_; }
  /// Plans the next chunk whose range reaches into `[low, high]` and that has units, and appends them to
  /// `units`, in the order asked for. False when there are no more.
  bool plan_next(std::int64_t low, std::int64_t high_inclusive, std::deque<ScanUnit>& units);
  /// Of what was planned so far.
  const ScanStatistics& statistics() const { return statistics_; }
  std::uint64_t estimated_rows() const { return estimated_rows_; }
  /// Whether the units are those of `SeriesEnd`: few rows of many row groups.
  bool is_of_ends() const { return is_of_ends_; }
  bool has_more() const { return is_own_next_ || first_ != last_ || is_own_last_; }

 private:
  friend class UnitPlanner;

  bool plan_ends(std::deque<ScanUnit>& units);

  /// The next chunk; nullptr: the transaction's own rows; nothing: that was all.
  std::optional<const std::shared_ptr<const ChunkState>*> next_chunk();

  const TableView& view_;
  const ScanRequest request_;
  ScanFilter filter_;
  // What is left to plan: a transaction's own rows, whatever their time, come before or after the chunks.
  using Chunks = std::map<std::int64_t, std::shared_ptr<const ChunkState>>;
  bool is_own_next_ = false;
  Chunks::const_iterator first_;
  Chunks::const_iterator last_;
  bool is_own_last_ = false;
  bool is_of_ends_ = false;
  ScanStatistics statistics_;
  std::uint64_t estimated_rows_ = 0;
};

}  // namespace tickstone::storage
