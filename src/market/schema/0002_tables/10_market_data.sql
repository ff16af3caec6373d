-- SPDX-License-Identifier: Apache-2.0
-- Market data: bars, trades, quotes, options, and what is known about symbols.
-- Indexes have the names that PostgreSQL gives them when none is said, so tables that are there already keep theirs.

CREATE TABLE IF NOT EXISTS ohlcv (
    symbol TEXT NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    open NUMERIC NOT NULL,
    high NUMERIC NOT NULL,
    low NUMERIC NOT NULL,
    close NUMERIC NOT NULL,
    volume NUMERIC NOT NULL,
    source TEXT NOT NULL,
    timeframe TEXT NOT NULL,
    PRIMARY KEY (symbol, timestamp, timeframe)
);
SELECT create_hypertable('ohlcv', 'timestamp', chunk_time_interval => INTERVAL '7 days', if_not_exists => TRUE,
                         migrate_data => TRUE);
CREATE INDEX IF NOT EXISTS ohlcv_timestamp_idx ON ohlcv (timestamp DESC);
CREATE INDEX IF NOT EXISTS ohlcv_symbol_timeframe_idx ON ohlcv (symbol, timeframe);

CREATE TABLE IF NOT EXISTS trades (
    symbol TEXT NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    price NUMERIC NOT NULL,
    size NUMERIC NOT NULL,
    exchange INTEGER,
    conditions TEXT[],
    id BIGINT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (symbol, timestamp, id)
);
SELECT create_hypertable('trades', 'timestamp', chunk_time_interval => INTERVAL '1 day', if_not_exists => TRUE,
                         migrate_data => TRUE);
CREATE INDEX IF NOT EXISTS trades_timestamp_idx ON trades (timestamp DESC);
CREATE INDEX IF NOT EXISTS trades_symbol_id_idx ON trades (symbol, id);

CREATE TABLE IF NOT EXISTS quotes (
    symbol TEXT NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    bid_price NUMERIC NOT NULL,
    bid_size NUMERIC NOT NULL,
    ask_price NUMERIC NOT NULL,
    ask_size NUMERIC NOT NULL,
    exchange INTEGER,
    conditions TEXT[],
    id BIGINT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (symbol, timestamp, id)
);
SELECT create_hypertable('quotes', 'timestamp', chunk_time_interval => INTERVAL '1 day', if_not_exists => TRUE,
                         migrate_data => TRUE);
CREATE INDEX IF NOT EXISTS quotes_timestamp_idx ON quotes (timestamp DESC);
CREATE INDEX IF NOT EXISTS quotes_symbol_id_idx ON quotes (symbol, id);

CREATE TABLE IF NOT EXISTS options_flow (
    symbol TEXT NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    expiration_date DATE NOT NULL,
    strike_price NUMERIC NOT NULL,
    option_type TEXT NOT NULL,
    contract_symbol TEXT NOT NULL,
    premium NUMERIC,
    volume NUMERIC,
    open_interest NUMERIC,
    implied_volatility NUMERIC,
    delta NUMERIC,
    gamma NUMERIC,
    theta NUMERIC,
    vega NUMERIC,
    underlying_price NUMERIC,
    sentiment_score NUMERIC,
    sentiment_source TEXT,
    source TEXT NOT NULL,
    batch_id TEXT,
    processed_by_feature_store BOOLEAN DEFAULT FALSE,
    PRIMARY KEY (contract_symbol, timestamp)
);
SELECT create_hypertable('options_flow', 'timestamp', chunk_time_interval => INTERVAL '7 days', if_not_exists => TRUE,
                         migrate_data => TRUE);
CREATE INDEX IF NOT EXISTS options_flow_timestamp_idx ON options_flow (timestamp DESC);
CREATE INDEX IF NOT EXISTS options_flow_symbol_idx ON options_flow (symbol);
CREATE INDEX IF NOT EXISTS options_flow_expiration_date_idx ON options_flow (expiration_date);
CREATE INDEX IF NOT EXISTS options_flow_sentiment_score_idx ON options_flow (sentiment_score);

CREATE TABLE IF NOT EXISTS symbols (
    symbol TEXT PRIMARY KEY,
    name TEXT,
    type TEXT,
    market TEXT,
    currency TEXT,
    active BOOLEAN DEFAULT TRUE,
    last_updated TIMESTAMPTZ DEFAULT NOW(),
    metadata JSONB
);
CREATE INDEX IF NOT EXISTS symbols_active_idx ON symbols (active);
CREATE INDEX IF NOT EXISTS symbols_type_idx ON symbols (type);

CREATE TABLE IF NOT EXISTS symbol_groups (
    group_name TEXT NOT NULL,
    symbol TEXT NOT NULL,
    added_at TIMESTAMPTZ DEFAULT NOW(),
    PRIMARY KEY (group_name, symbol)
);
CREATE INDEX IF NOT EXISTS symbol_groups_symbol_idx ON symbol_groups (symbol);

CREATE TABLE IF NOT EXISTS data_collection_status (
    symbol TEXT NOT NULL,
    data_type TEXT NOT NULL,
    date_range TEXT,
    collection_time TIMESTAMPTZ DEFAULT NOW(),
    status TEXT,
    num_records INTEGER DEFAULT 0,
    details JSONB,
    PRIMARY KEY (symbol, data_type)
);
CREATE INDEX IF NOT EXISTS data_collection_status_status_idx ON data_collection_status (status);
CREATE INDEX IF NOT EXISTS data_collection_status_collection_time_idx ON data_collection_status (collection_time DESC);
