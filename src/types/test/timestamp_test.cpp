// SPDX-License-Identifier: Apache-2.0
#include "types/timestamp.hpp"

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

#include "types/posix_zone_rule.hpp"

namespace tickstone {
namespace {

std::string shown(std::int64_t us, const TimeZone& zone = utc_zone()) {
  std::string out;
  append_timestamptz(out, us, zone);
  return out;
}

TEST(Timestamp, CommonFormAndFullReaderAgree) {
  const auto& zone = *find_time_zone("America/New_York");
  for (const auto* text :
       {"2026-01-05 14:30:00", "2026-07-05T14:30:00.123456", "2026-01-05 14:30:00.5+05:30",
        "2026-01-05 14:30:00Z", "0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999-15:59"}) {
    // A leading space keeps the quick reader away.
    EXPECT_EQ(parse_timestamptz(text, zone), parse_timestamptz(" " + std::string(text), zone)) << text;
    EXPECT_EQ(parse_timestamp(text), parse_timestamp(" " + std::string(text))) << text;
    if (text[0] == '2') {
      EXPECT_EQ(parse_timestamp_ns(text, zone), parse_timestamp_ns(" " + std::string(text), zone)) << text;
    }
  }
}

TEST(Timestamp, WordsOfTheClock) {
  const std::int64_t now = *parse_timestamptz("2026-03-08 02:30:00.5+00", utc_zone());
  const auto& zone = *find_time_zone("America/New_York");
  EXPECT_EQ(parse_timestamptz("now", zone, now), now);
  EXPECT_EQ(shown(*parse_timestamptz("today", zone, now)), "2026-03-07 05:00:00+00");
  EXPECT_EQ(shown(*parse_timestamptz("tomorrow 12:00", zone, now)), "2026-03-08 16:00:00+00");
  EXPECT_EQ(shown(*parse_timestamptz("yesterday", utc_zone(), now)), "2026-03-07 00:00:00+00");
  EXPECT_EQ(parse_date("today", now), *parse_date("2026-03-08"));
}

TEST(Timestamp, StaysWithin64Bits) {
  EXPECT_EQ(shown(*parse_timestamptz("294247-01-10 04:00:54.775806+00", utc_zone())),
            "294247-01-10 04:00:54.775806+00");
  EXPECT_THROW(parse_timestamptz("294247-01-10 04:00:54.775807+00", utc_zone()), Error);
  EXPECT_THROW(parse_timestamptz("294247-01-10 04:00:54-15:00", utc_zone()), Error);
  EXPECT_THROW(add_interval(kTimestampInfinity - 5, {0, 0, 5}, utc_zone()), Error);
  EXPECT_THROW(add_interval(0, {INT32_MAX, INT32_MAX, INT64_MAX}, utc_zone()), Error);
  EXPECT_EQ(add_interval(kTimestampInfinity, {1, 1, 1}, utc_zone()), kTimestampInfinity);
  EXPECT_EQ(add_interval(kTimestampNegInfinity, {1, 1, 1}, utc_zone()), kTimestampNegInfinity);
}

TEST(Timestamp, ShowsOffsetsOfMoreThan99Hours) {
  EXPECT_EQ(shown(0, *find_session_time_zone("105")), "1970-01-05 09:00:00+105");
  EXPECT_EQ(shown(0, *find_session_time_zone("167.9")), "1970-01-07 23:54:00+167:54");
  EXPECT_EQ(shown(0, *find_session_time_zone("-167")), "1969-12-25 01:00:00-167");
}

TEST(Timestamp, KeepsNanoseconds) {
  const auto through = [](const char* text) {
    std::string out;
    append_timestamp_ns(out, *parse_timestamp_ns(text, utc_zone()), utc_zone());
    return out;
  };
  EXPECT_EQ(through("2026-01-05 14:30:00.123456789"), "2026-01-05 14:30:00.123456789+00");
  EXPECT_EQ(through(" 2026-01-05 14:30:00.123456789 +01"), "2026-01-05 13:30:00.123456789+00");
  EXPECT_EQ(through("1969-12-31 23:59:59.999999999+00"), "1969-12-31 23:59:59.999999999+00");
  EXPECT_EQ(through("2026-01-05 14:30:00.100"), "2026-01-05 14:30:00.1+00");
  EXPECT_EQ(through("-infinity"), "-infinity");
  EXPECT_THROW(parse_timestamp_ns("2300-01-01", utc_zone()), Error);
  EXPECT_EQ(parse_timestamp_ns("soon", utc_zone()), std::nullopt);
}

TEST(TimeZone, GapsAndOverlaps) {
  const auto& zone = *find_time_zone("America/New_York");
  const auto utc_of = [&](const char* local) { return shown(zone.to_utc_us(*parse_timestamp(local))); };
  EXPECT_EQ(utc_of("2026-03-08 01:59:59"), "2026-03-08 06:59:59+00");
  EXPECT_EQ(utc_of("2026-03-08 02:30:00"), "2026-03-08 07:30:00+00");  // does not exist
  EXPECT_EQ(utc_of("2026-03-08 03:00:00"), "2026-03-08 07:00:00+00");
  EXPECT_EQ(utc_of("2026-11-01 00:59:59"), "2026-11-01 04:59:59+00");
  EXPECT_EQ(utc_of("2026-11-01 01:30:00"), "2026-11-01 06:30:00+00");  // happens twice
  EXPECT_EQ(utc_of("2026-11-01 02:00:00"), "2026-11-01 07:00:00+00");
  EXPECT_EQ(zone.abbreviation_at_utc(*parse_timestamp("2026-07-01 00:00:00")), "EDT");
  EXPECT_EQ(shown(*parse_timestamp("1800-01-01 00:00:00"), zone), "1799-12-31 19:03:58-04:56:02");
}

TEST(TimeZone, FindsNames) {
  EXPECT_TRUE(utc_zone().is_utc());
  EXPECT_EQ(find_time_zone("utc")->name(), "UTC");
  EXPECT_TRUE(find_time_zone("Etc/UTC")->is_utc());
  EXPECT_FALSE(find_time_zone("Europe/London")->is_utc());
  EXPECT_EQ(find_time_zone("america/new_york")->name(), "America/New_York");
  EXPECT_EQ(find_time_zone("America/New_York"), find_time_zone("AMERICA/NEW_YORK"));
  EXPECT_EQ(find_time_zone("+05:30")->offset_seconds_at_utc(0), -19'800);
  EXPECT_EQ(find_time_zone("EST")->offset_seconds_at_utc(0), -18'000);
  EXPECT_EQ(find_session_time_zone("-8")->name(), "<-08>+08");
  EXPECT_EQ(find_session_time_zone("-8")->offset_seconds_at_utc(0), -28'800);
  EXPECT_EQ(find_session_time_zone("5.5")->name(), "<+05:30>-05:30");
  EXPECT_EQ(find_session_time_zone("PST"), nullptr);
  for (const auto* name : {"", "Nowhere/City", "../passwd", "/etc/localtime", "Etc", "america", "America/",
                           "leapseconds", "zone1970.tab", "posixrules/x"}) {
    EXPECT_EQ(find_time_zone(name), nullptr) << name;
  }
}

TEST(TimeZone, ReadsPosixRules) {
  EXPECT_FALSE(parse_posix_zone_rule("EST").has_value());
  EXPECT_FALSE(parse_posix_zone_rule("EST5EDT,M13.1.0,M11.1.0").has_value());
  EXPECT_FALSE(parse_posix_zone_rule("EST5EDT,M3.2.0").has_value());
  EXPECT_FALSE(parse_posix_zone_rule("EST5EDT,").has_value());
  EXPECT_FALSE(parse_posix_zone_rule("<EST5").has_value());
  EXPECT_FALSE(parse_posix_zone_rule("X99999999999").has_value());
  const auto rule = parse_posix_zone_rule("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0");
  ASSERT_TRUE(rule.has_value());
  EXPECT_EQ(rule->standard.offset_seconds, 37'800);
  EXPECT_EQ(rule->daylight->abbreviation, "+11");
  const auto julian = parse_posix_zone_rule("A0B,J60,J300");
  ASSERT_TRUE(julian.has_value());
  // J60 is the first of March in every year.
  EXPECT_EQ(julian->at_utc(*parse_timestamp("2024-02-29 12:00:00") / kMicrosPerSecond).abbreviation, "A");
  EXPECT_EQ(julian->at_utc(*parse_timestamp("2024-03-01 12:00:00") / kMicrosPerSecond).abbreviation, "B");
}

TEST(Timestamp, ATimePastItsDayIsPrintedWithinIt) {
  // Only bytes from outside can say so.
  for (const std::int64_t us : {INT64_MIN, std::int64_t{-1}, std::int64_t{86'400'000'001}, INT64_MAX}) {
    std::string text;
    append_time(text, us);
    EXPECT_LT(text.substr(0, 2), "24") << us;
    EXPECT_EQ(text[2], ':') << us;
  }
}

TEST(Timestamp, TheEarliestMomentsArePrinted) {
  std::string text;
  append_timestamp_ns(text, INT64_MIN + 2, utc_zone());
  EXPECT_EQ(text, "1677-09-21 00:12:43.145224194+00");
  text.clear();
  append_timestamp(text, INT64_MIN + 2);  // only bytes from outside can say so
  EXPECT_EQ(text, "290309-12-21 19:59:05.224194 BC");
}

}  // namespace
}  // namespace tickstone
