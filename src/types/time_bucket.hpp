// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "types/interval.hpp"
#include "types/timestamp.hpp"

namespace tickstone {

/// 2000-01-03, a Monday: TimescaleDB's origin of widths without months. 2000-01-01 is the origin of widths in
/// months.
inline constexpr std::int64_t kBucketOriginUs = kPostgresEpochUs + 2 * kMicrosPerDay;
inline constexpr std::int64_t kMonthBucketOriginUs = kPostgresEpochUs;

/// Rounds down to a bucket of `width` from `origin`. Units: any, the same for all three. Integer arithmetic
/// only.
inline std::int64_t bucket_start(std::int64_t value, std::int64_t width, std::int64_t origin) {
  const std::int64_t shift = origin % width;
  const std::int64_t moved = value - shift;
  std::int64_t floored = moved - moved % width;
  if (moved % width < 0) floored -= width;
  return floored + shift;
}

/// One time_bucket call with its constant arguments checked and prepared.
/// Errors: InvalidParameterValue for a width of zero or less, or one that mixes months with days or time.
class TimeBucket {
 public:
  TimeBucket(const IntervalValue& width, std::optional<std::int64_t> origin_us,
             std::optional<IntervalValue> offset, const TimeZone* zone);
  /// Units: microseconds since 1970. Infinities stay.
  std::int64_t start_of(std::int64_t us) const;
  /// Up to where times share the bucket that starts at `start`, which `start_of` gave; `start` where that is
  /// not known without asking for each.
  std::int64_t known_end(std::int64_t start) const;
  /// Times around `us` that the zone has one offset for, where buckets are shorter than a day: the bucket of
  /// each is `bucket_start(time + offset_us, width_us(), origin_us()) - offset_us`, unless that is before
  /// `from`. Empty where there is none.
  struct Steady {
    std::int64_t from = 0, until = 0, offset_us = 0;
  };
  Steady steady_around(std::int64_t us) const;
  /// True when the width is fixed and no zone shifts: `start_of` is then `bucket_start(us, width_us(),
  /// origin_us())`.
  bool is_fixed() const { return is_fixed_; }
  std::int64_t width_us() const { return width_us_; }
  std::int64_t origin_us() const { return origin_us_; }

 private:
  bool is_fixed_ = false;
  std::int32_t width_months_ = 0;
  std::int64_t width_us_ = 0;
  std::int64_t origin_us_ = 0;
  IntervalValue offset_;
  const TimeZone* zone_ = nullptr;
};

/// The starts of buckets from one on, as TimescaleDB's gapfill goes through them: of days and months by wall
/// time, of hours and less as `TimeBucket` has them, which differ where clocks change.
class BucketSteps {
 public:
  /// `start_us` is the start of a bucket of that width and zone.
  BucketSteps(const IntervalValue& width, const TimeZone* zone, std::int64_t start_us);
  /// Past the end of time: infinity.
  std::int64_t value() const { return value_; }
  void advance();
  void restart();

 private:
  std::int64_t later_start() const;

  TimeBucket bucket_;
  IntervalValue width_;
  const TimeZone* zone_ = nullptr;
  std::int64_t start_us_;
  std::int64_t value_;
  std::int64_t step_ = 0;
};

}  // namespace tickstone
