# SPDX-License-Identifier: Apache-2.0
"""The guide's queries and statements as each peer writes them. A query is a text with {symbol}, {day} and {next_day}, for "tickstone" in
TimescaleDB's words, for "postgresql" without them, for "duckdb" and for "clickhouse"; one that is missing is not asked of that peer."""
import dataclasses

from guide_data import MINUTES

UPSERT = r"""\set s random(1, 500)
\set d random(1, 28)
\set h random(0, 23)
\set v random(1, 1000000)
INSERT INTO ohlcv (symbol, timestamp, open, high, low, close, volume, source, timeframe) VALUES ('U:s', '2026-02-:d :h:30:00+00', 101.25, 102.5, 100.75, 101.5, :v, 'bench', '1m') ON CONFLICT (symbol, timestamp, timeframe) DO UPDATE SET open = EXCLUDED.open, high = EXCLUDED.high, low = EXCLUDED.low, close = EXCLUDED.close, volume = EXCLUDED.volume, source = EXCLUDED.source;
"""
# A row between two runs of a query, so that no answer can be kept.
WRITES = {
    "ohlcv": "INSERT INTO ohlcv VALUES ('ZZZZ', TIMESTAMPTZ '2025-12-20 00:00:00+00' + INTERVAL '{n} seconds', 1, 1, 1, 1, 1, 'bench', 'write')",
    "trades": "INSERT INTO trades VALUES ('{symbol}', TIMESTAMPTZ '2025-12-20 00:00:00+00' + INTERVAL '{n} seconds', 1, 1, 1, NULL, {n}, 'bench')",
}
# With a SELECT, since its driver keeps INSERT ... VALUES for rows of its own.
CLICKHOUSE_WRITES = {
    "ohlcv": "INSERT INTO ohlcv SELECT 'ZZZZ', toDateTime('2025-12-20 00:00:00') + {n}, 1, 1, 1, 1, 1, 'bench', 'write'",
    "trades": "INSERT INTO trades SELECT '{symbol}', (toInt64(toDateTime('2025-12-20 00:00:00')) + {n}) * 1000000, 1, 1, 1, emptyArrayString(), {n}, 'bench'",
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

# ClickHouse 18.16: no name of a column may be that of an aggregate beside it, and trades have their time in microseconds.
CLICKHOUSE_BARS = """SELECT toStartOfFiveMinute(timestamp) AS bucket, argMin(open, timestamp), max(high), min(low), argMax(close, timestamp), sum(volume)
  FROM ohlcv WHERE symbol = '{symbol}' AND timeframe = '1m' AND timestamp >= toDateTime('{day} 00:00:00') AND timestamp < toDateTime('{next_day} 00:00:00')
  GROUP BY bucket ORDER BY bucket"""
CLICKHOUSE_DAILY = """SELECT symbol, toStartOfDay(timestamp) AS day, argMin(open, timestamp) AS first_open, max(high) AS top, min(low) AS bottom,
  argMax(close, timestamp) AS last_close, sum(volume) AS sum_volume, count(*) AS n FROM ohlcv WHERE timeframe = '1m' GROUP BY symbol, day"""
CLICKHOUSE_VWAP = """SELECT symbol, toDateTime(intDiv(timestamp, 300000000) * 300) AS bucket, toFloat64(sum(price * size)) / toFloat64(sum(size)) AS vwap, count(*) AS n
  FROM trades WHERE timestamp >= toInt64(toDateTime('{day} 00:00:00')) * 1000000 AND timestamp < toInt64(toDateTime('{next_day} 00:00:00')) * 1000000
  GROUP BY symbol, bucket ORDER BY symbol, bucket"""
# Without window functions: sums from the first row on, less those of twenty rows before.
CLICKHOUSE_AVERAGE = """SELECT '{symbol}' AS symbol, t, c, ma FROM
  (SELECT groupArray(timestamp) AS ts, groupArray(close) AS cs, arrayCumSum(arrayMap(x -> toFloat64(x), cs)) AS sums,
    arrayConcat(arrayMap(x -> 0., range(20)), arraySlice(sums, 1, length(sums) - 20)) AS before,
    arrayMap((s, b, i) -> (s - b) / least(i, 20), sums, before, arrayEnumerate(sums)) AS mas
    FROM (SELECT timestamp, close FROM ohlcv WHERE symbol = '{symbol}' AND timeframe = '1m' ORDER BY timestamp))
  ARRAY JOIN ts AS t, cs AS c, mas AS ma"""
CLICKHOUSE_NEWEST = "SELECT symbol, toDateTime(intDiv(timestamp, 1000000)), price FROM trades ORDER BY symbol, timestamp DESC LIMIT 1 BY symbol"
CLICKHOUSE_LAST = "SELECT symbol, argMax(price, timestamp) FROM trades GROUP BY symbol ORDER BY symbol"


def written(table, dialect):
    """The statement that writes a row of that table."""
    return (CLICKHOUSE_WRITES if dialect == "clickhouse" else WRITES)[table]


def words(text, bucket, clickhouse):
    """The text in each peer's words for buckets, firsts and lasts; ClickHouse's is written out."""
    keep = {name: "{" + name + "}" for name in ("symbol", "day", "next_day", "busiest")}
    # Of TIMESTAMPTZ, DuckDB asks a calendar for days, row by row, and not for hours.
    hours = bucket.replace("1 day", "24 hours")
    return {
        "tickstone": text.format(bucket=f"time_bucket('{bucket}', timestamp)", first="first(open, timestamp)", last="last(close, timestamp)", **keep),
        "postgresql": text.format(bucket=f"date_bin('{bucket}', timestamp, '2000-01-03 00:00:00+00')", first="(array_agg(open ORDER BY timestamp))[1]",
                                  last="(array_agg(close ORDER BY timestamp DESC))[1]", **keep),
        "duckdb": text.format(bucket=f"time_bucket(INTERVAL '{hours}', timestamp)", first="arg_min(open, timestamp)", last="arg_max(close, timestamp)", **keep),
        "clickhouse": clickhouse,
    }


def same(text, clickhouse=None):
    texts = {name: text for name in ("tickstone", "postgresql", "duckdb")}
    return {**texts, "clickhouse": clickhouse} if clickhouse else texts


@dataclasses.dataclass
class Query:
    """`rewrites` is the table that is written to between two runs; `reads` how many values it has to read, of the data and the number of rows of
    its answer; `repeats` how often it runs in a round."""

    name: str
    texts: dict
    rewrites: str
    reads: object
    repeats: int = 1
    prepared: bool = False


def day_of_bars(data, _):
    return MINUTES * 6


def rows_read(columns):
    """Each row of the answer is of one that is read, of so many columns."""
    return lambda _, rows: rows * columns


QUERIES = [
    Query("5-minute bars, one symbol, one day", words(BARS, "5 minutes", CLICKHOUSE_BARS), "ohlcv", day_of_bars, 30),
    Query("the same, prepared", words(BARS, "5 minutes", CLICKHOUSE_BARS), "ohlcv", day_of_bars, 30, True),
    Query("20-period average, one symbol, all days", words(AVERAGE, "", CLICKHOUSE_AVERAGE), "ohlcv", rows_read(2), 5),
    Query("daily bars of all symbols from one-minute bars", words(DAILY + " ORDER BY 1, 2", "1 day", CLICKHOUSE_DAILY + " ORDER BY symbol, day"), "ohlcv", lambda data, _: data.rows["ohlcv"] * 7, 3),
    Query("the same from the aggregate", same("SELECT symbol, day, open, high, low, close, volume, n FROM daily ORDER BY 1, 2", "SELECT * FROM daily ORDER BY symbol, day"), "", rows_read(8), 5),
    Query("newest trade of all symbols: DISTINCT ON", same(NEWEST, CLICKHOUSE_NEWEST), "trades", rows_read(3), 5),
    Query("newest trade of all symbols: last()", {
        "tickstone": "SELECT symbol, last(price, timestamp) FROM trades GROUP BY symbol ORDER BY 1",
        "postgresql": "SELECT symbol, (array_agg(price ORDER BY timestamp DESC))[1] FROM trades GROUP BY symbol ORDER BY 1",
        "duckdb": "SELECT symbol, arg_max(price, timestamp) FROM trades GROUP BY symbol ORDER BY 1",
        "clickhouse": CLICKHOUSE_LAST}, "trades", rows_read(3), 5),
    Query("newest trade of all symbols: LATERAL", same(NEWEST_EACH), "trades", rows_read(3), 5),
    Query("VWAP per 5 minutes, all symbols, one day", words(VWAP + " ORDER BY 1, 2", "5 minutes", CLICKHOUSE_VWAP), "trades",
          lambda data, _: data.rows["trades"] // len(data.trade_days) * 4, 3),
    Query("as-of join of the busiest symbol's trades and quotes", {
        "tickstone": AS_OF, "postgresql": AS_OF,
        "duckdb": """SELECT t.timestamp, t.price, q.bid_price, q.ask_price FROM trades t ASOF LEFT JOIN quotes q
          ON q.symbol = t.symbol AND q.timestamp <= t.timestamp WHERE t.symbol = '{busiest}' ORDER BY t.timestamp, t.id"""}, "trades", rows_read(3 + 3), 3),
    Query("count of all trades", same("SELECT count(*) FROM trades", "SELECT count(*) FROM trades"), "trades", lambda *_: 0, 5),
    Query("top 10 symbols by volume", same(TOP, "SELECT symbol, sum(size) AS volume FROM trades GROUP BY symbol ORDER BY volume DESC, symbol LIMIT 10"), "trades", lambda data, _: data.rows["trades"] * 2, 5),
]

# A point read, by pgbench in the prepared protocol, whose scripts have a symbol each.
NEWEST_BAR = "SELECT * FROM ohlcv WHERE symbol = '{symbol}' AND timeframe = '1m' ORDER BY timestamp DESC LIMIT 1;\n"
