// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tickstone/error.hpp>

#include "types/value.hpp"

namespace tickstone {
namespace {

SqlType any_type() {
  return *rc::gen::element(
      SqlType::of(TypeId::Boolean), SqlType::of(TypeId::Integer), SqlType::of(TypeId::BigInt),
      SqlType::of(TypeId::Double), SqlType::of(TypeId::Real), SqlType::of(TypeId::Numeric),
      SqlType::numeric(5, 2), SqlType{TypeId::Varchar, false, 3}, SqlType{TypeId::Char, false, 3},
      SqlType::of(TypeId::Bytea), SqlType::of(TypeId::Date), SqlType::of(TypeId::Time),
      SqlType::of(TypeId::Timestamp), SqlType{TypeId::TimestampTz, false, 3},
      SqlType::of(TypeId::TimestampNs), SqlType::of(TypeId::Interval), SqlType::of(TypeId::Uuid),
      SqlType::of(TypeId::Json), SqlType::of(TypeId::Jsonb), SqlType::of(TypeId::Oid),
      SqlType::of(TypeId::Name), SqlType::array_of(TypeId::Text), SqlType::array_of(TypeId::TimestampTz),
      SqlType::array_of(TypeId::Numeric));
}

/// A text that some type takes, with a few characters changed.
std::string nearly_right() {
  std::string text = *rc::gen::element<std::string>(
      "2026-01-05 14:30:00.123456+05:30", "Jan 5 2026 2:30 PM America/New_York", "0044-03-15 BC",
      "J2451187.5", "20260105T143000Z", "1 year 2 mons -3 days 04:05:06.789", "P1Y2M3DT4H5M6.7S",
      "@ 1 minute ago", "-1-2 +3 -4:05", "-12345.678e-5", "1e+308", "99999999999999999999999999999999999999",
      "{\"a\": [1, 2.50, null, \"x\\u00e4\"]}", "{a,\"b c\",NULL,\"\\\"\"}", "{1.5,NULL}",
      "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "\\x00ff", "a\\000b\\\\", "infinity", "true",
      "EST5EDT,M3.2.0,M11.1.0/2", "294247-01-10 04:00:54.775806+00");
  const int changes = *rc::gen::inRange(0, 4);
  for (int i = 0; i < changes && !text.empty(); ++i) {
    const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
        text[at] = *rc::gen::arbitrary<char>();
        break;
      case 1:
        text.erase(at, *rc::gen::inRange<std::size_t>(1, 4));
        break;
      case 2:
        text.insert(at, text.substr(*rc::gen::inRange<std::size_t>(0, text.size()), 5));
        break;
      default:
        text.insert(at, 1,
                    *rc::gen::element('-', '+', '.', ':', ' ', '9', '0', '"', '\\', '{', ',', 'e', '/', 'T'));
        break;
    }
  }
  return text;
}

RC_GTEST_PROP(BadInputProperty, IsAnErrorOrAValueThatReadsBack, ()) {
  const auto type = any_type();
  const auto text = *rc::gen::arbitrary<bool>() ? nearly_right() : *rc::gen::arbitrary<std::string>();
  Column column(type);
  try {
    append_parsed(column, text);
  } catch (const Error& error) {
    RC_ASSERT(std::string(sqlstate(error.code())).substr(0, 2) != "XX");
    RC_ASSERT(column.size() == 0U);
    return;
  }
  RC_ASSERT(column.size() == 1U);
  const auto value = value_at(column.view(), 0);
  const auto shown = to_text(value);
  const auto again = parse_value(type, shown);
  RC_ASSERT(to_text(again) == shown);
  RC_ASSERT(compare_values(value, again) == std::strong_ordering::equal);
}

}  // namespace
}  // namespace tickstone
