// SPDX-License-Identifier: Apache-2.0
#include "storage/time_ranges.hpp"

#include <algorithm>
#include <functional>

#include "base/bytes.hpp"

namespace tickstone::storage {

namespace {

/// Ranges are merged whenever this many times the most are gathered.
constexpr std::size_t kGatheredFactor = 8;

bool is_empty(const TimeRange& range) { return range.start >= range.end && range.end != INT64_MAX; }

/// The first range that ends after `time`.
TimeRanges::const_iterator first_after(const TimeRanges& ranges, std::int64_t time) {
  return std::partition_point(ranges.begin(), ranges.end(), [&](const TimeRange& range) {
    return range.end <= time && range.end != INT64_MAX;
  });
}

}  // namespace

void normalize(TimeRanges& ranges) {
  std::erase_if(ranges, is_empty);
  std::sort(ranges.begin(), ranges.end(),
            [](const TimeRange& a, const TimeRange& b) { return a.start < b.start; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (kept > 0 && ranges[i].start <= ranges[kept - 1].end) {
      ranges[kept - 1].end = std::max(ranges[kept - 1].end, ranges[i].end);
    } else {
      ranges[kept++] = ranges[i];
    }
  }
  ranges.resize(kept);
}

TimeRanges intersection(const TimeRanges& ranges, TimeRange with) {
  TimeRanges result;
  for (auto range = first_after(ranges, with.start); range != ranges.end(); ++range) {
    const TimeRange part{std::max(range->start, with.start), std::min(range->end, with.end)};
    if (range->start >= with.end && with.end != INT64_MAX) break;
    if (!is_empty(part)) result.push_back(part);
  }
  return result;
}

TimeRanges intersection(const TimeRanges& a, const TimeRanges& b) {
  TimeRanges result;
  for (const auto& range : b) {
    for (const auto& part : intersection(a, range)) result.push_back(part);
  }
  return result;
}

TimeRanges difference(const TimeRanges& ranges, TimeRange without) {
  TimeRanges result;
  for (const auto& range : ranges) {
    const TimeRange before{range.start, std::min(range.end, without.start)};
    const TimeRange after{std::max(range.start, without.end), range.end};
    if (before.start < before.end) result.push_back(before);
    if (without.end != INT64_MAX && after.start < after.end) result.push_back(after);
  }
  return result;
}

bool contains(const TimeRanges& ranges, std::int64_t time) {
  const auto range = first_after(ranges, time);
  return range != ranges.end() && range->start <= time;
}

bool overlaps(const TimeRanges& ranges, std::int64_t min, std::int64_t max_inclusive) {
  const auto range = first_after(ranges, min);
  return range != ranges.end() && range->start <= max_inclusive;
}

void coarsen(TimeRanges& ranges, std::size_t most) {
  if (ranges.size() <= most) return;
  const auto gap_before = [&](std::size_t i) {
    return static_cast<std::uint64_t>(ranges[i].start) - static_cast<std::uint64_t>(ranges[i - 1].end);
  };
  std::vector<std::uint64_t> gaps;
  for (std::size_t i = 1; i < ranges.size(); ++i) gaps.push_back(gap_before(i));
  // The largest gaps stay: one fewer than ranges.
  auto least_kept = gaps.begin() + static_cast<std::ptrdiff_t>(most - 1);
  std::nth_element(gaps.begin(), least_kept, gaps.end(), std::greater<>());
  const std::uint64_t closed = *least_kept;  // this and smaller ones are closed
  std::size_t kept = 1;
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    if (gap_before(i) <= closed) {
      ranges[kept - 1].end = ranges[i].end;
    } else {
      ranges[kept++] = ranges[i];
    }
  }
  ranges.resize(kept);
}

void TimeRangeBuilder::add(std::int64_t first, std::int64_t last_inclusive) {
  if (covers(first, last_inclusive) || is_outside(first, last_inclusive)) return;
  const Int128 width = width_;
  const auto floor_of = [&](std::int64_t time) {
    Int128 rest = (Int128{time} - origin_) % width;
    if (rest < 0) rest += width;
    return Int128{time} - rest;
  };
  const Int128 start = floor_of(first);
  const Int128 end = floor_of(last_inclusive) + width;
  last_ = {start < INT64_MIN ? INT64_MIN : static_cast<std::int64_t>(start),
           end > INT64_MAX ? INT64_MAX : static_cast<std::int64_t>(end)};
  ranges_.push_back(last_);
  if (ranges_.size() < most_ * kGatheredFactor) return;
  normalize(ranges_);
  if (ranges_.size() > most_ * kGatheredFactor / 2) coarsen(ranges_, most_);
}

TimeRanges TimeRangeBuilder::take() {
  normalize(ranges_);
  ranges_ = intersection(ranges_, within_);
  coarsen(ranges_, most_);
  return std::move(ranges_);
}

}  // namespace tickstone::storage
