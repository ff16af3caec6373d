// SPDX-License-Identifier: Apache-2.0
// Symbols, models' results, metrics and positions, on the home that TICKSTONE_TEST_ADDRESS names.
#include <array>
#include <barrier>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tickstone/error.hpp>
#include <tickstone/metrics.hpp>
#include <tickstone/models.hpp>
#include <tickstone/positions.hpp>
#include <tickstone/symbols.hpp>

#include "api_home.hpp"
#include "app_tables.hpp"
#include "watched_executor.hpp"

namespace tickstone {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Decimal number(const char* text) { return Decimal::parse(text); }
Timestamp hour(int hours) { return timestamp_from("2026-01-05 00:00:00+00") + std::chrono::hours{hours}; }

std::string rejection(const std::function<void()>& store) {
  try {
    store();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::CheckViolation);
    return error.message();
  }
  return "stored";
}

class Records : public testing::Test {
 protected:
  void SetUp() override { empty_app_tables(db); }
  DatabaseManager& db = test_manager();
};

Symbol apple() {
  return {.symbol = "AAPL",
          .name = "Apple Inc.",
          .type = "CS",
          .market = "stocks",
          .currency = "usd",
          .metadata = Json{R"({"sector": "technology", "lot": 100})"}};
}

TEST_F(Records, SymbolsAreKnownWhole) {
  EXPECT_FALSE(get_symbol_info(db, "AAPL"));
  EXPECT_EQ(store_symbols(db, apple()).new_rows, 1U);
  const auto first = get_symbol_info(db, "AAPL");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->symbol.name, "Apple Inc.");
  EXPECT_TRUE(first->symbol.active);
  EXPECT_EQ(first->symbol.metadata->text, R"({"lot": 100, "sector": "technology"})");
  EXPECT_THAT(first->groups, IsEmpty());
  auto again = apple();
  again.metadata = Json{R"({"lot":100,"sector":"technology"})"};
  EXPECT_EQ(store_symbols(db, again).unchanged, 1U);
  EXPECT_EQ(get_symbol_info(db, "AAPL")->symbol.last_updated, first->symbol.last_updated) << "left alone";
  again.active = false;
  again.name = std::nullopt;
  again.last_updated = hour(1);
  EXPECT_EQ(store_symbols(db, again).changed, 1U);
  const auto second = get_symbol_info(db, "AAPL");
  EXPECT_FALSE(second->symbol.active);
  EXPECT_EQ(second->symbol.name, std::nullopt);
  EXPECT_EQ(second->symbol.last_updated, hour(1));
}

TEST_F(Records, ManySymbols) {
  std::vector<Symbol> symbols;
  for (int i = 0; i < 2'500; ++i)
    symbols.push_back(
        {.symbol = "S" + std::to_string(i), .type = i % 2 == 0 ? "CS" : "ETF", .active = i != 7});
  EXPECT_EQ(store_symbols(db, symbols).new_rows, 2'500U);
  symbols[3].currency = "usd";
  const auto result = store_symbols(db, symbols);
  EXPECT_EQ(result.unchanged, 2'499U);
  EXPECT_EQ(result.changed, 1U);
  EXPECT_EQ(get_active_symbols(db).size(), 2'499U);
  EXPECT_EQ(get_active_symbols(db, "ETF").size(), 1'249U);
}

TEST_F(Records, SymbolsThatCannotBeAreRejected) {
  Symbol odd{.symbol = "ODD", .metadata = Json{"[1]"}};
  EXPECT_THAT(rejection([&] { store_symbols(db, odd); }), HasSubstr("its metadata is no JSON object"));
  const auto result = store_symbols(db, std::vector<Symbol>{odd, Symbol{}, apple()});
  EXPECT_EQ(result.new_rows, 1U);
  EXPECT_THAT(result.rejected, ElementsAre(RejectedRow{0, "its metadata is no JSON object"},
                                           RejectedRow{1, "it has no symbol"}));
}

TEST_F(Records, SymbolsAreInGroups) {
  store_symbols(db, apple());
  const std::vector<std::string> tech{"NVDA", "AAPL", "MSFT", "AAPL"};
  const auto added = add_to_symbol_group(db, "tech", tech);
  EXPECT_EQ(added.new_rows, 3U);
  EXPECT_EQ(added.superseded, 1U);
  EXPECT_EQ(add_to_symbol_group(db, "tech", tech).unchanged, 3U);
  add_to_symbol_group(db, "focus", std::vector<std::string>{"AAPL"});
  EXPECT_THAT(get_symbol_group(db, "tech"), ElementsAre("AAPL", "MSFT", "NVDA"));
  EXPECT_THAT(get_symbol_groups(db), ElementsAre(SymbolGroup{"focus", 1}, SymbolGroup{"tech", 3}));
  EXPECT_THAT(get_symbol_info(db, "AAPL")->groups, ElementsAre("focus", "tech"));
  EXPECT_EQ(remove_from_symbol_group(db, "tech", std::vector<std::string>{"AAPL", "IBM"}), 1U);
  EXPECT_THAT(get_symbol_group(db, "tech"), ElementsAre("MSFT", "NVDA"));
  EXPECT_THAT(get_symbol_group(db, "none"), IsEmpty());
}

TEST_F(Records, CollectionSaysHowItWent) {
  EXPECT_FALSE(get_collection_status(db, "AAPL", "trades"));
  CollectionStatus status{.symbol = "AAPL", .data_type = "trades", .status = "running"};
  EXPECT_EQ(update_collection_status(db, status).new_rows, 1U);
  EXPECT_TRUE(get_collection_status(db, "AAPL", "trades")->collection_time) << "now";
  status.status = "complete";
  status.num_records = 123;
  status.date_range = "2026-01-05..2026-01-09";
  status.collection_time = hour(1);
  status.details = Json{R"({"pages": 3})"};
  EXPECT_EQ(update_collection_status(db, status).changed, 1U);
  status.data_type = "ohlcv";
  update_collection_status(db, status);
  const auto all = get_collection_status(db, "AAPL");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].data_type, "ohlcv");
  EXPECT_EQ(all[1].status, "complete");
  EXPECT_EQ(all[1].num_records, 123);
  EXPECT_EQ(all[1].date_range, "2026-01-05..2026-01-09");
  EXPECT_EQ(all[1].collection_time, hour(1));
  EXPECT_EQ(all[1].details->text, R"({"pages": 3})");
  status.num_records = -1;
  EXPECT_THAT(rejection([&] { update_collection_status(db, status); }),
              HasSubstr("number of records is negative"));
}

TEST_F(Records, ModelsAreMeasured) {
  const ModelPerformance first{"m1", "xgboost", hour(0), Json{R"({"accuracy": 0.61})"}, std::nullopt};
  const ModelPerformance second{"m1", "xgboost", hour(1), Json{R"({"accuracy": 0.62})"},
                                Json{R"({"depth": 6})"}};
  EXPECT_EQ(store_model_performance(db, std::vector<ModelPerformance>{second, first}).new_rows, 2U);
  EXPECT_EQ(store_model_performance(db, first).unchanged, 1U);
  const auto all = get_model_performance(db, "m1", hour(0), hour(2));
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].metrics.text, R"({"accuracy": 0.61})");
  EXPECT_FALSE(all[0].parameters);
  const auto latest = get_latest_model_performance(db, "m1");
  ASSERT_TRUE(latest);
  EXPECT_EQ(latest->timestamp, hour(1));
  EXPECT_EQ(latest->parameters->text, R"({"depth": 6})");
  EXPECT_FALSE(get_latest_model_performance(db, "m2"));
  EXPECT_THAT(rejection([&] {
                store_model_performance(db, {"m1", "x", hour(0), Json{"{"}, std::nullopt});
              }),
              HasSubstr("metrics is not JSON: invalid input syntax for type json"));
  EXPECT_THAT(rejection([&] {
                store_model_performance(db, {"", "x", hour(0), Json{"{}"}, std::nullopt});
              }),
              HasSubstr("it has no model"));
}

TEST_F(Records, ImportancesAreOfOneTime) {
  const std::vector<FeatureImportance> old{{"m", hour(0), "rsi", number("0.3")},
                                           {"m", hour(0), "macd", number("0.7")}};
  const std::vector<FeatureImportance> now{{"m", hour(1), "macd", number("-0.01")},
                                           {"m", hour(1), "rsi", number("0.123456789012345678901")}};
  EXPECT_EQ(store_feature_importance(db, old).new_rows, 2U);
  EXPECT_EQ(store_feature_importance(db, now).new_rows, 2U);
  EXPECT_EQ(store_feature_importance(db, now[0]).unchanged, 1U);
  EXPECT_THAT(get_feature_importance(db, "m"), ElementsAre(now[1], now[0]));
  EXPECT_THAT(get_feature_importance(db, "m", hour(1) - std::chrono::microseconds{1}),
              ElementsAre(old[1], old[0]));
  EXPECT_THAT(get_feature_importance(db, "m", hour(-1)), IsEmpty());
  EXPECT_THAT(rejection([&] {
                store_feature_importance(db, {"m", hour(0), "", number("1")});
              }),
              HasSubstr("it has no feature"));
}

TEST_F(Records, SystemMetricsAreSeries) {
  const std::vector<SystemMetric> metrics{{hour(0), "cpu", number("0.25"), Json{R"({"host": "a"})"}},
                                          {hour(1), "cpu", number("0.5"), std::nullopt},
                                          {hour(1), "memory", number("17179869184"), std::nullopt}};
  EXPECT_EQ(store_system_metrics(db, metrics).new_rows, 3U);
  EXPECT_EQ(store_system_metrics(db, metrics[0]).unchanged, 1U);
  const auto cpu = get_system_metrics(db, "cpu", hour(0), hour(2));
  ASSERT_EQ(cpu.size(), 2U);
  EXPECT_EQ(cpu[0].metric_value, number("0.25"));
  EXPECT_EQ(cpu[0].labels->text, R"({"host": "a"})");
  EXPECT_EQ(get_latest_system_metric(db, "cpu")->metric_value, number("0.5"));
  EXPECT_FALSE(get_latest_system_metric(db, "disk"));
  EXPECT_THAT(rejection([&] {
                store_system_metrics(db, {kInfinity, "cpu", number("1"), std::nullopt});
              }),
              HasSubstr("timestamp is infinite"));
}

TEST_F(Records, CachesAreCounted) {
  const CacheMetric full{hour(0), "features", 90, 10, std::int64_t{1} << 40, 3};
  const CacheMetric bare{hour(1), "features", 0, 0, std::nullopt, std::nullopt};
  EXPECT_EQ(store_cache_metrics(db, std::vector<CacheMetric>{full, bare}).new_rows, 2U);
  EXPECT_EQ(store_cache_metrics(db, full).unchanged, 1U);
  EXPECT_THAT(get_cache_metrics(db, "features", hour(0), hour(2)), ElementsAre(full, bare));
  EXPECT_THAT(rejection([&] {
                store_cache_metrics(db, {hour(0), "features", -1, 0, {}, {}});
              }),
              HasSubstr("one of its counts is negative"));
}

NewPosition order() {
  return {.ticker = "AAPL",
          .entry_price = number("100.25"),
          .shares = 100,
          .stop_price = number("95.1"),
          .timestamp = hour(0),
          .metadata = Json{R"({"strategy": "breakout"})"},
          .is_focus_ticker = true};
}

TEST_F(Records, PositionsFollowFromTheirPrices) {
  const Position opened = open_position(db, order());
  EXPECT_GT(opened.id, 0);
  EXPECT_EQ(opened.position_value, number("10025"));
  EXPECT_EQ(opened.risk_amount, number("515"));
  EXPECT_EQ(opened.stop_percentage, number("5.1371571072319202"));
  EXPECT_EQ(opened.timestamp, hour(0));
  EXPECT_TRUE(opened.is_focus_ticker);
  EXPECT_EQ(opened.metadata->text, R"({"strategy": "breakout"})");

  auto sold = order();
  sold.ticker = "TSLA";
  sold.shares = -7;
  sold.stop_price = number("110");
  sold.timestamp = hour(1);
  sold.metadata = std::nullopt;
  const Position shorted = open_position(db, sold);
  EXPECT_EQ(shorted.position_value, number("-701.75"));
  EXPECT_EQ(shorted.risk_amount, number("68.25"));
  EXPECT_NE(shorted.id, opened.id);

  ASSERT_EQ(get_positions(db).size(), 2U);
  EXPECT_EQ(get_positions(db)[0].ticker, "TSLA");
  ASSERT_EQ(get_positions(db, "AAPL").size(), 1U);

  const auto moved = update_position_stop(db, opened.id, number("100.25"));
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->stop_price, number("100.25"));
  EXPECT_EQ(moved->risk_amount, number("0"));
  EXPECT_EQ(moved->stop_percentage, number("0"));
  const auto without = update_position_stop(db, opened.id, std::nullopt);
  EXPECT_EQ(without->risk_amount, std::nullopt);
  EXPECT_EQ(get_position(db, opened.id)->stop_price, std::nullopt);

  const auto closed = close_position(db, opened.id, number("110.5"));
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->position.ticker, "AAPL");
  EXPECT_EQ(closed->profit, number("1025"));
  EXPECT_EQ(close_position(db, shorted.id)->profit, std::nullopt);
  EXPECT_FALSE(close_position(db, opened.id));
  EXPECT_FALSE(get_position(db, opened.id));
  EXPECT_FALSE(update_position_stop(db, opened.id, std::nullopt));
  EXPECT_THAT(get_positions(db), IsEmpty());
}

TEST_F(Records, APositionIsOpenedOnceForARequest) {
  auto named = order();
  named.request_id = "order \"7\"\n";
  const Position first = open_position(db, named);
  EXPECT_EQ(open_position(db, named).id, first.id);
  named.metadata = std::nullopt;
  EXPECT_EQ(open_position(db, named).id, first.id);
  named.request_id = "order 8";
  EXPECT_NE(open_position(db, named).id, first.id);
  EXPECT_EQ(get_positions(db).size(), 2U);
}

TEST_F(Records, APositionIsOpenedOnceAtTheSameInstant) {
  auto named = order();
  named.request_id = "between";
  // Another connection opens it after the first has looked and found nothing.
  std::optional<Position> other;
  WatchedExecutor slow(db, [&](std::string_view /*sql*/) {
    if (!other) other = open_position(db, named);
  });
  const auto id = open_position(slow, named).id;
  ASSERT_TRUE(other);
  EXPECT_EQ(id, other->id);
  EXPECT_EQ(get_positions(db).size(), 1U);

  constexpr int kRounds = 20;
  constexpr std::size_t kConnections = 4;
  std::barrier start(static_cast<std::ptrdiff_t>(kConnections));
  std::vector<std::array<std::int32_t, kConnections>> ids(kRounds);
  std::vector<std::thread> connections;
  for (std::size_t connection = 0; connection < kConnections; ++connection) {
    connections.emplace_back([&, connection] {
      for (int round = 0; round < kRounds; ++round) {
        auto same = order();
        same.request_id = "round " + std::to_string(round);
        start.arrive_and_wait();
        try {
          ids[static_cast<std::size_t>(round)][connection] = open_position(db, same).id;
        } catch (const Error& error) {
          ADD_FAILURE() << error.what();
        }
      }
    });
  }
  for (auto& connection : connections) connection.join();
  for (const auto& round : ids) EXPECT_THAT(round, testing::Each(round[0]));
  EXPECT_EQ(get_positions(db).size(), 1U + kRounds);
}

TEST_F(Records, PositionsThatCannotBeAreRejected) {
  auto nothing = order();
  nothing.shares = 0;
  EXPECT_THAT(rejection([&] { open_position(db, nothing); }), HasSubstr("it has no shares"));
  auto odd = order();
  odd.metadata = Json{"7"};
  EXPECT_THAT(rejection([&] { open_position(db, odd); }), HasSubstr("its metadata is no JSON object"));
  EXPECT_THAT(get_positions(db), IsEmpty());
}

}  // namespace
}  // namespace tickstone
