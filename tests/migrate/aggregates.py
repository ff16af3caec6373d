# SPDX-License-Identifier: Apache-2.0
"""Continuous aggregates of the layer for plain PostgreSQL: random writes and refreshes, by several sessions at once, and after each
round every bucket that is not marked as changed is compared with what its query says of the raw rows.

    aggregates.py POSTGRESQL_PORT [ROUNDS] [SEED]
"""
import random
import sys
import threading

import psycopg2

START = "TIMESTAMPTZ '2024-01-01 00:00:00+00'"
HOURS = 24 * 60

RAW = {
    "hours": ("hour", "SELECT name, time_bucket('1 hour', at) AS hour, first(value, at), last(value, at), sum(value), count(*) FROM samples "
              "GROUP BY name, hour"),
    "months": ("month", "SELECT time_bucket('1 month', at) AS month, min(value), max(value), count(*) FROM samples WHERE name <> 'c' "
               "GROUP BY month"),
}

SCHEMA = """
DROP TABLE IF EXISTS samples CASCADE;
CREATE TABLE samples (name TEXT, at TIMESTAMPTZ NOT NULL, value NUMERIC NOT NULL, PRIMARY KEY (name, at));
SELECT create_hypertable('samples', 'at', chunk_time_interval => INTERVAL '5 days');
SELECT _tickstone.create_continuous_aggregate('hours', 'samples', 'hour', INTERVAL '1 hour',
  'name, time_bucket(''1 hour'', at) AS hour, first(value, at) AS first, last(value, at) AS last, sum(value) AS total, count(*) AS n',
  'name, hour', materialized_only => FALSE);
SELECT _tickstone.create_continuous_aggregate('months', 'samples', 'month', '1 month',
  'time_bucket(''1 month'', at) AS month, min(value) AS low, max(value) AS high, count(*) AS n', 'month', where_clause => 'name <> ''c''',
  materialized_only => FALSE);
"""


def connect(port):
    connection = psycopg2.connect(host="127.0.0.1", port=port, dbname="inavvi", user="inavvi_user", password="postgres",
                                  options="-c timezone=UTC")
    connection.autocommit = True
    return connection


class Session(threading.Thread):
    def __init__(self, port, seed, operations):
        super().__init__()
        self.connection = connect(port)
        self.cursor = self.connection.cursor()
        self.random = random.Random(seed)
        self.operations = operations
        self.failure = None

    def at(self, hour):
        return f"{START} + INTERVAL '{hour} hours {self.random.randint(0, 3599)} seconds'"

    def write(self):
        pick = self.random
        hour, span = pick.randint(0, HOURS), pick.choice([1, 3, 50])
        rows = ", ".join(f"('{pick.choice('abc')}', {self.at(hour + pick.randint(0, span))}, {pick.randint(0, 1000)})"
                         for _ in range(pick.choice([1, 1, 5, 40])))
        within = f"at >= {self.at(hour)} AND at < {self.at(hour + span)}"
        statement = pick.choice([
            f"INSERT INTO samples SELECT DISTINCT ON (1, 2) * FROM (VALUES {rows}) v ON CONFLICT (name, at) DO UPDATE SET value = EXCLUDED.value",
            f"INSERT INTO samples SELECT DISTINCT ON (1, 2) * FROM (VALUES {rows}) v ON CONFLICT DO NOTHING",
            f"UPDATE samples SET value = value + 1 WHERE {within}",
            f"UPDATE samples SET at = at + INTERVAL '{pick.randint(-500, 500)} hours 1 microsecond' WHERE name = 'a' AND {within}",
            f"DELETE FROM samples WHERE {within}",
            # Of a chunk, by its own name.
            "chunk"])
        if statement == "chunk":
            self.cursor.execute("SELECT c::text FROM show_chunks('samples') c ORDER BY random() LIMIT 1")
            (chunk,) = self.cursor.fetchone()
            if chunk.isdigit():
                return  # one that was dropped at that moment has no name any more
            statement = f"UPDATE {chunk} SET value = value * 2 WHERE name = 'b'"
        self.cursor.execute(statement)

    def transaction(self):
        self.cursor.execute(self.random.choice(["BEGIN", "BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ"]))
        for _ in range(self.random.randint(1, 4)):
            self.write()
        self.cursor.execute(self.random.choice(["COMMIT", "COMMIT", "ROLLBACK"]))

    def refresh(self):
        pick = self.random
        hour = pick.randint(-10, HOURS)
        window = pick.choice(["NULL, NULL", f"{self.at(hour)}, {self.at(hour + pick.choice([800, 3000]))}", f"NULL, {self.at(hour + 100)}"])
        self.cursor.execute(f"CALL refresh_continuous_aggregate('{pick.choice(['hours', 'months'])}', {window})")

    def upkeep(self):
        if self.random.random() < 0.5:
            self.cursor.execute("CALL run_job(1)")
        else:
            hour = self.random.randint(0, HOURS // 4)
            self.cursor.execute(f"SELECT drop_chunks('samples', {self.at(hour)})")

    def run(self):
        for _ in range(self.operations):
            try:
                self.random.choice([self.write, self.write, self.transaction, self.transaction, self.refresh, self.upkeep])()
            except psycopg2.Error as error:
                if not self.connection.closed and error.pgcode in ("40P01", "40001", "22023", "42P01"):
                    # Deadlocks and conflicts of the random writers, windows without a bucket, a chunk that was just dropped.
                    self.cursor.execute("ROLLBACK")
                    continue
                self.failure = error
                return


def problems(cursor):
    found = []
    for name, (bucket, raw) in RAW.items():
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT a.id, a.materialization::text FROM _tickstone.continuous_aggregate a WHERE a.view = %s::regclass", (name,))
        number, table = cursor.fetchone()
        # Where nothing is logged the table and the raw rows agree, and from the watermark on the view does.
        stale = (f"EXISTS (SELECT FROM _tickstone.continuous_aggregate a, LATERAL (SELECT lowest, end_of FROM _tickstone.invalid "
                 f"WHERE aggregate_id = a.id UNION ALL SELECT lowest, end_of FROM _tickstone.written WHERE hypertable_id = a.hypertable_id) l "
                 f"WHERE a.id = {number} AND _tickstone.internal_of({bucket}) < l.end_of "
                 f"AND _tickstone.internal_of({bucket} + INTERVAL '1 {bucket}') > l.lowest)")
        for what, one, other in ((f"{name}: the table", f"SELECT * FROM {table} WHERE NOT {stale}",
                                  f"SELECT * FROM ({raw}) r WHERE NOT {stale} AND {bucket} < _tickstone.watermark_of({number}, NULL::timestamptz)"),
                                 (f"{name}: the view past the watermark",
                                  f"SELECT * FROM {name} WHERE {bucket} >= _tickstone.watermark_of({number}, NULL::timestamptz)",
                                  f"SELECT * FROM ({raw}) r WHERE {bucket} >= _tickstone.watermark_of({number}, NULL::timestamptz)")):
            cursor.execute(f"(({one}) EXCEPT ALL ({other})) UNION ALL (({other}) EXCEPT ALL ({one})) LIMIT 5")
            rows = cursor.fetchall()
            if rows:
                found.append(f"{what} differs from the raw rows: {rows}")
        cursor.execute("COMMIT")
    return found


def whole(cursor):
    found = []
    for name, (_, raw) in RAW.items():
        cursor.execute(f"CALL refresh_continuous_aggregate('{name}', NULL, NULL)")
        cursor.execute(f"(SELECT * FROM {name} EXCEPT ALL ({raw})) UNION ALL (({raw}) EXCEPT ALL SELECT * FROM {name}) LIMIT 5")
        rows = cursor.fetchall()
        if rows:
            found.append(f"{name} after a refresh of everything: {rows}")
    return found


def main():
    port, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 12
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    cursor = connect(port).cursor()
    cursor.execute(SCHEMA)
    found = []
    for number in range(rounds):
        sessions = [Session(port, seed * 1000 + number * 10 + which, 15) for which in range(3)]
        for session in sessions:
            session.start()
        for session in sessions:
            session.join()
            if session.failure:
                found.append(f"round {number}: {session.failure}")
        found += [f"round {number}: {problem}" for problem in problems(cursor)]
        if number % 4 == 3:
            found += [f"round {number}: {problem}" for problem in whole(cursor)]
        if found:
            break
    cursor.execute("SELECT count(*) FROM samples")
    print("\n".join(found) if found else f"aggregates.py: {rounds} rounds agree, {cursor.fetchone()[0]} rows left (seed {seed})")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
