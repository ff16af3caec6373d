// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <tickstone/error.hpp>
#include <tickstone/trading_calendar.hpp>

#include "market/us_holidays.hpp"
#include "types/timestamp.hpp"

namespace tickstone {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;

struct WallHours {
  minutes open, close, early_close;
};
constexpr WallHours kRegular{hours(9) + minutes(30), hours(16), hours(13)};
constexpr WallHours kExtended{hours(4), hours(20), hours(17)};

const TimeZone& new_york() {
  const TimeZone* zone = find_time_zone("America/New_York");
  if (zone == nullptr) {
    throw Error(ErrorCode::UndefinedObject, "time zone \"America/New_York\" is not installed", {},
                "Install tzdata.");
  }
  return *zone;
}

Timestamp at_wall_time(Date day, minutes time) {
  const microseconds local = day.time_since_epoch() + time;
  return Timestamp(microseconds(new_york().to_utc_us(local.count())));
}

Date utc_day(Timestamp time) { return std::chrono::floor<days>(time); }

void require_finite(Timestamp time) {
  // Years that have a calendar; a range of days beyond would not end either.
  constexpr Date kFirst = std::chrono::year(1900) / 1 / 1;
  constexpr Date kLast = std::chrono::year(2200) / 1 / 1;
  if (time < kFirst || time > kLast) {
    throw Error(ErrorCode::InvalidParameterValue, "a trading calendar has the years 1900 to 2199");
  }
}

}  // namespace

TradingCalendar::TradingCalendar(TradingHours hours) : hours_(hours) {
  if (hours_ != TradingHours::AroundTheClock) new_york();
}

std::string_view TradingCalendar::closure_of(Date day) const {
  return hours_ == TradingHours::AroundTheClock ? std::string_view() : market::us_market_closure(day);
}

std::optional<TradingSession> TradingCalendar::session_of(Date day) const {
  if (hours_ == TradingHours::AroundTheClock) return TradingSession{day, day, day + days(1), false};
  const std::chrono::weekday at(day);
  if (at == std::chrono::Saturday || at == std::chrono::Sunday) return std::nullopt;
  if (!market::us_market_closure(day).empty()) return std::nullopt;
  const WallHours& wall = hours_ == TradingHours::UsEquities ? kRegular : kExtended;
  const bool is_early = market::is_us_early_close(day);
  return TradingSession{day, at_wall_time(day, wall.open),
                        at_wall_time(day, is_early ? wall.early_close : wall.close), is_early};
}

std::vector<TradingSession> TradingCalendar::sessions_between(Timestamp start, Timestamp end) const {
  require_finite(start);
  require_finite(end);
  std::vector<TradingSession> sessions;
  if (end <= start) return sessions;
  // New York's evening is UTC's next day.
  for (Date day = utc_day(start) - days(1); day <= utc_day(end); day += days(1)) {
    const auto session = session_of(day);
    if (session && session->close > start && session->open < end) sessions.push_back(*session);
  }
  return sessions;
}

bool TradingCalendar::is_open(Timestamp time) const {
  return !sessions_between(time, time + microseconds(1)).empty();
}

Timestamp TradingCalendar::next_open(Timestamp time) const {
  require_finite(time);
  for (Date day = utc_day(time) - days(1);; day += days(1)) {
    if (const auto session = session_of(day); session && session->open > time) return session->open;
  }
}

Timestamp TradingCalendar::next_close(Timestamp time) const {
  require_finite(time);
  for (Date day = utc_day(time) - days(1);; day += days(1)) {
    if (const auto session = session_of(day); session && session->close > time) return session->close;
  }
}

microseconds TradingCalendar::open_time_between(Timestamp start, Timestamp end) const {
  microseconds open{0};
  for (const auto& session : sessions_between(start, end))
    open += std::min(end, session.close) - std::max(start, session.open);
  return open;
}

Timestamp TradingCalendar::before_open_time(Timestamp end, microseconds open_time) const {
  require_finite(end);
  Timestamp at = end;
  for (Date day = utc_day(end); open_time > microseconds(0); day -= days(1)) {
    require_finite(day);
    const auto session = session_of(day);
    if (!session || session->open >= end) continue;
    const microseconds length = std::min(end, session->close) - session->open;
    at = std::min(end, session->close) - std::min(length, open_time);
    open_time -= length;
  }
  return at;
}

std::uint64_t TradingCalendar::expected_bars(Timestamp start, Timestamp end, microseconds width) const {
  constexpr microseconds kDay = days(1);
  if (width <= microseconds(0) || kDay % width != microseconds(0)) {
    throw Error(ErrorCode::InvalidParameterValue, "the width of bars must divide a day", {},
                "Use one minute, five minutes, one hour, one day and the like.");
  }
  std::uint64_t count = 0;
  Timestamp counted_until = kNegativeInfinity;  // extended sessions may share a long bar with the next day's
  // A bar of the range may begin before it holds a moment of a session.
  for (const auto& session : sessions_between(start, end + std::min(width, kDay))) {
    if (width == kDay) {
      count += session.day >= start && session.day < end ? 1 : 0;
      continue;
    }
    const auto bar_of = [&](Timestamp at) {
      const microseconds since_midnight = at - utc_day(at);
      return at - since_midnight % width;
    };
    const Timestamp range_start = bar_of(start) == start ? start : bar_of(start) + width;
    const Timestamp first = std::max({bar_of(session.open), counted_until, range_start});
    const Timestamp last = std::min(session.close, end);  // no bar begins here
    if (first >= last) continue;
    const auto bars = (last - first + width - microseconds(1)) / width;
    count += static_cast<std::uint64_t>(bars);
    counted_until = first + bars * width;
  }
  return count;
}

std::string_view to_string(TradingHours hours) {
  switch (hours) {
    case TradingHours::UsEquities:
      return "us-equities";
    case TradingHours::UsEquitiesExtended:
      return "us-equities-extended";
    case TradingHours::AroundTheClock:
      return "24x7";
  }
  return {};
}

std::optional<TradingHours> trading_hours_from(std::string_view name) {
  for (const auto hours :
       {TradingHours::UsEquities, TradingHours::UsEquitiesExtended, TradingHours::AroundTheClock}) {
    if (name == to_string(hours)) return hours;
  }
  return std::nullopt;
}

}  // namespace tickstone
