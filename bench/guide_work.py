# SPDX-License-Identifier: Apache-2.0
"""The guide's queries and statements as each peer writes them. A query is a text with {symbol}, {day} and {next_day}, for "tickstone" in
TimescaleDB's words, for "postgresql" without them, and for "duckdb"; one that is missing is not asked of that peer."""
import dataclasses

UPSERT = r"""\set s random(1, 500)
\set d random(1, 28)
\set h random(0, 23)
\set v random(1, 1000000)
INSERT INTO ohlcv (symbol, timestamp, open, high, low, close, volume, source, timeframe) VALUES ('U:s', '2026-02-:d :h:30:00+00', 101.25, 102.5, 100.75, 101.5, :v, 'bench', '1m') ON CONFLICT (symbol, timestamp, timeframe) DO UPDATE SET open = EXCLUDED.open, high = EXCLUDED.high, low = EXCLUDED.low, close = EXCLUDED.close, volume = EXCLUDED.volume, source = EXCLUDED.source;
"""
# A row of a symbol of its own between two runs of a query, so that no answer can be kept.
WRITE = {
    "ohlcv": "INSERT INTO ohlcv VALUES ('ZZZZ', TIMESTAMPTZ '2026-01-05 14:30:00+00' + INTERVAL '{n} seconds', 1, 1, 1, 1, 1, 'bench', 'write')",
    "trades": "INSERT INTO trades VALUES ('{symbol}', TIMESTAMPTZ '2026-01-04 00:00:00+00' + INTERVAL '{n} seconds', 1, 1, 1, NULL, {n}, 'bench')",
}

BARS = """SELECT {bucket} AS bucket, {first} AS open, max(high) AS high, min(low) AS low, {last} AS close, sum(volume) AS volume
  FROM ohlcv WHERE symbol = '{symbol}' AND timeframe = '1m' AND timestamp >= '{day} 00:00:00+00' AND timestamp < '{next_day} 00:00:00+00'
  GROUP BY 1 ORDER BY 1"""
DAILY = """SELECT symbol, {bucket} AS day, {first} AS open, max(high) AS high, min(low) AS low, {last} AS close, sum(volume) AS volume, count(*) AS n
  FROM ohlcv WHERE timeframe = '1m' GROUP BY 1, 2"""
VWAP = """SELECT symbol, {bucket} AS bucket, sum(price * size) / sum(size) AS vwap, count(*) AS n FROM trades
  WHERE timestamp >= '{day} 00:00:00+00' AND timestamp < '{next_day} 00:00:00+00' GROUP BY 1, 2"""
AVERAGE = """SELECT symbol, timestamp, close, avg(close) OVER (PARTITION BY symbol ORDER BY timestamp ROWS BETWEEN 19 PRECEDING AND CURRENT ROW) AS ma_20
  FROM ohlcv WHERE symbol = '{symbol}' AND timeframe = '1m' ORDER BY timestamp"""
NEWEST = "SELECT DISTINCT ON (symbol) symbol, timestamp, price FROM trades ORDER BY symbol, timestamp DESC"
NEWEST_EACH = """SELECT s.symbol, t.timestamp, t.price FROM symbols s CROSS JOIN LATERAL
  (SELECT timestamp, price FROM trades WHERE trades.symbol = s.symbol ORDER BY timestamp DESC LIMIT 1) t ORDER BY 1"""
AS_OF = """SELECT t.timestamp, t.price, q.bid_price, q.ask_price FROM trades t LEFT JOIN LATERAL (SELECT bid_price, ask_price FROM quotes
  WHERE quotes.symbol = t.symbol AND quotes.timestamp <= t.timestamp ORDER BY quotes.timestamp DESC LIMIT 1) q ON true WHERE t.symbol = '{busiest}' ORDER BY t.timestamp, t.id"""
TOP = "SELECT symbol, sum(size) AS volume FROM trades GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10"


def words(text, bucket):
    """The text in each peer's words for buckets, firsts and lasts."""
    keep = {name: "{" + name + "}" for name in ("symbol", "day", "next_day", "busiest")}
    return {
        "tickstone": text.format(bucket=f"time_bucket('{bucket}', timestamp)", first="first(open, timestamp)", last="last(close, timestamp)", **keep),
        "postgresql": text.format(bucket=f"date_bin('{bucket}', timestamp, '2000-01-03 00:00:00+00')", first="(array_agg(open ORDER BY timestamp))[1]",
                                  last="(array_agg(close ORDER BY timestamp DESC))[1]", **keep),
        "duckdb": text.format(bucket=f"time_bucket(INTERVAL '{bucket}', timestamp)", first="arg_min(open, timestamp)", last="arg_max(close, timestamp)", **keep),
    }


def same(text):
    return {name: text for name in ("tickstone", "postgresql", "duckdb")}


@dataclasses.dataclass
class Query:
    """`rewrites` is the table that is written to between two runs; `repeats` how often it runs in a round."""

    name: str
    texts: dict
    rewrites: str
    repeats: int = 1
    prepared: bool = False


QUERIES = [
    Query("5-minute bars, one symbol, one day", words(BARS, "5 minutes"), "ohlcv", 30),
    Query("the same, prepared", words(BARS, "5 minutes"), "ohlcv", 30, True),
    Query("20-period average, one symbol, all days", words(AVERAGE, ""), "ohlcv", 5),
    Query("daily bars of all symbols from one-minute bars", words(DAILY + " ORDER BY 1, 2", "1 day"), "ohlcv"),
    Query("the same from the aggregate", same("SELECT symbol, day, open, high, low, close, volume, n FROM daily ORDER BY 1, 2"), "", 3),
    Query("newest trade of all symbols: DISTINCT ON", same(NEWEST), "trades"),
    Query("newest trade of all symbols: last()", {
        "tickstone": "SELECT symbol, last(price, timestamp) FROM trades GROUP BY symbol ORDER BY 1",
        "postgresql": "SELECT symbol, (array_agg(price ORDER BY timestamp DESC))[1] FROM trades GROUP BY symbol ORDER BY 1",
        "duckdb": "SELECT symbol, arg_max(price, timestamp) FROM trades GROUP BY symbol ORDER BY 1"}, "trades"),
    Query("newest trade of all symbols: LATERAL", same(NEWEST_EACH), "trades", 3),
    Query("VWAP per 5 minutes, all symbols, one day", words(VWAP + " ORDER BY 1, 2", "5 minutes"), "trades"),
    Query("as-of join of the busiest symbol's trades and quotes", {
        "tickstone": AS_OF, "postgresql": AS_OF,
        "duckdb": """SELECT t.timestamp, t.price, q.bid_price, q.ask_price FROM trades t ASOF LEFT JOIN quotes q
          ON q.symbol = t.symbol AND q.timestamp <= t.timestamp WHERE t.symbol = '{busiest}' ORDER BY t.timestamp, t.id"""}, "trades"),
    Query("count of all trades", same("SELECT count(*) FROM trades"), "trades", 5),
    Query("top 10 symbols by volume", same(TOP), "trades", 3),
]

# A point read, by pgbench in the prepared protocol, whose scripts have a symbol each.
NEWEST_BAR = "SELECT * FROM ohlcv WHERE symbol = '{symbol}' AND timeframe = '1m' ORDER BY timestamp DESC LIMIT 1;\n"
