// SPDX-License-Identifier: Apache-2.0
#include "types/time_bucket.hpp"

#include <tickstone/error.hpp>

namespace tickstone {

namespace {

[[noreturn]] void throw_out_of_range() {
  throw Error(ErrorCode::NumericValueOutOfRange, "timestamp out of range");
}

std::int64_t local_us(std::int64_t utc_us, const TimeZone& zone) {
  return utc_us + zone.offset_seconds_at_utc(utc_us) * kMicrosPerSecond;
}

/// The instant of a bucket's start by wall time. Where clocks are put back over it, days begin at the first.
std::int64_t bucket_to_utc(std::int64_t wall, const TimeZone& zone, bool is_of_days) {
  const std::int64_t later = zone.to_utc_us(wall);
  if (!is_of_days) return later;
  constexpr std::int64_t kLongestShiftUs = 3 * 3600 * kMicrosPerSecond;
  const std::int64_t earlier = wall - zone.offset_seconds_at_utc(later - kLongestShiftUs) * kMicrosPerSecond;
  return earlier < later && local_us(earlier, zone) == wall ? earlier : later;
}

IntervalValue negated(const IntervalValue& value) { return {-value.months, -value.days, -value.micros}; }

std::int64_t month_number(std::int64_t us) {
  std::int64_t days = us / kMicrosPerDay;
  if (us % kMicrosPerDay < 0) --days;
  const auto date = civil_from_days(static_cast<std::int32_t>(days));
  return std::int64_t{date.year} * 12 + date.month - 1;
}

std::int64_t start_of_month(std::int64_t month) {
  std::int64_t year = month / 12;
  if (month % 12 < 0) --year;
  const CivilDate date{static_cast<std::int32_t>(year), static_cast<std::int32_t>(month - year * 12) + 1, 1};
  return days_from_civil(date) * kMicrosPerDay;
}

}  // namespace

TimeBucket::TimeBucket(const IntervalValue& width, std::optional<std::int64_t> origin_us,
                       std::optional<IntervalValue> offset, const TimeZone* zone)
    : offset_(offset.value_or(IntervalValue{})), zone_(zone != nullptr && zone->is_utc() ? nullptr : zone) {
  if (width.months != 0 && (width.days != 0 || width.micros != 0)) {
    throw Error(ErrorCode::FeatureNotSupported, "month intervals cannot have day or time component");
  }
  const Int128 width_us = Int128{width.days} * kMicrosPerDay + width.micros;
  if (width.months < 0 || (width.months == 0 && width_us <= 0)) {
    throw Error(ErrorCode::InvalidParameterValue, "period must be greater than 0");
  }
  if (width_us > kTimestampInfinity) throw Error(ErrorCode::DatetimeFieldOverflow, "interval out of range");
  width_months_ = width.months;
  width_us_ = static_cast<std::int64_t>(width_us);
  if (origin_us && (*origin_us == kTimestampInfinity || *origin_us == kTimestampNegInfinity)) {
    throw Error(ErrorCode::InvalidParameterValue, "invalid origin value: infinity");
  }
  if (width_months_ > 0) {
    origin_us_ = origin_us.value_or(kMonthBucketOriginUs);
  } else {
    origin_us_ = origin_us.value_or(kBucketOriginUs);
  }
  // An origin given is an instant; the default ones are wall times.
  if (origin_us && zone_ != nullptr) origin_us_ = local_us(origin_us_, *zone_);
  if (width_us_ > 0 && offset_.months == 0 && zone_ == nullptr) {
    // A fixed offset moves the origin and is gone.
    const Int128 moved =
        (Int128{origin_us_} + Int128{offset_.days} * kMicrosPerDay + offset_.micros) % Int128{width_us_};
    origin_us_ = static_cast<std::int64_t>(moved);
    offset_ = IntervalValue{};
    is_fixed_ = true;
  }
}

std::int64_t TimeBucket::start_of(std::int64_t us) const {
  if (us == kTimestampInfinity || us == kTimestampNegInfinity) return us;
  const bool has_offset = offset_ != IntervalValue{};
  // The offset is one of instants: by wall times it could lead to hours that do not exist.
  const std::int64_t moved_us = has_offset ? add_interval(us, negated(offset_), utc_zone()) : us;
  const std::int64_t wall = zone_ != nullptr ? local_us(moved_us, *zone_) : moved_us;
  std::int64_t start = 0;
  if (width_months_ > 0) {
    const std::int64_t origin = month_number(origin_us_);
    start = start_of_month(bucket_start(month_number(wall), width_months_, origin));
  } else {
    const Int128 moved = Int128{wall} - origin_us_ % width_us_;
    Int128 rest = moved % width_us_;
    if (rest < 0) rest += width_us_;
    const Int128 exact = Int128{wall} - rest;
    if (exact <= kTimestampNegInfinity) throw_out_of_range();
    start = static_cast<std::int64_t>(exact);
  }
  if (zone_ != nullptr) {
    const std::int64_t wall_start = start;
    start = bucket_to_utc(wall_start, *zone_, width_months_ > 0 || width_us_ >= kMicrosPerDay);
    // Of a wall time that there is twice, the first is meant by what comes before the second.
    if (start > moved_us) start = wall_start - (wall - moved_us);
  }
  return has_offset ? add_interval(start, offset_, utc_zone()) : start;
}

std::int64_t TimeBucket::known_end(std::int64_t start) const {
  constexpr std::int64_t kFar = kTimestampInfinity / 2;
  if (offset_ != IntervalValue{} || start > kFar || start < -kFar || width_us_ > kFar) return start;
  const std::int64_t wall = zone_ != nullptr ? local_us(start, *zone_) : start;
  const std::int64_t wall_end =
      width_months_ > 0 ? start_of_month(month_number(wall) + width_months_) : wall + width_us_;
  if (zone_ == nullptr) return wall_end;
  // A start that clocks were put forward over.
  const bool is_aligned = width_months_ > 0 ? start_of_month(month_number(wall)) == wall
                                            : bucket_start(wall, width_us_, origin_us_) == wall;
  if (!is_aligned) return start;
  const std::int64_t end = zone_->to_utc_us(wall_end);
  return zone_->offset_seconds_at_utc(start) == zone_->offset_seconds_at_utc(end) ? end : start;
}

TimeBucket::Steady TimeBucket::steady_around(std::int64_t us) const {
  constexpr std::int64_t kFar = kTimestampInfinity / 2;
  if (zone_ == nullptr || offset_ != IntervalValue{} || width_us_ <= 0 || width_us_ >= kMicrosPerDay ||
      us > kFar || us < -kFar)
    return {};
  // No zone changes its clocks twice a day.
  const std::int64_t from = bucket_start(us, kMicrosPerDay, 0);
  const std::int64_t until = from + kMicrosPerDay;
  const std::int32_t offset = zone_->offset_seconds_at_utc(from);
  if (zone_->offset_seconds_at_utc(until) != offset) return {};
  return {from, until, offset * kMicrosPerSecond};
}

BucketSteps::BucketSteps(const IntervalValue& width, const TimeZone* zone, std::int64_t start_us)
    : bucket_(width, std::nullopt, std::nullopt, zone),
      width_(width),
      zone_(zone != nullptr && zone->is_utc() ? nullptr : zone),
      start_us_(start_us),
      value_(start_us) {}

void BucketSteps::restart() {
  value_ = start_us_;
  step_ = 0;
}

std::int64_t BucketSteps::later_start() const {
  std::int64_t candidate = value_;
  std::int64_t next = value_;
  while (next <= value_) {
    candidate += width_.micros;
    next = bucket_.start_of(candidate);
  }
  return next;
}

void BucketSteps::advance() {
  ++step_;
  const Int128 months = Int128{width_.months} * step_;
  const Int128 days = Int128{width_.days} * step_;
  const Int128 micros = Int128{width_.micros} * step_;
  const std::int64_t margin = kMicrosPerDay * 2;
  if (value_ > kTimestampInfinity - margin - bucket_.width_us() || months > INT32_MAX || days > INT32_MAX ||
      micros > kTimestampInfinity) {
    value_ = kTimestampInfinity;
    return;
  }
  if (bucket_.is_fixed()) {
    value_ += bucket_.width_us();
  } else if (zone_ != nullptr && width_.months == 0 && width_.days == 0) {
    value_ = later_start();
  } else {
    const IntervalValue moved{static_cast<std::int32_t>(months), static_cast<std::int32_t>(days),
                              static_cast<std::int64_t>(micros)};
    const std::int64_t wall = zone_ != nullptr ? local_us(start_us_, *zone_) : start_us_;
    const std::int64_t next = add_interval(wall, moved, utc_zone());
    value_ = zone_ != nullptr ? bucket_to_utc(next, *zone_, true) : next;
  }
}

}  // namespace tickstone
