# SPDX-License-Identifier: Apache-2.0
"""The guide's writes and queries, as its users send them, with the answers they should get in every home."""
import datetime
import decimal

D = decimal.Decimal
UTC = datetime.timezone.utc

UPSERT = """INSERT INTO ohlcv (symbol, timestamp, open, high, low, close, volume, source, timeframe)
    VALUES ('AAPL', date_trunc('minute', NOW()) - INTERVAL '{minutes} minutes', {open}, {open} + 1, {open} - 1, {open} + 0.5, {volume},
            'polygon_api', '{timeframe}')
    ON CONFLICT (symbol, timestamp, timeframe)
    DO UPDATE SET open = EXCLUDED.open, high = EXCLUDED.high, low = EXCLUDED.low, close = EXCLUDED.close, volume = EXCLUDED.volume,
                  source = EXCLUDED.source"""

FILL = [
    "INSERT INTO symbols (symbol, name, type, market, currency, metadata) VALUES ('AAPL', 'Apple Inc.', 'CS', 'stocks', 'USD', "
    "'{\"sector\": \"tech\"}'), ('MSFT', 'Microsoft', 'CS', 'stocks', 'USD', NULL)",
    "INSERT INTO symbols (symbol, active) VALUES ('GONE', false)",
    "INSERT INTO symbol_groups (group_name, symbol) VALUES ('tech', 'AAPL'), ('tech', 'MSFT'), ('solo', 'AAPL')",
    "INSERT INTO trades VALUES ('AAPL', '2026-01-05 14:30:00.123456+00', 187.15, 100, 4, '{\"@\",\"I\"}', 1, 'polygon_api'), "
    "('AAPL', '2026-01-05 14:30:01+00', 0.00001234, 5.5, NULL, NULL, 2, 'polygon_api')",
    "INSERT INTO quotes VALUES ('AAPL', '2026-01-05 14:30:00+00', 187.14, 3, 187.16, 2, 4, NULL, 1, 'polygon_api')",
    "INSERT INTO options_flow (symbol, timestamp, expiration_date, strike_price, option_type, contract_symbol, premium, volume, "
    "implied_volatility, sentiment_score, source) VALUES "
    "('AAPL', '2026-01-05 15:00:00+00', '2026-02-20', 190, 'call', 'O:AAPL260220C00190000', 1250.5, 10, 0.25, 0.75, 'x'), "
    "('AAPL', '2026-01-05 15:01:00+00', '2026-02-20', 180, 'put', 'O:AAPL260220P00180000', 10, 1, 0.35, NULL, 'x'), "
    "('MSFT', '2026-01-05 15:00:00+00', '2026-02-20', 400, 'C', 'O:MSFT260220C00400000', 100, 10, NULL, 0.1, 'x'), "
    "('MSFT', '2026-01-05 15:01:00+00', '2026-02-20', 400, 'P', 'O:MSFT260220P00400000', 90, 8, NULL, NULL, 'x'), "
    "('TSLA', '2026-01-06 15:01:00+00', '2026-02-20', 200, 'put', 'O:TSLA260220P00200000', 90, 8, 0.9, NULL, 'x')",
    "INSERT INTO model_performance VALUES ('m1', 'xgb', '2026-01-05 00:00:00+00', '{\"accuracy\": 0.91, \"f1_score\": 0.88}', NULL)",
    "INSERT INTO feature_importance VALUES ('m1', '2026-01-05 00:00:00+00', 'rsi_14', 0.42), ('m1', '2026-01-05 00:00:00+00', 'macd', 0.58)",
    "INSERT INTO system_metrics VALUES ('2026-01-05 00:00:00+00', 'cpu', 0.5, '{\"host\": \"a\"}')",
    "INSERT INTO feature_metadata (feature_name, description, tags, source) VALUES ('rsi_14', 'RSI', ARRAY['momentum', 'ta'], 'ta')",
    "INSERT INTO feature_timeseries VALUES ('rsi_14', 'AAPL', '2026-01-05 10:00:00+00', 55.5, NULL), "
    "('rsi_14', 'AAPL', '2026-01-05 10:30:00+00', 60.5, NULL), ('rsi_14', 'AAPL', '2026-01-05 11:00:00+00', 40, NULL)",
    "INSERT INTO feature_data (symbol, timestamp, feature_set, features) VALUES ('AAPL', '2026-01-05 10:00:00+00', 'ta', '{\"rsi_14\": 55.5}') "
    "ON CONFLICT (symbol, timestamp, feature_set) DO UPDATE SET features = EXCLUDED.features",
    "INSERT INTO feature_relationships VALUES ('rsi_14', 'macd', 'correlated', '{\"r\": 0.3}')",
    "INSERT INTO feature_access_log VALUES ('rsi_14', '2026-01-05 12:00:00+00', 'trainer', 'read')",
    "INSERT INTO cache_metrics VALUES ('2026-01-05 00:00:00+00', 'prices', 75, 25, 1024, 3), ('2026-01-05 00:01:00+00', 'idle', 0, 0, NULL, NULL)",
    "INSERT INTO positions (ticker, timestamp, entry_price, shares, position_value) VALUES ('AAPL', '2026-01-05 15:00:00+00', 187.15, 10, 1871.5)",
    "INSERT INTO data_collection_status (symbol, data_type, status, num_records) VALUES ('AAPL', 'trades', 'done', 2)",
]

# A query of the guide, and what its rows must be.
QUERIES = [
    ("SELECT symbol, time_bucket('5 minutes', timestamp) AS interval_5min, first(open, timestamp) AS open, max(high) AS high, "
     "min(low) AS low, last(close, timestamp) AS close, sum(volume) AS volume FROM ohlcv WHERE symbol = 'AAPL' "
     "AND timestamp >= NOW() - INTERVAL '1 day' AND timeframe = '1m' GROUP BY symbol, interval_5min ORDER BY interval_5min",
     lambda rows: 12 <= len(rows) <= 13 and sum(row[6] for row in rows) == sum(1000 + m for m in range(60))
     and rows[0][2] == D(60) and rows[-1][5] == D("1.5") and all(row[3] > row[4] for row in rows)),
    ("SELECT symbol, timestamp, close, AVG(close) OVER (PARTITION BY symbol ORDER BY timestamp ROWS BETWEEN 19 PRECEDING AND CURRENT ROW) "
     "AS ma_20 FROM ohlcv WHERE symbol = 'AAPL' AND timestamp >= NOW() - INTERVAL '5 days' AND timeframe = '1h' ORDER BY timestamp",
     lambda rows: [row[2] for row in rows] == [D("3.5"), D("2.5"), D("1.5")] and rows[2][3] == D("2.5")),
    ("SELECT symbol, timestamp, open, high, low, close, volume FROM ohlcv ORDER BY timestamp DESC LIMIT 10", lambda rows: len(rows) == 10),
    ("SELECT symbol, timestamp, price, size FROM trades ORDER BY timestamp DESC LIMIT 10",
     lambda rows: [row[2] for row in rows] == [D("0.00001234"), D("187.15")] and rows[1][1].microsecond == 123456),
    ("SELECT symbol, timestamp, bid_price, bid_size, ask_price, ask_size FROM quotes ORDER BY timestamp DESC LIMIT 10",
     lambda rows: [row[2:] for row in rows] == [(D("187.14"), 3, D("187.16"), 2)]),
    ("SELECT symbol, name, type, market, currency FROM symbols WHERE active = true", lambda rows: {row[0] for row in rows} == {"AAPL", "MSFT"}),
    ("SELECT group_name, COUNT(symbol) as symbol_count FROM symbol_groups GROUP BY group_name ORDER BY symbol_count DESC",
     lambda rows: rows == [("tech", 2), ("solo", 1)]),
    ("SELECT model_id, model_type, timestamp, metrics->'accuracy' as accuracy, metrics->'f1_score' as f1_score FROM model_performance "
     "ORDER BY timestamp DESC LIMIT 10", lambda rows: [tuple(map(float, row[3:])) for row in rows] == [(0.91, 0.88)]),
    ("SELECT model_id, feature_name, importance FROM feature_importance ORDER BY importance DESC LIMIT 20",
     lambda rows: [row[1] for row in rows] == ["macd", "rsi_14"]),
    ("SELECT metric_name, metric_value, timestamp FROM system_metrics ORDER BY timestamp DESC LIMIT 20",
     lambda rows: rows[0][:2] == ("cpu", D("0.5"))),
    ("SELECT hypertable_schema, hypertable_name, owner, num_dimensions, num_chunks, compression_enabled FROM timescaledb_information.hypertables",
     lambda rows: {"ohlcv", "trades", "quotes", "options_flow", "model_performance", "feature_importance", "system_metrics", "feature_data",
                   "feature_timeseries", "feature_access_log", "cache_metrics"} <= {row[1] for row in rows}
     and all(row[3] == 1 for row in rows)),
    ("SELECT feature_name, description, created_at, updated_at, tags, source FROM feature_metadata ORDER BY updated_at DESC LIMIT 20",
     lambda rows: rows[0][4] == ["momentum", "ta"]),
    ("SELECT feature_name, symbol, timestamp, value FROM feature_timeseries ORDER BY timestamp DESC LIMIT 20",
     lambda rows: [row[3] for row in rows] == [40, D("60.5"), D("55.5")]),
    ("SELECT source_feature, target_feature, relationship_type, metadata FROM feature_relationships LIMIT 20",
     lambda rows: rows == [("rsi_14", "macd", "correlated", {"r": 0.3})]),
    ("SELECT feature_name, accessed_at, accessed_by, operation FROM feature_access_log ORDER BY accessed_at DESC LIMIT 20",
     lambda rows: rows[0][2:] == ("trainer", "read")),
    ("SELECT timestamp, cache_name, hit_count, miss_count, CASE WHEN hit_count + miss_count > 0 "
     "THEN (hit_count::float / (hit_count + miss_count)) * 100 ELSE 0 END AS hit_rate_percent, size_bytes, eviction_count "
     "FROM cache_metrics ORDER BY timestamp DESC LIMIT 20", lambda rows: [float(row[4]) for row in rows] == [0.0, 75.0]),
    ("SELECT symbol, timestamp, expiration_date, option_type, strike_price, premium, volume, open_interest, implied_volatility, delta, gamma, "
     "theta, vega, sentiment_score, sentiment_source FROM options_flow WHERE sentiment_score IS NOT NULL ORDER BY timestamp DESC, symbol LIMIT 20",
     lambda rows: [row[5] for row in rows] == [D("1250.5"), D(100)] and rows[0][2] == datetime.date(2026, 2, 20)),
    # Real-time: nothing has been refreshed.
    ("SELECT symbol, day, timeframe, open, high, low, close, volume, sample_count FROM daily_ohlcv_agg ORDER BY day DESC, symbol LIMIT 20",
     lambda rows: sum(row[8] for row in rows) == 63 and sum(row[7] for row in rows) == sum(1000 + m for m in range(60)) + 3000),
    ("SELECT feature_name, symbol, hour, avg_value, min_value, max_value, sample_count FROM hourly_feature_agg "
     "ORDER BY hour DESC, feature_name, symbol LIMIT 20",
     lambda rows: [tuple(map(float, row[3:])) for row in rows] == [(40, 40, 40, 1), (58, 55.5, 60.5, 2)]),
    ("SELECT hypertable_name, hypertable_size, compressed_total_size, compression_ratio FROM timescaledb_information.compressed_hypertable_stats",
     lambda rows: "ohlcv" in {row[0] for row in rows}),
    ("SELECT pg_size_pretty(pg_database_size(current_database())) as inavvi_db_size", lambda rows: len(rows) == 1),
    ("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'",
     lambda rows: {"ohlcv", "symbols", "positions", "bullish_options_sentiment"} <= {row[0] for row in rows}),
    ("SELECT symbol, day, call_volume, put_volume, call_premium, put_premium, put_call_ratio, avg_implied_volatility, avg_sentiment, trade_count "
     "FROM options_flow_daily_summary ORDER BY symbol",
     lambda rows: rows == [
         ("AAPL", datetime.datetime(2026, 1, 5, tzinfo=UTC), 10, 1, D("1250.5"), 10, D("0.1"), D("0.3"), D("0.75"), 2),
         ("MSFT", datetime.datetime(2026, 1, 5, tzinfo=UTC), 10, 8, 100, 90, D("0.8"), None, D("0.1"), 2),
         ("TSLA", datetime.datetime(2026, 1, 6, tzinfo=UTC), None, 8, None, 90, None, D("0.9"), None, 1)]),
    ("SELECT symbol FROM bullish_options_sentiment", lambda rows: rows == [("AAPL",)]),
]


def fill(home):
    for minute in range(60):
        home.rows(UPSERT.format(minutes=minute, open=minute + 1, volume=1000 + minute, timeframe="1m"))
    for hour in range(3):
        for _ in range(2):
            home.rows(UPSERT.format(minutes=60 * hour, open=hour + 1, volume=1000, timeframe="1h"))
    for statement in FILL:
        home.rows(statement)


def failures(home, skip=()):
    for sql, is_right in QUERIES:
        if any(word in sql for word in skip):
            continue
        rows = home.rows(sql)
        if not is_right(rows):
            yield f"{home.name}: {sql}\n  gave {rows[:5]}"
