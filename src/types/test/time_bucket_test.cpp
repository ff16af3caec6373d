// SPDX-License-Identifier: Apache-2.0
#include "types/time_bucket.hpp"

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

namespace tickstone {
namespace {

struct BucketCase {
  const char* width;
  const char* time;
  const char* expected;
  const char* zone = nullptr;
  const char* origin = nullptr;
  const char* offset = nullptr;
};

std::string bucket(const BucketCase& c) {
  const auto* zone = c.zone == nullptr ? nullptr : find_time_zone(c.zone);
  std::optional<std::int64_t> origin;
  if (c.origin != nullptr) origin = parse_timestamptz(c.origin, utc_zone());
  std::optional<IntervalValue> offset;
  if (c.offset != nullptr) offset = parse_interval(c.offset);
  const TimeBucket bucket(*parse_interval(c.width), origin, offset, zone);
  const std::int64_t us = *parse_timestamptz(c.time, utc_zone());
  if (bucket.is_fixed() && us != kTimestampInfinity) {
    EXPECT_EQ(bucket.start_of(us), bucket_start(us, bucket.width_us(), bucket.origin_us()));
  }
  std::string out;
  append_timestamptz(out, bucket.start_of(us), utc_zone());
  return out;
}

TEST(TimeBucket, RoundsDownAsTimescale) {
  const BucketCase cases[] = {
      {"5 minutes", "2026-01-05 14:33:20", "2026-01-05 14:30:00+00"},
      {"1 hour", "1999-12-31 23:59:59.999999", "1999-12-31 23:00:00+00"},
      {"1 day", "1969-12-31 12:00", "1969-12-31 00:00:00+00"},
      {"1 week", "2026-01-11 23:59", "2026-01-05 00:00:00+00"},  // weeks start on Mondays
      {"1 week", "2026-01-12 00:00", "2026-01-12 00:00:00+00"},
      {"3 days", "2000-01-02 00:00", "1999-12-31 00:00:00+00"},
      {"1 month", "2026-02-28 23:59", "2026-02-01 00:00:00+00"},
      {"3 months", "2026-05-15 00:00", "2026-04-01 00:00:00+00"},
      {"5 months", "1999-12-31 00:00", "1999-08-01 00:00:00+00"},
      {"1 year", "0044-03-15 BC", "0044-01-01 00:00:00+00 BC"},
      {"1 day", "infinity", "infinity"},
      {"1 month", "-infinity", "-infinity"},
      // An origin moves the boundaries; that of months keeps its month alone.
      {"1 week", "2026-01-11 23:59", "2026-01-11 00:00:00+00", nullptr, "2000-01-02 00:00"},
      {"1 hour", "2026-01-05 14:33", "2026-01-05 14:15:00+00", nullptr, "2020-05-05 05:15"},
      {"2 months", "2026-01-15", "2025-12-01 00:00:00+00", nullptr, "2000-02-20"},
      // An offset is taken off before and put back after.
      {"1 day", "2026-01-05 05:59", "2026-01-04 06:00:00+00", nullptr, nullptr, "6 hours"},
      {"1 day", "2026-01-05 05:59", "2026-01-04 18:00:00+00", nullptr, nullptr, "-6 hours"},
      {"1 month", "2026-01-03", "2025-12-15 00:00:00+00", nullptr, nullptr, "14 days"},
      {"1 day", "2026-02-05 12:00", "2026-02-05 00:00:00+00", nullptr, nullptr, "1 month"},
      // Days of a zone are 23, 24 or 25 hours.
      {"1 day", "2026-03-08 20:00", "2026-03-08 05:00:00+00", "America/New_York"},
      {"1 day", "2026-03-09 20:00", "2026-03-09 04:00:00+00", "America/New_York"},
      {"1 day", "2026-11-01 20:00", "2026-11-01 04:00:00+00", "America/New_York"},
      {"1 hour", "2026-11-01 06:30", "2026-11-01 06:00:00+00", "America/New_York"},
      {"1 month", "2026-03-01 03:00", "2026-02-01 05:00:00+00", "America/New_York"},
      {"1 week", "2026-01-12 03:00", "2026-01-05 05:00:00+00", "America/New_York"},
      {"1 day", "2026-01-05 03:00", "2026-01-04 05:00:00+00", "America/New_York", "2020-01-01 05:00"},
      {"1 day", "2026-01-05 09:30", "2026-01-04 14:30:00+00", "America/New_York", nullptr, "9 hours 30 min"},
      {"1 day", "2026-01-05 12:00", "2026-01-05 00:00:00+00", "UTC"},
  };
  for (const auto& c : cases) EXPECT_EQ(bucket(c), c.expected) << c.width << " of " << c.time;
}

TEST(TimeBucket, KnowsWhenItIsFixed) {
  EXPECT_TRUE(TimeBucket({0, 7, 0}, {}, {}, nullptr).is_fixed());
  EXPECT_TRUE(TimeBucket({0, 1, 0}, {}, IntervalValue{0, 0, 5}, &utc_zone()).is_fixed());
  EXPECT_FALSE(TimeBucket({1, 0, 0}, {}, {}, nullptr).is_fixed());
  EXPECT_FALSE(TimeBucket({0, 1, 0}, {}, {}, find_time_zone("Europe/London")).is_fixed());
}

/// Random times of a year around the changes of clocks in four zones.
TEST(TimeBucket, StepsAndEndsAgreeWithBuckets) {
  const std::int64_t year = *parse_timestamptz("2026-01-01", utc_zone());
  for (const char* zone_name :
       {"UTC", "Europe/Berlin", "America/New_York", "America/Havana", "Asia/Kathmandu"}) {
    const TimeZone* zone = find_time_zone(zone_name);
    for (const char* width_text :
         {"15 minutes", "1 hour", "6 hours", "1 day", "1 week", "1 month", "7 months"}) {
      const IntervalValue width = *parse_interval(width_text);
      const TimeBucket bucket(width, std::nullopt, std::nullopt, zone);
      BucketSteps steps(width, zone, bucket.start_of(year));
      std::int64_t previous = steps.value();
      steps.advance();
      std::uint64_t random = 12345;
      for (int i = 0; i < 3000 && previous < year + 370 * kMicrosPerDay; ++i) {
        const std::int64_t start = previous;
        previous = steps.value();
        ASSERT_GT(steps.value(), start) << zone_name << ' ' << width_text;
        // Times between two steps are in the first one's bucket.
        for (int n = 0; n < 4; ++n) {
          random = random * 6364136223846793005U + 1442695040888963407U;
          const std::int64_t us = start + static_cast<std::int64_t>(random >> 20) % (steps.value() - start);
          ASSERT_EQ(bucket.start_of(us), start) << zone_name << ' ' << width_text << ' ' << us;
          const TimeBucket::Steady steady = bucket.steady_around(us);
          if (us >= steady.from && us < steady.until) {
            const std::int64_t direct =
                bucket_start(us + steady.offset_us, bucket.width_us(), bucket.origin_us()) - steady.offset_us;
            if (direct >= steady.from) {
              ASSERT_EQ(direct, start) << zone_name << ' ' << width_text << ' ' << us;
            }
          }
          const std::int64_t end = bucket.known_end(start);
          ASSERT_TRUE(end == start || end == steps.value()) << zone_name << ' ' << width_text << ' ' << start;
        }
        steps.advance();
      }
    }
  }
}

TEST(TimeBucket, RefusesBadWidths) {
  const auto code_of = [](const IntervalValue& width) {
    try {
      const TimeBucket bucket(width, {}, {}, nullptr);
      return ErrorCode::SuccessfulCompletion;
    } catch (const Error& error) {
      return error.code();
    }
  };
  EXPECT_EQ(code_of({0, 0, 0}), ErrorCode::InvalidParameterValue);
  EXPECT_EQ(code_of({0, 0, -1}), ErrorCode::InvalidParameterValue);
  EXPECT_EQ(code_of({0, 1, -kMicrosPerDay}), ErrorCode::InvalidParameterValue);
  EXPECT_EQ(code_of({-1, 0, 0}), ErrorCode::InvalidParameterValue);
  EXPECT_EQ(code_of({1, 1, 0}), ErrorCode::FeatureNotSupported);
  EXPECT_EQ(code_of({0, 1, 0}), ErrorCode::SuccessfulCompletion);
}

}  // namespace
}  // namespace tickstone
