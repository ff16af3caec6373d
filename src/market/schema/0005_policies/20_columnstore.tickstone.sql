-- SPDX-License-Identifier: Apache-2.0
-- How chunks are laid out when they are compressed: what is read together, a series, lies together.
ALTER TABLE ohlcv SET (timescaledb.compress, timescaledb.compress_segmentby = 'symbol, timeframe',
                     timescaledb.compress_orderby = 'timestamp DESC');
ALTER TABLE trades SET (timescaledb.compress, timescaledb.compress_segmentby = 'symbol',
                     timescaledb.compress_orderby = 'timestamp DESC, id DESC');
ALTER TABLE quotes SET (timescaledb.compress, timescaledb.compress_segmentby = 'symbol',
                     timescaledb.compress_orderby = 'timestamp DESC, id DESC');
ALTER TABLE options_flow SET (timescaledb.compress, timescaledb.compress_segmentby = 'symbol, contract_symbol',
                     timescaledb.compress_orderby = 'timestamp DESC');
ALTER TABLE model_performance SET (timescaledb.compress, timescaledb.compress_segmentby = 'model_id',
                     timescaledb.compress_orderby = 'timestamp DESC');
ALTER TABLE feature_importance SET (timescaledb.compress, timescaledb.compress_segmentby = 'model_id',
                     timescaledb.compress_orderby = 'timestamp DESC, feature_name');
ALTER TABLE feature_timeseries SET (timescaledb.compress, timescaledb.compress_segmentby = 'feature_name, symbol',
                     timescaledb.compress_orderby = 'timestamp DESC');
ALTER TABLE feature_data SET (timescaledb.compress, timescaledb.compress_segmentby = 'feature_set, symbol',
                     timescaledb.compress_orderby = 'timestamp DESC');
ALTER TABLE system_metrics SET (timescaledb.compress, timescaledb.compress_segmentby = 'metric_name',
                     timescaledb.compress_orderby = 'timestamp DESC');
ALTER TABLE feature_access_log SET (timescaledb.compress, timescaledb.compress_segmentby = 'feature_name',
                     timescaledb.compress_orderby = 'accessed_at DESC');
ALTER TABLE cache_metrics SET (timescaledb.compress, timescaledb.compress_segmentby = 'cache_name',
                     timescaledb.compress_orderby = 'timestamp DESC');
