// SPDX-License-Identifier: Apache-2.0
#include "types/time_bucket.hpp"

#include <tickstone/error.hpp>

namespace tickstone {

namespace {

[[noreturn]] void throw_out_of_range() {
  throw Error(ErrorCode::DatetimeFieldOverflow, "timestamp out of range");
}

std::int64_t local_us(std::int64_t utc_us, const TimeZone& zone) {
  return utc_us + zone.offset_seconds_at_utc(utc_us) * kMicrosPerSecond;
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
  if (width_us_ > 0 && offset_.months == 0) {
    // A fixed offset moves the origin and is gone.
    const Int128 moved =
        (Int128{origin_us_} + Int128{offset_.days} * kMicrosPerDay + offset_.micros) % Int128{width_us_};
    origin_us_ = static_cast<std::int64_t>(moved);
    offset_ = IntervalValue{};
    is_fixed_ = zone_ == nullptr;
  }
}

std::int64_t TimeBucket::start_of(std::int64_t us) const {
  if (us == kTimestampInfinity || us == kTimestampNegInfinity) return us;
  const bool has_offset = offset_ != IntervalValue{};
  std::int64_t wall = zone_ != nullptr ? local_us(us, *zone_) : us;
  if (has_offset) wall = add_interval(wall, negated(offset_), utc_zone());
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
  if (has_offset) start = add_interval(start, offset_, utc_zone());
  return zone_ != nullptr ? zone_->to_utc_us(start) : start;
}

}  // namespace tickstone
