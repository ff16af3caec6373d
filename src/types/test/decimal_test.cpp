// SPDX-License-Identifier: Apache-2.0
#include "types/decimal.hpp"

#include <limits>

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

namespace tickstone {
namespace {

std::string through(std::string_view text) {
  const auto value = parse_decimal(text);
  return value ? format_decimal(*value) : "bad";
}

TEST(Decimal, ReadsAndPrints) {
  EXPECT_EQ(through("187.15"), "187.15");
  EXPECT_EQ(through("-0.00001234"), "-0.00001234");
  EXPECT_EQ(through(" 42 "), "42");
  EXPECT_EQ(through("1e-5"), "0.00001");
  EXPECT_EQ(through("1.5e3"), "1500");
  EXPECT_EQ(through("+.5"), "0.5");
  EXPECT_EQ(through("5."), "5");
  EXPECT_EQ(through("-0.000"), "0");
  EXPECT_EQ(through("10.500"), "10.5");
  EXPECT_EQ(through("0e99999999999"), "0");
  EXPECT_EQ(through("99999999999999999999999999999999999999"), "99999999999999999999999999999999999999");
  EXPECT_EQ(through("1.2345678901234567890123456789012345678"), "1.2345678901234567890123456789012345678");
  EXPECT_EQ(through("0.00000000000000000000000000000000000001"), "0.00000000000000000000000000000000000001");
  EXPECT_EQ(
      through("000000000000000000000000000000000000000000000000001.0000000000000000000000000000000000000000"),
      "1");
}

TEST(Decimal, RefusesWhatIsNoNumber) {
  for (const auto* text :
       {"", " ", "-", ".", "1.2.3", "1e", "1e+", "abc", "1 2", "1x", "--1", "0x10", "1_000"}) {
    EXPECT_EQ(through(text), "bad") << text;
  }
}

TEST(Decimal, RefusesMoreThan38Digits) {
  for (const auto* text :
       {"100000000000000000000000000000000000000", "1e38", "1e-39", "1e999999999999",
        "1.00000000000000000000000000000000000001", "12345678901234567890.1234567890123456789"}) {
    try {
      parse_decimal(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::NumericValueOutOfRange);
    }
  }
}

TEST(Decimal, RefusesNanWithAHint) {
  for (const auto* text : {"NaN", "nan", "Infinity", "-inf", " +Infinity "}) {
    try {
      parse_decimal(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::InvalidParameterValue);
      EXPECT_NE(error.hint().find("DOUBLE PRECISION"), std::string::npos);
    }
  }
}

TEST(Decimal, RoundsHalfAwayFromZero) {
  EXPECT_EQ(rescale(125, 2, 1), Int128{13});
  EXPECT_EQ(rescale(-125, 2, 1), Int128{-13});
  EXPECT_EQ(rescale(124, 2, 1), Int128{12});
  EXPECT_EQ(rescale(5, 1, 0), Int128{1});
  EXPECT_EQ(rescale(5, 0, 38), std::nullopt);
  EXPECT_EQ(rescale(0, 0, 38), Int128{0});
}

TEST(Decimal, ComparesAcrossScales) {
  EXPECT_EQ(compare({10, 1}, {1, 0}), 0);
  EXPECT_EQ(compare({11, 1}, {1, 0}), 1);
  EXPECT_EQ(compare({-11, 1}, {-1, 0}), -1);
  EXPECT_EQ(compare({power_of_ten(37), 0}, {1, 38}), 1);
  EXPECT_EQ(compare({-power_of_ten(37), 0}, {1, 38}), -1);
}

TEST(Decimal, MeetsDoubles) {
  EXPECT_EQ(to_double({18715, 2}), 187.15);
  EXPECT_EQ(to_double({power_of_ten(37), 0}), 1e37);
  EXPECT_EQ(format_decimal(*decimal_from_double(0.1)), "0.1");
  EXPECT_EQ(format_decimal(*decimal_from_double(0.1 + 0.2)), "0.3");
  EXPECT_EQ(format_decimal(*decimal_from_double(1e20)), "100000000000000000000");
  EXPECT_EQ(decimal_from_double(1e39), std::nullopt);
  EXPECT_EQ(decimal_from_double(std::numeric_limits<double>::quiet_NaN()), std::nullopt);
}

}  // namespace
}  // namespace tickstone
