// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tickstone/batch_result.hpp>
#include <tickstone/database_manager.hpp>

namespace tickstone {

/// A row of `ohlcv`. A bar's timestamp is its start.
struct OhlcvBar {
  std::string symbol;
  Timestamp timestamp;
  Decimal open;
  Decimal high;
  Decimal low;
  Decimal close;
  Decimal volume;
  std::string timeframe = "day";
  std::string source = "polygon_api";
  friend bool operator==(const OhlcvBar&, const OhlcvBar&) = default;
};

/// A row of `trades`. `exchange` and `conditions` are the vendor's codes.
struct Trade {
  std::string symbol;
  Timestamp timestamp;
  Decimal price;
  Decimal size;
  std::optional<std::int32_t> exchange;
  std::optional<std::vector<std::string>> conditions;
  std::int64_t id = 0;
  std::string source = "polygon_api";
  friend bool operator==(const Trade&, const Trade&) = default;
};

/// A row of `quotes`. A side that nobody quotes has price 0.
struct Quote {
  std::string symbol;
  Timestamp timestamp;
  Decimal bid_price;
  Decimal bid_size;
  Decimal ask_price;
  Decimal ask_size;
  std::optional<std::int32_t> exchange;
  std::optional<std::vector<std::string>> conditions;
  std::int64_t id = 0;
  std::string source = "polygon_api";
  friend bool operator==(const Quote&, const Quote&) = default;
};

// Storing. All functions replace what is stored under a row's key (symbol, timestamp, and timeframe or id),
// leave equal rows alone, and count. Those of one row throw CheckViolation (23514) with the reason where it
// is rejected; those of many store the others. Each call is a transaction, or part of the one that `executor`
// is.
//
// Rejected is what is certainly wrong: no symbol or timeframe, an infinite time, a high below the low, an
// open or close outside of them, a negative volume or size. Kept is what markets do: prices of zero and less
// (spreads, power, oil), trades of size 0, locked and crossed quotes, rows that are late or of the future.

BatchResult store_ohlcv_data(Executor& executor, const OhlcvBar& bar);
/// Cost: a short read for each symbol and timeframe, and one COPY where many rows are new.
BatchResult batch_store_ohlcv_data(Executor& executor, std::span<const OhlcvBar> bars);
BatchResult store_trades_data(Executor& executor, const Trade& trade);
BatchResult store_trades_data(Executor& executor, std::span<const Trade> trades);
BatchResult store_quotes_data(Executor& executor, const Quote& quote);
BatchResult store_quotes_data(Executor& executor, std::span<const Quote> quotes);

// Reading. Rows of `[start, end)`, oldest first.

std::vector<OhlcvBar> get_ohlcv_data(Executor& executor, std::string_view symbol, std::string_view timeframe,
                                     Timestamp start, Timestamp end);
std::vector<Trade> get_trades_data(Executor& executor, std::string_view symbol, Timestamp start,
                                   Timestamp end);
std::vector<Quote> get_quotes_data(Executor& executor, std::string_view symbol, Timestamp start,
                                   Timestamp end);

/// The newest `limit` bars of a symbol, oldest first.
std::vector<OhlcvBar> get_latest_data(Executor& executor, std::string_view symbol,
                                      std::string_view timeframe = "day", std::size_t limit = 100);
/// As `get_latest_data`, with the table's columns.
DataFrame get_latest_dataframe(Executor& executor, std::string_view symbol,
                               std::string_view timeframe = "day", std::size_t limit = 100);
std::optional<Trade> get_latest_trade(Executor& executor, std::string_view symbol);
std::optional<Quote> get_latest_quote(Executor& executor, std::string_view symbol);

enum class PriceOrigin : std::uint8_t { Trade, QuoteMid, BarClose };

/// A price with its age: what to do about an old one is the caller's to know.
struct LatestPrice {
  Decimal price;
  Timestamp timestamp;
  PriceOrigin origin = PriceOrigin::Trade;
  friend bool operator==(const LatestPrice&, const LatestPrice&) = default;
};

/// The newest trade's price; without one the mid of the newest quote, if both its sides are above 0; else the
/// close of the newest bar, of any timeframe. Exact: a mid may have one digit more than its sides.
///
/// `not_before`: what is older counts as missing, so that a stale trade gives way to a fresh quote. Cost: a
/// short read, at most three.
std::optional<LatestPrice> get_latest_price(Executor& executor, std::string_view symbol,
                                            Timestamp not_before = kNegativeInfinity);

}  // namespace tickstone
