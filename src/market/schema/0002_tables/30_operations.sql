-- SPDX-License-Identifier: Apache-2.0
-- Positions, and the measurements of the system itself.

CREATE TABLE IF NOT EXISTS positions (
    id SERIAL PRIMARY KEY,
    ticker TEXT NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    entry_price NUMERIC NOT NULL,
    stop_price NUMERIC,
    shares INTEGER NOT NULL,
    position_value NUMERIC NOT NULL,
    risk_amount NUMERIC,
    stop_percentage NUMERIC,
    metadata JSONB,
    is_focus_ticker BOOLEAN DEFAULT FALSE
);
CREATE INDEX IF NOT EXISTS positions_ticker_idx ON positions (ticker);
CREATE INDEX IF NOT EXISTS positions_timestamp_idx ON positions (timestamp DESC);
CREATE INDEX IF NOT EXISTS positions_is_focus_ticker_idx ON positions (is_focus_ticker);

CREATE TABLE IF NOT EXISTS system_metrics (
    timestamp TIMESTAMPTZ NOT NULL,
    metric_name TEXT NOT NULL,
    metric_value NUMERIC NOT NULL,
    labels JSONB,
    PRIMARY KEY (timestamp, metric_name)
);
SELECT create_hypertable('system_metrics', 'timestamp', chunk_time_interval => INTERVAL '7 days', if_not_exists => TRUE,
                         migrate_data => TRUE);
CREATE INDEX IF NOT EXISTS system_metrics_timestamp_idx ON system_metrics (timestamp DESC);
CREATE INDEX IF NOT EXISTS system_metrics_metric_name_idx ON system_metrics (metric_name);

CREATE TABLE IF NOT EXISTS cache_metrics (
    timestamp TIMESTAMPTZ NOT NULL,
    cache_name TEXT NOT NULL,
    hit_count INTEGER NOT NULL,
    miss_count INTEGER NOT NULL,
    size_bytes BIGINT,
    eviction_count INTEGER,
    PRIMARY KEY (timestamp, cache_name)
);
SELECT create_hypertable('cache_metrics', 'timestamp', chunk_time_interval => INTERVAL '7 days', if_not_exists => TRUE,
                         migrate_data => TRUE);
CREATE INDEX IF NOT EXISTS cache_metrics_timestamp_idx ON cache_metrics (timestamp DESC);
CREATE INDEX IF NOT EXISTS cache_metrics_cache_name_idx ON cache_metrics (cache_name);
