// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tickstone {

/// One field of a date's, time's or interval's text, in lower case.
struct DatetimeToken {
  enum class Kind : std::uint8_t {
    Number,      // digits, perhaps with a fraction
    Date,        // several parts joined by - / or . ; also names of time zones
    Time,        // digits with colons
    Signed,      // a sign and digits: a zone's offset, a signed number
    Word,        // letters
    SignedWord,  // a sign and letters: -infinity
  };
  Kind kind;
  std::string text;
};

/// What is wrong with a date's, time's or interval's text.
enum class DatetimeProblem : std::uint8_t {
  None,
  BadFormat,
  FieldOverflow,
  MonthDayOverflow,  // a field that another DateStyle would have taken
  ZoneOverflow,
  IntervalOverflow,
};

/// Splits the text as PostgreSQL does; nothing where a character has no place in any date.
std::optional<std::vector<DatetimeToken>> lex_datetime(std::string_view text);

bool is_datetime_keyword(std::string_view word);
/// 1 to 12 of an English month, full or of three letters (`sept` too); 0 for any other word.
int month_of_name(std::string_view lower_case);
bool is_weekday_name(std::string_view lower_case);

/// A clock time `h:mm[:ss[.f]]`, or `mm:ss.f`. Hours are not limited here.
struct ClockFields {
  std::int64_t hour = 0;
  std::int32_t minute = 0;
  std::int32_t second = 0;
  std::int32_t micros = 0;  // may be 1'000'000 after rounding
  std::int32_t nanos = 0;   // the fraction in nanoseconds, for timestamp_ns
};
DatetimeProblem read_clock(std::string_view text, ClockFields& clock);
/// The digits after a decimal point, rounded to microseconds and to nanoseconds.
DatetimeProblem read_fraction(std::string_view digits, std::int32_t& micros, std::int32_t& nanos);
/// Digits alone, up to what an int32 holds; nothing else.
std::optional<std::int32_t> read_int(std::string_view digits);

}  // namespace tickstone
