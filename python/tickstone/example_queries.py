# SPDX-License-Identifier: Apache-2.0
"""The queries that query_db.py knows by name, by category."""
from __future__ import annotations


def _newest(table: str, columns: str, time: str = "timestamp", limit: int = 20) -> str:
    return f"SELECT {columns} FROM {table} ORDER BY {time} DESC LIMIT {limit}"


CATEGORIES: dict[str, dict[str, str]] = {
    "Basic Information": {
        "tables": "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name",
        "hypertables": "SELECT hypertable_schema, hypertable_name, owner, num_dimensions, num_chunks, compression_enabled "
                       "FROM timescaledb_information.hypertables ORDER BY hypertable_name",
        "database_size": "SELECT pg_size_pretty(pg_database_size(current_database())) AS database_size",
        "compression_stats": "SELECT hypertable_name, hypertable_size, compressed_total_size, compression_ratio "
                             "FROM timescaledb_information.compressed_hypertable_stats",
    },
    "Market Data": {
        "recent_ohlcv": _newest("ohlcv", "symbol, timestamp, open, high, low, close, volume", limit=10),
        "recent_trades": _newest("trades", "symbol, timestamp, price, size", limit=10),
        "recent_quotes": _newest("quotes", "symbol, timestamp, bid_price, bid_size, ask_price, ask_size", limit=10),
        "daily_ohlcv_agg": _newest(
            "daily_ohlcv_agg", "symbol, day, timeframe, open, high, low, close, volume, sample_count", "day"),
    },
    "Symbol Information": {
        "active_symbols": "SELECT symbol, name, type, market, currency FROM symbols WHERE active ORDER BY symbol",
        "symbol_groups": "SELECT group_name, count(symbol) AS symbol_count FROM symbol_groups GROUP BY group_name "
                         "ORDER BY symbol_count DESC, group_name",
    },
    "Options Data": {
        "enhanced_options_flow": "SELECT symbol, timestamp, expiration_date, option_type, strike_price, premium, volume, "
                                 "open_interest, implied_volatility, delta, gamma, theta, vega, sentiment_score, "
                                 "sentiment_source FROM options_flow WHERE sentiment_score IS NOT NULL "
                                 "ORDER BY timestamp DESC LIMIT 20",
    },
    "Feature Store": {
        "feature_metadata": _newest(
            "feature_metadata", "feature_name, description, created_at, updated_at, tags, source", "updated_at"),
        "feature_timeseries": _newest("feature_timeseries", "feature_name, symbol, timestamp, value"),
        "feature_relationships": "SELECT source_feature, target_feature, relationship_type, metadata "
                                 "FROM feature_relationships LIMIT 20",
        "feature_access_log": _newest("feature_access_log", "feature_name, accessed_at, accessed_by, operation", "accessed_at"),
        "hourly_feature_agg": _newest(
            "hourly_feature_agg", "feature_name, symbol, hour, avg_value, min_value, max_value, sample_count", "hour"),
    },
    "ML & Performance": {
        "model_performance": _newest(
            "model_performance",
            "model_id, model_type, timestamp, metrics->'accuracy' AS accuracy, metrics->'f1_score' AS f1_score", limit=10),
        "top_features": "SELECT model_id, feature_name, importance FROM feature_importance ORDER BY importance DESC LIMIT 20",
        "cache_metrics": _newest(
            "cache_metrics",
            "timestamp, cache_name, hit_count, miss_count, CASE WHEN hit_count + miss_count > 0 "
            "THEN 100 * hit_count::float / (hit_count + miss_count) ELSE 0 END AS hit_rate_percent, size_bytes, eviction_count"),
    },
    "System": {
        "system_metrics_latest": _newest("system_metrics", "metric_name, metric_value, timestamp"),
    },
}

QUERIES: dict[str, str] = {name: query for queries in CATEGORIES.values() for name, query in queries.items()}

# What TimescaleDB has in place of its view of 1.x.
_ON_TIMESCALEDB = {
    "compression_stats": "SELECT h.hypertable_name, hypertable_size(r.oid) AS hypertable_size, "
                         "s.after_compression_total_bytes AS compressed_total_size, "
                         "round(s.before_compression_total_bytes::numeric / nullif(s.after_compression_total_bytes, 0), 2) "
                         "AS compression_ratio FROM timescaledb_information.hypertables h "
                         "JOIN pg_namespace n ON n.nspname = h.hypertable_schema "
                         "JOIN pg_class r ON r.relnamespace = n.oid AND r.relname = h.hypertable_name "
                         "LEFT JOIN LATERAL hypertable_compression_stats(r.oid) s ON true ORDER BY h.hypertable_name",
}


def query_for(name: str, home: str) -> str:
    """The SQL of an example on a home, which is what DatabaseManager.home says."""
    return _ON_TIMESCALEDB.get(name, QUERIES[name]) if home == "timescaledb" else QUERIES[name]
