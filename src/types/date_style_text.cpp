// SPDX-License-Identifier: Apache-2.0
#include "types/date_style_text.hpp"

#include <array>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

namespace tickstone {

namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kWeekdays = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};

/// A day as the styles take it apart.
struct Day {
  explicit Day(std::int32_t days) : date(civil_from_days(days)), is_bc(date.year <= 0) {
    year = is_bc ? 1 - date.year : date.year;
    weekday = kWeekdays[static_cast<std::size_t>((days % 7 + 7) % 7)];  // 1970-01-01 was a Thursday
  }
  CivilDate date;
  bool is_bc;
  std::int32_t year = 0;  // 1 BC is 1
  std::string_view weekday;
};

std::string date_text(const Day& day, const DateStyle& style) {
  const bool is_day_first = style.order == DateStyle::Order::DayMonthYear;
  const auto first = is_day_first ? day.date.day : day.date.month;
  const auto second = is_day_first ? day.date.month : day.date.day;
  switch (style.format) {
    case DateStyle::Format::Iso:
      break;
    case DateStyle::Format::Sql:
      return fmt::format("{:02}/{:02}/{:04}", first, second, day.year);
    case DateStyle::Format::Postgres:
      return fmt::format("{:02}-{:02}-{:04}", first, second, day.year);
    case DateStyle::Format::German:
      return fmt::format("{:02}.{:02}.{:04}", day.date.day, day.date.month, day.year);
  }
  return fmt::format("{:04}-{:02}-{:02}", day.year, day.date.month, day.date.day);
}

std::string clock_text(std::int64_t us) {
  std::string text;
  append_time(text, us);
  return text;
}

/// `+02`, `-03:30`.
std::string offset_text(std::int32_t seconds) {
  const std::int32_t size = std::abs(seconds);
  std::string text = fmt::format("{}{:02}", seconds < 0 ? '-' : '+', size / 3600);
  if (size % 3600 != 0) text += fmt::format(":{:02}", size / 60 % 60);
  if (size % 60 != 0) text += fmt::format(":{:02}", size % 60);
  return text;
}

/// `zone`: what stands after the time; empty: nothing.
std::string moment_text(std::int64_t local_us, const DateStyle& style, const std::string& zone) {
  std::int64_t clock = local_us % kMicrosPerDay;
  if (clock < 0) clock += kMicrosPerDay;
  // Not by a subtraction, which the earliest moments would overflow.
  const std::int64_t days = local_us / kMicrosPerDay - (local_us % kMicrosPerDay < 0 ? 1 : 0);
  const Day day(static_cast<std::int32_t>(days));
  std::string text;
  if (style.format == DateStyle::Format::Postgres) {
    const std::string_view month = kMonths[static_cast<std::size_t>(day.date.month - 1)];
    text = style.order == DateStyle::Order::DayMonthYear
               ? fmt::format("{} {:02} {}", day.weekday, day.date.day, month)
               : fmt::format("{} {} {:02}", day.weekday, month, day.date.day);
    text += fmt::format(" {} {:04}", clock_text(clock), day.year);
  } else {
    text = date_text(day, style) + " " + clock_text(clock);
  }
  text += zone;
  if (day.is_bc) text += " BC";
  return text;
}

}  // namespace

void append_date(std::string& out, std::int32_t days, const DateStyle& style) {
  if (style.format == DateStyle::Format::Iso || days == kDateInfinity || days == kDateNegInfinity)
    return append_date(out, days);
  const Day day(days);
  out += date_text(day, style);
  if (day.is_bc) out += " BC";
}

void append_timestamp(std::string& out, std::int64_t us, const DateStyle& style) {
  if (style.format == DateStyle::Format::Iso || us == kTimestampInfinity || us == kTimestampNegInfinity)
    return append_timestamp(out, us);
  out += moment_text(us, style, {});
}

void append_timestamptz(std::string& out, std::int64_t utc_us, const TimeZone& zone, const DateStyle& style) {
  if (style.format == DateStyle::Format::Iso || utc_us == kTimestampInfinity ||
      utc_us == kTimestampNegInfinity)
    return append_timestamptz(out, utc_us, zone);
  const std::int32_t offset = zone.offset_seconds_at_utc(utc_us);
  std::int64_t local = 0;
  if (__builtin_add_overflow(utc_us, offset * kMicrosPerSecond, &local)) {
    out += moment_text(utc_us, style, " +00");
    return;
  }
  constexpr std::size_t kMostLetters = 10;
  const std::string name = zone.abbreviation_at_utc(utc_us).substr(0, kMostLetters);
  const std::string_view gap = !name.empty() || style.format == DateStyle::Format::Postgres ? " " : "";
  out += moment_text(local, style, std::string(gap) + (name.empty() ? offset_text(offset) : name));
}

}  // namespace tickstone
