// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "storage/schema.hpp"

namespace tickstone::storage {

/// A set of times as ranges, ascending, without overlaps or touching ends. Bounds are half open, but an end
/// of INT64_MAX includes the last instant.
using TimeRanges = std::vector<TimeRange>;

/// Sorts, drops empty ones, merges what overlaps or touches.
void normalize(TimeRanges& ranges);
TimeRanges intersection(const TimeRanges& ranges, TimeRange with);
TimeRanges intersection(const TimeRanges& a, const TimeRanges& b);
TimeRanges difference(const TimeRanges& ranges, TimeRange without);
bool contains(const TimeRanges& ranges, std::int64_t time);
/// Whether a time in `[min, max_inclusive]` is in the set.
bool overlaps(const TimeRanges& ranges, std::int64_t min, std::int64_t max_inclusive);
/// Merges the neighbours with the smallest gaps until there are at most `most`.
void coarsen(TimeRanges& ranges, std::size_t most);

/// Gathers times into ranges of whole multiples of a width. Cost: nothing for a time in the range of the one
/// before.
class TimeRangeBuilder {
 public:
  /// Only times in `within` count. `width` and `origin`: in the units of the times.
  TimeRangeBuilder(TimeRange within, std::int64_t width, std::int64_t origin, std::size_t most)
      : within_(within), width_(width), origin_(origin), most_(most) {}

  void add(std::int64_t time) { add(time, time); }
  /// Both ends belong to it.
  void add(std::int64_t first, std::int64_t last_inclusive);
  bool covers(std::int64_t first, std::int64_t last_inclusive) const {
    return first >= last_.start && (last_inclusive < last_.end || last_.end == INT64_MAX);
  }
  bool is_outside(std::int64_t first, std::int64_t last_inclusive) const {
    return last_inclusive < within_.start || (first >= within_.end && within_.end != INT64_MAX);
  }
  TimeRanges take();

 private:
  TimeRange within_;
  std::int64_t width_;
  std::int64_t origin_;
  std::size_t most_;
  TimeRange last_{INT64_MAX, INT64_MIN};
  TimeRanges ranges_;
};

}  // namespace tickstone::storage
