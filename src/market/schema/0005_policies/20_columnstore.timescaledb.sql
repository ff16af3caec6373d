-- SPDX-License-Identifier: Apache-2.0
-- How chunks are laid out when they are compressed: what is read together, a series, lies together. A hypertable that is compressed
-- already keeps its layout, for it cannot be changed under compressed chunks.
DO $$
DECLARE
  layout RECORD;
BEGIN
  FOR layout IN
    SELECT wanted.* FROM (VALUES
      ('ohlcv', 'symbol, timeframe', 'timestamp DESC'),
      ('trades', 'symbol', 'timestamp DESC, id DESC'),
      ('quotes', 'symbol', 'timestamp DESC, id DESC'),
      ('options_flow', 'symbol, contract_symbol', 'timestamp DESC'),
      ('model_performance', 'model_id', 'timestamp DESC'),
      ('feature_importance', 'model_id', 'timestamp DESC, feature_name'),
      ('feature_timeseries', 'feature_name, symbol', 'timestamp DESC'),
      ('feature_data', 'feature_set, symbol', 'timestamp DESC'),
      ('system_metrics', 'metric_name', 'timestamp DESC'),
      ('feature_access_log', 'feature_name', 'accessed_at DESC'),
      ('cache_metrics', 'cache_name', 'timestamp DESC')) AS wanted(name, segment_by, order_by)
     WHERE NOT EXISTS (SELECT FROM timescaledb_information.hypertables h
                        WHERE format('%I.%I', h.hypertable_schema, h.hypertable_name)::regclass = wanted.name::regclass
                          AND h.compression_enabled) LOOP
    EXECUTE format('ALTER TABLE %I SET (timescaledb.compress, timescaledb.compress_segmentby = %L, timescaledb.compress_orderby = %L)',
                   layout.name, layout.segment_by, layout.order_by);
  END LOOP;
END $$;
