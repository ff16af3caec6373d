// SPDX-License-Identifier: Apache-2.0
// Bars, trades, quotes and options flow, on the home that TICKSTONE_TEST_ADDRESS names.
#include <algorithm>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tickstone/error.hpp>
#include <tickstone/market_data.hpp>
#include <tickstone/options.hpp>

#include "api_home.hpp"
#include "app_tables.hpp"

namespace tickstone {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Decimal number(const char* text) { return Decimal::parse(text); }
Timestamp minute(int minutes) {
  return timestamp_from("2026-01-05 14:30:00+00") + std::chrono::minutes{minutes};
}

OhlcvBar bar(const char* symbol, int minutes, const char* close = "100.5") {
  return {.symbol = symbol,
          .timestamp = minute(minutes),
          .open = number("100"),
          .high = number("101.25"),
          .low = number("99.00001234"),
          .close = number(close),
          .volume = number("12345"),
          .timeframe = "1m",
          .source = "test"};
}

Trade trade(const char* symbol, int minutes, std::int64_t id, const char* price) {
  return {.symbol = symbol,
          .timestamp = minute(minutes),
          .price = number(price),
          .size = number("100"),
          .exchange = 11,
          .conditions = std::vector<std::string>{"12", "a \"b\", {c}\\"},
          .id = id,
          .source = "test"};
}

Quote quote(const char* symbol, int minutes, const char* bid, const char* ask) {
  return {.symbol = symbol,
          .timestamp = minute(minutes),
          .bid_price = number(bid),
          .bid_size = number("3"),
          .ask_price = number(ask),
          .ask_size = number("4"),
          .exchange = std::nullopt,
          .conditions = std::nullopt,
          .id = minutes,
          .source = "test"};
}

OptionFlow flow(const char* contract, int minutes) {
  return {.symbol = "AAPL",
          .timestamp = minute(minutes),
          .expiration_date = date_from("2026-01-16"),
          .strike_price = number("190"),
          .option_type = "call",
          .contract_symbol = contract,
          .premium = number("12000.5"),
          .volume = number("10"),
          .open_interest = std::nullopt,
          .implied_volatility = number("0.31"),
          .delta = number("0.52"),
          .gamma = std::nullopt,
          .theta = number("-0.11"),
          .vega = std::nullopt,
          .underlying_price = number("189.13"),
          .sentiment_score = number("-0.5"),
          .sentiment_source = "news",
          .source = "test",
          .batch_id = std::nullopt};
}

std::string rejection(const std::function<void()>& store) {
  try {
    store();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::CheckViolation);
    return error.message();
  }
  return "stored";
}

class MarketData : public testing::Test {
 protected:
  void SetUp() override { empty_app_tables(db); }
  DatabaseManager& db = test_manager();
};

TEST_F(MarketData, BarsReadBackExactly) {
  auto exact = bar("BRK.A", 0);
  exact.high = number("632145.00000000000000000001");
  exact.volume = number("0.00000001");
  EXPECT_EQ(store_ohlcv_data(db, exact).new_rows, 1U);
  EXPECT_THAT(get_ohlcv_data(db, "BRK.A", "1m", minute(0), minute(1)), ElementsAre(exact));
  EXPECT_THAT(get_ohlcv_data(db, "BRK.A", "1m", minute(-1), minute(0)), IsEmpty())
      << "the end is not of the range";
  EXPECT_THAT(get_ohlcv_data(db, "BRK.A", "day", minute(0), minute(1)), IsEmpty());
}

TEST_F(MarketData, BarsAreStoredOnceAndCorrected) {
  const std::vector<OhlcvBar> bars{bar("A", 0), bar("A", 1), bar("B", 0)};
  EXPECT_EQ(batch_store_ohlcv_data(db, bars).new_rows, 3U);
  EXPECT_EQ(batch_store_ohlcv_data(db, bars).unchanged, 3U);
  const auto result = batch_store_ohlcv_data(
      db, std::vector<OhlcvBar>{bar("A", 0, "100.7"), bar("A", 1), bar("A", 2), bar("A", -1), bar("B", -5)});
  EXPECT_EQ(result.changed, 1U);
  EXPECT_EQ(result.unchanged, 1U);
  EXPECT_EQ(result.new_rows, 3U);
  EXPECT_EQ(result.late, 2U);
  EXPECT_THAT(get_ohlcv_data(db, "A", "1m", minute(-9), minute(9)),
              ElementsAre(bar("A", -1), bar("A", 0, "100.7"), bar("A", 1), bar("A", 2)));
}

TEST_F(MarketData, TimeframesAreSeriesOfTheirOwn) {
  auto daily = bar("A", 0);
  daily.timeframe = "day";
  EXPECT_EQ(store_ohlcv_data(db, bar("A", 10)).new_rows, 1U);
  const auto result = store_ohlcv_data(db, daily);
  EXPECT_EQ(result.new_rows, 1U);
  EXPECT_EQ(result.late, 0U) << "the newer bar is of another timeframe";
  EXPECT_THAT(get_latest_data(db, "A"), ElementsAre(daily));
}

TEST_F(MarketData, BarsThatCannotBeAreRejected) {
  auto crossed = bar("A", 0);
  std::swap(crossed.high, crossed.low);
  auto outside = bar("A", 1, "101.26");
  auto negative = bar("A", 2);
  negative.volume = number("-1");
  auto timeless = bar("A", 3);
  timeless.timestamp = kInfinity;
  auto nowhere = bar("A", 4);
  nowhere.timeframe = "";
  const auto result = batch_store_ohlcv_data(
      db, std::vector<OhlcvBar>{crossed, outside, bar("A", 5), negative, timeless, nowhere, bar("", 6)});
  EXPECT_EQ(result.new_rows, 1U);
  EXPECT_THAT(
      result.rejected,
      ElementsAre(RejectedRow{0, "its high, 99.00001234, is below its low, 101.25"},
                  RejectedRow{1, "its close, 101.26, is outside of its low and high, 99.00001234 to 101.25"},
                  RejectedRow{3, "its volume is negative"}, RejectedRow{4, "timestamp is infinite"},
                  RejectedRow{5, "it has no timeframe"}, RejectedRow{6, "it has no symbol"}));
  EXPECT_THAT(rejection([&] { store_ohlcv_data(db, negative); }),
              HasSubstr("a row of ohlcv is rejected: its volume is negative"));
}

TEST_F(MarketData, PricesOfNothingAndLessAreKept) {
  OhlcvBar oil = bar("CLK0", 0);
  oil.open = number("0.5");
  oil.high = number("1");
  oil.low = number("-40.32");
  oil.close = number("-37.63");
  EXPECT_EQ(store_ohlcv_data(db, oil).new_rows, 1U);
  EXPECT_THAT(get_latest_data(db, "CLK0", "1m"), ElementsAre(oil));
}

TEST_F(MarketData, TheLatestBarsAreOldestFirst) {
  std::vector<OhlcvBar> bars;
  for (int i = 0; i < 20; ++i) bars.push_back(bar("A", i));
  batch_store_ohlcv_data(db, bars);
  EXPECT_THAT(get_latest_data(db, "A", "1m", 2), ElementsAre(bars[18], bars[19]));
  EXPECT_EQ(get_latest_data(db, "A", "1m").size(), 20U);
  EXPECT_THAT(get_latest_data(db, "B", "1m"), IsEmpty());
  const DataFrame frame = get_latest_dataframe(db, "A", "1m", 3);
  EXPECT_THAT(frame.values<Timestamp>("timestamp"), ElementsAre(minute(17), minute(18), minute(19)));
  EXPECT_EQ(frame.get<Decimal>(0, "close"), number("100.5"));
}

TEST_F(MarketData, ManyBarsComeBackAsTheyWere) {
  std::vector<OhlcvBar> bars;
  for (int i = 0; i < 6'000; ++i) {
    auto made = bar(i % 2 == 0 ? "A" : "B", i / 2);
    made.close = Decimal{10'000 + i % 100, 2};
    bars.push_back(made);
  }
  std::ranges::reverse(bars);
  EXPECT_EQ(batch_store_ohlcv_data(db, bars).new_rows, 6'000U);
  std::ranges::reverse(bars);
  const auto stored = get_ohlcv_data(db, "B", "1m", minute(0), minute(3'000));
  ASSERT_EQ(stored.size(), 3'000U);
  for (std::size_t i = 0; i < stored.size(); ++i) ASSERT_EQ(stored[i], bars[2 * i + 1]);
  EXPECT_EQ(batch_store_ohlcv_data(db, bars).unchanged, 6'000U);
}

TEST_F(MarketData, TradesOfOneTimeAreApart) {
  auto bare = trade("A", 0, 2, "187.151");
  bare.exchange = std::nullopt;
  bare.conditions = std::nullopt;
  auto empty = trade("A", 0, 3, "187.15");
  empty.conditions = std::vector<std::string>{};
  empty.size = number("0");
  const std::vector<Trade> trades{trade("A", 0, 1, "187.15"), bare, empty, trade("A", 1, 1, "-0.01")};
  EXPECT_EQ(store_trades_data(db, trades).new_rows, 4U);
  EXPECT_EQ(store_trades_data(db, trades).unchanged, 4U);
  EXPECT_EQ(get_trades_data(db, "A", minute(0), minute(2)), trades);
  EXPECT_EQ(get_latest_trade(db, "A"), trades[3]);
  EXPECT_EQ(get_latest_trade(db, "B"), std::nullopt);
  auto bad = trade("A", 2, 1, "1");
  bad.size = number("-1");
  EXPECT_THAT(rejection([&] { store_trades_data(db, bad); }), HasSubstr("its size is negative"));
}

TEST_F(MarketData, CrossedQuotesAreKept) {
  const std::vector<Quote> quotes{quote("A", 0, "187.2", "187.1"), quote("A", 1, "0", "187.1")};
  EXPECT_EQ(store_quotes_data(db, quotes).new_rows, 2U);
  EXPECT_EQ(store_quotes_data(db, quotes[0]).unchanged, 1U);
  EXPECT_EQ(get_quotes_data(db, "A", minute(0), minute(2)), quotes);
  EXPECT_EQ(get_latest_quote(db, "A"), quotes[1]);
  auto bad = quote("A", 2, "1", "2");
  bad.ask_size = number("-4");
  EXPECT_THAT(rejection([&] { store_quotes_data(db, bad); }), HasSubstr("its ask size is negative"));
}

TEST_F(MarketData, TheLatestPriceSaysWhereItIsFrom) {
  EXPECT_EQ(get_latest_price(db, "A"), std::nullopt);
  store_ohlcv_data(db, bar("A", 0, "100.5"));
  EXPECT_EQ(get_latest_price(db, "A"), (LatestPrice{number("100.5"), minute(0), PriceOrigin::BarClose}));
  store_quotes_data(db, quote("A", 1, "0", "100.7"));
  EXPECT_EQ(get_latest_price(db, "A")->origin, PriceOrigin::BarClose) << "a quote of one side has no mid";
  store_quotes_data(db, quote("A", 2, "100.1", "100.123"));
  EXPECT_EQ(get_latest_price(db, "A"), (LatestPrice{number("100.1115"), minute(2), PriceOrigin::QuoteMid}));
  store_trades_data(db, trade("A", 1, 1, "100.11"));
  store_trades_data(db, trade("A", 1, 2, "100.12"));
  EXPECT_EQ(get_latest_price(db, "A"), (LatestPrice{number("100.12"), minute(1), PriceOrigin::Trade}));
  EXPECT_EQ(get_latest_price(db, "A", minute(2))->origin, PriceOrigin::QuoteMid) << "the trade is too old";
  EXPECT_EQ(get_latest_price(db, "A", minute(3)), std::nullopt);
}

TEST_F(MarketData, IsPartOfATransaction) {
  EXPECT_THROW(db.in_transaction([&](Executor& transaction) {
    store_ohlcv_data(transaction, bar("A", 0));
    store_trades_data(transaction, trade("A", 0, 1, "1"));
    EXPECT_EQ(get_latest_price(transaction, "A")->price, number("1"));
    throw std::runtime_error("no");
  }),
               std::runtime_error);
  EXPECT_EQ(get_latest_price(db, "A"), std::nullopt);
}

TEST_F(MarketData, ManyThreadsStoreAndRead) {
  constexpr int kThreads = 8;
  constexpr int kBars = 20;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const std::string symbol = "S" + std::to_string(t);
      for (int i = 0; i < kBars; ++i) {
        store_ohlcv_data(db, bar(symbol.c_str(), i));
        EXPECT_EQ(get_latest_data(db, symbol, "1m", 1), (std::vector<OhlcvBar>{bar(symbol.c_str(), i)}));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(db.get_dataframe("SELECT count(*) FROM ohlcv").get<std::int64_t>(0, 0), kThreads * kBars);
}

TEST_F(MarketData, OptionsFlowReadsBack) {
  auto bare = flow("O:AAPL260116P00190000", 1);
  bare = {.symbol = "AAPL",
          .timestamp = minute(1),
          .expiration_date = bare.expiration_date,
          .strike_price = number("-2.5"),
          .option_type = "P",
          .contract_symbol = bare.contract_symbol,
          .source = "test"};
  const std::vector<OptionFlow> all{flow("O:AAPL260116C00190000", 0), bare, flow("O:AAPL260116C00190000", 2)};
  EXPECT_EQ(store_options_flow(db, all).new_rows, 3U);
  EXPECT_EQ(store_options_flow(db, all).unchanged, 3U);
  EXPECT_EQ(get_options_flow(db, "AAPL", minute(0), minute(9)), all);
  EXPECT_THAT(get_contract_flow(db, "O:AAPL260116C00190000", minute(0), minute(9)),
              ElementsAre(all[0], all[2]));
}

TEST_F(MarketData, ProcessedFlowStaysProcessed) {
  const std::vector<OptionFlow> all{flow("C1", 0), flow("C2", 0)};
  store_options_flow(db, all);
  EXPECT_EQ(mark_options_flow_processed(db, std::span(all).first(1)), 1U);
  EXPECT_EQ(mark_options_flow_processed(db, all), 1U);
  auto corrected = all[0];
  corrected.volume = number("11");
  EXPECT_EQ(store_options_flow(db, corrected).changed, 1U);
  corrected.processed_by_feature_store = true;
  EXPECT_THAT(get_contract_flow(db, "C1", minute(0), minute(1)), ElementsAre(corrected));
}

TEST_F(MarketData, FlowThatCannotBeIsRejected) {
  auto untyped = flow("C", 0);
  untyped.option_type = "straddle";
  auto negative = flow("C", 0);
  negative.implied_volatility = number("-0.1");
  auto expired = flow("C", 0);
  expired.expiration_date = date_from("2026-01-03");
  auto last_day = flow("C", 0);
  last_day.expiration_date = date_from("2026-01-04");
  const auto result =
      store_options_flow(db, std::vector<OptionFlow>{untyped, negative, expired, last_day, flow("", 0)});
  EXPECT_EQ(result.new_rows, 1U);
  ASSERT_EQ(result.rejected.size(), 4U);
  EXPECT_EQ(result.rejected[0].reason, "its option type is \"straddle\", neither call nor put");
  EXPECT_EQ(result.rejected[1].reason, "its implied volatility is negative");
  EXPECT_EQ(result.rejected[2].reason, "it is of 2026-01-05 14:30:00+00, after the expiration on 2026-01-03");
  EXPECT_EQ(result.rejected[3].reason, "it has no contract symbol");
}

}  // namespace
}  // namespace tickstone
