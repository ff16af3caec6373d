-- Tables of a trading system as its tools expect them: what the clients are shown.
CREATE EXTENSION IF NOT EXISTS timescaledb CASCADE;
CREATE TABLE ohlcv (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, open NUMERIC NOT NULL, high NUMERIC NOT NULL,
  low NUMERIC NOT NULL, close NUMERIC NOT NULL, volume NUMERIC NOT NULL, source TEXT NOT NULL, timeframe TEXT NOT NULL,
  PRIMARY KEY (symbol, timestamp, timeframe));
SELECT create_hypertable('ohlcv', 'timestamp');
CREATE INDEX ON ohlcv (timestamp DESC);
CREATE INDEX ON ohlcv (symbol, timeframe);
CREATE TABLE trades (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, price NUMERIC NOT NULL, size NUMERIC NOT NULL,
  exchange INTEGER, conditions TEXT[], id BIGINT NOT NULL, source TEXT NOT NULL, PRIMARY KEY (symbol, timestamp, id));
SELECT create_hypertable('trades', 'timestamp');
CREATE INDEX ON trades (symbol, id);
CREATE TABLE symbols (symbol TEXT PRIMARY KEY, name TEXT, type TEXT, market TEXT, currency TEXT, active BOOLEAN DEFAULT TRUE,
  last_updated TIMESTAMPTZ DEFAULT NOW(), metadata JSONB);
CREATE INDEX ON symbols (active);
CREATE TABLE feature_metadata (feature_name TEXT PRIMARY KEY, description TEXT, created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  tags TEXT[], parameters JSONB, source TEXT);
CREATE INDEX ON feature_metadata USING GIN (tags);
CREATE TABLE positions (id SERIAL PRIMARY KEY, ticker TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, entry_price NUMERIC NOT NULL,
  stop_price NUMERIC, shares INTEGER NOT NULL, position_value NUMERIC NOT NULL, metadata JSONB, is_focus_ticker BOOLEAN DEFAULT FALSE);
CREATE INDEX ON positions (ticker);
CREATE TABLE options_flow (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, expiration_date DATE NOT NULL,
  strike_price NUMERIC NOT NULL, contract_symbol TEXT NOT NULL, delta NUMERIC, processed_by_feature_store BOOLEAN DEFAULT FALSE,
  PRIMARY KEY (contract_symbol, timestamp));
SELECT create_hypertable('options_flow', 'timestamp');
CREATE VIEW focus AS SELECT ticker, shares FROM positions WHERE is_focus_ticker;
CREATE MATERIALIZED VIEW daily_ohlcv_agg WITH (timescaledb.continuous) AS
  SELECT symbol, time_bucket('1 day', timestamp) AS day, timeframe, first(open, timestamp) AS open, max(high) AS high, min(low) AS low,
    last(close, timestamp) AS close, sum(volume) AS volume, count(*) AS sample_count
  FROM ohlcv GROUP BY symbol, day, timeframe
  WITH NO DATA;
