# SPDX-License-Identifier: Apache-2.0
"""The guide's tables with seeded rows, as statements that both servers run."""
import datetime
import random

TABLES = """
CREATE TABLE ohlcv (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, open NUMERIC NOT NULL, high NUMERIC NOT NULL,
  low NUMERIC NOT NULL, close NUMERIC NOT NULL, volume NUMERIC NOT NULL, source TEXT NOT NULL, timeframe TEXT NOT NULL,
  PRIMARY KEY (symbol, timestamp, timeframe));
CREATE TABLE trades (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, price NUMERIC NOT NULL, size NUMERIC NOT NULL,
  exchange INTEGER, conditions TEXT[], id BIGINT NOT NULL, source TEXT NOT NULL, PRIMARY KEY (symbol, timestamp, id));
CREATE TABLE symbols (symbol TEXT PRIMARY KEY, name TEXT, type TEXT, market TEXT, currency TEXT, active BOOLEAN DEFAULT TRUE,
  last_updated TIMESTAMPTZ DEFAULT NOW(), metadata JSONB);
CREATE TABLE symbol_groups (group_name TEXT NOT NULL, symbol TEXT NOT NULL, added_at TIMESTAMPTZ DEFAULT NOW(),
  PRIMARY KEY (group_name, symbol));
CREATE TABLE model_performance (model_id TEXT NOT NULL, model_type TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL,
  metrics JSONB NOT NULL, parameters JSONB, PRIMARY KEY (model_id, timestamp));
CREATE TABLE options_flow (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, expiration_date DATE NOT NULL,
  strike_price NUMERIC NOT NULL, option_type TEXT NOT NULL, contract_symbol TEXT NOT NULL, premium NUMERIC,
  implied_volatility NUMERIC, delta NUMERIC, PRIMARY KEY (contract_symbol, timestamp));
CREATE TABLE kinds (id INTEGER PRIMARY KEY, small SMALLINT, big BIGINT, whole INTEGER, ratio REAL, score DOUBLE PRECISION,
  price NUMERIC(12,4), amount NUMERIC, flag BOOLEAN, label TEXT, code VARCHAR(8), fixed CHAR(4), day DATE, at TIME,
  placed TIMESTAMP, seen TIMESTAMPTZ, span INTERVAL, token UUID, raw BYTEA, doc JSON, body JSONB, tags TEXT[], numbers INTEGER[])
"""
HYPERTABLES = ["ohlcv", "trades", "model_performance", "options_flow"]
SYMBOLS = ["AAPL", "MSFT", "NVDA", "SPY"]
START = datetime.datetime(2025, 3, 3, 14, 30)


def quoted(value):
    if value is None:
        return "NULL"
    if isinstance(value, (int, float)):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"


def insert(table, rows):
    yield f"INSERT INTO {table} VALUES " + ", ".join("(" + ", ".join(map(quoted, row)) + ")" for row in rows)


def bars(rng):
    for number, symbol in enumerate(SYMBOLS):
        cents = 10000 + 5000 * number
        for minute in range(60):
            opening = cents
            cents += rng.randint(-40, 41)
            high, low = max(opening, cents) + rng.randint(0, 20), min(opening, cents) - rng.randint(0, 20)
            at = START + datetime.timedelta(minutes=5 * minute + 1440 * (minute // 20))
            yield [symbol, f"{at}+00", *(f"{c // 100}.{c % 100:02d}" for c in (opening, high, low, cents)),
                   str(rng.randint(100, 90000)), rng.choice(["polygon", "yahoo"]), "5m"]


def ticks(rng):
    for number in range(120):
        at = START + datetime.timedelta(seconds=rng.randint(0, 7200), microseconds=rng.randint(0, 999999))
        price = f"{rng.randint(90, 400)}.{rng.randint(0, 9999):04d}"
        yield [rng.choice(SYMBOLS), f"{at}+00", price, str(rng.randint(1, 500)), rng.choice([None, 1, 4, 11]),
               rng.choice([None, "{}", "{T}", "{T,I}", '{"a b",NULL}']), number + 1, rng.choice(["polygon", "iex"])]


def performances(rng):
    for number in range(12):
        metrics = f'{{"mse": {rng.random():.6f}, "sharpe": {rng.randint(-20, 30) / 10}, "folds": [{rng.randint(1, 9)}, {rng.randint(1, 9)}]}}'
        yield [f"m{number % 4}", rng.choice(["xgb", "lstm"]), f"{START + datetime.timedelta(hours=number)}+00", metrics,
               rng.choice([None, '{"depth": 4, "eta": 0.1}', '{"layers": [64, 32], "dropout": null}'])]


def contracts(rng):
    for number in range(30):
        day = datetime.date(2025, 3, 21) + datetime.timedelta(days=7 * rng.randint(0, 8))
        yield [rng.choice(SYMBOLS), f"{START + datetime.timedelta(minutes=number)}+00", day, rng.randint(20, 80) * 5,
               rng.choice(["call", "put"]), f"C{number:04d}", rng.choice([None, f"{rng.randint(1, 90000)}.{rng.randint(0, 99):02d}"]),
               f"0.{rng.randint(1000, 9999)}", rng.choice([None, f"{rng.randint(-99, 99) / 100}"])]


KINDS = [
    [1, 7, 9000000000, 42, 1.5, 0.1, "12.5000", "1.50", True, "alpha", "a", "ab", "2025-03-09", "09:30:00", "2025-03-09 01:59:59.5",
     "2025-03-09 06:30:00+00", "1 day 02:03:04", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "\\x00ff10", '{"b":1, "a":[1,2]}',
     '{"b":1, "a":[1,2]}', "{x,y}", "{1,2,3}"],
    [2, -3, -1, -42, -0.25, 1e300, "0.0001", "0.00001234", False, "Béta", "bb", "x", "2024-02-29", "23:59:59.999999",
     "1999-12-31 23:59:59", "2024-12-31 23:00:00-05", "-1 mons +3 days -00:00:01", "00000000-0000-0000-0000-000000000001", "\\x",
     "[]", "[1, \"x\", null, true]", "{}", "{}"],
    [3, None, None, None, None, None, None, None, None, None, None, None, None, None, None, None, None, None, None, None, None,
     None, None],
    [4, 32767, 9223372036854775807, 2147483647, 3.4e38, -1e-300, "99999999.9999", "12345678901234567890.123456789", True, "", "",
     "", "1970-01-01", "00:00:00", "1970-01-01 00:00:00", "1970-01-01 00:00:00+00", "1 year 2 mons", None, "\\xdeadbeef",
     '"text"', '{"k": {"deep": [1, {"x": "y"}]}, "n": 1.50, "z": null}', '{NULL,"a,b","q\\"q"}', "{NULL,5}"],
    [5, 7, 100, 42, 1.5, 2.5, "-12.5", "-7", None, "alpha beta gamma", "100%", "a_b", "2025-12-31", "12:00:00", "2025-12-31 12:00:00",
     "2025-12-31 12:00:00+00", "00:00:00.000001", None, None, "1", "17", "{x}", "{3,1,2}"],
    [6, 0, 0, 0, 0.0, -0.0, "0", "0", False, "Zeta", "z", "zzzz", "0001-01-01", "12:34:56.789", "2000-02-29 00:00:00.123456",
     "2000-02-29 00:00:00.123456+00", "-25:00:00", None, "\\x61", "null", "\"str\"", "{b,a}", "{7}"],
]


def statements(seed=7):
    rng = random.Random(seed)
    yield from (text.strip() for text in TABLES.split(";"))
    yield from insert("ohlcv", bars(rng))
    yield from insert("trades", ticks(rng))
    yield from insert("model_performance", performances(rng))
    yield from insert("options_flow", contracts(rng))
    yield from insert("symbols", [
        ["AAPL", "Apple Inc.", "stock", "XNAS", "USD", True, "2025-01-02 00:00:00+00", '{"sector": "tech", "tags": ["big", "us"]}'],
        ["MSFT", "Microsoft", "stock", "XNAS", "USD", True, "2025-01-03 00:00:00+00", '{"sector": "tech", "cap": 3.1e12}'],
        ["NVDA", None, "stock", "XNAS", "USD", False, "2025-01-04 00:00:00+00", None],
        ["SPY", "S&P 500 ETF", "etf", "ARCX", "USD", True, "2025-01-05 00:00:00+00", '{"sector": null, "fee": 0.0945}'],
        ["EURUSD", "Euro", "fx", None, "USD", None, "2025-01-06 00:00:00+00", "{}"],
    ])
    yield from insert("symbol_groups", [
        ["tech", "AAPL", "2025-01-02 00:00:00+00"], ["tech", "MSFT", "2025-01-02 00:00:00+00"],
        ["tech", "NVDA", "2025-01-02 00:00:00+00"], ["index", "SPY", "2025-01-02 00:00:00+00"],
        ["mine", "AAPL", "2025-01-02 00:00:00+00"], ["mine", "GOLD", "2025-01-02 00:00:00+00"]])
    yield from insert("kinds", KINDS)
