// SPDX-License-Identifier: Apache-2.0
// Times and intervals as hypertables take them, in the units of a time column.
#include "engine/time_units.hpp"

#include <tickstone/error.hpp>

namespace tickstone::engine {
namespace {

constexpr std::int64_t kDefaultIntervalUs = 7 * kMicrosPerDay;

std::int64_t largest_interval(TypeId id) {
  if (id == TypeId::SmallInt) return INT16_MAX;
  return id == TypeId::Integer ? INT32_MAX : INT64_MAX;
}

}  // namespace

bool is_time_type(const SqlType& type) {
  return !type.is_array &&
         (type.id == TypeId::Timestamp || type.id == TypeId::TimestampTz || type.id == TypeId::TimestampNs ||
          type.id == TypeId::Date || type.id == TypeId::Uuid || is_integer(type.id));
}

std::int64_t default_interval(SessionContext& context, const SqlType& type) {
  switch (type.id) {
    case TypeId::SmallInt:
      return 10'000;
    case TypeId::Integer:
      return 100'000;
    case TypeId::BigInt:
      return 1'000'000;
    default:
      break;
  }
  const std::string chosen = context.settings().show("timescaledb.default_chunk_time_interval");
  if (!chosen.empty()) return interval_in_units(context, type, Value::of_text(chosen));
  if (type.id == TypeId::Date) return kDefaultIntervalUs / kMicrosPerDay;
  return type.id == TypeId::TimestampNs ? kDefaultIntervalUs * 1000 : kDefaultIntervalUs;
}

std::int64_t interval_in_units(SessionContext& context, const SqlType& type, const Value& value) {
  const bool is_number = is_integer(value.type.id) || value.type.id == TypeId::Numeric;
  if (is_integer(type.id) && !is_number)
    throw Error(ErrorCode::InvalidParameterValue, "invalid interval type for " + to_sql(type) + " dimension",
                {}, "Use an interval of type integer.");
  std::int64_t result = 0;
  if (is_number) {
    result = static_cast<std::int64_t>(value.integer);
    const std::int64_t most = largest_interval(is_integer(type.id) ? type.id : TypeId::BigInt);
    if (value.integer < 1 || value.integer > most)
      throw Error(ErrorCode::InvalidParameterValue,
                  "invalid interval: must be between 1 and " + std::to_string(most));
    if (is_integer(type.id)) return result;
    // As a guard against an interval in seconds or days.
    if (result < 1'000'000)
      context.notice({"WARNING",
                      ErrorCode::AmbiguousParameter,
                      "unexpected interval: smaller than one second",
                      {},
                      "The interval is specified in microseconds."});
  } else {
    const bool is_text = value.type.id == TypeId::Unknown || is_text_like(value.type.id);
    if (!is_text && value.type.id != TypeId::Interval)
      throw Error(ErrorCode::InvalidParameterValue,
                  "invalid interval type for " + to_sql(type) + " dimension", {},
                  "Use an interval of type integer or interval.");
    const auto interval = unpack_interval(
        is_text ? parse_value(SqlType::of(TypeId::Interval), value.text, context.settings().format_context())
                      .integer
                : value.integer);
    result =
        (static_cast<std::int64_t>(interval.months) * 30 + interval.days) * kMicrosPerDay + interval.micros;
    if (result <= 0)
      throw Error(ErrorCode::InvalidParameterValue, "invalid interval for " + to_sql(type) + " dimension", {},
                  "Use a positive interval.");
  }
  if (type.id == TypeId::Date) {
    if (result % kMicrosPerDay != 0)
      throw Error(ErrorCode::InvalidParameterValue, "invalid interval for date dimension", {},
                  "Use an interval that is a multiple of one day.");
    return result / kMicrosPerDay;
  }
  return type.id == TypeId::TimestampNs ? result * 1000 : result;
}

const catalog::HypertableInfo::Dimension& time_dimension(const catalog::RelationObject& relation) {
  if (relation.hypertable) {
    for (const auto& dimension : relation.hypertable->dimensions) {
      if (dimension.is_time) return dimension;
    }
  }
  throw Error(ErrorCode::HypertableNotExist, "table \"" + relation.name + "\" is not a hypertable");
}

SqlType time_type_of(const catalog::RelationObject& relation) {
  if (relation.aggregate) return relation.find_column(relation.aggregate->bucket_column)->type;
  return relation.find_column(time_dimension(relation).column)->type;
}

std::int64_t time_bound(SessionContext& context, const SqlType& time_type, const Value& bound) {
  const auto& format = context.settings().format_context();
  const bool is_text = bound.type.id == TypeId::Unknown || is_text_like(bound.type.id);
  const auto refuse = [&] {
    throw Error(ErrorCode::InvalidParameterValue, "invalid time argument type \"" + to_sql(bound.type) + "\"",
                {}, "Try casting the argument to \"" + to_sql(time_type) + "\".");
  };
  if (is_integer(time_type.id)) {
    if (is_text) return static_cast<std::int64_t>(parse_value(time_type, bound.text, format).integer);
    if (!is_integer(bound.type.id)) refuse();
    return static_cast<std::int64_t>(bound.integer);
  }
  // Times without a zone are the session's wall clock's; UUIDs hold instants.
  const bool is_instant = time_type.id == TypeId::TimestampTz || time_type.id == TypeId::Uuid;
  const SqlType type = SqlType::of(is_instant ? TypeId::TimestampTz : TypeId::Timestamp);
  std::optional<IntervalValue> interval;
  if (bound.type.id == TypeId::Interval) interval = unpack_interval(bound.integer);
  if (is_text) interval = parse_interval(bound.text);
  Value time;
  if (interval) {
    const auto us = add_interval(context.transaction_start_us(),
                                 {-interval->months, -interval->days, -interval->micros}, *format.zone);
    time = cast_value(Value{SqlType::of(TypeId::TimestampTz), false, 0, us}, type, CastStrength::Assignment,
                      format);
  } else if (is_text) {
    time = parse_value(type, bound.text, format);
  } else if (bound.type.id == TypeId::TimestampTz || bound.type.id == TypeId::Timestamp ||
             bound.type.id == TypeId::Date) {
    time = cast_value(bound, type, CastStrength::Assignment, format);
  } else {
    refuse();
  }
  const auto us = static_cast<std::int64_t>(time.integer);
  if (us == kTimestampInfinity || us == kTimestampNegInfinity) return us;
  if (time_type.id == TypeId::Date)
    return us >= 0 ? us / kMicrosPerDay : -((-us + kMicrosPerDay - 1) / kMicrosPerDay);
  return time_type.id == TypeId::TimestampNs ? us * 1000 : us;
}

}  // namespace tickstone::engine
