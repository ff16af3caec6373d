// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "storage/store.hpp"
#include "storage/time_ranges.hpp"

namespace tickstone::storage {

struct ChangedTimes {
  TimeRange within;        // times outside do not count
  std::int64_t width = 1;  // answers are whole multiples of it, counted from `origin`
  std::int64_t origin = 0;
  std::size_t most = 1024;  // ranges; where there would be more the smallest gaps are closed
};

/// What a transaction has changed so far.
class ChangeReport {
 public:
  static ChangeReport& of(Transaction& transaction);
  virtual ~ChangeReport() = default;

  /// Whether it changes rows of the table, or what the table is.
  virtual bool has_changes(TableId table) const = 0;
  /// Ranges that hold the time of each row it adds, replaces or removes; perhaps more. For tables with a time
  /// column.
  virtual TimeRanges changed_times(TableId table, const ChangedTimes& asked) = 0;
};

/// No column: a predicate on it has the bounds of ranges of time, by turns, in `in`.
inline constexpr ColumnId kTimesColumn = 0xFFFF'FFFE;
/// Unlike with other predicates, a scan with this one returns no row of another time.
ColumnPredicate only_times(const TimeRanges& times);

}  // namespace tickstone::storage
