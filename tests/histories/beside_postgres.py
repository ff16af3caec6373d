#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The same random statements here and on PostgreSQL: the same counts, rows, errors, and the same tables after each.

    beside_postgres.py --peer PORT [--statements 400] [--rounds 3] [--seed N]

Between statements ours seals what is in memory, now and then, and is killed and recovers at the end of a round.
"""
import argparse
import pathlib
import random
import sys
import tempfile

import psycopg2

import random_sql

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "crash"))
from server import Server  # noqa: E402

TABLES = (random_sql.KEYED, random_sql.LOOSE, random_sql.TICKS, "child")


def plain(value):
    """NaN equals itself, and 2.50 is 2.5."""
    if isinstance(value, float) and value != value:
        return "NaN"
    return value


def run(connection, statement):
    """What came of it: how many rows, which rows in any order, or the error."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(statement)
        except psycopg2.Error as error:
            return ("error", error.pgcode, error.diag.message_primary)
        rows = cursor.fetchall() if cursor.description else []
        return (cursor.rowcount, sorted((tuple(map(plain, row)) for row in rows), key=repr))


def contents(connection, table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        return sorted((tuple(map(plain, row)) for row in cursor.fetchall()), key=normal)


def normal(row):
    return repr([value.normalize() if hasattr(value, "normalize") else value for value in row])


class Round:
    def __init__(self, server, peer, seed):
        self.server, self.peer, self.seed = server, peer, seed
        self.random = random.Random(seed)
        self.schema = f"r{seed}"
        self.history = []

    def fail(self, why):
        print(f"beside_postgres: seed {self.seed}, statement {len(self.history)}: {why}")
        for statement in self.history[-12:]:
            print(f"  {statement};")
        sys.exit(1)

    def prepare(self):
        for connection in (self.ours, self.peer):
            with connection.cursor() as cursor:
                cursor.execute(f"DROP SCHEMA IF EXISTS {self.schema} CASCADE")
                cursor.execute(f"CREATE SCHEMA {self.schema}")
                cursor.execute(f"SET search_path = {self.schema}, public")
                cursor.execute("SET TimeZone = 'UTC'")
                cursor.execute(random_sql.SCHEMA)
        with self.ours.cursor() as cursor:
            cursor.execute("SELECT create_hypertable('ticks', 'at', chunk_time_interval => INTERVAL '1 day')")

    def compare_tables(self):
        for table in TABLES:
            ours, theirs = contents(self.ours, table), contents(self.peer, table)
            if list(map(normal, ours)) != list(map(normal, theirs)):
                only_ours = [row for row in ours if row not in theirs][:3]
                only_theirs = [row for row in theirs if row not in ours][:3]
                self.fail(f"{table}: {len(ours)} rows, not {len(theirs)}; ours {only_ours}; theirs {only_theirs}")

    def go(self, count):
        self.ours = self.server.connect()
        sealer = self.server.connect()
        self.prepare()
        statements = random_sql.Statements(self.random)
        for _ in range(count):
            if self.random.random() < 0.1:
                run(sealer, "CHECKPOINT")
                self.history.append("-- CHECKPOINT by another session")
            statement = statements.next()
            self.history.append(statement)
            ours, theirs = run(self.ours, statement), run(self.peer, statement)
            # Of the errors that several rows end in, which one comes first is not decided.
            is_of_several = "), (" in statement or len(statement) > 200
            if ours != theirs and not (ours[0] == theirs[0] == "error" and is_of_several):
                self.fail(f"ours {str(ours)[:600]}\n  theirs {str(theirs)[:600]}")
            if theirs[0] != "error":
                self.compare_tables()
            elif statements.is_block:
                # The block is over for both; what ALTER TABLE did in it is undone, which Statements does not know.
                statements.is_block = False
                for connection in (self.ours, self.peer):
                    run(connection, "ROLLBACK")
                self.history.append("ROLLBACK")
            for table in statements.extra:
                statements.extra[table] = self.extra_columns(table)
        run(self.peer, "COMMIT")
        run(self.ours, "COMMIT")
        self.server.kill()
        self.server.start()
        self.ours = self.server.connect()
        run(self.ours, f"SET search_path = {self.schema}, public")
        run(self.ours, "SET TimeZone = 'UTC'")
        self.history.append("-- kill -9 and recovery")
        self.compare_tables()
        run(self.peer, f"DROP SCHEMA {self.schema} CASCADE")

    def extra_columns(self, table):
        with self.peer.cursor() as cursor:
            cursor.execute("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
                           "AND attname LIKE 'extra%%' ORDER BY attnum", (f"{self.schema}.{table}",))
            return [row[0] for row in cursor.fetchall()]


def main():
    parser = argparse.ArgumentParser(description="Random SQL here and on PostgreSQL.")
    parser.add_argument("--peer", type=int, required=True, help="port of a PostgreSQL 15")
    parser.add_argument("--statements", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    peer = psycopg2.connect(host="127.0.0.1", port=options.peer, dbname="inavvi", user="inavvi_user", password="postgres")
    peer.autocommit = True
    with tempfile.TemporaryDirectory(prefix="tickstone-beside-") as scratch:
        server = Server(f"{scratch}/store", 512)
        server.start()
        try:
            for number in range(options.rounds):
                Round(server, peer, options.seed + number).go(options.statements)
        finally:
            server.kill()
    print(f"beside_postgres: seed {options.seed}, {options.rounds} rounds of {options.statements} statements, the same on both")


if __name__ == "__main__":
    main()
