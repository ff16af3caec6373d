// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <tickstone/error.hpp>
#include <tickstone/market_data.hpp>

#include "market/store_rows.hpp"
#include "types/decimal.hpp"

namespace tickstone {
namespace {

using market::BatchStore;
using market::ColumnKind;
using market::is_negative;
using market::read_row;
using market::read_rows;

const BatchStore& ohlcv_store() {
  static const BatchStore store({.name = "ohlcv",
                                 .columns = {{"symbol", ColumnKind::Text, true},
                                             {"timestamp", ColumnKind::Time, true},
                                             {"open", ColumnKind::Numeric, true},
                                             {"high", ColumnKind::Numeric, true},
                                             {"low", ColumnKind::Numeric, true},
                                             {"close", ColumnKind::Numeric, true},
                                             {"volume", ColumnKind::Numeric, true},
                                             {"timeframe", ColumnKind::Text, true},
                                             {"source", ColumnKind::Text, true}},
                                 .key = {0, 1, 7},
                                 .series = {0, 7},
                                 .time = 1});
  return store;
}

std::string reason_against_bar(const OhlcvBar& bar) {
  if (bar.symbol.empty()) return "it has no symbol";
  if (bar.timeframe.empty()) return "it has no timeframe";
  if (bar.high < bar.low)
    return "its high, " + bar.high.to_string() + ", is below its low, " + bar.low.to_string();
  const auto is_outside = [&](const Decimal& price) { return price < bar.low || price > bar.high; };
  const std::string range =
      " is outside of its low and high, " + bar.low.to_string() + " to " + bar.high.to_string();
  if (is_outside(bar.open)) return "its open, " + bar.open.to_string() + "," + range;
  if (is_outside(bar.close)) return "its close, " + bar.close.to_string() + "," + range;
  if (is_negative(bar.volume)) return "its volume is negative";
  return {};
}

Parameters cells_of_bar(const OhlcvBar& bar) {
  return {bar.symbol, bar.timestamp, bar.open,      bar.high,  bar.low,
          bar.close,  bar.volume,    bar.timeframe, bar.source};
}

OhlcvBar bar_from(const DataFrame& frame, std::size_t row) {
  return {frame.get<std::string>(row, 0), frame.get<Timestamp>(row, 1),   frame.get<Decimal>(row, 2),
          frame.get<Decimal>(row, 3),     frame.get<Decimal>(row, 4),     frame.get<Decimal>(row, 5),
          frame.get<Decimal>(row, 6),     frame.get<std::string>(row, 7), frame.get<std::string>(row, 8)};
}

const BatchStore& trade_store() {
  static const BatchStore store({.name = "trades",
                                 .columns = {{"symbol", ColumnKind::Text, true},
                                             {"timestamp", ColumnKind::Time, true},
                                             {"price", ColumnKind::Numeric, true},
                                             {"size", ColumnKind::Numeric, true},
                                             {"exchange", ColumnKind::Integer},
                                             {"conditions", ColumnKind::Texts},
                                             {"id", ColumnKind::BigInt, true},
                                             {"source", ColumnKind::Text, true}},
                                 .key = {0, 1, 6},
                                 .series = {0},
                                 .time = 1});
  return store;
}

std::string reason_against_trade(const Trade& trade) {
  if (trade.symbol.empty()) return "it has no symbol";
  if (is_negative(trade.size)) return "its size is negative";
  return {};
}

Parameters cells_of_trade(const Trade& trade) {
  return {trade.symbol,   trade.timestamp,  trade.price, trade.size,
          trade.exchange, trade.conditions, trade.id,    trade.source};
}

Trade trade_from(const DataFrame& frame, std::size_t row) {
  return {frame.get<std::string>(row, 0),
          frame.get<Timestamp>(row, 1),
          frame.get<Decimal>(row, 2),
          frame.get<Decimal>(row, 3),
          frame.get<std::optional<std::int32_t>>(row, 4),
          market::texts_at(frame, row, 5),
          frame.get<std::int64_t>(row, 6),
          frame.get<std::string>(row, 7)};
}

const BatchStore& quote_store() {
  static const BatchStore store({.name = "quotes",
                                 .columns = {{"symbol", ColumnKind::Text, true},
                                             {"timestamp", ColumnKind::Time, true},
                                             {"bid_price", ColumnKind::Numeric, true},
                                             {"bid_size", ColumnKind::Numeric, true},
                                             {"ask_price", ColumnKind::Numeric, true},
                                             {"ask_size", ColumnKind::Numeric, true},
                                             {"exchange", ColumnKind::Integer},
                                             {"conditions", ColumnKind::Texts},
                                             {"id", ColumnKind::BigInt, true},
                                             {"source", ColumnKind::Text, true}},
                                 .key = {0, 1, 8},
                                 .series = {0},
                                 .time = 1});
  return store;
}

std::string reason_against_quote(const Quote& quote) {
  if (quote.symbol.empty()) return "it has no symbol";
  if (is_negative(quote.bid_size)) return "its bid size is negative";
  if (is_negative(quote.ask_size)) return "its ask size is negative";
  return {};
}

Parameters cells_of_quote(const Quote& quote) {
  return {quote.symbol,   quote.timestamp, quote.bid_price,  quote.bid_size, quote.ask_price,
          quote.ask_size, quote.exchange,  quote.conditions, quote.id,       quote.source};
}

Quote quote_from(const DataFrame& frame, std::size_t row) {
  return {frame.get<std::string>(row, 0),
          frame.get<Timestamp>(row, 1),
          frame.get<Decimal>(row, 2),
          frame.get<Decimal>(row, 3),
          frame.get<Decimal>(row, 4),
          frame.get<Decimal>(row, 5),
          frame.get<std::optional<std::int32_t>>(row, 6),
          market::texts_at(frame, row, 7),
          frame.get<std::int64_t>(row, 8),
          frame.get<std::string>(row, 9)};
}

/// (a + b) / 2, which one digit more holds. Nothing where that is more than a Decimal has.
std::optional<Decimal> mid_of(const Decimal& a, const Decimal& b) {
  const int scale = std::max(a.scale, b.scale) + 1;
  const auto x = rescale(a.unscaled, a.scale, scale);
  const auto y = rescale(b.unscaled, b.scale, scale);
  if (scale > kMaxNumericDigits || !x || !y) return std::nullopt;
  return trimmed({*x / 2 + *y / 2, static_cast<std::uint8_t>(scale)});
}

std::string latest_sql(const BatchStore& store, std::string_view conditions, std::string_view order) {
  return market::select_from(store.table()) + "WHERE symbol = $1" + std::string(conditions) +
         " ORDER BY timestamp DESC" + std::string(order);
}

constexpr std::string_view kRange =
    "WHERE symbol = $1 AND timestamp >= $2 AND timestamp < $3 ORDER BY timestamp, id";

}  // namespace

BatchResult store_ohlcv_data(Executor& executor, const OhlcvBar& bar) {
  return market::store_row(ohlcv_store(), executor, bar, reason_against_bar, cells_of_bar);
}
BatchResult batch_store_ohlcv_data(Executor& executor, std::span<const OhlcvBar> bars) {
  return market::store_rows(ohlcv_store(), executor, bars, reason_against_bar, cells_of_bar);
}
BatchResult store_trades_data(Executor& executor, const Trade& trade) {
  return market::store_row(trade_store(), executor, trade, reason_against_trade, cells_of_trade);
}
BatchResult store_trades_data(Executor& executor, std::span<const Trade> trades) {
  return market::store_rows(trade_store(), executor, trades, reason_against_trade, cells_of_trade);
}
BatchResult store_quotes_data(Executor& executor, const Quote& quote) {
  return market::store_row(quote_store(), executor, quote, reason_against_quote, cells_of_quote);
}
BatchResult store_quotes_data(Executor& executor, std::span<const Quote> quotes) {
  return market::store_rows(quote_store(), executor, quotes, reason_against_quote, cells_of_quote);
}

std::vector<OhlcvBar> get_ohlcv_data(Executor& executor, std::string_view symbol, std::string_view timeframe,
                                     Timestamp start, Timestamp end) {
  static const std::string sql =
      market::select_from(ohlcv_store().table()) +
      "WHERE symbol = $1 AND timeframe = $2 AND timestamp >= $3 AND timestamp < $4 ORDER BY timestamp";
  return read_rows(executor, sql, {symbol, timeframe, start, end}, bar_from);
}

std::vector<Trade> get_trades_data(Executor& executor, std::string_view symbol, Timestamp start,
                                   Timestamp end) {
  static const std::string sql = market::select_from(trade_store().table()) + std::string(kRange);
  return read_rows(executor, sql, {symbol, start, end}, trade_from);
}

std::vector<Quote> get_quotes_data(Executor& executor, std::string_view symbol, Timestamp start,
                                   Timestamp end) {
  static const std::string sql = market::select_from(quote_store().table()) + std::string(kRange);
  return read_rows(executor, sql, {symbol, start, end}, quote_from);
}

std::vector<OhlcvBar> get_latest_data(Executor& executor, std::string_view symbol, std::string_view timeframe,
                                      std::size_t limit) {
  static const std::string sql = latest_sql(ohlcv_store(), " AND timeframe = $2", " LIMIT $3");
  auto bars = read_rows(executor, sql, {symbol, timeframe, limit}, bar_from);
  std::ranges::reverse(bars);
  return bars;
}

DataFrame get_latest_dataframe(Executor& executor, std::string_view symbol, std::string_view timeframe,
                               std::size_t limit) {
  static const std::string sql = "SELECT * FROM (" +
                                 latest_sql(ohlcv_store(), " AND timeframe = $2", " LIMIT $3") +
                                 ") AS latest ORDER BY timestamp";
  return executor.get_dataframe(sql, {symbol, timeframe, limit});
}

std::optional<Trade> get_latest_trade(Executor& executor, std::string_view symbol) {
  static const std::string sql = latest_sql(trade_store(), "", ", id DESC LIMIT 1");
  return read_row(executor, sql, {symbol}, trade_from);
}

std::optional<Quote> get_latest_quote(Executor& executor, std::string_view symbol) {
  static const std::string sql = latest_sql(quote_store(), "", ", id DESC LIMIT 1");
  return read_row(executor, sql, {symbol}, quote_from);
}

std::optional<LatestPrice> get_latest_price(Executor& executor, std::string_view symbol,
                                            Timestamp not_before) {
  if (const auto trade = get_latest_trade(executor, symbol); trade && trade->timestamp >= not_before)
    return LatestPrice{trade->price, trade->timestamp, PriceOrigin::Trade};
  if (const auto quote = get_latest_quote(executor, symbol); quote && quote->timestamp >= not_before &&
                                                             quote->bid_price > Decimal{} &&
                                                             quote->ask_price > Decimal{}) {
    if (const auto mid = mid_of(quote->bid_price, quote->ask_price))
      return LatestPrice{*mid, quote->timestamp, PriceOrigin::QuoteMid};
  }
  static const std::string sql = latest_sql(ohlcv_store(), "", " LIMIT 1");
  if (const auto bar = read_row(executor, sql, {symbol}, bar_from); bar && bar->timestamp >= not_before)
    return LatestPrice{bar->close, bar->timestamp, PriceOrigin::BarClose};
  return std::nullopt;
}

}  // namespace tickstone
