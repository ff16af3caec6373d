// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <tickstone/timestamp.hpp>

namespace tickstone {

/// When a market trades. `UsEquities`: New York's regular session, 09:30 to 16:00 of its wall time, to 13:00
/// on early closes. `UsEquitiesExtended`: with the sessions before and after it, 04:00 to 20:00, to 17:00 on
/// early closes. `AroundTheClock`: always, as crypto does; a session is a day of UTC.
enum class TradingHours : std::uint8_t { UsEquities, UsEquitiesExtended, AroundTheClock };

/// A time in which a market trades without a break, `[open, close)`.
struct TradingSession {
  Date day;  // as the exchange counts days
  Timestamp open;
  Timestamp close;
  bool is_early_close = false;
  friend bool operator==(const TradingSession&, const TradingSession&) = default;
};

/// The sessions of a market, computed by rule: weekends, the exchange's holidays with the days on which they
/// are observed, early closes, daylight saving time.
///
/// US equities are exact from 1998 on, closures of single days included (2001-09-11 to 14, 2004-06-11,
/// 2007-01-02, 2012-10-29 and 30, 2018-12-05, 2025-01-09); earlier years follow the same rules and lack what
/// was otherwise then. Closures that are announced after this version was made are not known to it. Halts of
/// single symbols and trading that an outage cut short are no matter of a calendar.
///
/// Errors: of the constructor, UndefinedObject (42704) where the machine's zone data has no New York; of
/// functions of a range, InvalidParameterValue (22023) for an infinite time. Threads: any. Cost: a day is
/// computed in well under a microsecond, a range by its days.
class TradingCalendar {
 public:
  explicit TradingCalendar(TradingHours hours = TradingHours::UsEquities);

  TradingHours hours() const { return hours_; }

  /// Nothing on a day without trading.
  std::optional<TradingSession> session_of(Date day) const;
  bool is_trading_day(Date day) const { return session_of(day).has_value(); }
  /// Why there is no trading on a weekday: `Good Friday`, `Independence Day`; empty on trading days and
  /// weekends.
  std::string_view closure_of(Date day) const;

  bool is_open(Timestamp time) const;
  /// Those that share a moment with `[start, end)`, whole, in order.
  std::vector<TradingSession> sessions_between(Timestamp start, Timestamp end) const;
  /// The first opening after `time`, and the first close after it.
  Timestamp next_open(Timestamp time) const;
  Timestamp next_close(Timestamp time) const;

  /// How long the market was open within `[start, end)`; zero where `end` is not later.
  std::chrono::microseconds open_time_between(Timestamp start, Timestamp end) const;
  /// The latest time from which on the market has been open for `open_time` until `end`.
  Timestamp before_open_time(Timestamp end, std::chrono::microseconds open_time) const;

  /// How many bars of a symbol that trades all the time begin within `[start, end)`. Bars of a day are one
  /// for each session, beginning at midnight UTC of its day; shorter ones begin at multiples of `width` since
  /// midnight UTC, and those count that hold a moment of a session.
  ///
  /// Errors: InvalidParameterValue (22023) for a width that does not divide a day.
  std::uint64_t expected_bars(Timestamp start, Timestamp end, std::chrono::microseconds width) const;

 private:
  TradingHours hours_;
};

/// `us-equities`, `us-equities-extended`, `24x7`.
std::string_view to_string(TradingHours hours);
/// Nothing for a name that is none of `to_string`.
std::optional<TradingHours> trading_hours_from(std::string_view name);

}  // namespace tickstone
