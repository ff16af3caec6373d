// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "types/decimal.hpp"

namespace tickstone {
namespace {

/// Any 38-digit number, small ones as likely as large ones.
Int128 any_unscaled() {
  const auto high = *rc::gen::arbitrary<std::int64_t>();
  const auto low = *rc::gen::arbitrary<std::uint64_t>();
  const int digits = *rc::gen::inRange(1, 39);
  const Int128 value = static_cast<Int128>(high) << 64 | low;
  return value % power_of_ten(digits);
}

RC_GTEST_PROP(DecimalProperty, TextRoundTrips, ()) {
  const Decimal value{any_unscaled(), static_cast<std::uint8_t>(*rc::gen::inRange(0, 39))};
  const auto read = parse_decimal(format_decimal(value));
  RC_ASSERT(read.has_value());
  RC_ASSERT(compare(*read, value) == 0);
  const auto least = trimmed(value);
  RC_ASSERT(read->unscaled == least.unscaled);
  RC_ASSERT(read->scale == least.scale);
}

RC_GTEST_PROP(DecimalProperty, TextIsTheDigitsWithAPoint, ()) {
  const Decimal value{any_unscaled(), static_cast<std::uint8_t>(*rc::gen::inRange(0, 39))};
  const auto least = trimmed(value);
  std::string expected;
  for (Int128 rest = least.unscaled < 0 ? -least.unscaled : least.unscaled; rest != 0; rest /= 10)
    expected.insert(0, 1, static_cast<char>('0' + static_cast<int>(rest % 10)));
  while (expected.size() <= least.scale) expected.insert(0, 1, '0');
  if (least.scale > 0) expected.insert(expected.size() - least.scale, ".");
  if (least.unscaled < 0) expected.insert(0, "-");
  RC_ASSERT(format_decimal(value) == expected);
}

RC_GTEST_PROP(DecimalProperty, RescaleAgreesWithIntegerArithmetic, ()) {
  const Int128 value = any_unscaled();
  const int from = *rc::gen::inRange(0, 39);
  const int to = *rc::gen::inRange(0, 39);
  const auto scaled = rescale(value, from, to);
  if (to >= from) {
    const bool must_fit = digit_count(value) + (to - from) <= 38 || value == 0;
    RC_ASSERT(scaled.has_value() == must_fit);
    if (scaled) RC_ASSERT(*scaled == value * (must_fit && value != 0 ? power_of_ten(to - from) : 1));
    return;
  }
  const Int128 power = power_of_ten(from - to);
  RC_ASSERT(scaled.has_value());
  // |value - scaled * power| is at most half of the power, and exactly half only away from zero.
  const Int128 rest = value - *scaled * power;
  const Int128 size = rest < 0 ? -rest : rest;
  RC_ASSERT(size <= power - size);
  if (size == power - size) RC_ASSERT((rest < 0) == (value > 0));
}

RC_GTEST_PROP(DecimalProperty, DigitCountIsTheTextsLength, ()) {
  const Int128 value = any_unscaled();
  auto text = format_decimal({value < 0 ? -value : value, 0});
  if (text == "0") text.clear();
  RC_ASSERT(digit_count(value) == static_cast<int>(text.size()));
}

RC_GTEST_PROP(DecimalProperty, CompareIsTheOrderOfDifferences, ()) {
  const Int128 a = any_unscaled() / power_of_ten(10);
  const Int128 b = any_unscaled() / power_of_ten(10);
  const int shift = *rc::gen::inRange(0, 10);
  const Int128 lifted = a * power_of_ten(shift);
  const int expected = lifted < b ? -1 : lifted > b ? 1 : 0;
  RC_ASSERT(compare({a, 0}, {b, static_cast<std::uint8_t>(shift)}) == expected);
  RC_ASSERT(compare({b, static_cast<std::uint8_t>(shift)}, {a, 0}) == -expected);
}

}  // namespace
}  // namespace tickstone
