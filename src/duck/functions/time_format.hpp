// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "duck/functions/time_template.hpp"
#include "types/timestamp.hpp"

namespace tickstone::duck {

/// What to_char prints: a moment's wall time, or an interval.
struct TimeParts {
  bool is_interval = false;
  std::int32_t year = 0;  // astronomical; of an interval, its years
  std::int32_t month = 0;
  std::int32_t day = 0;
  std::int64_t hour = 0;
  std::int64_t minute = 0;
  std::int64_t second = 0;
  std::int64_t micros = 0;
  std::int32_t days = 0;  // since 1970-01-01
  std::int32_t day_of_year = 0;
  bool has_zone = false;
  std::int32_t offset_seconds = 0;
  std::string zone_name;
};

TimeParts parts_of_local(std::int64_t local_us);
TimeParts parts_of_interval(const IntervalValue& interval);

/// Errors: InvalidDatetimeFormat for fields that an interval has not.
std::string print_time(const std::vector<TimePart>& format, const TimeParts& time);

/// What to_timestamp and to_date read.
struct ReadTime {
  std::int32_t days = 0;  // since 1970-01-01
  std::int64_t time_us = 0;
  std::optional<std::int32_t> offset_seconds;
};
/// Errors: InvalidDatetimeFormat, DatetimeFieldOverflow, FeatureNotSupported, as PostgreSQL words them.
ReadTime read_time(std::string_view text, std::string_view format_text);

}  // namespace tickstone::duck
