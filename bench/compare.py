#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The guide's work on Tickstone and on PostgreSQL 15, in turn, on this machine.

    compare.py [--symbols 500] [--days 2] [--trades-per-day 5000] [--rounds 5] [--seconds 5] [--record]

PostgreSQL gets the guide's tables and indexes (without TimescaleDB there are no hypertables), its memory settings and fsync.
Every figure is the best of several runs, the two servers taking turns; what counts is the ratio.
"""
import argparse
import datetime as dt
import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import psycopg2

ROOT = pathlib.Path(__file__).resolve().parents[1]
PG_BIN = pathlib.Path("/usr/lib/postgresql/15/bin")
TABLES = {
    "ohlcv": ("symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, open NUMERIC NOT NULL, high NUMERIC NOT NULL, low NUMERIC NOT NULL, "
              "close NUMERIC NOT NULL, volume NUMERIC NOT NULL, source TEXT NOT NULL, timeframe TEXT NOT NULL, "
              "PRIMARY KEY (symbol, timestamp, timeframe)", ["(timestamp DESC)", "(symbol, timeframe)"]),
    "trades": ("symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, price NUMERIC NOT NULL, size NUMERIC NOT NULL, exchange INTEGER, "
               "conditions TEXT[], id BIGINT NOT NULL, source TEXT NOT NULL, PRIMARY KEY (symbol, timestamp, id)",
               ["(timestamp DESC)", "(symbol, id)"]),
}
UPSERT = r"""\set s random(1, 500)
\set d random(1, 28)
\set h random(0, 23)
\set v random(1, 1000000)
INSERT INTO ohlcv (symbol, timestamp, open, high, low, close, volume, source, timeframe) VALUES ('U:s', '2026-02-:d :h:30:00+00', 101.25, 102.5, 100.75, 101.5, :v, 'bench', '1m') ON CONFLICT (symbol, timestamp, timeframe) DO UPDATE SET open = EXCLUDED.open, high = EXCLUDED.high, low = EXCLUDED.low, close = EXCLUDED.close, volume = EXCLUDED.volume, source = EXCLUDED.source;
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_as_postgres(command):
    if os.getuid() != 0:
        return command
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *map(str, command)]


class Postgres:
    name = "PostgreSQL 15"

    def __init__(self, scratch):
        self.port = free_port()
        self.data = os.path.join(scratch, "postgres")
        if os.getuid() == 0:
            os.makedirs(self.data)
            owner = pwd.getpwnam("postgres")
            os.chown(scratch, owner.pw_uid, owner.pw_gid)
            os.chown(self.data, owner.pw_uid, owner.pw_gid)
        subprocess.run(run_as_postgres([PG_BIN / "initdb", "-D", self.data, "-A", "trust", "-U", "inavvi_user", "--no-locale", "-E", "UTF8"]),
                       check=True, stdout=subprocess.DEVNULL)
        options = (f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.data} -c shared_buffers=2GB -c work_mem=64MB "
                   "-c maintenance_work_mem=256MB -c effective_cache_size=6GB -c max_wal_size=2GB -c wal_buffers=16MB "
                   "-c random_page_cost=1.1 -c effective_io_concurrency=200 -c checkpoint_completion_target=0.9")
        subprocess.run(run_as_postgres([PG_BIN / "pg_ctl", "-D", self.data, "-w", "-l", os.path.join(self.data, "log"), "-o", options, "start"]),
                       check=True, stdout=subprocess.DEVNULL)
        self.connect("postgres").cursor().execute("CREATE DATABASE inavvi")

    def connect(self, database="inavvi"):
        conn = psycopg2.connect(host="127.0.0.1", port=self.port, dbname=database, user="inavvi_user", password="postgres")
        conn.autocommit = True
        return conn

    def stop(self):
        subprocess.run(run_as_postgres([PG_BIN / "pg_ctl", "-D", self.data, "-m", "fast", "-w", "stop"]), check=True, stdout=subprocess.DEVNULL)

    def settle(self):
        cur = self.connect().cursor()
        cur.execute("VACUUM ANALYZE")
        cur.execute("CHECKPOINT")


class Tickstone(Postgres):
    name = "Tickstone"

    def __init__(self, scratch, memory_mb=4096):
        self.port, self.memory_mb = free_port(), memory_mb
        self.data = os.path.join(scratch, f"tickstone-{self.port}")
        self.log = open(os.path.join(scratch, "tickstone.log"), "ab")
        self.start()

    def start(self):
        self.process = subprocess.Popen([ROOT / "build/tickstone", "serve", "--data", self.data, "--port", str(self.port),
                                         "--memory", str(self.memory_mb)], stdout=subprocess.PIPE, stderr=self.log)
        if b"ready" not in self.process.stdout.readline():
            raise SystemExit("tickstone did not start")

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def settle(self):
        self.connect().cursor().execute("CHECKPOINT")


def make_tables(server):
    cur = server.connect().cursor()
    for name, (columns, indexes) in TABLES.items():
        cur.execute(f"CREATE TABLE {name} ({columns})")
        if isinstance(server, Tickstone):
            cur.execute(f"SELECT create_hypertable('{name}', 'timestamp')")
        for index in indexes:
            cur.execute(f"CREATE INDEX ON {name} {index}")


def copy_file(server, table, path, columns):
    cur = server.connect().cursor()
    with open(path) as file:
        began = time.perf_counter()
        cur.copy_expert(f"COPY {table} ({columns}) FROM STDIN (FORMAT csv, HEADER)", file, 1 << 20)
        return time.perf_counter() - began


def pgbench(server, script, clients, seconds, mode="simple"):
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        done = subprocess.run([PG_BIN / "pgbench", "-n", "-h", "127.0.0.1", "-p", str(server.port), "-U", "inavvi_user", "-c", str(clients), "-j", "2",
                               "-T", str(seconds), "-M", mode, "-f", file.name, "inavvi"],
                              capture_output=True, text=True, env={**os.environ, "PGPASSWORD": "postgres"})
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    if done.returncode != 0 or not found:
        raise SystemExit(f"pgbench on {server.name}: {done.stderr}")
    return float(found.group(1))


def timed(server, sql, rounds, prepared=False):
    cur = server.connect().cursor()
    if prepared:
        cur.execute(f"PREPARE query AS {sql}")
        sql = "EXECUTE query"
    best = None
    for _ in range(rounds):
        began = time.perf_counter()
        cur.execute(sql)
        rows = cur.fetchall()
        taken = time.perf_counter() - began
        best = taken if best is None else min(best, taken)
    return best, rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbols", type=int, default=int(os.environ.get("TICKSTONE_BENCH_SYMBOLS", "500")))
    parser.add_argument("--days", type=int, default=2)
    parser.add_argument("--trades-per-day", type=int, default=int(os.environ.get("TICKSTONE_BENCH_TRADES", "5000")))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--record", action="store_true", help="write docs/benchmarks.md")
    args = parser.parse_args()
    if not (PG_BIN / "initdb").exists():
        raise SystemExit("bench: PostgreSQL 15 is not installed (Debian package postgresql-15)")

    scratch = tempfile.mkdtemp(prefix="tickstone-bench-")
    os.chmod(scratch, 0o755)
    print(f"bench: {args.symbols} symbols, {args.days} days, about {args.symbols * args.days * args.trades_per_day:,} trades", file=sys.stderr)
    csv = os.path.join(scratch, "csv")
    subprocess.run([ROOT / "build/tickstone", "simulate", "--output", csv, "--symbols", str(args.symbols), "--days", str(args.days),
                    "--trades-per-day", str(args.trades_per_day)], check=True, stdout=subprocess.DEVNULL)
    counts = {t: sum(1 for _ in open(os.path.join(csv, t + ".csv"))) - 1 for t in ("trades", "ohlcv")}
    columns = {t: open(os.path.join(csv, t + ".csv")).readline().strip() for t in counts}
    servers = [Postgres(scratch), Tickstone(scratch)]
    lines = []

    def add(what, unit, values, more_is_better):
        postgres, tickstone = values
        ratio = tickstone / postgres if more_is_better else postgres / tickstone
        lines.append((what, unit, postgres, tickstone, ratio))
        print(f"bench: {what}: PostgreSQL {postgres:,.3f}, Tickstone {tickstone:,.3f} {unit}, {ratio:.1f} times", file=sys.stderr, flush=True)

    try:
        for server in servers:
            make_tables(server)
        add(f"COPY of {counts['trades']:,} trades (CSV)", "rows/s",
            [counts["trades"] / copy_file(s, "trades", os.path.join(csv, "trades.csv"), columns["trades"]) for s in servers], True)
        add(f"COPY of {counts['ohlcv']:,} bars (CSV)", "rows/s",
            [counts["ohlcv"] / copy_file(s, "ohlcv", os.path.join(csv, "ohlcv.csv"), columns["ohlcv"]) for s in servers], True)
        for server in servers:
            server.settle()
        for clients in (1, 16):
            figures = [0.0, 0.0]
            for _ in range(2):
                for i, server in enumerate(servers):
                    figures[i] = max(figures[i], pgbench(server, UPSERT, clients, args.seconds))
            add(f"durable single-row upserts, {clients} connection{'s' if clients > 1 else ''}", "commits/s", figures, True)
        last_trade = "SELECT * FROM trades WHERE symbol = 'AAPL' ORDER BY timestamp DESC LIMIT 1;\n"
        for mode in ("simple", "prepared"):
            figures = [0.0, 0.0]
            for _ in range(2):
                for i, server in enumerate(servers):
                    figures[i] = max(figures[i], pgbench(server, last_trade, 1, args.seconds, mode))
            add(f"last trade of a symbol, {mode} protocol, 1 connection", "queries/s", figures, True)
        newest_bar = "SELECT * FROM ohlcv WHERE symbol = 'AAPL' AND timeframe = '1m' ORDER BY timestamp DESC LIMIT 1;\n"
        for clients in (1, 8):
            figures = [0.0, 0.0]
            for _ in range(2):
                for i, server in enumerate(servers):
                    figures[i] = max(figures[i], pgbench(server, newest_bar, clients, args.seconds, "prepared"))
            add(f"newest bar of a symbol, prepared protocol, {clients} connection{'s' if clients > 1 else ''}", "queries/s", figures, True)

        queries = {
            "5-minute bars of one symbol's day": (
                """SELECT date_bin('5 minutes', timestamp, '2000-01-03') AS bucket, (array_agg(open ORDER BY timestamp))[1], max(high), min(low),
                   (array_agg(close ORDER BY timestamp DESC))[1], sum(volume) FROM ohlcv WHERE symbol = 'AAPL' AND timeframe = '1m'
                   AND timestamp >= '2026-01-05' AND timestamp < '2026-01-06' GROUP BY 1 ORDER BY 1""",
                """SELECT time_bucket('5 minutes', timestamp) AS bucket, first(open, timestamp), max(high), min(low), last(close, timestamp),
                   sum(volume) FROM ohlcv WHERE symbol = 'AAPL' AND timeframe = '1m' AND timestamp >= '2026-01-05'
                   AND timestamp < '2026-01-06' GROUP BY 1 ORDER BY 1"""),
            "daily bars of all symbols from one-minute bars": (
                """SELECT symbol, date_bin('1 day', timestamp, '2000-01-03') AS day, (array_agg(open ORDER BY timestamp))[1], max(high), min(low),
                   (array_agg(close ORDER BY timestamp DESC))[1], sum(volume), count(*) FROM ohlcv WHERE timeframe = '1m' AND source = 'simulator'
                   GROUP BY 1, 2 ORDER BY 1, 2""",
                """SELECT symbol, time_bucket('1 day', timestamp) AS day, first(open, timestamp), max(high), min(low), last(close, timestamp),
                   sum(volume), count(*) FROM ohlcv WHERE timeframe = '1m' AND source = 'simulator' GROUP BY 1, 2 ORDER BY 1, 2"""),
            "count of all trades": ("SELECT count(*) FROM trades",) * 2,
            "volume of each symbol": ("SELECT symbol, sum(size) FROM trades GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10",) * 2,
        }
        for what, texts in queries.items():
            for prepared in (False, True) if what.startswith("5-minute") else (False,):
                best, answers = [float("inf")] * 2, [None] * 2
                for _ in range(args.rounds):
                    for i, server in enumerate(servers):
                        taken, answers[i] = timed(server, texts[i], 50 if prepared else 1, prepared)
                        best[i] = min(best[i], taken)
                if answers[0] != answers[1]:
                    raise SystemExit(f"bench: the answers to '{what}' differ: {answers[0][:2]} and {answers[1][:2]}")
                how = ", prepared" if prepared else ", on a fresh connection" if what.startswith("5-minute") else ""
                add(f"{what}{how} ({len(answers[0]):,} rows)", "ms", [1000 * b for b in best], False)
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(scratch, ignore_errors=True)

    table = ["| work | unit | PostgreSQL 15 | Tickstone | ratio |", "|---|---|---:|---:|---:|"]
    for what, unit, postgres, tickstone, ratio in lines:
        form = "{:,.2f}" if unit == "ms" else "{:,.0f}"
        table.append(f"| {what} | {unit} | {form.format(postgres)} | {form.format(tickstone)} | {ratio:.1f} |")
    text = "\n".join(table) + "\n"
    print(text)
    if args.record:
        path = ROOT / "docs/benchmarks.md"
        old = path.read_text() if path.exists() else "# Benchmarks\n\n<!-- table -->\n<!-- end -->\n"
        head, rest = old.split("<!-- table -->", 1)
        tail = rest.split("<!-- end -->", 1)[1]
        stamp = f"\n{dt.date.today().isoformat()}, {os.cpu_count()} cores, {args.symbols} symbols, {counts['trades']:,} trades, {counts['ohlcv']:,} bars.\n\n"
        path.write_text(head + "<!-- table -->" + stamp + text + "\n<!-- end -->" + tail)


if __name__ == "__main__":
    main()
