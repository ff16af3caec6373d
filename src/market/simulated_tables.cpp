// SPDX-License-Identifier: Apache-2.0
#include "market/market_simulator.hpp"

namespace tickstone::market {

std::string_view table_name(SimulatedTable table) {
  switch (table) {
    case SimulatedTable::Symbols:
      return "symbols";
    case SimulatedTable::Trades:
      return "trades";
    case SimulatedTable::Quotes:
      return "quotes";
    case SimulatedTable::Ohlcv:
      return "ohlcv";
    case SimulatedTable::OptionsFlow:
      return "options_flow";
    case SimulatedTable::FeatureMetadata:
      return "feature_metadata";
    case SimulatedTable::FeatureTimeseries:
      return "feature_timeseries";
  }
  return {};
}

std::string_view column_list(SimulatedTable table) {
  switch (table) {
    case SimulatedTable::Symbols:
      return "symbol, name, type, market, currency, active, metadata";
    case SimulatedTable::Trades:
      return "symbol, timestamp, price, size, exchange, conditions, id, source";
    case SimulatedTable::Quotes:
      return "symbol, timestamp, bid_price, bid_size, ask_price, ask_size, exchange, conditions, id, source";
    case SimulatedTable::Ohlcv:
      return "symbol, timestamp, open, high, low, close, volume, source, timeframe";
    case SimulatedTable::OptionsFlow:
      return "symbol, timestamp, expiration_date, strike_price, option_type, contract_symbol, premium, "
             "volume, open_interest, implied_volatility, "
             "delta, underlying_price, sentiment_score, sentiment_source, source";
    case SimulatedTable::FeatureMetadata:
      return "feature_name, description, tags, source";
    case SimulatedTable::FeatureTimeseries:
      return "feature_name, symbol, timestamp, value, tags";
  }
  return {};
}

}  // namespace tickstone::market
