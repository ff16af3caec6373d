// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tickstone::duck {

enum class TimeField : std::uint8_t {
  Text,       // copied as it is
  Separator,  // a single character that is no letter and no digit
  Hour24,
  Hour12,
  Minute,
  Second,
  SecondOfDay,
  Fraction,  // `digits` digits
  Meridiem,
  Era,
  YearComma,
  Year,     // `digits` digits
  IsoYear,  // `digits` digits
  MonthName,
  MonthAbbreviation,
  Month,
  MonthRoman,
  DayName,
  DayAbbreviation,
  DayOfYear,
  IsoDayOfYear,
  Day,
  DayOfWeek,
  IsoDayOfWeek,
  WeekOfMonth,
  WeekOfYear,
  IsoWeek,
  Century,
  Julian,
  Quarter,
  ZoneName,
  ZoneHours,
  ZoneMinutes,
  ZoneOffset,
};

/// A part of the template of to_char, to_date and to_timestamp.
struct TimePart {
  TimeField field = TimeField::Text;
  std::string text;  // what stands in the template
  int digits = 0;
  bool is_filled = false;    // FM: without padding
  bool has_ordinal = false;  // followed by TH or th
  bool is_upper_ordinal = false;
  bool has_points = false;  // A.M.
};

std::vector<TimePart> parse_time_template(std::string_view text);

/// Whether a part stands for a number.
bool is_numeric_field(TimeField field);

}  // namespace tickstone::duck
