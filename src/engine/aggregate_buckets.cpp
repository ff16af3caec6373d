// SPDX-License-Identifier: Apache-2.0
#include "engine/aggregate_buckets.hpp"

#include <limits>

#include <tickstone/error.hpp>

#include "base/check.hpp"
#include "sql/aggregate_bucket.hpp"
#include "types/value.hpp"

namespace tickstone::engine {
namespace {

constexpr std::int64_t kFirst = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();
/// Buckets of wall time begin at no finer multiples of the instants.
constexpr std::int64_t kZoneStepUs = 15 * 60 * kMicrosPerSecond;

std::int64_t saturated(Int128 value) {
  return value < kFirst ? kFirst : value > kLast ? kLast : static_cast<std::int64_t>(value);
}

std::int64_t floor_divide(std::int64_t value, std::int64_t by) {
  const std::int64_t quotient = value / by;
  return value % by < 0 ? quotient - 1 : quotient;
}

std::int64_t whole_number(const sql::Constant& constant) {
  return static_cast<std::int64_t>(parse_value(SqlType::of(TypeId::BigInt), constant.text).integer);
}

std::int64_t instant_of(const sql::Constant& constant) {
  const SqlType type = constant.type.value_or(SqlType::of(TypeId::TimestampTz));
  const auto number = static_cast<std::int64_t>(parse_value(type, constant.text).integer);
  return type.id == TypeId::Date ? number * kMicrosPerDay : number;
}

}  // namespace

AggregateBuckets::AggregateBuckets(const catalog::RelationObject& aggregate) {
  const auto& info = *aggregate.aggregate;
  const auto* column = aggregate.find_column(info.bucket_column);
  TICKSTONE_CHECK(column != nullptr);
  const TypeId type = column->type.id;
  const auto arguments = sql::aggregate_bucket_of(sql::parse_query(info.definition_text));
  if (is_integer(type)) {
    unit_ = Unit::Integer;
    width_ = info.bucket_width;
    step_ = width_;
    if (arguments.offset) origin_ = whole_number(*arguments.offset);
    return;
  }
  unit_ = type == TypeId::Date          ? Unit::Day
          : type == TypeId::TimestampNs ? Unit::Nanosecond
                                        : Unit::Microsecond;
  const IntervalValue width{info.bucket_width_months, 0, info.bucket_width};
  const auto offset = arguments.offset ? parse_interval(arguments.offset->text) : std::nullopt;
  const auto origin = arguments.origin ? std::optional(instant_of(*arguments.origin)) : std::nullopt;
  const TimeZone* zone = nullptr;
  if (arguments.timezone) {
    timezone_ = arguments.timezone->text;
    zone = find_time_zone(timezone_);
    if (zone == nullptr)
      throw Error(ErrorCode::InvalidParameterValue, "invalid timezone name \"" + timezone_ + "\"");
  }
  bucket_.emplace(width, origin, offset, zone);
  longest_us_ = bucket_->width_us() + (info.bucket_width_months * 31LL + 3) * kMicrosPerDay;
  std::int64_t step_us = 0;
  if (bucket_->is_fixed()) {
    step_us = bucket_->width_us();
    origin_ = bucket_->origin_us();
  } else {
    const std::int64_t width_us = info.bucket_width_months > 0 ? kMicrosPerDay : bucket_->width_us();
    step_us = std::min(width_us, kZoneStepUs);
  }
  switch (unit_) {
    case Unit::Day:
      step_ = std::max<std::int64_t>(1, step_us / kMicrosPerDay);
      origin_ = floor_divide(origin_, kMicrosPerDay);
      break;
    case Unit::Nanosecond:
      step_ = step_us * 1000;
      origin_ *= 1000;
      break;
    case Unit::Microsecond:
    case Unit::Integer:
      step_ = step_us;
      break;
  }
}

std::int64_t AggregateBuckets::to_us(std::int64_t time) const {
  switch (unit_) {
    case Unit::Day:
      return saturated(Int128{time} * kMicrosPerDay);
    case Unit::Nanosecond:
      return floor_divide(time, 1000);
    case Unit::Microsecond:
    case Unit::Integer:
      break;
  }
  return time;
}

std::int64_t AggregateBuckets::from_us(std::int64_t us) const {
  if (us == kFirst || us == kLast) return us;
  switch (unit_) {
    case Unit::Day:
      return floor_divide(us, kMicrosPerDay);
    case Unit::Nanosecond:
      return saturated(Int128{us} * 1000);
    case Unit::Microsecond:
    case Unit::Integer:
      break;
  }
  return us;
}

std::int64_t AggregateBuckets::start_of(std::int64_t time) const {
  if (time == kFirst || time == kLast) return time;
  if (unit_ == Unit::Integer) {
    Int128 rest = (Int128{time} - origin_) % width_;
    if (rest < 0) rest += width_;
    return saturated(Int128{time} - rest);
  }
  return from_us(bucket_->start_of(to_us(time)));
}

std::int64_t AggregateBuckets::end_of(std::int64_t time) const {
  if (time == kFirst || time == kLast) return time;
  const std::int64_t start = start_of(time);
  if (unit_ == Unit::Integer) return saturated(Int128{start} + width_);
  const std::int64_t start_us = to_us(start);
  if (bucket_->is_fixed()) return from_us(saturated(Int128{start_us} + bucket_->width_us()));
  // The first instant of another bucket.
  std::int64_t inside = start_us;
  std::int64_t outside = start_us + longest_us_;
  while (inside + 1 < outside) {
    const std::int64_t middle = inside + (outside - inside) / 2;
    if (bucket_->start_of(middle) <= start_us) {
      inside = middle;
    } else {
      outside = middle;
    }
  }
  return from_us(outside);
}

std::int64_t AggregateBuckets::ceiling_of(std::int64_t time) const {
  return start_of(time) == time ? time : end_of(time);
}

storage::TimeRange AggregateBuckets::around(const storage::TimeRange& range) const {
  return {start_of(range.start), ceiling_of(range.end)};
}

storage::TimeRange AggregateBuckets::within(const storage::TimeRange& range) const {
  return {ceiling_of(range.start), start_of(range.end)};
}

}  // namespace tickstone::engine
