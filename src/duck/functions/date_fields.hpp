// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "types/timestamp.hpp"

namespace tickstone::duck {

/// The fields of EXTRACT, date_part and date_trunc.
enum class DateField : std::uint8_t {
  Microseconds,
  Milliseconds,
  Second,
  Minute,
  Hour,
  Day,
  Week,
  Month,
  Quarter,
  Year,
  Decade,
  Century,
  Millennium,
  Epoch,
  DayOfWeek,
  DayOfYear,
  IsoDayOfWeek,
  IsoYear,
  Julian,
  Timezone,
  TimezoneHour,
  TimezoneMinute,
};

/// Case and abbreviations as PostgreSQL reads them: `month`, `mon`, `dow`, `msec`.
std::optional<DateField> find_date_field(std::string_view name);

/// A wall time taken apart.
struct WallTime {
  CivilDate date;
  std::int32_t days = 0;     // since 1970-01-01
  std::int64_t time_us = 0;  // since midnight
};
WallTime wall_time(std::int64_t local_us);

/// The start of the field's unit that holds `local_us`. Errors: FeatureNotSupported for fields without units.
std::int64_t truncate_local(DateField field, std::int64_t local_us);
/// The same for an instant, in a zone's wall time.
std::int64_t truncate_in_zone(DateField field, std::int64_t utc_us, const TimeZone& zone);
IntervalValue truncate_interval(DateField field, const IntervalValue& interval);

/// date_part of a wall time; `offset_seconds` is the zone's for the timezone fields and epoch.
double date_part(DateField field, std::int64_t local_us, std::int32_t offset_seconds, bool has_zone);
double date_part(DateField field, const IntervalValue& interval);
double time_part(DateField field, std::int64_t time_us);

/// ISO 8601 week and its year.
struct IsoWeek {
  std::int32_t year = 0;
  std::int32_t week = 0;
};
IsoWeek iso_week(std::int32_t days);
int day_of_week(std::int32_t days);  // 0 is Sunday
std::int32_t day_of_year(const WallTime& time);

/// PostgreSQL's age: years, months and days as a calendar counts them.
IntervalValue age_between(std::int64_t later_us, std::int64_t earlier_us);

}  // namespace tickstone::duck
