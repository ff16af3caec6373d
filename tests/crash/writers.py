# SPDX-License-Identifier: Apache-2.0
"""What the crash rounds write, and the ledger of what was acknowledged."""
import datetime as dt
import random
import time

import psycopg2

BASE = dt.datetime(2026, 1, 5, tzinfo=dt.timezone.utc)
WRITERS = 6
KEYS_PER_WRITER = 200
FACT_KEYS = 300
ACCOUNTS = 12
CASH = 1000

SCHEMA = """
CREATE TABLE IF NOT EXISTS ohlcv (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, open NUMERIC NOT NULL, high NUMERIC NOT NULL,
  low NUMERIC NOT NULL, close NUMERIC NOT NULL, volume NUMERIC NOT NULL, source TEXT NOT NULL, timeframe TEXT NOT NULL,
  PRIMARY KEY (symbol, timestamp, timeframe));
SELECT create_hypertable('ohlcv', 'timestamp', if_not_exists => TRUE);
CREATE TABLE IF NOT EXISTS trades (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, price NUMERIC NOT NULL, size NUMERIC NOT NULL,
  exchange INTEGER, conditions TEXT[], id BIGINT NOT NULL, source TEXT NOT NULL, PRIMARY KEY (symbol, timestamp, id));
SELECT create_hypertable('trades', 'timestamp', if_not_exists => TRUE);
CREATE TABLE facts (key INTEGER PRIMARY KEY, value BIGINT NOT NULL, note TEXT);
CREATE TABLE positions (account INTEGER PRIMARY KEY, cash NUMERIC NOT NULL);
CREATE TABLE transfers (id BIGINT PRIMARY KEY, sender INTEGER NOT NULL, receiver INTEGER NOT NULL, amount NUMERIC NOT NULL);
CREATE SEQUENCE crash_numbers;
"""
AGGREGATE = """CREATE MATERIALIZED VIEW ohlcv_hourly WITH (timescaledb.continuous) AS
SELECT symbol, time_bucket('1 hour', timestamp) AS bucket, count(*) AS bars, sum(volume) AS volume FROM ohlcv GROUP BY 1, 2 WITH NO DATA"""
UPSERT = """INSERT INTO ohlcv (symbol, timestamp, open, high, low, close, volume, source, timeframe)
VALUES (%s, %s, 1.5, 2.5, 0.5, 1.75, %s, 'crash', '1m')
ON CONFLICT (symbol, timestamp, timeframe) DO UPDATE SET open = EXCLUDED.open, high = EXCLUDED.high, low = EXCLUDED.low,
  close = EXCLUDED.close, volume = EXCLUDED.volume, source = EXCLUDED.source"""
# A client tries again what could not be serialized.
RETRY = (psycopg2.errors.SerializationFailure, psycopg2.errors.DeadlockDetected)


class Ledger:
    def __init__(self):
        self.acknowledged = {}   # (symbol, minute): value
        self.in_flight = {}      # the same, at the moment of the crash
        self.copies = {}         # number: [rows, True once acknowledged]
        self.tables = {}         # name: True once acknowledged, "dropping" once a DROP was sent
        self.facts = {}          # key: (value, note), or nothing when it was deleted
        self.fact_in_flight = {}  # key: what it may be instead (None: deleted)
        self.transfers = {}      # id: (sender, receiver, amount, True once acknowledged)
        self.numbers = set()     # of the sequence
        self.upserts = self.commits = 0
        self.crashed_at = 0.0    # monotonic
        self.errors = []         # of writers, while the server ran


def until_the_crash(loop):
    """An error of a writer is the crash's, or a problem."""

    def run(server, ledger, *arguments):
        try:
            loop(server, ledger, *arguments)
        except (psycopg2.Error, OSError) as error:
            if not server.is_killed:
                ledger.errors.append(f"{loop.__name__}: {type(error).__name__}: {error}")

    return run


@until_the_crash
def upsert_loop(server, ledger, writer, seed, stop):
    rng = random.Random(seed)
    cur = server.connect().cursor()
    while not stop.is_set():
        key = (f"W{writer}", rng.randrange(KEYS_PER_WRITER))
        value = rng.randrange(10**9)
        ledger.in_flight[key] = value
        cur.execute(UPSERT, (key[0], BASE + dt.timedelta(minutes=key[1]), value))
        ledger.acknowledged[key] = value
        del ledger.in_flight[key]
        ledger.upserts += 1


class CopySource:
    """Rows of one COPY, made as they are read."""

    def __init__(self, number, row_count):
        self.rows = iter(range(row_count))
        self.number = number

    def read(self, size):
        lines = []
        length = 0
        for i in self.rows:
            line = f"C{self.number},{BASE + dt.timedelta(milliseconds=i)},{i % 997}.25,{1 + i % 13},4,,{i},crash\n"
            lines.append(line)
            length += len(line)
            if length >= size:
                break
        return "".join(lines)


@until_the_crash
def copy_loop(server, ledger, numbers, stop):
    cur = server.connect().cursor()
    while not stop.is_set():
        number = next(numbers)
        # Now and then one that is larger than the memory for open chunks.
        rows = 250_000 if number % 6 == 5 else 20_000
        ledger.copies[number] = [rows, False]
        cur.copy_expert("COPY trades FROM STDIN (FORMAT csv)", CopySource(number, rows))
        ledger.copies[number][1] = True


@until_the_crash
def ddl_loop(server, ledger, numbers, stop):
    conn = server.connect()
    conn.autocommit = False
    cur = conn.cursor()
    while not stop.is_set():
        name = f"made_{next(numbers)}"
        ledger.tables[name] = False
        cur.execute(f"CREATE TABLE {name} (at TIMESTAMPTZ NOT NULL, value NUMERIC, PRIMARY KEY (at))")
        cur.execute(f"SELECT create_hypertable('{name}', 'at')")
        cur.execute(f"INSERT INTO {name} VALUES (%s, 1), (%s, 2)", (BASE, BASE + dt.timedelta(days=30)))
        cur.execute("INSERT INTO trades VALUES ('DDL', %s, 1, 1, NULL, NULL, %s, %s)", (BASE, int(name[5:]), name))
        conn.commit()
        ledger.tables[name] = True
        # The one before goes again now and then, whole as it came.
        before = f"made_{int(name[5:]) - 1}"
        if int(name[5:]) % 3 == 0 and ledger.tables.get(before) is True:
            ledger.tables[before] = "dropping"
            cur.execute(f"DROP TABLE {before}")
            cur.execute("DELETE FROM trades WHERE symbol = 'DDL' AND source = %s", (before,))
            conn.commit()
            del ledger.tables[before]
        time.sleep(0.02)


@until_the_crash
def fact_loop(server, ledger, writer, seed, stop):
    """Inserts, updates and deletes rows of its own, several in one transaction."""
    rng = random.Random(seed)
    conn = server.connect()
    conn.autocommit = False
    cur = conn.cursor()
    while not stop.is_set():
        changes = {}
        for key in rng.sample(range(writer * FACT_KEYS, (writer + 1) * FACT_KEYS), rng.choice((1, 2, 30))):
            old = ledger.facts.get(key)
            if old is None:
                changes[key] = (rng.randrange(10**12), "x" * rng.randrange(40))
                cur.execute("INSERT INTO facts VALUES (%s, %s, %s)", (key, *changes[key]))
            elif rng.random() < 0.4:
                changes[key] = None
                cur.execute("DELETE FROM facts WHERE key = %s", (key,))
            else:
                changes[key] = (old[0] + 1, old[1])
                cur.execute("UPDATE facts SET value = value + 1 WHERE key = %s", (key,))
        if rng.random() < 0.1:
            conn.rollback()
            continue
        ledger.fact_in_flight.update(changes)
        conn.commit()
        for key, fact in changes.items():
            if fact is None:
                ledger.facts.pop(key, None)
            else:
                ledger.facts[key] = fact
            del ledger.fact_in_flight[key]
        ledger.commits += 1


@until_the_crash
def transfer_loop(server, ledger, ids, seed, stop):
    """Moves money between two rows, with a row of another table that says so."""
    rng = random.Random(seed)
    conn = server.connect()
    conn.autocommit = False
    cur = conn.cursor()
    while not stop.is_set():
        number = next(ids)
        sender, receiver = rng.sample(range(ACCOUNTS), 2)
        amount = rng.randrange(1, 20)
        try:
            for account, change in sorted(((sender, -amount), (receiver, amount))):
                cur.execute("UPDATE positions SET cash = cash + %s WHERE account = %s", (change, account))
            cur.execute("INSERT INTO transfers VALUES (%s, %s, %s, %s)", (number, sender, receiver, amount))
            ledger.transfers[number] = (sender, receiver, amount, False)
            conn.commit()
        except RETRY:
            conn.rollback()
            ledger.transfers.pop(number, None)
            continue
        ledger.transfers[number] = (sender, receiver, amount, True)
        ledger.commits += 1


@until_the_crash
def number_loop(server, ledger, stop):
    cur = server.connect().cursor()
    while not stop.is_set():
        cur.execute("SELECT nextval('crash_numbers')")
        number = cur.fetchone()[0]
        if number in ledger.numbers:
            ledger.errors.append(f"nextval gave {number} twice")
        ledger.numbers.add(number)
        time.sleep(0.005)


@until_the_crash
def upkeep_loop(server, ledger, seed, stop):
    """Refreshes the aggregate and makes checkpoints, so that kills fall into both."""
    rng = random.Random(seed)
    cur = server.connect().cursor()
    while not stop.is_set():
        if rng.random() < 0.5:
            cur.execute("CALL refresh_continuous_aggregate('ohlcv_hourly', NULL, NULL)")
        else:
            cur.execute("CHECKPOINT")
        stop.wait(rng.uniform(0, 0.2))
