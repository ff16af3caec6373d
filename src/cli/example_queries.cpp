// SPDX-License-Identifier: Apache-2.0
#include "cli/example_queries.hpp"

namespace tickstone::cli {
namespace {

// What TimescaleDB has in place of its view of 1.x.
constexpr std::string_view kCompressionFunctions =
    "SELECT h.hypertable_name, hypertable_size(r.oid) AS hypertable_size, s.after_compression_total_bytes AS "
    "compressed_total_size,\n       round(s.before_compression_total_bytes::numeric / "
    "nullif(s.after_compression_total_bytes, 0), 2) AS compression_ratio\nFROM "
    "timescaledb_information.hypertables h\nJOIN pg_namespace n ON n.nspname = h.hypertable_schema\nJOIN "
    "pg_class r ON r.relnamespace = n.oid AND r.relname = h.hypertable_name\nLEFT JOIN LATERAL "
    "hypertable_compression_stats(r.oid) s ON true\nORDER BY h.hypertable_name;";

}  // namespace

const std::vector<ExampleCategory>& example_queries() {
  static const std::vector<ExampleCategory> categories = {
      {"Basic Information",
       {{"tables",
         "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY "
         "table_name;"},
        {"hypertables",
         "SELECT hypertable_schema, hypertable_name, owner, num_dimensions, num_chunks, compression_enabled\n"
         "FROM timescaledb_information.hypertables\nORDER BY hypertable_name;"},
        {"database_size", "SELECT pg_size_pretty(pg_database_size(current_database())) AS database_size;"},
        {"compression_stats",
         "SELECT hypertable_name, hypertable_size, compressed_total_size, compression_ratio\n"
         "FROM timescaledb_information.compressed_hypertable_stats;",
         "timescaledb_information.compressed_hypertable_stats", kCompressionFunctions}}},
      {"Market Data",
       {{"recent_ohlcv",
         "SELECT symbol, timestamp, open, high, low, close, volume\nFROM ohlcv\nORDER BY timestamp "
         "DESC\nLIMIT 10;"},
        {"recent_trades",
         "SELECT symbol, timestamp, price, size\nFROM trades\nORDER BY timestamp DESC\nLIMIT 10;"},
        {"recent_quotes",
         "SELECT symbol, timestamp, bid_price, bid_size, ask_price, ask_size\nFROM quotes\nORDER BY "
         "timestamp "
         "DESC\nLIMIT 10;"},
        {"daily_ohlcv_agg",
         "SELECT symbol, day, timeframe, open, high, low, close, volume, sample_count\nFROM "
         "daily_ohlcv_agg\nORDER BY "
         "day DESC, symbol\nLIMIT 20;"}}},
      {"Symbol Information",
       {{"active_symbols",
         "SELECT symbol, name, type, market, currency\nFROM symbols\nWHERE active = true\nORDER BY symbol;"},
        {"symbol_groups",
         "SELECT group_name, count(symbol) AS symbol_count\nFROM symbol_groups\nGROUP BY group_name\nORDER "
         "BY "
         "symbol_count DESC, group_name;"}}},
      {"Options Data",
       {{"enhanced_options_flow",
         "SELECT symbol, timestamp, expiration_date, option_type, strike_price,\n       premium, volume, "
         "open_interest, "
         "implied_volatility,\n       delta, gamma, theta, vega, sentiment_score, sentiment_source\nFROM "
         "options_flow\nWHERE sentiment_score IS NOT NULL\nORDER BY timestamp DESC\nLIMIT 20;"},
        {"options_daily_summary",
         "SELECT symbol, day, call_volume, put_volume, put_call_ratio, avg_implied_volatility, "
         "avg_sentiment\nFROM "
         "options_flow_daily_summary\nORDER BY day DESC, symbol\nLIMIT 20;"},
        {"bullish_options",
         "SELECT symbol, day, put_call_ratio, call_premium, put_premium, avg_sentiment\nFROM "
         "bullish_options_sentiment\nORDER BY day DESC, symbol\nLIMIT 20;"}}},
      {"Feature Store",
       {{"feature_metadata",
         "SELECT feature_name, description, created_at, updated_at, tags, source\nFROM "
         "feature_metadata\nORDER BY "
         "updated_at DESC\nLIMIT 20;"},
        {"feature_timeseries",
         "SELECT feature_name, symbol, timestamp, value\nFROM feature_timeseries\nORDER BY timestamp "
         "DESC\nLIMIT 20;"},
        {"feature_relationships",
         "SELECT source_feature, target_feature, relationship_type, metadata\nFROM "
         "feature_relationships\nLIMIT 20;"},
        {"feature_access_log",
         "SELECT feature_name, accessed_at, accessed_by, operation\nFROM feature_access_log\nORDER BY "
         "accessed_at "
         "DESC\nLIMIT 20;"},
        {"hourly_feature_agg",
         "SELECT feature_name, symbol, hour, avg_value, min_value, max_value, sample_count\nFROM "
         "hourly_feature_agg\nORDER BY hour DESC, feature_name, symbol\nLIMIT 20;"}}},
      {"ML & Performance",
       {{"model_performance",
         "SELECT model_id, model_type, timestamp,\n       metrics->'accuracy' AS accuracy, "
         "metrics->'f1_score' AS "
         "f1_score\nFROM model_performance\nORDER BY timestamp DESC\nLIMIT 10;"},
        {"top_features",
         "SELECT model_id, feature_name, importance\nFROM feature_importance\nORDER BY importance "
         "DESC\nLIMIT 20;"},
        {"cache_metrics",
         "SELECT timestamp, cache_name, hit_count, miss_count,\n       CASE WHEN hit_count + miss_count > "
         "0\n            "
         "THEN (hit_count::float / (hit_count + miss_count)) * 100\n            ELSE 0\n       END AS "
         "hit_rate_percent,\n       size_bytes, eviction_count\nFROM cache_metrics\nORDER BY timestamp "
         "DESC\nLIMIT "
         "20;"}}},
      {"System",
       {{"system_metrics_latest",
         "SELECT metric_name, metric_value, timestamp\nFROM system_metrics\nORDER BY timestamp DESC\nLIMIT "
         "20;"},
        {"jobs",
         "SELECT job_id, application_name, schedule_interval, hypertable_name, next_start\nFROM "
         "timescaledb_information.jobs\nORDER BY job_id;"}}},
  };
  return categories;
}

const ExampleQuery* find_example_query(std::string_view name) {
  for (const auto& category : example_queries()) {
    for (const auto& query : category.queries) {
      if (query.name == name) return &query;
    }
  }
  return nullptr;
}

std::string sql_for(const ExampleQuery& query, market::Connection& connection) {
  if (query.relation.empty()) return std::string(query.sql);
  bool is_there = false;
  connection.run_script("SELECT to_regclass(" + market::quote_literal(query.relation) + ") IS NOT NULL",
                        [&](const market::TextResult& result) { is_there = result.rows.at(0).at(0) == "t"; });
  return std::string(is_there ? query.sql : query.sql_without);
}

void list_example_queries(std::ostream& out) {
  out << "Available example queries:\n";
  for (const auto& category : example_queries()) {
    out << "\n  " << category.title << ":\n";
    for (const auto& query : category.queries) out << "    - " << query.name << '\n';
  }
}

}  // namespace tickstone::cli
