#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What bringing daily bars up to date costs, on Tickstone, on PostgreSQL 15 and on TimescaleDB where it is found, in turn, on this machine.

    refresh_compare.py [--symbols 500] [--days 20] [--rounds 3] [--seconds 5] [--growth 3] [--record]

PostgreSQL without TimescaleDB has REFRESH MATERIALIZED VIEW, which makes all rows anew; the others aggregate the buckets that changed.
Changes: nothing, 1,000 new rows of the last day, 1,000 rows spread over all days. Then one bar is changed while the table grows, day after
day: what is paid for is the day that it is in, not the table. Also single-row upserts without an aggregate, with one, and with one that is
current at commit (tickstone.eager).
"""
import argparse
import os
import random
import shutil
import statistics
import sys
import time

from guide_work import UPSERT
from machines import Postgres, Tickstone, make_tables, pgbench, record_table, scratch_directory
from timescale_peer import Timescale, TimescaleCompressed

QUERY = """SELECT symbol, {bucket} AS day, {first} AS open, max(high) AS high, min(low) AS low, {last} AS close, sum(volume) AS volume, count(*) AS n
  FROM ohlcv WHERE timeframe = '1m' GROUP BY 1, 2"""
TEXTS = {
    "postgresql": QUERY.format(bucket="date_bin('1 day', timestamp, '2000-01-03')", first="(array_agg(open ORDER BY timestamp))[1]",
                                  last="(array_agg(close ORDER BY timestamp DESC))[1]"),
    "tickstone": QUERY.format(bucket="time_bucket('1 day', timestamp)", first="first(open, timestamp)", last="last(close, timestamp)"),
}


# A trading day's 390 minutes of every symbol.
DAYS = """INSERT INTO ohlcv (symbol, timestamp, open, high, low, close, volume, source, timeframe)
  SELECT 'S' || s, TIMESTAMPTZ '2026-01-05 14:30:00+00' + d * INTERVAL '1 day' + m * INTERVAL '1 minute', 100 + s % 7, 101 + m % 5 + s % 7,
  99 + s % 7, 100.5 + s % 7, m + 1, 'bench', '1m' FROM generate_series(0, {symbols} - 1) s, generate_series({first}, {last}) d,
  generate_series(0, 389) m"""


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
    cur.execute("CALL refresh_continuous_aggregate('daily', NULL, NULL)" if server.hypertables else "REFRESH MATERIALIZED VIEW daily")
    return time.perf_counter() - began


def answer(server, text):
    cur = server.connect().cursor()
    cur.execute(f"SELECT symbol, day, open, high, low, close, volume, n FROM {text} ORDER BY 1, 2")
    return cur.fetchall()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=int(os.environ.get("TICKSTONE_BENCH_SYMBOLS", "500")))
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--growth", type=int, default=3, help="how often as many days again are added")
    parser.add_argument("--record", action="store_true", help="write docs/benchmarks.md")
    args = parser.parse_args()
    scratch = scratch_directory()
    servers, lines = [], []

    def add(what, unit, values):
        """`values` by name of the server, of those that do it."""
        lines.append((what, unit, values))
        print(f"bench: {what}: " + ", ".join(f"{name} {value:,.1f}" for name, value in values.items()) + f" {unit}", file=sys.stderr, flush=True)

    try:
        servers.append(Postgres(scratch))
        if Timescale.is_found():
            servers.append(Timescale(scratch))
            servers.append(TimescaleCompressed(servers[-1]))
        servers.append(Tickstone(scratch))
        for server in servers:
            make_tables(server)
            server.connect().cursor().execute(DAYS.format(symbols=args.symbols, first=0, last=args.days - 1))
            server.settle()
        made = {}
        for server in servers:
            cur = server.connect().cursor()
            began = time.perf_counter()
            cur.execute("CREATE MATERIALIZED VIEW daily " + ("WITH (timescaledb.continuous) " if server.hypertables else "") +
                        "AS " + TEXTS[server.dialect])
            made[server.name] = 1000 * (time.perf_counter() - began)
        add(f"all {args.symbols * args.days * 390:,} bars", "ms", made)
        chance = random.Random(7)
        changes = {
            "nothing has changed": lambda: [],
            "1,000 new rows of the last day": lambda: [(chance.randrange(args.symbols), (args.days - 1) * 1440 + chance.randrange(860)) for _ in range(1000)],
            f"1,000 rows over {args.days} days": lambda: [(chance.randrange(args.symbols), chance.randrange(args.days) * 1440 + chance.randrange(860))
                                                          for _ in range(1000)],
        }
        for what, make in changes.items():
            taken = {server.name: [] for server in servers}
            for _ in range(args.rounds):
                rows = sorted(set(make()))
                for server in servers:
                    if rows:
                        insert(server, rows)
                    taken[server.name].append(1000 * refresh(server))
            add(what, "ms", {name: statistics.median(times) for name, times in taken.items()})
        for server in servers:
            if answer(server, "daily") != answer(server, f"({TEXTS[server.dialect]}) AS q"):
                raise SystemExit(f"bench: the aggregate on {server.name} is not what its query gives")
        # The first day is as large as each other one, however large the table has become.
        tickstone, ours = servers[-1], servers[-1].name
        for step in range(args.growth + 1):
            if step > 0:
                tickstone.connect().cursor().execute(DAYS.format(symbols=args.symbols, first=step * args.days, last=(step + 1) * args.days - 1))
                tickstone.settle()
            refresh(tickstone)
            times = []
            for i in range(max(5, args.rounds)):
                insert(tickstone, [(i % args.symbols, 870)])  # the first minute of the first day
                times.append(1000 * refresh(tickstone))
            add(f"one bar of a table of {(step + 1) * args.symbols * args.days * 390:,}", "ms", {ours: statistics.median(times)})
        # What an aggregate costs those who write: below all that was materialized, the dearer case.
        cur = tickstone.connect().cursor()
        add("durable upserts, 1 connection: with an aggregate", "commits/s", {ours: pgbench(tickstone, UPSERT, 1, args.seconds)})
        cur.execute("CALL refresh_continuous_aggregate('daily', NULL, NULL)")
        add("durable upserts, 1 connection: of what it has materialized", "commits/s", {ours: pgbench(tickstone, UPSERT, 1, args.seconds)})
        cur.execute("ALTER MATERIALIZED VIEW daily SET (tickstone.eager = true)")
        add("durable upserts, 1 connection: with an eager aggregate", "commits/s", {ours: pgbench(tickstone, UPSERT, 1, args.seconds)})
        cur.execute("DROP MATERIALIZED VIEW daily")
        add("durable upserts, 1 connection: without an aggregate", "commits/s", {ours: pgbench(tickstone, UPSERT, 1, args.seconds)})
    finally:
        for server in reversed(servers):
            server.stop()
        shutil.rmtree(scratch, ignore_errors=True)
    names = [server.name for server in servers]
    table = ["| refresh of daily bars, upserts | unit | " + " | ".join(names) + " |", "|---|---|" + "---:|" * len(names)]
    for what, unit, values in lines:
        table.append(f"| {what} | {unit} | " + " | ".join(f"{values[name]:,.1f}" if name in values else "-" for name in names) + " |")
    text = "\n".join(table) + "\n"
    print(text)
    if args.record:
        record_table("refresh", f"{args.symbols} symbols, {args.days} days", text)


if __name__ == "__main__":
    main()
