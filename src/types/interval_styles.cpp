// SPDX-License-Identifier: Apache-2.0
// IntervalStyle: sql_standard, postgres_verbose and iso_8601, as PostgreSQL's EncodeInterval has them.
#include <cstdlib>

#include <fmt/format.h>

#include "types/interval.hpp"

namespace tickstone {

namespace {

/// The fields that the styles show; all of months have one sign, as have all of the time.
struct Fields {
  explicit Fields(const IntervalValue& value)
      : year(value.months / 12), month(value.months % 12), day(value.days) {
    hour = value.micros / 3'600'000'000;
    minute = value.micros / 60'000'000 % 60;
    second = value.micros / 1'000'000 % 60;
    micros = value.micros % 1'000'000;
  }
  bool has_months() const { return year != 0 || month != 0; }
  bool has_time() const { return hour != 0 || minute != 0 || second != 0 || micros != 0; }
  bool is_time_negative() const { return hour < 0 || minute < 0 || second < 0 || micros < 0; }

  std::int64_t year, month, day, hour = 0, minute = 0, second = 0, micros = 0;
};

/// Without a sign: `05.25`, or `5.25`.
std::string seconds_text(const Fields& fields, int least_digits) {
  std::string text = fmt::format("{:0{}}", std::abs(fields.second), least_digits);
  if (fields.micros == 0) return text;
  text += fmt::format(".{:06}", std::abs(fields.micros));
  while (text.back() == '0') text.pop_back();
  return text;
}

std::string clock_text(const Fields& fields) {
  return fmt::format("{}:{:02}:{}", std::abs(fields.hour), std::abs(fields.minute), seconds_text(fields, 2));
}

std::string sql_standard_text(const Fields& fields) {
  const bool has_negative =
      fields.year < 0 || fields.month < 0 || fields.day < 0 || fields.is_time_negative();
  const bool has_positive = fields.year > 0 || fields.month > 0 || fields.day > 0 ||
                            (fields.has_time() && !fields.is_time_negative());
  const bool has_day_time = fields.day != 0 || fields.has_time();
  if (!has_negative && !has_positive) return "0";
  if ((has_negative && has_positive) || (fields.has_months() && has_day_time)) {
    return fmt::format("{}{}-{} {}{} {}{}", fields.year < 0 || fields.month < 0 ? '-' : '+',
                       std::abs(fields.year), std::abs(fields.month), fields.day < 0 ? '-' : '+',
                       std::abs(fields.day), fields.is_time_negative() ? '-' : '+', clock_text(fields));
  }
  const std::string sign = has_negative ? "-" : "";
  if (fields.has_months()) return fmt::format("{}{}-{}", sign, std::abs(fields.year), std::abs(fields.month));
  if (fields.day != 0) return fmt::format("{}{} {}", sign, std::abs(fields.day), clock_text(fields));
  return sign + clock_text(fields);
}

std::string iso_text(const Fields& fields) {
  std::string text = "P";
  const auto add = [&](std::int64_t value, char unit) {
    if (value != 0) text += fmt::format("{}{}", value, unit);
  };
  add(fields.year, 'Y');
  add(fields.month, 'M');
  add(fields.day, 'D');
  if (fields.has_time()) text += 'T';
  add(fields.hour, 'H');
  add(fields.minute, 'M');
  if (fields.second != 0 || fields.micros != 0) {
    if (fields.second < 0 || fields.micros < 0) text += '-';
    text += seconds_text(fields, 1) + 'S';
  }
  return text == "P" ? "PT0S" : text;
}

/// `@ 1 year 2 mons ago`: the sign of the first part is that of all, and the others are told by it.
std::string verbose_text(const Fields& fields) {
  std::string text = "@";
  bool is_empty = true, is_before = false;
  const auto add = [&](std::int64_t value, std::string_view unit) {
    if (value == 0) return;
    if (is_empty) {
      is_before = value < 0;
      value = std::abs(value);
    } else if (is_before) {
      value = -value;
    }
    text += fmt::format(" {} {}{}", value, unit, value == 1 ? "" : "s");
    is_empty = false;
  };
  add(fields.year, "year");
  add(fields.month, "mon");
  add(fields.day, "day");
  add(fields.hour, "hour");
  add(fields.minute, "min");
  if (fields.second != 0 || fields.micros != 0) {
    text += ' ';
    if (fields.second < 0 || fields.micros < 0) {
      if (is_empty) {
        is_before = true;
      } else if (!is_before) {
        text += '-';
      }
    } else if (is_before) {
      text += '-';
    }
    text += seconds_text(fields, 1);
    text += std::abs(fields.second) != 1 || fields.micros != 0 ? " secs" : " sec";
    is_empty = false;
  }
  if (is_empty) text += " 0";
  if (is_before) text += " ago";
  return text;
}

}  // namespace

std::string format_interval(const IntervalValue& value, IntervalStyle style) {
  switch (style) {
    case IntervalStyle::Postgres:
      break;
    case IntervalStyle::PostgresVerbose:
      return verbose_text(Fields(value));
    case IntervalStyle::SqlStandard:
      return sql_standard_text(Fields(value));
    case IntervalStyle::Iso8601:
      return iso_text(Fields(value));
  }
  return format_interval(value);
}

}  // namespace tickstone
