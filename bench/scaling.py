#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the same queries cost Tickstone, and TimescaleDB where it is found, as there are more rows, chunks, symbols and connections.

    scaling.py [--rows 1000000,10000000] [--long] [--chunks 10,100,1000] [--symbols 10,100,1000,10000] [--connections 1,8,32,64] [--only-tickstone] [--record]

Bars of one minute in a hypertable whose chunk interval is chosen for the number of chunks; one of rows, chunks and symbols varies, the others stay
at the first number of rows, 10 chunks and 100 symbols. Times are medians of 15 runs over psycopg2, each of another symbol, with a bar written
between two runs; connections are pgbench's. `--long` has 100 million rows as well, on Tickstone alone, which takes ten minutes more.
"""
import argparse
import datetime as dt
import random
import shutil
import statistics
import sys
import time

from machines import Tickstone, pgbench, record_table, scratch_directory
from timescale_peer import Timescale

START = dt.datetime(2020, 1, 6, tzinfo=dt.timezone.utc)
RUNS = 15
MOST_ROWS_OF_PEERS = 10_000_000
# What a run asks, of a symbol and the end of the bars.
QUERIES = {
    "newest bar": "SELECT * FROM bars WHERE symbol = '{symbol}' ORDER BY timestamp DESC LIMIT 1",
    "an hour of a symbol": "SELECT * FROM bars WHERE symbol = '{symbol}' AND timestamp >= '{hour}' AND timestamp < '{end}' ORDER BY timestamp",
    "5-minute bars of a symbol's day": "SELECT time_bucket('5 minutes', timestamp) AS t, first(open, timestamp), max(high), min(low), last(close, timestamp), sum(volume) "
                                       "FROM bars WHERE symbol = '{symbol}' AND timestamp >= '{day}' AND timestamp < '{end}' GROUP BY 1 ORDER BY 1",
    "newest of all symbols": "SELECT symbol, last(close, timestamp) FROM bars GROUP BY symbol",
    "count of all": "SELECT count(*) FROM bars",
    "sum of the last day": "SELECT sum(volume) FROM bars WHERE timestamp >= '{day}' AND timestamp < '{end}'",
}


def fill(server, rows, chunks, symbols):
    """Bars of each minute and symbol; returns the end of them."""
    minutes = max(rows // symbols, 1)
    end = START + dt.timedelta(minutes=minutes)
    server.execute("DROP TABLE IF EXISTS bars")
    server.execute("CREATE TABLE bars (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, open NUMERIC, high NUMERIC, low NUMERIC, close NUMERIC, "
                   "volume NUMERIC, PRIMARY KEY (symbol, timestamp))")
    interval = max(60 * minutes // chunks, 1)
    server.execute(f"SELECT create_hypertable('bars', 'timestamp', chunk_time_interval => INTERVAL '{interval} seconds')")
    step = max(2_000_000 // symbols, 1)
    for first in range(0, minutes, step):
        last = min(first + step, minutes) - 1
        server.execute(f"INSERT INTO bars SELECT 'S' || lpad(s::text, 5, '0'), TIMESTAMPTZ '{START}' + m * INTERVAL '1 minute', 100 + (m * 7 + s) % 900 / 100.0, "
                       f"110, 99, 100 + (m * 11 + s) % 900 / 100.0, (m * 13 + s * 7) % 10000 FROM generate_series({first}, {last}) AS m, generate_series(1, {symbols}) AS s")
    server.settle()
    return end


def times(server, end, symbols):
    """By query, the median in milliseconds."""
    chance = random.Random(4)
    cur, writer = server.connect().cursor(), server.connect().cursor()
    medians = {}
    for name, text in QUERIES.items():
        taken = []
        for number in range(RUNS + 1):
            symbol = f"S{chance.randrange(1, symbols + 1):05d}"
            writer.execute(f"INSERT INTO bars VALUES ('{symbol}', '{end}'::timestamptz + INTERVAL '{number} seconds', 1, 1, 1, 1, 1) ON CONFLICT DO NOTHING")
            asked = text.format(symbol=symbol, end=end, hour=end - dt.timedelta(hours=1), day=end - dt.timedelta(days=1))
            began = time.perf_counter()
            cur.execute(asked)
            cur.fetchall()
            taken.append(1000 * (time.perf_counter() - began))
        medians[name] = statistics.median(taken[1:])
    return medians


def table_of(servers, options):
    rows, chunks, symbols = options.rows[0], 10, 100
    cases = [(r, chunks, symbols) for r in options.rows]
    cases += [(rows, c, symbols) for c in options.chunks if c != chunks] + [(rows, chunks, s) for s in options.symbols if s != symbols]
    text = "| server | rows | chunks | symbols | " + " | ".join(f"{name}, ms" for name in QUERIES) + " |\n|---" + "|---:" * (3 + len(QUERIES)) + "|\n"
    for server in servers:
        for case in cases:
            if server.name != Tickstone.name and case[0] > MOST_ROWS_OF_PEERS:
                continue
            began = time.perf_counter()
            end = fill(server, *case)
            loaded = time.perf_counter() - began
            medians = times(server, end, case[2])
            line = f"| {server.name} | " + " | ".join(f"{n:,}" for n in case) + " | " + " | ".join(f"{medians[name]:.2f}" for name in QUERIES) + " |"
            print(f"bench: {line} loaded in {loaded:.0f} s", file=sys.stderr, flush=True)
            text += line + "\n"
    return text


def connections_of(servers, options):
    for server in servers:
        fill(server, options.rows[0], 10, 100)
    read = [f"SELECT * FROM bars WHERE symbol = 'S{s:05d}' ORDER BY timestamp DESC LIMIT 1;\n" for s in range(1, 101, 10)]
    write = ("\\set s random(1, 500)\n\\set d random(10, 28)\n\\set h random(10, 23)\n\\set m random(1, 1000000)\n"
             "INSERT INTO bars VALUES ('U:s', '2019-01-:d :h:30:00+00', 101.25, 102.5, 100.75, 101.5, :m) "
             "ON CONFLICT (symbol, timestamp) DO UPDATE SET volume = EXCLUDED.volume;\n")
    text = "| server | connections | newest bar, prepared, queries/s | durable upserts, commits/s |\n|---|---:|---:|---:|\n"
    for server in servers:
        for clients in options.connections:
            line = (f"| {server.name} | {clients} | {pgbench(server, read, clients, options.seconds, 'prepared'):,.0f} | "
                    f"{pgbench(server, write, clients, options.seconds, 'simple'):,.0f} |")
            print(f"bench: {line}", file=sys.stderr, flush=True)
            text += line + "\n"
    return text


def main():
    def numbers(text):
        return [int(part) for part in text.split(",") if part]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=numbers, default=[1_000_000, 10_000_000])
    parser.add_argument("--long", action="store_true", help="100 million rows as well")
    parser.add_argument("--only-tickstone", action="store_true", help="without TimescaleDB")
    parser.add_argument("--chunks", type=numbers, default=[10, 100, 1000])
    parser.add_argument("--symbols", type=numbers, default=[10, 100, 1000, 10000])
    parser.add_argument("--connections", type=numbers, default=[1, 8, 32, 64])
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--record", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args()
    if options.long:
        options.rows.append(100_000_000)
    scratch = scratch_directory()
    servers = [Tickstone(scratch)]
    try:
        if Timescale.is_found() and not options.only_tickstone:
            servers.append(Timescale(scratch))
        text = table_of(servers, options) + "\n" + connections_of(servers, options)
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(scratch, ignore_errors=True)
    print(text)
    if options.record:
        record_table("scaling", "", text)


if __name__ == "__main__":
    main()
