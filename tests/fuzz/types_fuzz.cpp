// SPDX-License-Identifier: Apache-2.0
// Any text as a value of any type: read the same by both readers, printed so that it is read again as the
// same, cast, compared, added and put into buckets. The first byte says which type, the second what is done.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "fuzz_types.hpp"
#include "types/field_parser.hpp"
#include "types/json_text.hpp"
#include "types/time_bucket.hpp"
#include "types/timestamp.hpp"
#include "types/value.hpp"

namespace {

using namespace tickstone;
using fuzzing::kTypeCount;
using fuzzing::kTypes;
using fuzzing::refuse_or;

bool are_equal(const Value& a, const Value& b) {
  return a.is_null == b.is_null && (a.is_null || compare_values(a, b) == std::strong_ordering::equal);
}

void read_value(const SqlType& type, std::string_view text, const FormatContext& context) {
  std::optional<Value> value;
  refuse_or([&] { value = parse_value(type, text, context); });
  if (const auto parser = find_field_parser(type, context)) {
    Column column(type);
    bool is_taken = false;
    refuse_or([&] { is_taken = parser(column, text, context); });
    if (is_taken) {
      TICKSTONE_CHECK(value && column.size() == 1);
      TICKSTONE_CHECK(are_equal(value_at(column.view(), 0), *value));
    } else {
      TICKSTONE_CHECK(column.size() == 0);
    }
  }
  if (!value) return;
  // 'now' and the like are read as moments; what is printed is read again as the same.
  const std::string printed = to_text(*value, context);
  TICKSTONE_CHECK(are_equal(parse_value(type, printed, context), *value));
}

void cast_everywhere(const SqlType& type, std::string_view text) {
  const Value value = parse_value(type, text);
  for (const auto& target : kTypes) {
    refuse_or([&] { to_text(cast_value(value, target, CastStrength::Explicit)); });
  }
}

std::pair<std::string_view, std::string_view> split(std::string_view text) {
  const auto at = text.find('|');
  return at == std::string_view::npos ? std::pair(text, text)
                                      : std::pair(text.substr(0, at), text.substr(at + 1));
}

void move_time(std::string_view text) {
  const auto [left, right] = split(text);
  const auto interval = parse_interval(left);
  if (!interval) return;
  TICKSTONE_CHECK(parse_interval(format_interval(*interval)) == interval);
  TICKSTONE_CHECK(unpack_interval(pack_interval(*interval)) == *interval);
  const auto [time_text, zone_text] = split(right);
  const TimeZone* zone = find_session_time_zone(zone_text);
  if (zone == nullptr) zone = &utc_zone();
  const auto time = parse_timestamptz(time_text, *zone);
  if (!time) return;
  refuse_or([&] { add_interval(*time, *interval, *zone); });
  refuse_or([&] {
    const TimeBucket bucket(*interval, std::nullopt, std::nullopt, zone);
    const auto start = bucket.start_of(*time);
    if (*time != kTimestampInfinity && *time != kTimestampNegInfinity) TICKSTONE_CHECK(start <= *time);
  });
}

void compare_documents(std::string_view text) {
  const auto [left, right] = split(text);
  const std::string a = normalize_jsonb(left);
  TICKSTONE_CHECK(normalize_jsonb(a) == a);
  TICKSTONE_CHECK(compare_jsonb(a, a) == std::strong_ordering::equal);
  const std::string b = normalize_jsonb(right);
  const auto order = compare_jsonb(a, b);
  TICKSTONE_CHECK((order == std::strong_ordering::less) ==
                  (compare_jsonb(b, a) == std::strong_ordering::greater));
}

void use_zone(std::string_view text) {
  const TimeZone* zone = find_session_time_zone(text);
  if (zone == nullptr) return;
  for (const std::int64_t us :
       {std::int64_t{0}, 1'700'000'000 * kMicrosPerSecond, -5'000'000'000 * kMicrosPerSecond}) {
    std::string out;
    append_timestamptz(out, us, *zone);
    zone->abbreviation_at_utc(us);
    const auto again = zone->to_utc_us(us + zone->offset_seconds_at_utc(us) * kMicrosPerSecond);
    // An overlap gives the other of two moments, never more than a day apart.
    TICKSTONE_CHECK(again - us < kMicrosPerDay && us - again < kMicrosPerDay);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto& type = kTypes[data[0] % kTypeCount];
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  refuse_or([&] {
    switch (data[1] % 8) {
      case 0:
      case 1:
      case 2:
        read_value(type, text, FormatContext{});
        break;
      case 3: {
        FormatContext context;
        context.zone = find_session_time_zone("America/New_York");
        context.now_us = 1'700'000'000 * kMicrosPerSecond;
        context.bytea_escape = true;
        read_value(type, text, context);
        break;
      }
      case 4:
        cast_everywhere(type, text);
        break;
      case 5:
        move_time(text);
        break;
      case 6:
        compare_documents(text);
        break;
      default:
        use_zone(text);
        break;
    }
  });
  return 0;
}
