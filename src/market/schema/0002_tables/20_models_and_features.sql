-- SPDX-License-Identifier: Apache-2.0
-- Results of models, and the feature store.

CREATE TABLE IF NOT EXISTS model_performance (
    model_id TEXT NOT NULL,
    model_type TEXT NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    metrics JSONB NOT NULL,
    parameters JSONB,
    PRIMARY KEY (model_id, timestamp)
);
SELECT create_hypertable('model_performance', 'timestamp', chunk_time_interval => INTERVAL '30 days', if_not_exists => TRUE,
                         migrate_data => TRUE);
CREATE INDEX IF NOT EXISTS model_performance_timestamp_idx ON model_performance (timestamp DESC);
CREATE INDEX IF NOT EXISTS model_performance_model_type_idx ON model_performance (model_type);

CREATE TABLE IF NOT EXISTS feature_importance (
    model_id TEXT NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    feature_name TEXT NOT NULL,
    importance NUMERIC NOT NULL,
    PRIMARY KEY (model_id, timestamp, feature_name)
);
SELECT create_hypertable('feature_importance', 'timestamp', chunk_time_interval => INTERVAL '30 days', if_not_exists => TRUE,
                         migrate_data => TRUE);
CREATE INDEX IF NOT EXISTS feature_importance_timestamp_idx ON feature_importance (timestamp DESC);
CREATE INDEX IF NOT EXISTS feature_importance_feature_name_idx ON feature_importance (feature_name);

CREATE TABLE IF NOT EXISTS feature_metadata (
    feature_name TEXT PRIMARY KEY,
    description TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    tags TEXT[],
    parameters JSONB,
    source TEXT
);
CREATE INDEX IF NOT EXISTS feature_metadata_source_idx ON feature_metadata (source);
CREATE INDEX IF NOT EXISTS feature_metadata_tags_idx ON feature_metadata USING GIN (tags);

CREATE TABLE IF NOT EXISTS feature_timeseries (
    feature_name TEXT NOT NULL,
    symbol TEXT NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    value NUMERIC NOT NULL,
    tags JSONB,
    PRIMARY KEY (feature_name, symbol, timestamp)
);
SELECT create_hypertable('feature_timeseries', 'timestamp', chunk_time_interval => INTERVAL '7 days', if_not_exists => TRUE,
                         migrate_data => TRUE);
CREATE INDEX IF NOT EXISTS feature_timeseries_timestamp_idx ON feature_timeseries (timestamp DESC);
CREATE INDEX IF NOT EXISTS feature_timeseries_feature_name_symbol_idx ON feature_timeseries (feature_name, symbol);

CREATE TABLE IF NOT EXISTS feature_relationships (
    source_feature TEXT NOT NULL,
    target_feature TEXT NOT NULL,
    relationship_type TEXT NOT NULL,
    metadata JSONB,
    PRIMARY KEY (source_feature, target_feature, relationship_type)
);
CREATE INDEX IF NOT EXISTS feature_relationships_source_feature_idx ON feature_relationships (source_feature);
CREATE INDEX IF NOT EXISTS feature_relationships_target_feature_idx ON feature_relationships (target_feature);

CREATE TABLE IF NOT EXISTS feature_access_log (
    feature_name TEXT NOT NULL,
    accessed_at TIMESTAMPTZ NOT NULL,
    accessed_by TEXT NOT NULL,
    operation TEXT NOT NULL
);
SELECT create_hypertable('feature_access_log', 'accessed_at', chunk_time_interval => INTERVAL '7 days', if_not_exists => TRUE,
                         migrate_data => TRUE);
CREATE INDEX IF NOT EXISTS feature_access_log_accessed_at_idx ON feature_access_log (accessed_at DESC);
CREATE INDEX IF NOT EXISTS feature_access_log_feature_name_idx ON feature_access_log (feature_name);
