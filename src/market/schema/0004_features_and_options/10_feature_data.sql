-- SPDX-License-Identifier: Apache-2.0
-- One wide row for a symbol, a time and a set of features computed together: {"rsi_14": 55.2, "macd": -0.31}. What is read
-- together for training lies together; feature_timeseries has one row for each value instead.
CREATE TABLE IF NOT EXISTS feature_data (
    symbol TEXT NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    feature_set TEXT NOT NULL,
    features JSONB NOT NULL,
    version TEXT,
    source TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    PRIMARY KEY (symbol, timestamp, feature_set)
);
SELECT create_hypertable('feature_data', 'timestamp', chunk_time_interval => INTERVAL '7 days', if_not_exists => TRUE,
                         migrate_data => TRUE);
CREATE INDEX IF NOT EXISTS feature_data_timestamp_idx ON feature_data (timestamp DESC);
CREATE INDEX IF NOT EXISTS feature_data_feature_set_symbol_idx ON feature_data (feature_set, symbol);
