-- SPDX-License-Identifier: Apache-2.0
-- Daily bars and hourly features, current to the last row: buckets that are not materialized yet are computed when they are read.
SELECT _tickstone.create_continuous_aggregate(
  'daily_ohlcv_agg', 'ohlcv', 'day', INTERVAL '1 day',
  $$symbol, time_bucket('1 day', timestamp) AS day, timeframe, first(open, timestamp) AS open, max(high) AS high, min(low) AS low,
    last(close, timestamp) AS close, sum(volume) AS volume, count(*) AS sample_count$$,
  'symbol, day, timeframe', materialized_only => FALSE);

SELECT _tickstone.create_continuous_aggregate(
  'hourly_feature_agg', 'feature_timeseries', 'hour', INTERVAL '1 hour',
  $$feature_name, symbol, time_bucket('1 hour', timestamp) AS hour, avg(value) AS avg_value, min(value) AS min_value,
    max(value) AS max_value, count(*) AS sample_count$$,
  'feature_name, symbol, hour', materialized_only => FALSE);
