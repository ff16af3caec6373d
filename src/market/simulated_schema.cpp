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

const std::vector<std::string>& simulated_schema() {
  static const std::vector<std::string> statements = {
      "CREATE EXTENSION IF NOT EXISTS timescaledb CASCADE",
      "CREATE TABLE IF NOT EXISTS symbols (symbol TEXT PRIMARY KEY, name TEXT, type TEXT, market TEXT, "
      "currency TEXT, active BOOLEAN DEFAULT TRUE, "
      "last_updated TIMESTAMPTZ DEFAULT NOW(), metadata JSONB)",
      "CREATE TABLE IF NOT EXISTS trades (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, price "
      "NUMERIC NOT NULL, size NUMERIC NOT NULL, "
      "exchange INTEGER, conditions TEXT[], id BIGINT NOT NULL, source TEXT NOT NULL, PRIMARY KEY (symbol, "
      "timestamp, id))",
      "SELECT create_hypertable('trades', 'timestamp', if_not_exists => TRUE)",
      "CREATE TABLE IF NOT EXISTS quotes (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, bid_price "
      "NUMERIC NOT NULL, bid_size NUMERIC NOT NULL, "
      "ask_price NUMERIC NOT NULL, ask_size NUMERIC NOT NULL, exchange INTEGER, conditions TEXT[], id BIGINT "
      "NOT NULL, source TEXT NOT NULL, "
      "PRIMARY KEY (symbol, timestamp, id))",
      "SELECT create_hypertable('quotes', 'timestamp', if_not_exists => TRUE)",
      "CREATE TABLE IF NOT EXISTS ohlcv (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, open NUMERIC "
      "NOT NULL, high NUMERIC NOT NULL, "
      "low NUMERIC NOT NULL, close NUMERIC NOT NULL, volume NUMERIC NOT NULL, source TEXT NOT NULL, "
      "timeframe TEXT NOT NULL, "
      "PRIMARY KEY (symbol, timestamp, timeframe))",
      "SELECT create_hypertable('ohlcv', 'timestamp', if_not_exists => TRUE)",
      "CREATE TABLE IF NOT EXISTS options_flow (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, "
      "expiration_date DATE NOT NULL, "
      "strike_price NUMERIC NOT NULL, option_type TEXT NOT NULL, contract_symbol TEXT NOT NULL, premium "
      "NUMERIC, volume NUMERIC, open_interest NUMERIC, "
      "implied_volatility NUMERIC, delta NUMERIC, gamma NUMERIC, theta NUMERIC, vega NUMERIC, "
      "underlying_price NUMERIC, sentiment_score NUMERIC, "
      "sentiment_source TEXT, source TEXT NOT NULL, batch_id TEXT, processed_by_feature_store BOOLEAN "
      "DEFAULT FALSE, "
      "PRIMARY KEY (contract_symbol, timestamp))",
      "SELECT create_hypertable('options_flow', 'timestamp', if_not_exists => TRUE)",
      "CREATE TABLE IF NOT EXISTS feature_metadata (feature_name TEXT PRIMARY KEY, description TEXT, "
      "created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(), "
      "updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(), tags TEXT[], parameters JSONB, source TEXT)",
      "CREATE TABLE IF NOT EXISTS feature_timeseries (feature_name TEXT NOT NULL, symbol TEXT NOT NULL, "
      "timestamp TIMESTAMPTZ NOT NULL, "
      "value NUMERIC NOT NULL, tags JSONB, PRIMARY KEY (feature_name, symbol, timestamp))",
      "SELECT create_hypertable('feature_timeseries', 'timestamp', if_not_exists => TRUE)",
  };
  return statements;
}

}  // namespace tickstone::market
