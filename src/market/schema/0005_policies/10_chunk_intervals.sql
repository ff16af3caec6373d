-- SPDX-License-Identifier: Apache-2.0
-- Chunk intervals, also of hypertables that were there already: for chunks to come. docs/schema.md has the reasons.
SELECT set_chunk_time_interval('ohlcv', INTERVAL '7 days');
SELECT set_chunk_time_interval('trades', INTERVAL '1 day');
SELECT set_chunk_time_interval('quotes', INTERVAL '1 day');
SELECT set_chunk_time_interval('options_flow', INTERVAL '7 days');
SELECT set_chunk_time_interval('model_performance', INTERVAL '30 days');
SELECT set_chunk_time_interval('feature_importance', INTERVAL '30 days');
SELECT set_chunk_time_interval('feature_timeseries', INTERVAL '7 days');
SELECT set_chunk_time_interval('feature_data', INTERVAL '7 days');
SELECT set_chunk_time_interval('system_metrics', INTERVAL '7 days');
SELECT set_chunk_time_interval('feature_access_log', INTERVAL '7 days');
SELECT set_chunk_time_interval('cache_metrics', INTERVAL '7 days');
