#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Random transactions of many sessions at once, judged by what every snapshot must show and by what was acknowledged.

    histories.py [--seconds 20] [--sessions 8] [--seed N] [--peer PORT]

Sessions run the transactions of transactions.py at READ COMMITTED and REPEATABLE READ; readers look at everything twice in
one snapshot; one session alters the tables that the others write, one seals and compacts underneath. In the end the server
is killed, and what it recovers must be the same. --peer runs the same against PostgreSQL, which proves the checks.
"""
import argparse
import pathlib
import random
import subprocess
import sys
import tempfile
import threading
import time

import psycopg2

import checks
import ledger as ledgers
import transactions

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "crash"))
from server import PROGRAM, Server  # noqa: E402

# Serialization, deadlock, lock timeout: what a transaction has to expect of others.
EXPECTED = ("40001", "40P01", "55P03")
COLUMNS_ALTERED = ("accounts", "ticks", "lists", "counters")


class Worker(threading.Thread):
    error = psycopg2.Error

    def __init__(self, run, number):
        super().__init__(daemon=True)
        self.run_of, self.ledger, self.number = run, run.ledger, number
        self.random = random.Random(f"{run.seed}/{number}/{type(self).__name__}")

    def pause(self):
        time.sleep(self.random.random() * 0.003)

    def run(self):
        try:
            connection = self.run_of.connect()
            while not self.run_of.is_over():
                self.step(connection)
            connection.close()
        except Exception as error:  # Boundary: a session that ends early is a problem of its own
            self.ledger.problem(f"{type(self).__name__} {self.number}: {type(error).__name__} "
                                f"{getattr(error, 'pgcode', '')} {error}")

    def begin(self, connection):
        is_repeatable = self.random.random() < 0.5
        connection.set_session(isolation_level="REPEATABLE READ" if is_repeatable else "READ COMMITTED")
        return is_repeatable


class Writer(Worker):
    def step(self, connection):
        self.begin(connection)
        write = self.random.choice(transactions.WRITES)
        try:
            with connection.cursor() as cursor:
                if self.random.random() < 0.1:
                    cursor.execute("SET LOCAL lock_timeout = %s", (self.random.choice((5, 50, 2000)),))
                done = write(self, cursor)
            connection.commit()
            if done is not None:
                self.ledger.add(*done)
            self.ledger.count(write.__name__)
        except transactions.Rollback:
            connection.rollback()
            self.ledger.count("rolled back")
        except psycopg2.Error as error:
            connection.rollback()
            if error.pgcode not in EXPECTED:
                raise
            self.ledger.count(error.pgcode)


class Reader(Worker):
    """Reads everything in one snapshot, and all of it again."""

    def step(self, connection):
        connection.set_session(isolation_level="REPEATABLE READ")
        names = list(checks.SNAPSHOT)
        where = f"reader {self.number}"
        with connection.cursor() as cursor:
            # The first statement takes the snapshot.
            self.random.shuffle(names)
            seen = {name: checks.read(cursor, name) for name in names}
            time.sleep(self.random.choice((0, 0.01, 0.3)))
            for name in names:
                again = checks.read(cursor, name)
                self.ledger.check(again == seen[name], f"{where}: {name} changed within a snapshot: {seen[name]} {again}")
            if self.random.random() < 0.3:
                self.write_and_read(cursor, seen)
        connection.rollback()
        checks.check_snapshot(self.ledger, seen, where)
        self.ledger.count("snapshots")

    def write_and_read(self, cursor, seen):
        """Its own uncommitted row, on top of the same snapshot."""
        cursor.execute("INSERT INTO entries VALUES (-1, -1, 5)")
        cursor.execute("SELECT count(*) FROM entries WHERE account = -1")
        self.ledger.check(cursor.fetchone()[0] == 1, "a reader does not see its own row")
        cursor.execute(checks.SNAPSHOT["accounts"])
        self.ledger.check(cursor.fetchall() == seen["accounts"], "accounts changed after the reader's own write")


class Alterer(Worker):
    """Adds and drops columns of the tables in use."""

    def step(self, connection):
        self.begin(connection)
        table, name = self.random.choice(COLUMNS_ALTERED), f"extra_{self.random.randrange(3)}"
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '200ms'")
                if self.random.random() < 0.5:
                    value = self.random.randrange(100)
                    cursor.execute(f"ALTER TABLE {table} DROP COLUMN IF EXISTS {name}")
                    cursor.execute(f"ALTER TABLE {table} ADD COLUMN {name} int DEFAULT {value}")
                    cursor.execute(f"SELECT count(*), count({name}), min({name}), max({name}) FROM {table}")
                    rows, filled, least, most = cursor.fetchone()
                    self.ledger.check(rows == filled and least in (None, value) and most in (None, value),
                                      f"{table}.{name} DEFAULT {value}: {rows} rows, {filled} filled, {least} to {most}")
                else:
                    cursor.execute(f"ALTER TABLE {table} DROP COLUMN IF EXISTS {name}")
            connection.commit()
            self.ledger.count("altered")
        except psycopg2.Error as error:
            connection.rollback()
            if error.pgcode not in EXPECTED:
                raise
        time.sleep(self.random.random() * 0.1)


class Sealer(Worker):
    """Turns open chunks into segments, which compaction then merges."""

    def step(self, connection):
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("CHECKPOINT")
        self.ledger.count("checkpoints")
        time.sleep(self.random.random() * 0.3)


class Run:
    def __init__(self, options, connect):
        self.connect, self.seed = connect, options.seed
        self.ledger = ledgers.Ledger()
        self.ends_at = None
        self.options = options

    def is_over(self):
        return time.monotonic() > self.ends_at or bool(self.ledger.problems)

    def prepare(self):
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(transactions.SCHEMA)
            if not self.options.peer:
                cursor.execute("SELECT create_hypertable('ticks', 'time', chunk_time_interval => INTERVAL '1 hour')")
            transactions.fill(cursor)

    def go(self):
        self.prepare()
        self.ends_at = time.monotonic() + self.options.seconds
        workers = [Writer(self, number) for number in range(self.options.sessions)]
        workers += [Reader(self, 0), Reader(self, 1), Alterer(self, 0), Sealer(self, 0)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(self.options.seconds + 60)
            self.ledger.check(not worker.is_alive(), f"{type(worker).__name__} {worker.number} hangs")

    def look(self):
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            return {name: checks.read(cursor, name) for name in checks.SNAPSHOT}

    def judge(self, where):
        seen = self.look()
        checks.check_snapshot(self.ledger, seen, where)
        return seen


def report(run):
    if run.ledger.problems:
        for problem in run.ledger.problems[:10]:
            print(f"histories: {problem[:1000]}")
        print(f"histories: seed {run.seed}: {len(run.ledger.problems)} problems")
        sys.exit(1)
    counts = run.ledger.counts
    print(f"histories: seed {run.seed}, {sum(counts.get(w.__name__, 0) for w in set(transactions.WRITES))} transactions, "
          + ", ".join(f"{counts[key]} {key}" for key in sorted(counts)))
    missing = {w.__name__ for w in transactions.WRITES} | {"snapshots", "altered"}
    missing -= set(counts)
    if missing:
        print(f"histories: never happened: {', '.join(sorted(missing))}")
        sys.exit(1)


def main():
    parser = argparse.ArgumentParser(description="Runs random transactions at once and checks what they left.")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--peer", type=int, help="port of a PostgreSQL")
    options = parser.parse_args()
    if options.peer:
        run = Run(options, lambda: psycopg2.connect(host="127.0.0.1", port=options.peer, dbname="inavvi",
                                                    user="inavvi_user", password="postgres"))
        run.go()
        checks.check_end(run.ledger, run.judge("end"))
        report(run)
        return

    with tempfile.TemporaryDirectory(prefix="tickstone-histories-") as scratch:
        server = Server(f"{scratch}/store", 512)
        server.start()

        def connect():
            connection = server.connect()
            connection.autocommit = False
            return connection

        run = Run(options, connect)
        try:
            run.go()
            seen = run.judge("end")
            checks.check_end(run.ledger, seen)
            server.kill()
            server.start()
            recovered = run.judge("after kill -9")
            run.ledger.check(recovered == seen, "kill -9 after the end changed what is there")
            server.process.terminate()
            server.process.wait(60)
            verified = subprocess.run([PROGRAM, "verify", f"{scratch}/store"], capture_output=True, text=True)
            run.ledger.check(verified.returncode == 0, f"verify: {verified.stdout} {verified.stderr}")
        finally:
            if server.process.poll() is None:
                server.kill()
        report(run)


if __name__ == "__main__":
    main()
