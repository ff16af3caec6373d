#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Crash rounds: start the server, write from many connections, kill -9, start again, compare with the ledger.

What must hold after every restart:
  - each acknowledged upsert is there, once, with the last acknowledged value or the one that was in flight;
  - a COPY is there in whole when it was acknowledged, and in whole or not at all when it was not;
  - a transaction that made a table, a hypertable and rows is there in whole or not at all;
  - nothing else is there.
"""
import argparse
import datetime as dt
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import psycopg2

ROOT = pathlib.Path(__file__).resolve().parents[2]
BASE = dt.datetime(2026, 1, 5, tzinfo=dt.timezone.utc)
WRITERS = 8
KEYS_PER_WRITER = 200
COPY_ROWS = 60_000

SCHEMA = """
CREATE TABLE IF NOT EXISTS ohlcv (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, open NUMERIC NOT NULL, high NUMERIC NOT NULL,
  low NUMERIC NOT NULL, close NUMERIC NOT NULL, volume NUMERIC NOT NULL, source TEXT NOT NULL, timeframe TEXT NOT NULL,
  PRIMARY KEY (symbol, timestamp, timeframe));
SELECT create_hypertable('ohlcv', 'timestamp', if_not_exists => TRUE);
CREATE TABLE IF NOT EXISTS trades (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, price NUMERIC NOT NULL, size NUMERIC NOT NULL,
  exchange INTEGER, conditions TEXT[], id BIGINT NOT NULL, source TEXT NOT NULL, PRIMARY KEY (symbol, timestamp, id));
SELECT create_hypertable('trades', 'timestamp', if_not_exists => TRUE);
"""
UPSERT = """INSERT INTO ohlcv (symbol, timestamp, open, high, low, close, volume, source, timeframe)
VALUES (%s, %s, 1.5, 2.5, 0.5, 1.75, %s, 'crash', '1m')
ON CONFLICT (symbol, timestamp, timeframe) DO UPDATE SET open = EXCLUDED.open, high = EXCLUDED.high, low = EXCLUDED.low,
  close = EXCLUDED.close, volume = EXCLUDED.volume, source = EXCLUDED.source"""


class Server:
    def __init__(self, directory):
        self.directory = directory
        self.process = None
        self.port = None
        self.is_killed = False

    def start(self):
        self.is_killed = False
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        log = open(self.directory + ".log", "ab")
        self.process = subprocess.Popen(
            [str(ROOT / "build/tickstone"), "serve", "--data", self.directory, "--listen", "127.0.0.1", "--port", str(self.port)],
            stdout=subprocess.PIPE, stderr=log)
        log.close()
        line = self.process.stdout.readline()
        if b"ready" not in line:
            raise SystemExit(f"the server did not start: {line!r}, see {self.directory}.log")

    def connect(self):
        conn = psycopg2.connect(host="127.0.0.1", port=self.port, dbname="inavvi", user="inavvi_user", password="postgres")
        conn.autocommit = True
        return conn

    def kill(self):
        self.is_killed = True
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


class Ledger:
    def __init__(self):
        self.acknowledged = {}  # (symbol, minute) -> value
        self.in_flight = {}     # the same, at the moment of the crash
        self.copies = {}        # number -> True once acknowledged
        self.tables = {}        # name -> True once acknowledged
        self.upserts = 0
        self.errors = []        # of writers, while the server ran


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

    def __init__(self, number):
        self.rows = iter(range(COPY_ROWS))
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
        ledger.copies[number] = False
        cur.copy_expert("COPY trades FROM STDIN (FORMAT csv)", CopySource(number))
        ledger.copies[number] = True


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
        time.sleep(0.02)


def check(server, ledger):
    problems = []
    conn = server.connect()
    cur = conn.cursor()
    cur.execute("SELECT symbol, timestamp, volume FROM ohlcv WHERE source = 'crash'")
    found = {}
    for symbol, at, volume in cur.fetchall():
        key = (symbol, round((at - BASE).total_seconds() / 60))
        if key in found:
            problems.append(f"{key} is there twice")
        found[key] = int(volume)
    for key, value in ledger.acknowledged.items():
        allowed = {value, ledger.in_flight.get(key, value)}
        if found.get(key) not in allowed:
            problems.append(f"{key}: acknowledged {value}, found {found.get(key)}")
    for key, value in found.items():
        if key not in ledger.acknowledged and ledger.in_flight.get(key) != value:
            problems.append(f"{key}: {value} was never sent")
        ledger.acknowledged[key] = value  # what is there now stays
    ledger.in_flight.clear()

    cur.execute("SELECT symbol, count(*), min(id), max(id) FROM trades WHERE symbol LIKE 'C%' GROUP BY symbol")
    copies = {int(symbol[1:]): (count, low, high) for symbol, count, low, high in cur.fetchall()}
    for number, acknowledged in list(ledger.copies.items()):
        if number in copies:
            if copies[number] != (COPY_ROWS, 0, COPY_ROWS - 1):
                problems.append(f"COPY {number} is there in part: {copies[number]}")
            ledger.copies[number] = True
        elif acknowledged:
            problems.append(f"COPY {number} was acknowledged and is gone")
        else:
            del ledger.copies[number]
    for number in copies:
        if number not in ledger.copies:
            problems.append(f"COPY {number} was never sent")

    cur.execute("SELECT source FROM trades WHERE symbol = 'DDL'")
    witnessed = {row[0] for row in cur.fetchall()}
    cur.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_name LIKE 'made%'")
    there = {row[0] for row in cur.fetchall()}
    cur.execute("SELECT hypertable_name FROM timescaledb_information.hypertables")
    hypertables = {row[0] for row in cur.fetchall()}
    for name, acknowledged in list(ledger.tables.items()):
        states = (name in there, name in witnessed, name in hypertables)
        if len(set(states)) != 1:
            problems.append(f"transaction of {name} is there in part: table, row, hypertable = {states}")
        elif not states[0]:
            if acknowledged:
                problems.append(f"table {name} was acknowledged and is gone")
            del ledger.tables[name]
        else:
            cur.execute(f"SELECT count(*), sum(value) FROM {name}")
            row = cur.fetchone()
            if (row[0], int(row[1])) != (2, 3):
                problems.append(f"table {name} has {row}")
            ledger.tables[name] = True
    conn.close()
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    args = parser.parse_args()
    rng = random.Random(args.seed)
    print(f"crash: {args.rounds} rounds, seed {args.seed}", flush=True)
    scratch = tempfile.mkdtemp(prefix="tickstone-crash-")
    server = Server(os.path.join(scratch, "store"))
    server.start()
    conn = server.connect()
    conn.cursor().execute(SCHEMA)
    conn.close()
    ledger = Ledger()
    copy_numbers = iter(range(10**9))
    table_numbers = iter(range(10**9))
    for round_number in range(1, args.rounds + 1):
        stop = threading.Event()
        threads = [threading.Thread(target=upsert_loop, args=(server, ledger, w, rng.random(), stop)) for w in range(WRITERS)]
        threads.append(threading.Thread(target=copy_loop, args=(server, ledger, copy_numbers, stop)))
        threads.append(threading.Thread(target=ddl_loop, args=(server, ledger, table_numbers, stop)))
        before = ledger.upserts
        for thread in threads:
            thread.start()
        time.sleep(rng.uniform(0.05, 2.0))
        server.kill()
        stop.set()
        for thread in threads:
            thread.join()
        began = time.monotonic()
        server.start()
        recovery = time.monotonic() - began
        problems = ledger.errors + check(server, ledger)
        print(f"crash: round {round_number}: {ledger.upserts - before} upserts acknowledged, "
              f"{sum(ledger.copies.values())} COPYs and {sum(ledger.tables.values())} tables there, restart {recovery:.2f} s"
              + ("" if not problems else " FAIL"), flush=True)
        if problems:
            for problem in problems[:20]:
                print("  " + problem)
            print(f"  the store is kept in {scratch}")
            server.kill()
            return 1
    server.kill()
    shutil.rmtree(scratch)
    print(f"crash: {args.rounds} rounds, {ledger.upserts} upserts, nothing lost", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
