// SPDX-License-Identifier: Apache-2.0
#include "cli/plot.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tickstone/error.hpp>

namespace tickstone::cli {
namespace {

using market::TextResult;
using testing::HasSubstr;
using testing::Not;

TextResult candles() {
  TextResult result;
  result.columns = {{"timestamp", SqlType::of(TypeId::TimestampTz)},
                    {"open", SqlType::of(TypeId::Numeric)},
                    {"high", SqlType::of(TypeId::Numeric)},
                    {"low", SqlType::of(TypeId::Numeric)},
                    {"close", SqlType::of(TypeId::Numeric)}};
  result.rows = {{"2026-01-05 14:30:00+00", "1", "4", "0", "3"},
                 {"2026-01-05 14:31:00+00", "3", "4", "0", "1"}};
  return result;
}

TEST(Plot, DrawsCandles) {
  PlotOptions options{12, 7, false, true};
  EXPECT_EQ(plot(candles(), options),
            "4.0 ||  |\n"
            "3.0 |+  #\n"
            "2.0 |+  #\n"
            "1.0 |+  #\n"
            "0.0 ||  |\n"
            "    +--------\n"
            "\n");
}

TEST(Plot, DrawsALineForEachColumnOfNumbers) {
  TextResult result;
  result.columns = {{"n", SqlType::of(TypeId::Integer)}, {"twice", SqlType::of(TypeId::Integer)}};
  for (int i = 0; i < 5; ++i) result.rows.push_back({std::to_string(i), std::to_string(2 * i)});
  EXPECT_EQ(plot(result, {20, 9, false, true}),
            "8.0 |             o\n"
            "6.4 |          ooo\n"
            "4.8 |         o\n"
            "3.2 |       oo ****\n"
            "1.6 |   oooo***\n"
            "0.0 |ooo\n"
            "    +--------------\n"
            "     1     3      5\n"
            "     * n   o twice\n");
}

TEST(Plot, PutsManyCandlesTogether) {
  TextResult many = candles();
  for (int i = 0; i < 500; ++i)
    many.rows.push_back({"2026-01-05 15:00:00+00", "1", std::to_string(i % 7), "0", "3"});
  many.rows.push_back({"2026-01-05 16:00:00+00", "1", "900", "0", "3"});
  const std::string text = plot(many, {40, 10, false, true});
  EXPECT_THAT(text, HasSubstr("900 |"));  // the extremes are kept
  for (std::size_t at = 0, end = 0; at < text.size(); at = end + 1) {
    end = text.find('\n', at);
    EXPECT_LE(end - at, 40U);
  }
}

TEST(Plot, ColorsOnlyWhereAsked) {
  EXPECT_THAT(plot(candles(), {40, 10, false, false}), Not(HasSubstr("\x1b[")));
  EXPECT_THAT(plot(candles(), {40, 10, true, false}), HasSubstr("\x1b[32m"));
}

TEST(Plot, SaysWhenThereIsNothingToDraw) {
  TextResult result;
  EXPECT_THROW(plot(result, {}), Error);
  result.columns = {{"name", SqlType::of(TypeId::Text)}};
  result.rows = {{"a"}};
  EXPECT_THROW(plot(result, {}), Error);
  result.columns = {{"n", SqlType::of(TypeId::Double)}};
  result.rows = {{std::nullopt}, {"NaN"}};
  EXPECT_THROW(plot(result, {}), Error);
}

}  // namespace
}  // namespace tickstone::cli
