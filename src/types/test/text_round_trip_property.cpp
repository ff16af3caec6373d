// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "types/array_value.hpp"
#include "types/float_text.hpp"
#include "types/json_text.hpp"
#include "types/time_bucket.hpp"
#include "types/value.hpp"

namespace tickstone {
namespace {

const TimeZone& any_zone() {
  const auto* name = *rc::gen::element("UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe",
                                       "Europe/Moscow", "Africa/Casablanca", "<+03:30>-3:30");
  return *find_time_zone(name);
}

/// Instants of the years that PostgreSQL knows, recent ones more often.
std::int64_t any_instant() {
  if (*rc::gen::arbitrary<bool>()) {
    return *rc::gen::inRange<std::int64_t>(0, std::int64_t{4'102'444'800} * kMicrosPerSecond);
  }
  return *rc::gen::inRange<std::int64_t>(-210'866'000'000LL * kMicrosPerSecond,
                                         9'223'371'900'000LL * kMicrosPerSecond);
}

RC_GTEST_PROP(TextRoundTripProperty, Timestamps, ()) {
  const auto us = any_instant();
  const auto& zone = any_zone();
  std::string text;
  append_timestamptz(text, us, zone);
  // The offset stands in the text: whatever the session's zone, it is the same instant.
  RC_ASSERT(parse_timestamptz(text, any_zone()) == us);
  text.clear();
  append_timestamp(text, us);
  RC_ASSERT(parse_timestamp(text) == us);
}

RC_GTEST_PROP(TextRoundTripProperty, TimestampsOfNanoseconds, ()) {
  const auto ns = *rc::gen::inRange<std::int64_t>(-9'000'000'000'000'000'000LL, 9'000'000'000'000'000'000LL);
  const auto& zone = any_zone();
  std::string text;
  append_timestamp_ns(text, ns, zone);
  RC_ASSERT(parse_timestamp_ns(text, any_zone()) == ns);
}

RC_GTEST_PROP(TextRoundTripProperty, Dates, ()) {
  const auto days = *rc::gen::inRange<std::int32_t>(-2'440'588, 2'145'042'905);
  RC_ASSERT(days_from_civil(civil_from_days(days)) == days);
  std::string text;
  append_date(text, days);
  RC_ASSERT(parse_date(text) == days);
}

RC_GTEST_PROP(TextRoundTripProperty, WallTimesComeBack, ()) {
  // Where a wall time happens at all, the instant found for it shows that wall time.
  const auto us = any_instant();
  const auto& zone = any_zone();
  const std::int64_t wall = us + zone.offset_seconds_at_utc(us) * kMicrosPerSecond;
  const std::int64_t found = zone.to_utc_us(wall);
  RC_ASSERT(found + zone.offset_seconds_at_utc(found) * kMicrosPerSecond == wall);
}

RC_GTEST_PROP(TextRoundTripProperty, Intervals, ()) {
  const IntervalValue value{*rc::gen::arbitrary<std::int32_t>(), *rc::gen::arbitrary<std::int32_t>(),
                            *rc::gen::arbitrary<std::int64_t>()};
  RC_ASSERT(unpack_interval(pack_interval(value)) == value);
  const auto read = parse_interval(format_interval(value));
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == value);
}

RC_GTEST_PROP(TextRoundTripProperty, Floats, ()) {
  const auto bits = *rc::gen::arbitrary<std::uint64_t>();
  double number = 0;
  __builtin_memcpy(&number, &bits, sizeof(number));
  RC_PRE(!std::isnan(number));
  std::string text;
  append_double(text, number);
  RC_ASSERT(parse_double(text) == number);
  const auto narrow = static_cast<float>(*rc::gen::arbitrary<double>());
  text.clear();
  append_real(text, narrow);
  RC_ASSERT(parse_real(text) == narrow);
}

std::string any_json(int depth) {
  const int kind = *rc::gen::inRange(0, depth > 0 ? 7 : 5);
  std::string out;
  switch (kind) {
    case 0:
      return "null";
    case 1:
      return *rc::gen::arbitrary<bool>() ? "true" : "false";
    case 2:
      return std::to_string(*rc::gen::arbitrary<std::int32_t>()) +
             *rc::gen::element(std::string(), std::string(".50")) +
             *rc::gen::element(std::string(), std::string("e3"), std::string("E-7"));
    case 3:
    case 4: {
      out = "\"";
      for (const int i : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 6))) {
        static constexpr const char* kParts[] = {"a", "b", "\\n", "\\u00e9", "\\\"", "\\ud83d\\ude00"};
        out += kParts[i];
      }
      return out + "\"";
    }
    default: {
      const int count = *rc::gen::inRange(0, 4);
      out = kind == 5 ? "[" : "{ ";
      for (int i = 0; i < count; ++i) {
        if (i > 0) out += ",";
        if (kind == 6)
          out += "\"" + std::string(static_cast<std::size_t>(*rc::gen::inRange(0, 3)), 'k') + "\" :";
        out += any_json(depth - 1);
      }
      return out + (kind == 5 ? "]" : "}");
    }
  }
}

RC_GTEST_PROP(JsonProperty, NormalFormIsItsOwn, ()) {
  const auto text = any_json(3);
  check_json(text);
  const auto normal = normalize_jsonb(text);
  RC_ASSERT(normalize_jsonb(normal) == normal);
  RC_ASSERT(compare_jsonb(text, normal) == std::strong_ordering::equal);
  const auto other = any_json(2);
  RC_ASSERT((compare_jsonb(text, other) < 0) == (compare_jsonb(other, text) > 0));
}

RC_GTEST_PROP(TextRoundTripProperty, Arrays, ()) {
  const auto words = *rc::gen::container<std::vector<std::string>>(
      rc::gen::container<std::string>(rc::gen::element('a', ' ', '"', '\\', '{', '}', ',', '\n', 'N')));
  ArrayBuilder builder;
  for (const auto& word : words) {
    if (word.size() == 3) {
      builder.add_null();
    } else {
      builder.add(word);
    }
  }
  const auto encoded = builder.finish();
  const auto element = SqlType::of(TypeId::Text);
  RC_ASSERT(parse_array_text(format_array_text(encoded, element), element) == encoded);
}

RC_GTEST_PROP(TimeBucketProperty, HoldsItsTime, ()) {
  const auto us = *rc::gen::inRange<std::int64_t>(-4'000'000'000LL * kMicrosPerSecond,
                                                  4'000'000'000LL * kMicrosPerSecond);
  const auto width = *rc::gen::inRange<std::int64_t>(1, 100 * kMicrosPerDay);
  const auto origin = *rc::gen::inRange<std::int64_t>(-1'000'000'000'000'000LL, 1'000'000'000'000'000LL);
  const TimeBucket bucket({0, 0, width}, origin, {}, nullptr);
  const auto start = bucket.start_of(us);
  RC_ASSERT(start <= us);
  RC_ASSERT(us - start < width);
  RC_ASSERT((start - origin) % width == 0);
  RC_ASSERT(start == bucket_start(us, width, origin));
  const TimeBucket months({*rc::gen::inRange(1, 40), 0, 0}, {}, {}, nullptr);
  RC_ASSERT(months.start_of(us) <= us);
  RC_ASSERT(months.start_of(months.start_of(us)) == months.start_of(us));
}

}  // namespace
}  // namespace tickstone
