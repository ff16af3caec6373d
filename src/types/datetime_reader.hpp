// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "types/datetime_lexer.hpp"
#include "types/timestamp.hpp"

namespace tickstone {

/// Whether a bare number is a date or, as in the text of a TIME, a clock time.
enum class DatetimeWanted : std::uint8_t { Date, Clock };

/// What the text of a date or time says, before any zone is applied.
struct DatetimeFields {
  enum class Kind : std::uint8_t { Fields, Infinity, NegInfinity, Epoch, Now };
  Kind kind = Kind::Fields;
  bool has_date = false;
  bool has_clock = false;
  std::int32_t days = 0;      // since 1970-01-01
  std::int64_t clock_us = 0;  // since midnight, up to 24:00:00
  std::int32_t sub_us_nanos =
      0;  // what nanoseconds add to `clock_us` (may be negative: the microseconds are rounded)
  std::optional<std::int32_t> offset_seconds;  // east of UTC
  const TimeZone* zone = nullptr;              // a named zone
};

/// Reads PostgreSQL's text forms. `local_today` is what `today` means.
/// Errors: a problem by value; throws InvalidParameterValue for an unknown zone name.
DatetimeProblem read_datetime(std::string_view text, std::int32_t local_today, DatetimeWanted wanted,
                              DateStyle::Order order, DatetimeFields& fields);

/// `hh`, `hhmm`, `hh:mm`, `hh:mm:ss` with its sign.
DatetimeProblem read_zone_offset(std::string_view text, std::int32_t& seconds_east);

}  // namespace tickstone
