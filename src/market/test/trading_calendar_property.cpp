// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <tickstone/trading_calendar.hpp>

namespace tickstone {
namespace {

using std::chrono::microseconds;
using std::chrono::minutes;

rc::Gen<TradingHours> some_hours() {
  return rc::gen::element(TradingHours::UsEquities, TradingHours::UsEquitiesExtended,
                          TradingHours::AroundTheClock);
}

/// From 1995 to 2040, by minutes or not.
Timestamp some_time() {
  const auto minute = *rc::gen::inRange<std::int64_t>(13'149'000, 36'818'000);
  const auto rest = *rc::gen::element<std::int64_t>(0, 1, 30'000'000);
  return Timestamp(minutes(minute) + microseconds(rest));
}

RC_GTEST_PROP(TradingCalendar, OpensAndClosesWhereItsSessionsDo, ()) {
  const TradingCalendar calendar(*some_hours());
  const Timestamp time = some_time();
  const Timestamp open = calendar.next_open(time), close = calendar.next_close(time);
  RC_ASSERT(open > time);
  RC_ASSERT(close > time);
  RC_ASSERT(calendar.is_open(open));
  RC_ASSERT(calendar.is_open(close - microseconds(1)));
  if (calendar.hours() != TradingHours::AroundTheClock) {
    RC_ASSERT(!calendar.is_open(open - microseconds(1)));
    RC_ASSERT(!calendar.is_open(close));
    RC_ASSERT(calendar.is_open(time) == (close < open));
  }
}

RC_GTEST_PROP(TradingCalendar, TimesAddUp, ()) {
  const TradingCalendar calendar(*some_hours());
  const Timestamp start = some_time();
  const Timestamp middle = start + minutes(*rc::gen::inRange(0, 30'000));
  const Timestamp end = middle + minutes(*rc::gen::inRange(0, 30'000));
  const auto whole = calendar.open_time_between(start, end);
  RC_ASSERT(whole == calendar.open_time_between(start, middle) + calendar.open_time_between(middle, end));
  RC_ASSERT(whole <= end - start);
  for (const microseconds width : {microseconds(minutes(1)), microseconds(minutes(15)),
                                   microseconds(minutes(60)), microseconds(std::chrono::days(1))}) {
    RC_ASSERT(calendar.expected_bars(start, end, width) ==
              calendar.expected_bars(start, middle, width) + calendar.expected_bars(middle, end, width));
  }
}

RC_GTEST_PROP(TradingCalendar, BarsAreOfItsOpenMinutes, ()) {
  const TradingCalendar calendar(*some_hours());
  const Timestamp start = std::chrono::floor<minutes>(some_time());
  const Timestamp end = start + minutes(*rc::gen::inRange(0, 6'000));
  const auto open = std::chrono::duration_cast<minutes>(calendar.open_time_between(start, end)).count();
  RC_ASSERT(calendar.expected_bars(start, end, minutes(1)) == static_cast<std::uint64_t>(open));
}

RC_GTEST_PROP(TradingCalendar, OpenTimeIsFoundAgain, ()) {
  const TradingCalendar calendar(*some_hours());
  const Timestamp end = some_time();
  const microseconds open_time = minutes(*rc::gen::inRange(1, 10'000));
  const Timestamp start = calendar.before_open_time(end, open_time);
  RC_ASSERT(calendar.open_time_between(start, end) == open_time);
  RC_ASSERT(calendar.open_time_between(start + microseconds(1), end) < open_time);
}

}  // namespace
}  // namespace tickstone
