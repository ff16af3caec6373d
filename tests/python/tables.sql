-- The tables of the application, for homes that were not migrated; what becomes a hypertable is in homes.py.
CREATE TABLE ohlcv (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, open NUMERIC NOT NULL, high NUMERIC NOT NULL,
  low NUMERIC NOT NULL, close NUMERIC NOT NULL, volume NUMERIC NOT NULL, source TEXT NOT NULL, timeframe TEXT NOT NULL,
  PRIMARY KEY (symbol, timestamp, timeframe));
CREATE TABLE trades (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, price NUMERIC NOT NULL, size NUMERIC NOT NULL,
  exchange INTEGER, conditions TEXT[], id BIGINT NOT NULL, source TEXT NOT NULL, PRIMARY KEY (symbol, timestamp, id));
CREATE TABLE quotes (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, bid_price NUMERIC NOT NULL, bid_size NUMERIC NOT NULL,
  ask_price NUMERIC NOT NULL, ask_size NUMERIC NOT NULL, exchange INTEGER, conditions TEXT[], id BIGINT NOT NULL,
  source TEXT NOT NULL, PRIMARY KEY (symbol, timestamp, id));
CREATE TABLE options_flow (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, expiration_date DATE NOT NULL,
  strike_price NUMERIC NOT NULL, option_type TEXT NOT NULL, contract_symbol TEXT NOT NULL, premium NUMERIC, volume NUMERIC,
  open_interest NUMERIC, implied_volatility NUMERIC, delta NUMERIC, gamma NUMERIC, theta NUMERIC, vega NUMERIC,
  underlying_price NUMERIC, sentiment_score NUMERIC, sentiment_source TEXT, source TEXT NOT NULL, batch_id TEXT,
  processed_by_feature_store BOOLEAN DEFAULT FALSE, PRIMARY KEY (contract_symbol, timestamp));
CREATE TABLE symbols (symbol TEXT PRIMARY KEY, name TEXT, type TEXT, market TEXT, currency TEXT, active BOOLEAN DEFAULT TRUE,
  last_updated TIMESTAMPTZ DEFAULT NOW(), metadata JSONB);
CREATE TABLE symbol_groups (group_name TEXT NOT NULL, symbol TEXT NOT NULL, added_at TIMESTAMPTZ DEFAULT NOW(),
  PRIMARY KEY (group_name, symbol));
CREATE TABLE data_collection_status (symbol TEXT NOT NULL, data_type TEXT NOT NULL, date_range TEXT,
  collection_time TIMESTAMPTZ DEFAULT NOW(), status TEXT, num_records INTEGER DEFAULT 0, details JSONB,
  PRIMARY KEY (symbol, data_type));
CREATE TABLE model_performance (model_id TEXT NOT NULL, model_type TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL,
  metrics JSONB NOT NULL, parameters JSONB, PRIMARY KEY (model_id, timestamp));
CREATE TABLE feature_importance (model_id TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, feature_name TEXT NOT NULL,
  importance NUMERIC NOT NULL, PRIMARY KEY (model_id, timestamp, feature_name));
CREATE TABLE system_metrics (timestamp TIMESTAMPTZ NOT NULL, metric_name TEXT NOT NULL, metric_value NUMERIC NOT NULL,
  labels JSONB, PRIMARY KEY (timestamp, metric_name));
CREATE TABLE feature_metadata (feature_name TEXT PRIMARY KEY, description TEXT, created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(), tags TEXT[], parameters JSONB, source TEXT);
CREATE TABLE feature_timeseries (feature_name TEXT NOT NULL, symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL,
  value NUMERIC NOT NULL, tags JSONB, PRIMARY KEY (feature_name, symbol, timestamp));
CREATE TABLE feature_relationships (source_feature TEXT NOT NULL, target_feature TEXT NOT NULL, relationship_type TEXT NOT NULL,
  metadata JSONB, PRIMARY KEY (source_feature, target_feature, relationship_type));
CREATE TABLE feature_access_log (feature_name TEXT NOT NULL, accessed_at TIMESTAMPTZ NOT NULL, accessed_by TEXT NOT NULL,
  operation TEXT NOT NULL);
CREATE TABLE cache_metrics (timestamp TIMESTAMPTZ NOT NULL, cache_name TEXT NOT NULL, hit_count INTEGER NOT NULL,
  miss_count INTEGER NOT NULL, size_bytes BIGINT, eviction_count INTEGER, PRIMARY KEY (timestamp, cache_name));
CREATE TABLE positions (id SERIAL PRIMARY KEY, ticker TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, entry_price NUMERIC NOT NULL,
  stop_price NUMERIC, shares INTEGER NOT NULL, position_value NUMERIC NOT NULL, risk_amount NUMERIC, stop_percentage NUMERIC,
  metadata JSONB, is_focus_ticker BOOLEAN DEFAULT FALSE);
