-- SPDX-License-Identifier: Apache-2.0
-- Daily bars and hourly features, current to the last row: buckets that are not materialized yet are computed when they are read.
CREATE MATERIALIZED VIEW IF NOT EXISTS daily_ohlcv_agg
WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE) AS
SELECT
    symbol,
    time_bucket('1 day', timestamp) AS day,
    timeframe,
    first(open, timestamp) AS open,
    max(high) AS high,
    min(low) AS low,
    last(close, timestamp) AS close,
    sum(volume) AS volume,
    count(*) AS sample_count
FROM
    ohlcv
GROUP BY
    symbol, day, timeframe
WITH NO DATA;

CREATE MATERIALIZED VIEW IF NOT EXISTS hourly_feature_agg
WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE) AS
SELECT
    feature_name,
    symbol,
    time_bucket('1 hour', timestamp) AS hour,
    avg(value) AS avg_value,
    min(value) AS min_value,
    max(value) AS max_value,
    count(*) AS sample_count
FROM
    feature_timeseries
GROUP BY
    feature_name, symbol, hour
WITH NO DATA;

-- Aggregates that were there already.
ALTER MATERIALIZED VIEW daily_ohlcv_agg SET (timescaledb.materialized_only = FALSE);
ALTER MATERIALIZED VIEW hourly_feature_agg SET (timescaledb.materialized_only = FALSE);
