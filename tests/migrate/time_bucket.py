# SPDX-License-Identifier: Apache-2.0
"""time_bucket, first, last and histogram of the layer for plain PostgreSQL and of TimescaleDB, where TICKSTONE_TEST_TIMESCALEDB names it,
beside Tickstone's own, on random arguments.

    time_bucket.py TICKSTONE_PORT POSTGRESQL_PORT [SEED]
"""
import random
import re
import sys

import psycopg2

import timescaledb

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns"]


def connect(url):
    cursor = timescaledb.connect(url).cursor()
    cursor.execute("SET TIME ZONE 'UTC'")
    return cursor


def address(port):
    return f"postgresql://inavvi_user:postgres@127.0.0.1:{port}/inavvi"


def answer(cursor, sql):
    """The rows, or the SQLSTATE."""
    try:
        cursor.execute(sql)
        return cursor.fetchall()
    except psycopg2.Error as error:
        return error.pgcode


class Arguments:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def time(self):
        pick = self.random
        year = pick.choice([pick.randint(1, 3000), pick.randint(1990, 2030), pick.randint(1990, 2030)])
        # Changes of clocks are in these months, in the night; starts of buckets are at even times.
        text = f"{year:04}-{pick.choice([3, 10, 11, pick.randint(1, 12)]):02}-{pick.randint(1, 28):02} "
        text += pick.choice(["00:00:00", f"{pick.randint(0, 4):02}:{pick.choice([0, 30, pick.randint(0, 59)]):02}:00",
                             f"{pick.randint(0, 23):02}:{pick.randint(0, 59):02}:{pick.randint(0, 59):02}.{pick.randint(0, 999999):06}"])
        return text

    def width(self):
        pick = self.random
        return pick.choice(["1 day", "1 hour", "5 minutes", "1 week", "1 month", "3 months", "1 year", "17 months", "90 minutes", "36 hours",
                            "0.25 seconds", "7 microseconds", f"{pick.randint(1, 400)} days", f"{pick.randint(1, 100000)} seconds",
                            f"{pick.randint(1, 30)} days {pick.randint(0, 23)} hours", "0 seconds", "-1 day", "1 month 1 day"])

    def offset(self):
        pick = self.random
        return pick.choice(["2 hours", "-30 minutes", "1 day", "5 days 3 hours", f"{pick.randint(-100000, 100000)} seconds"])

    def call(self):
        pick = self.random
        width, time, other = f"INTERVAL '{self.width()}'", self.time(), self.time()
        kind = pick.choice(["timestamptz", "timestamp", "date", "zone", "integer"])
        if kind == "integer":
            type_name, bound = pick.choice([("smallint", 30000), ("int", 2**31 - 100000), ("bigint", 2**62)])
            value, size = pick.randint(-bound, bound), pick.choice([1, 7, 100, 1000, 0, -5])
            third = pick.choice(["", f", ({pick.randint(-bound // 2, bound // 2)})::{type_name}"])
            return f"time_bucket(({size})::{type_name}, ({value})::{type_name}{third})"
        if kind == "zone":
            extra = pick.choice(["", f", origin => TIMESTAMPTZ '{other}+00'", f", \"offset\" => INTERVAL '{self.offset()}'"])
            return f"time_bucket({width}, TIMESTAMPTZ '{time}+00', '{pick.choice(ZONES)}'{extra})"
        zone = "+00" if kind == "timestamptz" else ""
        third = pick.choice(["", "", f", {kind} '{other}{zone}'", f", INTERVAL '{self.offset()}'"])
        return f"time_bucket({width}, {kind} '{time}{zone}'{third})"


def is_hour_that_comes_twice(cursor, call, expected, actual):
    """Where clocks go back a start by the clock is two times: ours is the first for what follows it, TimescaleDB's is the second always."""
    zone = re.search(r"\+00', '([A-Z]\w+/?\w*)'", call)
    if not zone or not isinstance(expected, list) or not isinstance(actual, list):
        return False
    cursor.execute("SELECT (%s::timestamptz AT TIME ZONE %s) = (%s::timestamptz AT TIME ZONE %s)", (expected[0][0], zone[1], actual[0][0], zone[1]))
    return cursor.fetchone()[0]


def compare(seed, tickstone, peer_name, peer):
    arguments = Arguments(seed)
    calls = [arguments.call() for _ in range(4000)]
    wrong = 0
    for call in calls:
        # As text: years beyond Python's are times, too.
        sql = f"SELECT ({call})::text"
        expected, actual = answer(tickstone, sql), answer(peer, sql)
        if expected == actual or peer_name == "TimescaleDB" and is_hour_that_comes_twice(peer, call, expected, actual):
            continue
        wrong += 1
        print(f"{call}: Tickstone {expected}, {peer_name} {actual}")
    rows = ", ".join(f"({arguments.random.choice(['NULL', repr(arguments.time() + '+00')])}::timestamptz, {n}, {n * 7 % 11}::numeric / 4)"
                     for n in range(500))
    for select in ("first(n, at), last(n, at), first(amount, at), last(amount, at), first(n, n), last(n::text, amount)",
                   "histogram(amount::float8, 0, 2, 5), histogram(n::float8, 100, 50, 3)", "histogram(amount::float8, 0.5, 2, 7)",
                   "n % 7, first(at, n), last(at::date, -n)"):
        group = " GROUP BY n % 7 ORDER BY 1" if select.startswith("n %") else ""
        sql = f"SELECT {select} FROM (VALUES {rows}) AS v(at, n, amount){group}"
        expected, actual = answer(tickstone, sql), answer(peer, sql)
        if expected != actual:
            wrong += 1
            print(f"{select}: Tickstone {expected}, {peer_name} {actual}")
    print(f"time_bucket.py: {len(calls) + 4} compared with {peer_name}, {wrong} differ (seed {seed})")
    return wrong


def main():
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    tickstone = connect(address(sys.argv[1]))
    wrong = compare(seed, tickstone, "PostgreSQL", connect(address(sys.argv[2])))
    if timescaledb.is_at_hand():
        url = timescaledb.make_database()
        try:
            wrong += compare(seed, tickstone, "TimescaleDB", connect(url))
        finally:
            timescaledb.drop_database(url)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
