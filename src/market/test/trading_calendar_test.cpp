// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include <tickstone/error.hpp>
#include <tickstone/trading_calendar.hpp>

namespace tickstone {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using namespace std::chrono_literals;

Timestamp at(std::string_view text) { return timestamp_from(text); }
Date day(std::string_view text) { return date_from(text); }

std::set<std::string> weekday_closures(int year) {
  const TradingCalendar calendar;
  std::set<std::string> closures;
  for (Date one = std::chrono::year(year) / 1 / 1; one < Date(std::chrono::year(year + 1) / 1 / 1);
       one += days(1)) {
    const std::chrono::weekday of_week(one);
    if (of_week == std::chrono::Saturday || of_week == std::chrono::Sunday) continue;
    if (!calendar.is_trading_day(one)) closures.insert(format_date(one).substr(5));
  }
  return closures;
}

std::set<std::string> early_closes(int year) {
  const TradingCalendar calendar;
  std::set<std::string> closes;
  for (Date one = std::chrono::year(year) / 1 / 1; one < Date(std::chrono::year(year + 1) / 1 / 1);
       one += days(1)) {
    if (const auto session = calendar.session_of(one); session && session->is_early_close)
      closes.insert(format_date(one).substr(5));
  }
  return closes;
}

TEST(TradingCalendar, ClosesOnTheDaysTheExchangeAnnounced) {
  const std::map<int, std::set<std::string>> announced = {
      {1998, {"01-01", "01-19", "02-16", "04-10", "05-25", "07-03", "09-07", "11-26", "12-25"}},
      {1999, {"01-01", "01-18", "02-15", "04-02", "05-31", "07-05", "09-06", "11-25", "12-24"}},
      {2001,
       {"01-01", "01-15", "02-19", "04-13", "05-28", "07-04", "09-03", "09-11", "09-12", "09-13", "09-14",
        "11-22", "12-25"}},
      {2004, {"01-01", "01-19", "02-16", "04-09", "05-31", "06-11", "07-05", "09-06", "11-25", "12-24"}},
      // A New Year's Day on a Saturday is not observed: 2004-12-31 and 2010-12-31 were ordinary days.
      {2005, {"01-17", "02-21", "03-25", "05-30", "07-04", "09-05", "11-24", "12-26"}},
      {2007, {"01-01", "01-02", "01-15", "02-19", "04-06", "05-28", "07-04", "09-03", "11-22", "12-25"}},
      {2011, {"01-17", "02-21", "04-22", "05-30", "07-04", "09-05", "11-24", "12-26"}},
      {2012,
       {"01-02", "01-16", "02-20", "04-06", "05-28", "07-04", "09-03", "10-29", "10-30", "11-22", "12-25"}},
      {2018, {"01-01", "01-15", "02-19", "03-30", "05-28", "07-04", "09-03", "11-22", "12-05", "12-25"}},
      {2020, {"01-01", "01-20", "02-17", "04-10", "05-25", "07-03", "09-07", "11-26", "12-25"}},
      {2021, {"01-01", "01-18", "02-15", "04-02", "05-31", "07-05", "09-06", "11-25", "12-24"}},
      {2022, {"01-17", "02-21", "04-15", "05-30", "06-20", "07-04", "09-05", "11-24", "12-26"}},
      {2023, {"01-02", "01-16", "02-20", "04-07", "05-29", "06-19", "07-04", "09-04", "11-23", "12-25"}},
      {2024, {"01-01", "01-15", "02-19", "03-29", "05-27", "06-19", "07-04", "09-02", "11-28", "12-25"}},
      {2025,
       {"01-01", "01-09", "01-20", "02-17", "04-18", "05-26", "06-19", "07-04", "09-01", "11-27", "12-25"}},
      {2026, {"01-01", "01-19", "02-16", "04-03", "05-25", "06-19", "07-03", "09-07", "11-26", "12-25"}},
      {2027, {"01-01", "01-18", "02-15", "03-26", "05-31", "06-18", "07-05", "09-06", "11-25", "12-24"}},
      {2028, {"01-17", "02-21", "04-14", "05-29", "06-19", "07-04", "09-04", "11-23", "12-25"}},
  };
  for (const auto& [year, expected] : announced) EXPECT_EQ(weekday_closures(year), expected) << year;
}

TEST(TradingCalendar, HasAsManyDaysAsTheExchangeTraded) {
  const std::map<int, int> traded = {
      {1998, 252}, {1999, 252}, {2000, 252}, {2001, 248}, {2002, 252}, {2003, 252}, {2004, 252}, {2005, 252},
      {2006, 251}, {2007, 251}, {2008, 253}, {2009, 252}, {2010, 252}, {2011, 252}, {2012, 250}, {2013, 252},
      {2014, 252}, {2015, 252}, {2016, 252}, {2017, 251}, {2018, 251}, {2019, 252}, {2020, 253}, {2021, 252},
      {2022, 251}, {2023, 250}, {2024, 252}, {2025, 250}, {2026, 251}};
  const TradingCalendar calendar;
  for (const auto& [year, expected] : traded) {
    const auto start = Timestamp(Date(std::chrono::year(year) / 1 / 1));
    const auto end = Timestamp(Date(std::chrono::year(year + 1) / 1 / 1));
    EXPECT_EQ(calendar.sessions_between(start, end).size(), static_cast<std::size_t>(expected)) << year;
    EXPECT_EQ(calendar.expected_bars(start, end, days(1)), static_cast<std::uint64_t>(expected)) << year;
  }
}

TEST(TradingCalendar, ClosesEarlyAroundHolidays) {
  EXPECT_EQ(early_closes(1999), (std::set<std::string>{"11-26", "12-31"}));
  EXPECT_EQ(early_closes(2002),
            (std::set<std::string>{"07-05", "11-29", "12-24"}));  // the Friday after a Thursday
  EXPECT_EQ(early_closes(2003), (std::set<std::string>{"07-03", "11-28", "12-24", "12-26"}));
  EXPECT_EQ(early_closes(2013),
            (std::set<std::string>{"07-03", "11-29", "12-24"}));  // the Wednesday before it
  EXPECT_EQ(early_closes(2018), (std::set<std::string>{"07-03", "11-23", "12-24"}));
  EXPECT_EQ(early_closes(2020), (std::set<std::string>{"11-27", "12-24"}));
  EXPECT_EQ(early_closes(2021), (std::set<std::string>{"11-26"}));
  EXPECT_EQ(early_closes(2022), (std::set<std::string>{"11-25"}));
  EXPECT_EQ(early_closes(2023), (std::set<std::string>{"07-03", "11-24"}));
  EXPECT_EQ(early_closes(2024), (std::set<std::string>{"07-03", "11-29", "12-24"}));
  EXPECT_EQ(early_closes(2025), (std::set<std::string>{"07-03", "11-28", "12-24"}));
  EXPECT_EQ(early_closes(2026), (std::set<std::string>{"11-27", "12-24"}));
}

TEST(TradingCalendar, SaysWhyItIsClosed) {
  const TradingCalendar calendar;
  EXPECT_EQ(calendar.closure_of(day("2026-04-03")), "Good Friday");
  EXPECT_EQ(calendar.closure_of(day("2026-07-03")), "Independence Day");
  EXPECT_EQ(calendar.closure_of(day("2025-01-09")), "mourning of Jimmy Carter");
  EXPECT_EQ(calendar.closure_of(day("2021-06-18")), "");  // Juneteenth came a year later
  EXPECT_EQ(calendar.closure_of(day("2026-01-05")), "");
  EXPECT_EQ(calendar.closure_of(day("2026-01-03")), "");  // a Saturday
}

TEST(TradingCalendar, FollowsNewYorksClock) {
  const TradingCalendar calendar;
  const auto hours_of = [&](std::string_view text) {
    const auto session = calendar.session_of(day(text));
    return format_timestamp(session->open) + " " + format_timestamp(session->close);
  };
  // Clocks went forward on 2026-03-08 and back on 2026-11-01.
  EXPECT_EQ(hours_of("2026-03-06"), "2026-03-06 14:30:00+00 2026-03-06 21:00:00+00");
  EXPECT_EQ(hours_of("2026-03-09"), "2026-03-09 13:30:00+00 2026-03-09 20:00:00+00");
  EXPECT_EQ(hours_of("2026-10-30"), "2026-10-30 13:30:00+00 2026-10-30 20:00:00+00");
  EXPECT_EQ(hours_of("2026-11-02"), "2026-11-02 14:30:00+00 2026-11-02 21:00:00+00");
  EXPECT_EQ(hours_of("2026-11-27"), "2026-11-27 14:30:00+00 2026-11-27 18:00:00+00");
  // Until 2006 it was from the first Sunday of April to the last of October.
  EXPECT_EQ(hours_of("2006-03-31"), "2006-03-31 14:30:00+00 2006-03-31 21:00:00+00");
  EXPECT_EQ(hours_of("2006-04-03"), "2006-04-03 13:30:00+00 2006-04-03 20:00:00+00");
}

TEST(TradingCalendar, KnowsWhenItIsOpen) {
  const TradingCalendar calendar;
  EXPECT_FALSE(calendar.is_open(at("2026-01-05 09:29:59.999999-05")));
  EXPECT_TRUE(calendar.is_open(at("2026-01-05 09:30:00-05")));
  EXPECT_TRUE(calendar.is_open(at("2026-01-05 15:59:59.999999-05")));
  EXPECT_FALSE(calendar.is_open(at("2026-01-05 16:00:00-05")));
  EXPECT_FALSE(calendar.is_open(at("2026-01-04 12:00:00-05")));
  EXPECT_FALSE(calendar.is_open(at("2026-11-27 13:00:00-05")));
  EXPECT_EQ(calendar.next_open(at("2026-07-02 16:00:00-04")), at("2026-07-06 09:30:00-04"));
  EXPECT_EQ(calendar.next_open(at("2026-07-06 09:30:00-04")), at("2026-07-07 09:30:00-04"));
  EXPECT_EQ(calendar.next_close(at("2026-07-02 16:00:00-04")), at("2026-07-06 16:00:00-04"));
  EXPECT_EQ(calendar.next_close(at("2026-11-27 10:00:00-05")), at("2026-11-27 13:00:00-05"));
}

TEST(TradingCalendar, HasExtendedHours) {
  const TradingCalendar calendar(TradingHours::UsEquitiesExtended);
  const auto session = calendar.session_of(day("2026-01-05"));
  EXPECT_EQ(session->open, at("2026-01-05 04:00-05"));
  EXPECT_EQ(session->close, at("2026-01-05 20:00-05"));  // the next day of UTC
  EXPECT_EQ(calendar.session_of(day("2026-11-27"))->close, at("2026-11-27 17:00-05"));
  EXPECT_TRUE(calendar.is_open(at("2026-01-06 00:30+00")));
  EXPECT_EQ(calendar.expected_bars(at("2026-01-05 00:00+00"), at("2026-01-10 12:00+00"), 1min), 5u * 16 * 60);
}

TEST(TradingCalendar, NeverClosesAroundTheClock) {
  const TradingCalendar calendar(TradingHours::AroundTheClock);
  EXPECT_TRUE(calendar.is_open(at("2026-12-25 03:00+00")));
  EXPECT_EQ(calendar.sessions_between(at("2026-01-03 12:00+00"), at("2026-01-05 00:00+00")).size(), 2u);
  EXPECT_EQ(calendar.open_time_between(at("2026-01-03 12:00+00"), at("2026-01-05 01:00+00")), hours(37));
  EXPECT_EQ(calendar.expected_bars(at("2026-01-01 00:00+00"), at("2027-01-01 00:00+00"), 1h), 365u * 24);
  EXPECT_EQ(calendar.expected_bars(at("2026-01-03 12:00+00"), at("2026-01-05 00:00+00"), days(1)), 1u);
}

TEST(TradingCalendar, CountsTheTimeItWasOpen) {
  const TradingCalendar calendar;
  EXPECT_EQ(calendar.open_time_between(at("2026-01-02 15:00-05"), at("2026-01-05 10:00-05")), minutes(90));
  EXPECT_EQ(calendar.open_time_between(at("2026-01-02 17:00-05"), at("2026-01-04 10:00-05")), minutes(0));
  EXPECT_EQ(calendar.open_time_between(at("2026-01-05 10:00-05"), at("2026-01-02 15:00-05")), minutes(0));
  EXPECT_EQ(calendar.before_open_time(at("2026-01-05 10:00-05"), minutes(90)), at("2026-01-02 15:00-05"));
  EXPECT_EQ(calendar.before_open_time(at("2026-01-04 10:00-05"), minutes(90)), at("2026-01-02 14:30-05"));
  EXPECT_EQ(calendar.before_open_time(at("2026-01-04 10:00-05"), minutes(0)), at("2026-01-04 10:00-05"));
}

TEST(TradingCalendar, CountsTheBarsThereShouldBe) {
  const TradingCalendar calendar;
  const auto bars = [&](std::string_view start, std::string_view end, microseconds width) {
    return calendar.expected_bars(at(start), at(end), width);
  };
  EXPECT_EQ(bars("2026-01-05 00:00+00", "2026-01-06 00:00+00", 1min), 390u);
  EXPECT_EQ(bars("2026-01-05 00:00+00", "2026-01-12 00:00+00", 5min), 5u * 78);
  EXPECT_EQ(bars("2026-11-27 00:00+00", "2026-11-28 00:00+00", 1min), 210u);
  // The hour of 09:00 holds the session's first half hour.
  EXPECT_EQ(bars("2026-01-05 00:00+00", "2026-01-06 00:00+00", 1h), 7u);
  EXPECT_EQ(bars("2026-01-05 14:00+00", "2026-01-05 15:00+00", 1h), 1u);
  EXPECT_EQ(bars("2026-01-05 14:00:01+00", "2026-01-05 15:00+00", 1h), 0u);
  EXPECT_EQ(bars("2026-01-05 15:00:30+00", "2026-01-05 15:03+00", 1min), 2u);
  EXPECT_EQ(bars("2026-01-06 00:00+00", "2026-01-05 00:00+00", 1min), 0u);
  EXPECT_THROW(bars("2026-01-05", "2026-01-06", 7min), Error);
  EXPECT_THROW(bars("2026-01-05", "2026-01-06", 0min), Error);
  EXPECT_THROW(calendar.sessions_between(kNegativeInfinity, at("2026-01-05")), Error);
  EXPECT_THROW(calendar.next_open(kInfinity), Error);
}

TEST(TradingCalendar, HasNames) {
  for (const auto one :
       {TradingHours::UsEquities, TradingHours::UsEquitiesExtended, TradingHours::AroundTheClock})
    EXPECT_EQ(trading_hours_from(to_string(one)), one);
  EXPECT_EQ(trading_hours_from("nyse"), std::nullopt);
}

}  // namespace
}  // namespace tickstone
