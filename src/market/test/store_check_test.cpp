// SPDX-License-Identifier: Apache-2.0
#include "market/store_check.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "market/checked_table.hpp"
#include "market/expected_relations.hpp"

namespace tickstone::market {
namespace {

using namespace std::chrono_literals;

TEST(StoreCheck, KnowsWhatTheSchemaMakes) {
  for (const Home home : {Home::Embedded, Home::TimescaleDb, Home::PostgreSql}) {
    const auto relations = expected_relations(schema_migrations(home));
    const auto find = [&](std::string_view name) {
      const auto found = std::ranges::find(relations, name, &ExpectedRelation::name);
      EXPECT_NE(found, relations.end()) << name;
      return *found;
    };
    EXPECT_EQ(find("ohlcv").columns, (std::vector<std::string>{"symbol", "timestamp", "open", "high", "low",
                                                               "close", "volume", "source", "timeframe"}));
    EXPECT_EQ(find("ohlcv").version, 2);
    EXPECT_EQ(find("symbols").columns.back(), "metadata");
    EXPECT_EQ(find("feature_data").version, 4);
    EXPECT_EQ(find("daily_ohlcv_agg").columns.size(), 0u);
    EXPECT_EQ(find("options_flow_daily_summary").version, 4);
    find("bullish_options_sentiment");
    // Nothing of the layer, and no other words taken for names.
    for (const auto& relation : relations) {
      EXPECT_EQ(relation.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789"), std::string::npos)
          << relation.name;
      for (const auto& column : relation.columns)
        EXPECT_EQ(column.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789"), std::string::npos)
            << column;
    }
  }
}

TEST(StoreCheck, ReadsTimeframes) {
  EXPECT_EQ(width_of_timeframe("1m"), 1min);
  EXPECT_EQ(width_of_timeframe("5min"), 5min);
  EXPECT_EQ(width_of_timeframe("15 minutes"), 15min);
  EXPECT_EQ(width_of_timeframe("minute"), 1min);
  EXPECT_EQ(width_of_timeframe("1h"), 1h);
  EXPECT_EQ(width_of_timeframe("1H"), 1h);
  EXPECT_EQ(width_of_timeframe("4hours"), 4h);
  EXPECT_EQ(width_of_timeframe("day"), std::chrono::days(1));
  EXPECT_EQ(width_of_timeframe("1D"), std::chrono::days(1));
  EXPECT_EQ(width_of_timeframe("30s"), 30s);
  EXPECT_EQ(width_of_timeframe("1M"), std::nullopt);  // a month
  EXPECT_EQ(width_of_timeframe("1w"), std::nullopt);
  EXPECT_EQ(width_of_timeframe("7m"), std::nullopt);
  EXPECT_EQ(width_of_timeframe("0m"), std::nullopt);
  EXPECT_EQ(width_of_timeframe("-1m"), std::nullopt);
  EXPECT_EQ(width_of_timeframe(""), std::nullopt);
  EXPECT_EQ(width_of_timeframe("99999999999m"), std::nullopt);
}

TEST(StoreCheck, TheWorstCounts) {
  const auto worst = [](std::initializer_list<CheckStatus> statuses) {
    std::vector<CheckResult> results;
    for (const auto status : statuses) results.push_back({"", status, "", "", {}});
    return worst_of(results);
  };
  EXPECT_EQ(worst({}), CheckStatus::Ok);
  EXPECT_EQ(worst({CheckStatus::Skipped, CheckStatus::Ok}), CheckStatus::Ok);
  EXPECT_EQ(worst({CheckStatus::Unknown, CheckStatus::Ok}), CheckStatus::Unknown);
  EXPECT_EQ(worst({CheckStatus::Unknown, CheckStatus::Warning, CheckStatus::Ok}), CheckStatus::Warning);
  EXPECT_EQ(worst({CheckStatus::Critical, CheckStatus::Warning, CheckStatus::Unknown}),
            CheckStatus::Critical);
}

}  // namespace
}  // namespace tickstone::market
