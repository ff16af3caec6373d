-- SPDX-License-Identifier: Apache-2.0
-- Compression: when a chunk is past the usual time of corrections.
SELECT add_compression_policy('ohlcv', INTERVAL '14 days', if_not_exists => TRUE);
SELECT add_compression_policy('trades', INTERVAL '3 days', if_not_exists => TRUE);
SELECT add_compression_policy('quotes', INTERVAL '2 days', if_not_exists => TRUE);
SELECT add_compression_policy('options_flow', INTERVAL '14 days', if_not_exists => TRUE);
SELECT add_compression_policy('model_performance', INTERVAL '60 days', if_not_exists => TRUE);
SELECT add_compression_policy('feature_importance', INTERVAL '60 days', if_not_exists => TRUE);
SELECT add_compression_policy('feature_timeseries', INTERVAL '14 days', if_not_exists => TRUE);
SELECT add_compression_policy('feature_data', INTERVAL '14 days', if_not_exists => TRUE);
SELECT add_compression_policy('system_metrics', INTERVAL '7 days', if_not_exists => TRUE);
SELECT add_compression_policy('feature_access_log', INTERVAL '7 days', if_not_exists => TRUE);
SELECT add_compression_policy('cache_metrics', INTERVAL '7 days', if_not_exists => TRUE);

-- Retention runs for what the system says about itself, but not where older rows are there already: whoever kept them decides.
SELECT add_retention_policy('system_metrics', INTERVAL '90 days', if_not_exists => TRUE)
 WHERE NOT EXISTS (SELECT 1 FROM system_metrics WHERE timestamp < NOW() - INTERVAL '90 days');
SELECT add_retention_policy('feature_access_log', INTERVAL '1 year', if_not_exists => TRUE)
 WHERE NOT EXISTS (SELECT 1 FROM feature_access_log WHERE accessed_at < NOW() - INTERVAL '1 year');
SELECT add_retention_policy('cache_metrics', INTERVAL '90 days', if_not_exists => TRUE)
 WHERE NOT EXISTS (SELECT 1 FROM cache_metrics WHERE timestamp < NOW() - INTERVAL '90 days');

-- Of market data, features and results nothing is ever deleted unasked: these policies are there, paused, but for those that were
-- there before. One starts with
-- SELECT alter_job(job_id, scheduled => TRUE) FROM timescaledb_information.jobs
-- WHERE proc_name = 'policy_retention' AND hypertable_name = 'quotes';
CREATE TEMPORARY TABLE kept_policies AS
  SELECT hypertable_name FROM timescaledb_information.jobs WHERE proc_name = 'policy_retention';
SELECT add_retention_policy('ohlcv', INTERVAL '20 years', if_not_exists => TRUE);
SELECT add_retention_policy('trades', INTERVAL '2 years', if_not_exists => TRUE);
SELECT add_retention_policy('quotes', INTERVAL '6 months', if_not_exists => TRUE);
SELECT add_retention_policy('options_flow', INTERVAL '3 years', if_not_exists => TRUE);
SELECT add_retention_policy('model_performance', INTERVAL '5 years', if_not_exists => TRUE);
SELECT add_retention_policy('feature_importance', INTERVAL '5 years', if_not_exists => TRUE);
SELECT add_retention_policy('feature_timeseries', INTERVAL '5 years', if_not_exists => TRUE);
SELECT add_retention_policy('feature_data', INTERVAL '5 years', if_not_exists => TRUE);
SELECT alter_job(job_id, scheduled => FALSE) FROM timescaledb_information.jobs
 WHERE proc_name = 'policy_retention' AND hypertable_name IN ('ohlcv', 'trades', 'quotes', 'options_flow', 
                                                              'model_performance', 'feature_importance', 'feature_timeseries', 'feature_data')
   AND hypertable_name NOT IN (SELECT hypertable_name FROM kept_policies);
DROP TABLE kept_policies;
