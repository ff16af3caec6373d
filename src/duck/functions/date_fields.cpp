// SPDX-License-Identifier: Apache-2.0
#include "duck/functions/date_fields.hpp"

#include <map>
#include <string>

#include <tickstone/error.hpp>

namespace tickstone::duck {

namespace {

constexpr std::int64_t kMinute = 60 * kMicrosPerSecond;
constexpr std::int64_t kHour = 60 * kMinute;

std::int64_t floor_to(std::int64_t value, std::int64_t unit) {
  const std::int64_t rest = value % unit;
  return rest < 0 ? value - rest - unit : value - rest;
}

std::int64_t start_of_date(std::int32_t year, std::int32_t month, std::int32_t day) {
  return std::int64_t{days_from_civil({year, month, day})} * kMicrosPerDay;
}

[[noreturn]] void not_supported(const char* what) {
  throw Error(ErrorCode::FeatureNotSupported, std::string("unit not supported for type ") + what);
}

int floor_divide(int value, int by) { return value >= 0 ? value / by : -((-value + by - 1) / by); }

int days_in_month(std::int32_t year, std::int32_t month) {
  const std::int32_t next_year = month == 12 ? year + 1 : year;
  const std::int32_t next = month == 12 ? 1 : month + 1;
  return days_from_civil({next_year, next, 1}) - days_from_civil({year, month, 1});
}

/// There is no year 0: 1 BC is -1 to whoever asks.
std::int32_t spoken_year(std::int32_t year) { return year > 0 ? year : year - 1; }

}  // namespace

std::optional<DateField> find_date_field(std::string_view name) {
  static const std::map<std::string, DateField, std::less<>> kFields = {
      {"microseconds", DateField::Microseconds},
      {"microsecond", DateField::Microseconds},
      {"us", DateField::Microseconds},
      {"usec", DateField::Microseconds},
      {"usecs", DateField::Microseconds},
      {"useconds", DateField::Microseconds},
      {"milliseconds", DateField::Milliseconds},
      {"millisecond", DateField::Milliseconds},
      {"ms", DateField::Milliseconds},
      {"msec", DateField::Milliseconds},
      {"msecs", DateField::Milliseconds},
      {"mseconds", DateField::Milliseconds},
      {"second", DateField::Second},
      {"seconds", DateField::Second},
      {"sec", DateField::Second},
      {"secs", DateField::Second},
      {"s", DateField::Second},
      {"minute", DateField::Minute},
      {"minutes", DateField::Minute},
      {"min", DateField::Minute},
      {"mins", DateField::Minute},
      {"m", DateField::Minute},
      {"hour", DateField::Hour},
      {"hours", DateField::Hour},
      {"hr", DateField::Hour},
      {"hrs", DateField::Hour},
      {"h", DateField::Hour},
      {"day", DateField::Day},
      {"days", DateField::Day},
      {"d", DateField::Day},
      {"week", DateField::Week},
      {"weeks", DateField::Week},
      {"w", DateField::Week},
      {"month", DateField::Month},
      {"months", DateField::Month},
      {"mon", DateField::Month},
      {"mons", DateField::Month},
      {"quarter", DateField::Quarter},
      {"qtr", DateField::Quarter},
      {"year", DateField::Year},
      {"years", DateField::Year},
      {"yr", DateField::Year},
      {"yrs", DateField::Year},
      {"y", DateField::Year},
      {"decade", DateField::Decade},
      {"decades", DateField::Decade},
      {"dec", DateField::Decade},
      {"century", DateField::Century},
      {"centuries", DateField::Century},
      {"cent", DateField::Century},
      {"c", DateField::Century},
      {"millennium", DateField::Millennium},
      {"millennia", DateField::Millennium},
      {"mil", DateField::Millennium},
      {"epoch", DateField::Epoch},
      {"dow", DateField::DayOfWeek},
      {"doy", DateField::DayOfYear},
      {"isodow", DateField::IsoDayOfWeek},
      {"isoyear", DateField::IsoYear},
      {"julian", DateField::Julian},
      {"jd", DateField::Julian},
      {"timezone", DateField::Timezone},
      {"timezone_hour", DateField::TimezoneHour},
      {"timezone_minute", DateField::TimezoneMinute},
  };
  std::string lower;
  for (const char c : name) lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  const auto found = kFields.find(lower);
  if (found == kFields.end()) return std::nullopt;
  return found->second;
}

WallTime wall_time(std::int64_t local_us) {
  WallTime time;
  const std::int64_t midnight = floor_to(local_us, kMicrosPerDay);
  time.days = static_cast<std::int32_t>(midnight / kMicrosPerDay);
  time.time_us = local_us - midnight;
  time.date = civil_from_days(time.days);
  return time;
}

int day_of_week(std::int32_t days) { return static_cast<int>(((days % 7) + 7 + 4) % 7); }

IsoWeek iso_week(std::int32_t days) {
  // The year of a week is that of its Thursday.
  const int weekday = (day_of_week(days) + 6) % 7;
  const std::int32_t thursday = days - weekday + 3;
  IsoWeek week;
  week.year = civil_from_days(thursday).year;
  week.week = (thursday - days_from_civil({week.year, 1, 1})) / 7 + 1;
  return week;
}

std::int32_t day_of_year(const WallTime& time) {
  return time.days - days_from_civil({time.date.year, 1, 1}) + 1;
}

std::int64_t truncate_local(DateField field, std::int64_t local_us) {
  switch (field) {
    case DateField::Microseconds:
      return local_us;
    case DateField::Milliseconds:
      return floor_to(local_us, 1000);
    case DateField::Second:
      return floor_to(local_us, kMicrosPerSecond);
    case DateField::Minute:
      return floor_to(local_us, kMinute);
    case DateField::Hour:
      return floor_to(local_us, kHour);
    case DateField::Day:
      return floor_to(local_us, kMicrosPerDay);
    default:
      break;
  }
  const WallTime time = wall_time(local_us);
  const std::int32_t year = time.date.year;
  switch (field) {
    case DateField::Week:
      return std::int64_t{time.days - (day_of_week(time.days) + 6) % 7} * kMicrosPerDay;
    case DateField::Month:
      return start_of_date(year, time.date.month, 1);
    case DateField::Quarter:
      return start_of_date(year, (time.date.month - 1) / 3 * 3 + 1, 1);
    case DateField::Year:
      return start_of_date(year, 1, 1);
    case DateField::Decade:
      return start_of_date(floor_divide(year, 10) * 10, 1, 1);
    case DateField::Century:
      return start_of_date(floor_divide(year - 1, 100) * 100 + 1, 1, 1);
    case DateField::Millennium:
      return start_of_date(floor_divide(year - 1, 1000) * 1000 + 1, 1, 1);
    default:
      not_supported("timestamp");
  }
}

std::int64_t truncate_in_zone(DateField field, std::int64_t utc_us, const TimeZone& zone) {
  if (zone.is_utc()) return truncate_local(field, utc_us);
  const std::int64_t offset_us = zone.offset_seconds_at_utc(utc_us) * kMicrosPerSecond;
  const std::int64_t start = truncate_local(field, utc_us + offset_us);
  // Within a day the offset stays; a day may start under another.
  if (field <= DateField::Hour) return start - offset_us;
  return zone.to_utc_us(start);
}

IntervalValue truncate_interval(DateField field, const IntervalValue& interval) {
  IntervalValue result = interval;
  const auto cut = [](std::int64_t value, std::int64_t unit) { return value / unit * unit; };
  const auto whole_months = [&](std::int32_t unit) {
    return IntervalValue{interval.months / unit * unit, 0, 0};
  };
  switch (field) {
    case DateField::Microseconds:
      return result;
    case DateField::Milliseconds:
      result.micros = cut(result.micros, 1000);
      return result;
    case DateField::Second:
      result.micros = cut(result.micros, kMicrosPerSecond);
      return result;
    case DateField::Minute:
      result.micros = cut(result.micros, kMinute);
      return result;
    case DateField::Hour:
      result.micros = cut(result.micros, kHour);
      return result;
    case DateField::Day:
      result.micros = 0;
      return result;
    case DateField::Month:
      return whole_months(1);
    case DateField::Quarter:
      return whole_months(3);
    case DateField::Year:
      return whole_months(12);
    case DateField::Decade:
      return whole_months(120);
    case DateField::Century:
      return whole_months(1200);
    case DateField::Millennium:
      return whole_months(12000);
    default:
      not_supported("interval");
  }
}

double time_part(DateField field, std::int64_t time_us) {
  switch (field) {
    case DateField::Microseconds:
      return static_cast<double>(time_us % kMinute);
    case DateField::Milliseconds:
      return static_cast<double>(time_us % kMinute) / 1e3;
    case DateField::Second:
      return static_cast<double>(time_us % kMinute) / 1e6;
    case DateField::Minute:
      return static_cast<double>(time_us / kMinute % 60);
    case DateField::Hour:
      return static_cast<double>(time_us / kHour);
    case DateField::Epoch:
      return static_cast<double>(time_us) / 1e6;
    default:
      not_supported("time without time zone");
  }
}

double date_part(DateField field, std::int64_t local_us, std::int32_t offset_seconds, bool has_zone) {
  const WallTime time = wall_time(local_us);
  const std::int32_t year = time.date.year;
  switch (field) {
    case DateField::Microseconds:
    case DateField::Milliseconds:
    case DateField::Second:
    case DateField::Minute:
    case DateField::Hour:
      return time_part(field, time.time_us);
    case DateField::Day:
      return time.date.day;
    case DateField::Week:
      return iso_week(time.days).week;
    case DateField::Month:
      return time.date.month;
    case DateField::Quarter:
      return (time.date.month - 1) / 3 + 1;
    case DateField::Year:
      return spoken_year(year);
    case DateField::Decade:
      return floor_divide(year, 10);
    case DateField::Century:
      return year > 0 ? (year + 99) / 100 : -((99 - (year - 1)) / 100);
    case DateField::Millennium:
      return year > 0 ? (year + 999) / 1000 : -((999 - (year - 1)) / 1000);
    case DateField::Epoch:
      return static_cast<double>(local_us - offset_seconds * kMicrosPerSecond) / 1e6;
    case DateField::DayOfWeek:
      return day_of_week(time.days);
    case DateField::DayOfYear:
      return day_of_year(time);
    case DateField::IsoDayOfWeek:
      return day_of_week(time.days) == 0 ? 7 : day_of_week(time.days);
    case DateField::IsoYear:
      return spoken_year(iso_week(time.days).year);
    case DateField::Julian:
      return static_cast<double>(time.days) + 2440588 + static_cast<double>(time.time_us) / kMicrosPerDay;
    case DateField::Timezone:
    case DateField::TimezoneHour:
    case DateField::TimezoneMinute:
      if (!has_zone) not_supported("timestamp without time zone");
      if (field == DateField::Timezone) return offset_seconds;
      return field == DateField::TimezoneHour ? offset_seconds / 3600 : offset_seconds / 60 % 60;
  }
  return 0;
}

double date_part(DateField field, const IntervalValue& interval) {
  const std::int64_t us = interval.micros;
  switch (field) {
    case DateField::Microseconds:
    case DateField::Milliseconds:
    case DateField::Second:
    case DateField::Minute:
    case DateField::Hour:
      return time_part(field, us);
    case DateField::Day:
      return interval.days;
    case DateField::Month:
      return interval.months % 12;
    case DateField::Quarter:
      return interval.months % 12 / 3 + 1;
    case DateField::Year:
      return interval.months / 12;
    case DateField::Decade:
      return interval.months / 120;
    case DateField::Century:
      return interval.months / 1200;
    case DateField::Millennium:
      return interval.months / 12000;
    case DateField::Epoch: {
      // A year is 365.25 days here, a month 30.
      const double days = interval.months / 12 * 365.25 + interval.months % 12 * 30.0 + interval.days;
      return days * 86400 + static_cast<double>(us) / 1e6;
    }
    default:
      not_supported("interval");
  }
}

IntervalValue age_between(std::int64_t later_us, std::int64_t earlier_us) {
  const bool is_negative = later_us < earlier_us;
  const WallTime later = wall_time(is_negative ? earlier_us : later_us);
  const WallTime earlier = wall_time(is_negative ? later_us : earlier_us);
  std::int32_t years = later.date.year - earlier.date.year;
  std::int32_t months = later.date.month - earlier.date.month;
  std::int32_t days = later.date.day - earlier.date.day;
  std::int64_t micros = later.time_us - earlier.time_us;
  if (micros < 0) {
    micros += kMicrosPerDay;
    --days;
  }
  while (days < 0) {
    // Borrowed from the month that the earlier time lies in.
    days += days_in_month(earlier.date.year, earlier.date.month);
    --months;
  }
  while (months < 0) {
    months += 12;
    --years;
  }
  IntervalValue age{years * 12 + months, days, micros};
  if (is_negative) age = {-age.months, -age.days, -age.micros};
  return age;
}

}  // namespace tickstone::duck
