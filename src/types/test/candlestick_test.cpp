// SPDX-License-Identifier: Apache-2.0
#include "types/candlestick.hpp"

#include <limits>
#include <random>

#include <gtest/gtest.h>

#include <tickstone/error.hpp>

namespace tickstone {
namespace {

std::string text_of(const Candlestick& value) {
  std::string out;
  append_candlestick(out, value);
  return out;
}

TEST(Candlestick, KeepsTheFirstOfEqualTimesAndPrices) {
  Candlestick candle = Candlestick::of_trade(100, 5, 1);
  candle.add(Candlestick::of_trade(100, 6, 1));  // the same time: neither open nor close
  candle.add(Candlestick::of_trade(200, 6, 1));  // the same high
  EXPECT_EQ(candle.open.value, 5);
  EXPECT_EQ(candle.close.value, 6);
  EXPECT_EQ(candle.close.us, 200);
  EXPECT_EQ(candle.high.us, 100);
  EXPECT_EQ(candle.volume->volume, 3);
  EXPECT_DOUBLE_EQ(*candle.vwap(), 17.0 / 3);
}

TEST(Candlestick, HasNoAverageWithoutVolume) {
  EXPECT_FALSE(Candlestick::of_trade(1, 5, std::nullopt).vwap());
  EXPECT_FALSE(Candlestick::of_trade(1, 5, 0.0).vwap());
  EXPECT_FALSE(Candlestick::of_trade(1, std::numeric_limits<double>::infinity(), 2.0).vwap());
}

TEST(Candlestick, TextReadsBack) {
  std::mt19937_64 random(7);
  const auto number = [&] {
    static const double kEdges[] = {0, -0.0, 1e300, 5e-324, 0.1, std::numeric_limits<double>::infinity()};
    return random() % 4 == 0 ? kEdges[random() % 6]
                             : static_cast<double>(static_cast<std::int64_t>(random())) / 1e9;
  };
  for (int i = 0; i < 2000; ++i) {
    std::optional<double> volume;
    if (random() % 3 != 0) volume = number();
    const auto us = static_cast<std::int64_t>(random() % 4'000'000'000'000'000U);
    Candlestick value = Candlestick::of_trade(us, number(), volume);
    value.add(Candlestick::of_bar(us + 1, number(), number(), number(), number(), volume));
    const std::string text = text_of(value);
    EXPECT_EQ(text_of(parse_candlestick(text)), text);
  }
}

TEST(Candlestick, RefusesOtherTexts) {
  const std::string good = text_of(Candlestick::of_trade(0, 1, 2.0));
  EXPECT_NO_THROW(parse_candlestick(good));
  // Every prefix, and every text with a character more.
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_THROW(parse_candlestick(good.substr(0, length)), Error) << length;
  }
  EXPECT_THROW(parse_candlestick(good + "x"), Error);
  EXPECT_THROW(parse_candlestick("(version:2" + good.substr(10)), Error);
}

}  // namespace
}  // namespace tickstone
