// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace tickstone {

/// A point in time, in microseconds since 1970-01-01 UTC: what a TIMESTAMPTZ column holds.
///
/// `kInfinity` and `kNegativeInfinity` are PostgreSQL's 'infinity' and '-infinity'.
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;
/// A calendar day: what a DATE column holds. `std::chrono::year_month_day` converts both ways.
using Date = std::chrono::sys_days;

inline constexpr Timestamp kInfinity{std::chrono::microseconds{INT64_MAX}};
inline constexpr Timestamp kNegativeInfinity{std::chrono::microseconds{-INT64_MAX}};

/// The machine's clock.
Timestamp current_timestamp();

/// Every form that PostgreSQL reads; UTC where `text` names no zone: `2026-01-05 14:30:00.25-05`,
/// `2026-01-05T19:30:00Z`, `infinity`.
///
/// Errors: InvalidDatetimeFormat (22007), DatetimeFieldOverflow (22008).
Timestamp timestamp_from(std::string_view text);
Date date_from(std::string_view text);

/// PostgreSQL's ISO form, in UTC: `2026-01-05 19:30:00.25+00`.
std::string format_timestamp(Timestamp time);
/// `2026-01-05`.
std::string format_date(Date day);

}  // namespace tickstone
