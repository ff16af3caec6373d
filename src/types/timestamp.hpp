// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "types/date_style.hpp"
#include "types/interval.hpp"

namespace tickstone {

/// Timestamps are int64 microseconds since 1970-01-01 (UTC for TIMESTAMPTZ); dates are int32 days since then.
/// Infinities as in DuckDB: INT64_MAX and -INT64_MAX; INT32_MAX and -INT32_MAX for dates.
inline constexpr std::int64_t kMicrosPerSecond = 1'000'000;
inline constexpr std::int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;
inline constexpr std::int64_t kTimestampInfinity = INT64_MAX;
inline constexpr std::int64_t kTimestampNegInfinity = -INT64_MAX;
inline constexpr std::int32_t kDateInfinity = INT32_MAX;
inline constexpr std::int32_t kDateNegInfinity = -INT32_MAX;
/// 2000-01-01, the wire's epoch, in microseconds since 1970.
inline constexpr std::int64_t kPostgresEpochUs = 946'684'800 * kMicrosPerSecond;
inline constexpr std::int32_t kPostgresEpochDays = 10'957;

struct CivilDate {
  std::int32_t year;  // astronomical: 0 is 1 BC
  std::int32_t month;
  std::int32_t day;
};
std::int32_t days_from_civil(const CivilDate& date);
CivilDate civil_from_days(std::int32_t days);
std::int32_t days_in_month(std::int32_t year, std::int32_t month);

/// A time zone of the tz database or a fixed offset. Threads: any. Cost: lookups are binary searches.
class TimeZone {
 public:
  virtual ~TimeZone() = default;
  virtual std::string name() const = 0;
  /// Seconds east of UTC in force at that instant.
  virtual std::int32_t offset_seconds_at_utc(std::int64_t utc_us) const = 0;
  /// Local wall time to UTC, by PostgreSQL's rule for gaps and overlaps (the offset before the change in a
  /// gap, the later standard time in an overlap).
  virtual std::int64_t to_utc_us(std::int64_t local_us) const = 0;
  virtual std::string abbreviation_at_utc(std::int64_t utc_us) const = 0;
  virtual bool is_utc() const { return false; }
};
/// As AT TIME ZONE reads a name: an abbreviation (`EST`, `PST`), a name of the tz database in any case, or a
/// POSIX rule, whose sign is the other way round than in dates' text: `+05:30` is west of UTC. nullptr where
/// unknown. Lifetime: the process (cached).
const TimeZone* find_time_zone(std::string_view name);
/// As SET TIME ZONE and the TimeZone parameter read it: a bare number (`-8`, `5.5`) is hours east of UTC,
/// abbreviations are unknown unless the tz database has a zone of that name; else as find_time_zone. `name()`
/// is what SHOW shows.
const TimeZone* find_session_time_zone(std::string_view name);
/// A name of the tz database or a POSIX rule alone, no abbreviations.
const TimeZone* find_named_time_zone(std::string_view name);
const TimeZone& utc_zone();

/// PostgreSQL's input: ISO 8601 with or without zone, `2026-01-05 14:30:00.123456+00`, `...
/// America/New_York`, `infinity`, `now`, `today`, `epoch`, `Jan 5 2026`, `01/05/2026` (by `order`), BC.
/// `zone` applies where the text names none. Returns nothing for bad syntax; throws DatetimeFieldOverflow for
/// a field or date out of range.
std::optional<std::int64_t> parse_timestamptz(std::string_view text, const TimeZone& zone,
                                              std::int64_t now_us = 0,
                                              DateStyle::Order order = DateStyle::Order::MonthDayYear);
std::optional<std::int64_t> parse_timestamp(std::string_view text, std::int64_t now_us = 0,
                                            DateStyle::Order order = DateStyle::Order::MonthDayYear);
std::optional<std::int64_t> parse_timestamp_ns(std::string_view text, const TimeZone& zone,
                                               DateStyle::Order order = DateStyle::Order::MonthDayYear);
std::optional<std::int32_t> parse_date(std::string_view text, std::int64_t now_us = 0,
                                       DateStyle::Order order = DateStyle::Order::MonthDayYear);
std::optional<std::int64_t> parse_time(std::string_view text);

/// DateStyle ISO: `2026-01-05 14:30:00.123456+00`.
void append_timestamptz(std::string& out, std::int64_t utc_us, const TimeZone& zone);
void append_timestamp(std::string& out, std::int64_t us);
void append_timestamp_ns(std::string& out, std::int64_t ns, const TimeZone& zone);
void append_date(std::string& out, std::int32_t days);
void append_time(std::string& out, std::int64_t us);

/// `us + interval`: months with end-of-month clamping, then days in `zone`'s wall time, then microseconds.
std::int64_t add_interval(std::int64_t us, const IntervalValue& interval, const TimeZone& zone);

}  // namespace tickstone
