#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What bringing daily bars up to date costs, on Tickstone and on PostgreSQL 15, in turn, on this machine.

    refresh_compare.py [--symbols 500] [--days 20] [--rounds 3]

PostgreSQL without TimescaleDB has REFRESH MATERIALIZED VIEW, which makes all rows anew; Tickstone aggregates the buckets that changed.
Changes: nothing, 1,000 new rows of the last day, 1,000 rows spread over all days. Also single-row upserts without an aggregate, with one,
and with one that is current at commit (tickstone.eager).
"""
import argparse
import os
import random
import shutil
import statistics
import sys
import tempfile
import time

from compare import UPSERT, Postgres, Tickstone, make_tables, pgbench

QUERY = """SELECT symbol, {bucket} AS day, {first} AS open, max(high) AS high, min(low) AS low, {last} AS close, sum(volume) AS volume, count(*) AS n
  FROM ohlcv WHERE timeframe = '1m' GROUP BY 1, 2"""
TEXTS = {
    "PostgreSQL 15": QUERY.format(bucket="date_bin('1 day', timestamp, '2000-01-03')", first="(array_agg(open ORDER BY timestamp))[1]",
                                  last="(array_agg(close ORDER BY timestamp DESC))[1]"),
    "Tickstone": QUERY.format(bucket="time_bucket('1 day', timestamp)", first="first(open, timestamp)", last="last(close, timestamp)"),
}


def insert(server, rows):
    """`rows`: (symbol number, minute since the first day)."""
    values = ", ".join(f"('S{symbol}', TIMESTAMPTZ '2026-01-05 00:00+00' + INTERVAL '{minute} minutes', 100, 101, 99, 100.5, {symbol + 1}, 'bench', '1m')"
                       for symbol, minute in rows)
    server.connect().cursor().execute(
        f"INSERT INTO ohlcv (symbol, timestamp, open, high, low, close, volume, source, timeframe) VALUES {values} "
        "ON CONFLICT (symbol, timestamp, timeframe) DO UPDATE SET volume = ohlcv.volume + EXCLUDED.volume")


def refresh(server):
    cur = server.connect().cursor()
    began = time.perf_counter()
    cur.execute("CALL refresh_continuous_aggregate('daily', NULL, NULL)" if server.name == "Tickstone" else "REFRESH MATERIALIZED VIEW daily")
    return time.perf_counter() - began


def answer(server, text):
    cur = server.connect().cursor()
    cur.execute(f"SELECT symbol, day, open, high, low, close, volume, n FROM {text} ORDER BY 1, 2")
    return cur.fetchall()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    args = parser.parse_args()
    scratch = tempfile.mkdtemp(prefix="tickstone-bench-")
    os.chmod(scratch, 0o755)
    servers = [Postgres(scratch), Tickstone(scratch)]
    lines = []

    def add(what, unit, values):
        lines.append((what, unit, values))
        shown = ", ".join("-" if value is None else f"{value:,.1f}" for value in values)
        print(f"bench: {what}: {shown} {unit}", file=sys.stderr, flush=True)

    try:
        for server in servers:
            make_tables(server)
            # The trading day's 390 minutes of every symbol.
            server.connect().cursor().execute(
                "INSERT INTO ohlcv (symbol, timestamp, open, high, low, close, volume, source, timeframe) "
                "SELECT 'S' || s, TIMESTAMPTZ '2026-01-05 14:30:00+00' + d * INTERVAL '1 day' + m * INTERVAL '1 minute', 100 + s % 7, 101 + m % 5 + s % 7, "
                f"99 + s % 7, 100.5 + s % 7, m + 1, 'bench', '1m' FROM generate_series(0, {args.symbols - 1}) s, generate_series(0, {args.days - 1}) d, "
                "generate_series(0, 389) m")
            server.settle()
        made = []
        for server in servers:
            cur = server.connect().cursor()
            began = time.perf_counter()
            cur.execute("CREATE MATERIALIZED VIEW daily " + ("WITH (timescaledb.continuous) " if server.name == "Tickstone" else "") +
                        "AS " + TEXTS[server.name])
            made.append(1000 * (time.perf_counter() - began))
        add(f"all {args.symbols * args.days * 390:,} bars", "ms", made)
        chance = random.Random(7)
        changes = {
            "nothing has changed": lambda: [],
            "1,000 new rows of the last day": lambda: [(chance.randrange(args.symbols), (args.days - 1) * 1440 + chance.randrange(860)) for _ in range(1000)],
            f"1,000 rows over {args.days} days": lambda: [(chance.randrange(args.symbols), chance.randrange(args.days) * 1440 + chance.randrange(860))
                                                          for _ in range(1000)],
        }
        for what, make in changes.items():
            taken = [[], []]
            for _ in range(args.rounds):
                rows = sorted(set(make()))
                for i, server in enumerate(servers):
                    if rows:
                        insert(server, rows)
                    taken[i].append(1000 * refresh(server))
            add(what, "ms", [statistics.median(times) for times in taken])
        for server in servers:
            if answer(server, "daily") != answer(server, f"({TEXTS[server.name]}) AS q"):
                raise SystemExit(f"bench: the aggregate on {server.name} is not what its query gives")
        # What an aggregate costs those who write: below all that was materialized, the dearer case.
        tickstone = servers[1]
        cur = tickstone.connect().cursor()
        add("durable upserts, 1 connection: with an aggregate", "commits/s", [None, pgbench(tickstone, UPSERT, 1, args.seconds)])
        cur.execute("CALL refresh_continuous_aggregate('daily', NULL, NULL)")
        add("durable upserts, 1 connection: of what it has materialized", "commits/s", [None, pgbench(tickstone, UPSERT, 1, args.seconds)])
        cur.execute("ALTER MATERIALIZED VIEW daily SET (tickstone.eager = true)")
        add("durable upserts, 1 connection: with an eager aggregate", "commits/s", [None, pgbench(tickstone, UPSERT, 1, args.seconds)])
        cur.execute("DROP MATERIALIZED VIEW daily")
        add("durable upserts, 1 connection: without an aggregate", "commits/s", [None, pgbench(tickstone, UPSERT, 1, args.seconds)])
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(scratch, ignore_errors=True)
    print("| refresh of daily bars, upserts | unit | PostgreSQL 15 | Tickstone |\n|---|---|---:|---:|")
    for what, unit, (postgres, tickstone) in lines:
        print(f"| {what} | {unit} | {'-' if postgres is None else f'{postgres:,.1f}'} | {tickstone:,.1f} |")


if __name__ == "__main__":
    main()
