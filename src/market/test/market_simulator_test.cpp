// SPDX-License-Identifier: Apache-2.0
#include "market/market_simulator.hpp"

#include <algorithm>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "types/decimal.hpp"

namespace tickstone::market {
namespace {

using Rows = std::vector<std::vector<std::string>>;

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    if (c == ',' && !quoted)
      fields.emplace_back();
    else
      fields.back() += c;
  }
  return fields;
}

std::map<SimulatedTable, Rows> simulate(const SimulationOptions& options) {
  std::map<SimulatedTable, Rows> tables;
  MarketSimulator(options).run(
      [&](SimulatedTable table, std::string_view csv) {
        std::istringstream lines{std::string(csv)};
        for (std::string line; std::getline(lines, line);) tables[table].push_back(split(line));
      },
      [](double) {});
  return tables;
}

Int128 cents(const std::string& text) {
  return *rescale(parse_decimal(text)->unscaled, parse_decimal(text)->scale, 2);
}

const SimulationOptions kSmall{.seed = 7, .symbol_count = 3, .day_count = 2, .trades_per_symbol_day = 800};

TEST(MarketSimulator, SameSeedGivesSameBytes) {
  EXPECT_EQ(simulate(kSmall), simulate(kSmall));
  auto other = kSmall;
  other.seed = 8;
  EXPECT_NE(simulate(kSmall), simulate(other));
}

TEST(MarketSimulator, EveryTableHasTheFieldsOfItsColumns) {
  for (const auto& [table, rows] : simulate(kSmall)) {
    const std::string list(column_list(table));
    const auto columns = static_cast<std::size_t>(std::count(list.begin(), list.end(), ',')) + 1;
    ASSERT_FALSE(rows.empty());
    for (const auto& row : rows) ASSERT_EQ(row.size(), columns) << table_name(table);
  }
}

TEST(MarketSimulator, EveryTradeLiesWithinTheQuoteBeforeIt) {
  const auto tables = simulate(kSmall);
  std::map<std::string, std::map<std::string, std::pair<Int128, Int128>>> quotes;  // symbol, time
  for (const auto& row : tables.at(SimulatedTable::Quotes))
    quotes[row[0]][row[1]] = {cents(row[2]), cents(row[4])};
  ASSERT_GT(tables.at(SimulatedTable::Trades).size(), 1000U);
  int outside = 0;
  for (const auto& row : tables.at(SimulatedTable::Trades)) {
    const auto& of_symbol = quotes.at(row[0]);
    auto before = of_symbol.upper_bound(row[1]);
    ASSERT_NE(before, of_symbol.begin());
    --before;
    const auto price = cents(row[2]);
    if (price < before->second.first || price > before->second.second) ++outside;
  }
  // Two trades less than a quote's lead apart may see each other's quote.
  EXPECT_LE(outside, static_cast<int>(tables.at(SimulatedTable::Trades).size() / 500));
}

TEST(MarketSimulator, BarsAreWhatTheTradesOfTheirMinuteMakeThem) {
  const auto tables = simulate(kSmall);
  struct Made {
    Int128 open = 0, high = 0, low = 0, close = 0, volume = 0;
  };
  std::map<std::pair<std::string, std::string>, Made> made;
  for (const auto& row : tables.at(SimulatedTable::Trades)) {
    auto& bar = made[{row[0], row[1].substr(0, 16)}];
    const auto price = cents(row[2]);
    if (bar.volume == 0) bar.open = bar.high = bar.low = price;
    bar.high = std::max(bar.high, price);
    bar.low = std::min(bar.low, price);
    bar.close = price;
    bar.volume += std::stoll(row[3]);
  }
  std::size_t bars = 0;
  for (const auto& row : tables.at(SimulatedTable::Ohlcv)) {
    EXPECT_EQ(row[7], "simulator");
    if (row[8] != "1m") continue;
    ++bars;
    const auto& bar = made.at({row[0], row[1].substr(0, 16)});
    EXPECT_EQ(cents(row[2]), bar.open);
    EXPECT_EQ(cents(row[3]), bar.high);
    EXPECT_EQ(cents(row[4]), bar.low);
    EXPECT_EQ(cents(row[5]), bar.close);
    EXPECT_EQ(std::stoll(row[6]), static_cast<long long>(bar.volume));
  }
  EXPECT_EQ(bars, made.size());
}

TEST(MarketSimulator, RefusesADateThatIsNone) {
  auto options = kSmall;
  options.first_day = "soon";
  EXPECT_ANY_THROW(simulate(options));
}

}  // namespace
}  // namespace tickstone::market
