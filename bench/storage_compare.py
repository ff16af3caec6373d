#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Storing and reading back on Tickstone, PostgreSQL 15 and DuckDB 1.4.4, in turn, on this machine.

    storage_compare.py [--parts ingest,growth,recovery,latency,merges] [--symbols 200] [--trades-per-day 2500] [--rounds 5]
                       [--growth 3] [--growth-peers 3] [--recovery-mb 64,256] [--long] [--record]

Three tables with their primary keys: in the order of time, with a tenth of the rows late, and as upserts where one row in twenty corrects an
earlier one; bytes a row once all is written and merged; scans; what a row costs as the table grows; how long a start takes after kill -9; how
long commits of 16 connections take while a table is loaded; what loading and reading lose while segments are merged. PostgreSQL and
Tickstone are given CSV by COPY over the wire; DuckDB reads the same files itself. `--long` is for `--growth 100 --growth-peers 20
--recovery-mb 64,256,1000`: a quarter of an hour instead of two minutes.
"""
import argparse
import datetime as dt
import io
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from decimal import Decimal

import guide_work
import machines

ROOT = pathlib.Path(__file__).resolve().parents[1]
QUOTES = ("symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, bid_price NUMERIC NOT NULL, bid_size NUMERIC NOT NULL, ask_price NUMERIC NOT NULL, "
          "ask_size NUMERIC NOT NULL, exchange INTEGER, conditions TEXT[], id BIGINT NOT NULL, source TEXT NOT NULL, PRIMARY KEY (symbol, timestamp, id)")
TRADES = ("symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, price NUMERIC NOT NULL, size NUMERIC NOT NULL, exchange INTEGER, "
          "conditions TEXT[], id BIGINT NOT NULL, source TEXT NOT NULL, PRIMARY KEY (symbol, timestamp, id)")
OHLCV = ("symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, open NUMERIC NOT NULL, high NUMERIC NOT NULL, low NUMERIC NOT NULL, close NUMERIC NOT NULL, "
         "volume NUMERIC NOT NULL, source TEXT NOT NULL, timeframe TEXT NOT NULL, PRIMARY KEY (symbol, timestamp, timeframe)")
TABLES = {"trades": TRADES, "quotes": QUOTES, "ohlcv": OHLCV}
KEYS = {"trades": "symbol, timestamp, id", "quotes": "symbol, timestamp, id", "ohlcv": "symbol, timestamp, timeframe"}
UPSERT_BATCHES = 10
COMMIT_CLIENTS = 16
LONG = {"growth": 100, "growth_peers": 20, "recovery_mb": "64,256,1000"}


def upsert_sql(table, target, stage, columns):
    key = KEYS[table].split(", ")
    changes = ", ".join(f"{c} = EXCLUDED.{c}" for c in columns.split(",") if c not in key)
    return f"INSERT INTO {target} ({columns}) SELECT {columns} FROM {stage} ON CONFLICT ({KEYS[table]}) DO UPDATE SET {changes}"


def cpu_seconds(pid):
    """Of a process with all its children, those that ended included."""
    total, waiting = 0, [pid]
    while waiting:
        process = waiting.pop()
        try:
            fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(") ", 1)[1].split()
            for thread in os.listdir(f"/proc/{process}/task"):
                waiting += map(int, pathlib.Path(f"/proc/{process}/task/{thread}/children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile; its parent has its time
        total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


class WirePeer:
    """PostgreSQL or Tickstone."""

    def __init__(self, server, is_hypertable):
        self.server, self.is_hypertable, self.name = server, is_hypertable, server.name
        self.reconnect()

    def reconnect(self):
        self.cur = self.server.connect().cursor()

    def make(self, table, target):
        self.cur.execute(f"CREATE TABLE {target} ({TABLES[table]})")
        if self.is_hypertable:
            self.cur.execute(f"SELECT create_hypertable('{target}', 'timestamp')")

    def copy(self, target, columns, data):
        stream = open(data, "rb") if isinstance(data, pathlib.Path) else io.BytesIO(data)
        with stream:
            began = time.perf_counter()
            self.cur.copy_expert(f"COPY {target} ({columns}) FROM STDIN (FORMAT csv, HEADER)", stream, 1 << 20)
            return time.perf_counter() - began

    def upsert(self, table, target, columns, files):
        self.cur.execute(f"CREATE TEMP TABLE stage ({TABLES[table].split(', PRIMARY KEY')[0]})")
        began = time.perf_counter()
        for file in files:
            self.copy("stage", columns, file)
            self.cur.execute(upsert_sql(table, target, "stage", columns))
            self.cur.execute("TRUNCATE stage")
        taken = time.perf_counter() - began
        self.cur.execute("DROP TABLE stage")
        return taken

    def settle(self):
        self.server.settle()

    def query(self, sql, target):
        began = time.perf_counter()
        self.cur.execute(sql.format(t=target))
        row = self.cur.fetchone()
        return time.perf_counter() - began, [None if v is None else Decimal(v) for v in row]


class PostgresPeer(WirePeer):
    def __init__(self, scratch):
        super().__init__(machines.Postgres(scratch), False)
        self.cur.execute("ALTER SYSTEM SET max_wal_size = '16GB'")
        self.cur.execute("ALTER SYSTEM SET checkpoint_timeout = '1h'")
        self.cur.execute("SELECT pg_reload_conf()")

    def size(self, target):
        self.cur.execute(f"SELECT pg_total_relation_size('{target}')")
        return self.cur.fetchone()[0]

    def log_bytes(self):
        self.cur.execute("SELECT pg_current_wal_lsn() - redo_lsn FROM pg_control_checkpoint()")
        return int(self.cur.fetchone()[0])

    def cpu_seconds(self):
        return cpu_seconds(int(pathlib.Path(self.server.data, "postmaster.pid").read_text().split("\n", 1)[0]))

    def kill(self):
        # As a crash for PostgreSQL: nothing is written, recovery follows.
        subprocess.run(machines.run_as_postgres([machines.PG_BIN / "pg_ctl", "-D", self.server.data, "-m", "immediate", "-w", "stop"]),
                       check=True, stdout=subprocess.DEVNULL)

    def start_again(self):
        began = time.perf_counter()
        subprocess.run(machines.run_as_postgres([machines.PG_BIN / "pg_ctl", "-D", self.server.data, "-w", "-t", "600", "-l",
                                                os.path.join(self.server.data, "log"), "-o", self.options(), "start"]),
                       check=True, stdout=subprocess.DEVNULL)
        self.reconnect()
        self.cur.execute("SELECT 1")
        return time.perf_counter() - began

    def options(self):
        lines = pathlib.Path(self.server.data, "postmaster.opts").read_text()
        # `postgres "-p" "1234" ...`: as it was started.
        return lines.split(" ", 1)[1].replace('"', "").replace(f"-D {self.server.data}", "").strip()

    def stop(self):
        self.server.stop()


class TickstonePeer(WirePeer):
    def __init__(self, scratch, memory_mb=4096):
        super().__init__(machines.Tickstone(scratch, memory_mb), True)

    def size(self, target):
        self.cur.execute(f"SELECT hypertable_size('{target}')")
        return self.cur.fetchone()[0]

    def statistic(self, name):
        self.cur.execute(f"SELECT {name} FROM tickstone.storage_statistics")
        return int(self.cur.fetchone()[0])

    def log_bytes(self):
        # What is written: the files are preallocated.
        return self.statistic("log_bytes")

    def cpu_seconds(self):
        return cpu_seconds(self.server.process.pid)

    def merging_ticks(self):
        """Processor time that the thread which merges segments has taken."""
        tasks = pathlib.Path(f"/proc/{self.server.process.pid}/task")
        for task in tasks.iterdir():
            name, fields = (task / "stat").read_text().split("(", 1)[1].rsplit(") ", 1)
            if name == "compaction":
                return sum(map(int, fields.split()[11:13]))
        raise SystemExit("bench: no thread merges segments")

    def kill(self):
        self.server.process.send_signal(signal.SIGKILL)
        self.server.process.wait()

    def start_again(self):
        began = time.perf_counter()
        self.server.start()
        self.reconnect()
        self.cur.execute("SELECT 1")
        return time.perf_counter() - began

    def stop(self):
        self.server.stop()


class DuckDBPeer:
    """Each table in a file of its own, attached under the table's name."""
    name = "DuckDB 1.4.4"

    def __init__(self, scratch):
        self.directory = pathlib.Path(scratch, "duckdb")
        self.directory.mkdir()
        self.server = machines.DuckDb(self.directory, "main")

    def run(self, sql):
        taken, _, values = self.server.query(sql)
        return taken, values

    @staticmethod
    def columns(table):
        # Its NUMERIC is DECIMAL(18, 3), and its CSV reader knows no PostgreSQL arrays.
        return TABLES[table].replace("NUMERIC", "DECIMAL(18, 4)").replace("TEXT[]", "VARCHAR")

    def make(self, table, target):
        self.run(f"ATTACH '{self.directory / target}.duckdb' AS {target}")
        self.run(f"CREATE TABLE {target}.t ({self.columns(table)})")

    def copy(self, target, columns, data):
        file = data
        if not isinstance(data, pathlib.Path):
            file = self.directory / "step.csv"
            file.write_bytes(data)
        target = target if "." in target else target + ".t"
        return self.run(f"COPY {target} ({columns}) FROM '{file}' (FORMAT csv, HEADER)")[0]

    def upsert(self, table, target, columns, files):
        self.run(f"CREATE TEMP TABLE stage ({self.columns(table).split(', PRIMARY KEY')[0]})")
        taken = 0
        for file in files:
            taken += self.copy("temp.stage", columns, file)
            taken += self.run(upsert_sql(table, target + ".t", "stage", columns))[0]
            taken += self.run("DELETE FROM stage")[0]
        self.run("DROP TABLE stage")
        return taken

    def settle(self):
        pass

    def cpu_seconds(self):
        return cpu_seconds(self.server.process.pid)

    def size(self, target):
        self.run(f"CHECKPOINT {target}")
        return (self.directory / f"{target}.duckdb").stat().st_size

    def parquet_size(self, table, target):
        file = self.directory / f"{target}.parquet"
        self.run(f"COPY (SELECT * FROM {target}.t ORDER BY {KEYS[table]}) TO '{file}' (FORMAT parquet, COMPRESSION zstd)")
        return file.stat().st_size

    def query(self, sql, target):
        taken, values = self.run(sql.format(t=target + ".t"))
        return taken, [Decimal(v) if v else None for v in values]

    def stop(self):
        self.server.stop()


class Report:
    def __init__(self):
        self.lines = []

    def add(self, what, unit, values):
        """`values`: by peer; a dash where one has none."""
        self.lines.append((what, unit, values))
        shown = ", ".join(f"{name} {value:,.2f}" for name, value in values.items())
        print(f"bench: {what} ({unit}): {shown}", file=sys.stderr, flush=True)

    def table(self, names):
        lines = ["| work | unit | " + " | ".join(names) + " |", "|---|---|" + "---:|" * len(names)]
        for what, unit, values in self.lines:
            form = "{:,.0f}" if unit in ("rows/s", "commits/s") else "{:,.2f}"
            cells = [form.format(values[n]) if n in values else "-" for n in names]
            lines.append(f"| {what} | {unit} | " + " | ".join(cells) + " |")
        return "\n".join(lines) + "\n"


def make_late(lines, randomness):
    """A tenth of the rows come up to a fifth of the table later."""
    keyed = []
    for i, line in enumerate(lines):
        delay = randomness.random() * len(lines) / 5 if randomness.random() < 0.1 else 0
        keyed.append((i + delay, i, line))
    keyed.sort()
    return [line for _, _, line in keyed]


def make_batches(lines, randomness):
    """One row in twenty corrects a row of an earlier batch."""
    size = -(-len(lines) // UPSERT_BATCHES)
    for first in range(0, len(lines), size):
        batch = lines[first:first + size]
        if first:
            earlier = randomness.sample(range(first), len(batch) // 20)
            batch = batch[:len(batch) - len(earlier)] + [lines[i].replace(b"simulator", b"corrected") for i in earlier]
        yield batch


class Data:
    """The simulator's files, and the variants of them."""

    def __init__(self, scratch, symbols, trades_per_day):
        self.directory = pathlib.Path(scratch, "csv")
        subprocess.run([ROOT / "build/tickstone", "simulate", "--output", self.directory, "--symbols", str(symbols), "--days", "1",
                        "--trades-per-day", str(trades_per_day)], check=True, stdout=subprocess.DEVNULL)
        self.columns, self.counts, self.late, self.batches, self.upserted = {}, {}, {}, {}, {}
        randomness = random.Random(1)
        for table in TABLES:
            with open(self.directory / f"{table}.csv", "rb") as file:
                head, *lines = file.readlines()
            self.columns[table], self.counts[table] = head.decode().strip(), len(lines)
            self.late[table] = self.write(f"{table}-late.csv", head, make_late(lines, randomness))
            self.batches[table] = [self.write(f"{table}-{i}.csv", head, batch) for i, batch in enumerate(make_batches(lines, randomness))]
            self.upserted[table] = len(lines)

    def write(self, name, head, lines):
        path = self.directory / name
        path.write_bytes(head + b"".join(lines))
        return path


def measure_ingest(peers, data, report, rounds):
    forms = {"in order": "in", "a tenth of the rows late": "late", "upserts, one row in twenty a correction": "up"}
    for table in TABLES:
        columns, count = data.columns[table], data.counts[table]
        for what, suffix in forms.items():
            figures = {}
            for peer in peers:
                target = f"{table}_{suffix}"
                peer.make(table, target)
                if suffix == "up":
                    taken = peer.upsert(table, target, columns, data.batches[table])
                else:
                    taken = peer.copy(target, columns, data.directory / f"{table}.csv" if suffix == "in" else data.late[table])
                figures[peer.name] = count / taken
            report.add(f"{table}: {count:,} rows {what}", "rows/s", figures)
    for peer in peers:
        peer.settle()
    for table in TABLES:
        # What is compared must be the same rows.
        answers = [[peer.query("SELECT count(*) FROM {t}", f"{table}_{suffix}")[1] for suffix in forms.values()] for peer in peers]
        if any(answer != answers[0] for answer in answers):
            raise SystemExit(f"bench: rows of {table} differ: {answers}")
        sizes = {peer.name: peer.size(f"{table}_in") / data.counts[table] for peer in peers}
        for peer in peers:
            if isinstance(peer, DuckDBPeer):
                sizes["Parquet, zstd"] = peer.parquet_size(table, f"{table}_in") / data.counts[table]
        report.add(f"{table}: size", "bytes a row", sizes)
    queries = {
        "trades: count": ("SELECT count(*) FROM {t}", "trades_in"),
        "trades: sums of two columns": ("SELECT sum(price), sum(size) FROM {t}", "trades_in"),
        "quotes: sum of ask - bid": ("SELECT sum(ask_price - bid_price) FROM {t}", "quotes_in"),
        "trades: one symbol": ("SELECT count(*), sum(size) FROM {t} WHERE symbol = 'MSFT'", "trades_in"),
        "trades: an hour of all symbols": (
            "SELECT count(*), sum(size) FROM {t} WHERE timestamp >= '2026-01-05 15:00:00+00' AND timestamp < '2026-01-05 16:00:00+00'", "trades_in"),
        "trades, late: sums of two columns": ("SELECT sum(price), sum(size) FROM {t}", "trades_late"),
    }
    for what, (sql, target) in queries.items():
        best, answers = {}, {}
        for _ in range(rounds):
            for peer in peers:
                taken, answers[peer.name] = peer.query(sql, target)
                best[peer.name] = min(best.get(peer.name, taken), taken)
        if len({tuple(a) for a in answers.values()}) != 1:
            raise SystemExit(f"bench: the answers to '{what}' differ: {answers}")
        report.add(what, "ms", {name: 1000 * taken for name, taken in best.items()})


def measure_growth(peers, scratch, report, millions, peer_millions):
    """Days of about a million trades each, one after the other; what the last one took."""
    directory = pathlib.Path(scratch, "growth")
    subprocess.run([ROOT / "build/tickstone", "simulate", "--output", directory, "--symbols", "500", "--days", "1", "--trades-per-day", "2000"],
                   check=True, stdout=subprocess.DEVNULL)
    day = (directory / "trades.csv").read_bytes()
    columns = day.split(b"\n", 1)[0].decode()
    rows = day.count(b"\n") - 1
    first = dt.date(2026, 1, 5)
    shown = [m for m in (1, 2, 3, 5, 10, 20, 30, 50, 70, 100, 200, 500, 1000) if m <= millions]
    for peer in peers:
        peer.make("trades", "trades_growth")
    noted = {peer.name: (0, peer.cpu_seconds()) for peer in peers}
    for step in range(1, millions + 1):
        date = (first + dt.timedelta(days=step - 1)).isoformat().encode()
        data = day.replace(b"2026-01-05", date)
        taking_part = [p for p in peers if isinstance(p, TickstonePeer) or step <= peer_millions]
        figures = {peer.name: rows / peer.copy("trades_growth", columns, data) for peer in taking_part}
        if step not in shown:
            continue
        report.add(f"trades: row {(step - 1) * rows:,} to {step * rows:,}", "rows/s", figures)
        # Of all threads, flushes and merges included: what a busy machine changes least.
        figures, since = {}, noted[taking_part[-1].name][0]
        for peer in taking_part:
            before, cpu = noted[peer.name][1], peer.cpu_seconds()
            figures[peer.name] = (cpu - before) * 1e6 / ((step - since) * rows)
            noted[peer.name] = step, cpu
        report.add(f"trades: row {since * rows:,} to {step * rows:,}", "us of CPU a row", figures)
    for peer in peers:
        stored = (millions if isinstance(peer, TickstonePeer) else min(millions, peer_millions)) * rows
        found = peer.query("SELECT count(*) FROM {t}", "trades_growth")[1][0]
        if found != stored:
            raise SystemExit(f"bench: {peer.name} has {found} rows instead of {stored}")
        if isinstance(peer, TickstonePeer):
            peer.settle()
            report.add(f"trades: size of {stored:,} rows", "bytes a row", {peer.name: peer.size("trades_growth") / stored})


def measure_recovery(peers, data, report, sizes_mb):
    table, columns = "trades", data.columns["trades"]
    body = (data.directory / "trades.csv").read_bytes()
    head, lines = body.split(b"\n", 1)
    for size in sizes_mb:
        figures = {}
        for peer in peers:
            target = f"trades_crash_{size}"
            peer.make(table, target)
            peer.settle()
            written, day = 0, 0
            while peer.log_bytes() < size * 1_000_000:
                date = (dt.date(2026, 1, 5) + dt.timedelta(days=day)).isoformat().encode()
                # Pieces of a few MB, so that the log ends near the size that is wanted.
                piece = lines[:len(lines) // 8 + 1]
                piece = piece[:piece.rfind(b"\n") + 1].replace(b"2026-01-05", date)
                peer.copy(target, columns, head + b"\n" + piece)
                written += piece.count(b"\n")
                day += 1
            log = peer.log_bytes()
            peer.kill()
            figures[peer.name] = peer.start_again()
            found = peer.query("SELECT count(*) FROM {t}", target)[1][0]
            if found != written:
                raise SystemExit(f"bench: {peer.name} has {found} rows after a crash instead of {written}")
            print(f"bench: {peer.name}: log of {log // 1_000_000} MB, {written:,} rows", file=sys.stderr)
        report.add(f"start after kill -9, log of {size} MB", "s", figures)


class Loader(threading.Thread):
    """Loads days of trades one after the other on a connection of its own until `stop`."""

    def __init__(self, peer, target, columns, day, first_date, rows_a_copy=None):
        super().__init__()
        self.cur, self.target, self.columns = peer.server.connect().cursor(), target, columns
        self.head, self.lines = day.split(b"\n", 1)
        if rows_a_copy is not None:
            self.lines = b"\n".join(self.lines.split(b"\n", rows_a_copy)[:rows_a_copy]) + b"\n"
        self.date, self.copies, self.is_stopping, self.error = first_date, 0, False, None

    def copy_one(self):
        data = self.head + b"\n" + self.lines.replace(b"2026-01-05", self.date.isoformat().encode())
        self.date += dt.timedelta(days=1)
        began = time.perf_counter()
        self.cur.copy_expert(f"COPY {self.target} ({self.columns}) FROM STDIN (FORMAT csv, HEADER)", io.BytesIO(data), 1 << 20)
        self.copies += 1
        return self.lines.count(b"\n"), time.perf_counter() - began

    def run(self):
        try:
            while not self.is_stopping:
                self.copy_one()
        except Exception as error:  # told by whoever joins
            self.error = error

    def stop(self):
        self.is_stopping = True
        self.join()
        if self.error is not None:
            raise self.error


def commit_latencies(server, seconds, scratch):
    """Of the guide's upserts on 16 connections, in ms, ascending."""
    prefix = os.path.join(scratch, f"latency-{server.name.split()[0]}")
    script = prefix + ".sql"
    pathlib.Path(script).write_text(guide_work.UPSERT)
    done = subprocess.run([machines.PG_BIN / "pgbench", "-n", "-h", "127.0.0.1", "-p", str(server.port), "-U", "inavvi_user", "-c", str(COMMIT_CLIENTS),
                           "-j", "2", "-T", str(seconds), "-f", script, "-l", "--log-prefix", prefix, "inavvi"],
                          capture_output=True, text=True, env={**os.environ, "PGPASSWORD": "postgres"})
    if done.returncode != 0:
        raise SystemExit(f"bench: pgbench on {server.name}: {done.stderr}")
    times = []
    for path in pathlib.Path(scratch).glob(os.path.basename(prefix) + ".[0-9]*"):
        times += [int(line.split()[2]) / 1000 for line in path.read_text().splitlines()]
        path.unlink()
    return sorted(times)


def measure_latency(peers, data, report, scratch, seconds):
    """Durable commits of 16 connections while another one loads a table without a pause."""
    day = (data.directory / "trades.csv").read_bytes()
    for peer in peers:
        peer.make("trades", "trades_loaded")
        peer.make("ohlcv", "ohlcv")
    figures, loaded, committed = {"half of them within": {}, "99 of 100 within": {}, "the longest": {}}, {}, {}
    for peer in peers:
        loader = Loader(peer, "trades_loaded", data.columns["trades"], day, dt.date(2026, 1, 5))
        loader.start()
        times = commit_latencies(peer.server, seconds, scratch)
        loader.stop()
        loaded[peer.name], committed[peer.name] = loader.copies * data.counts["trades"] / seconds, len(times) / seconds
        for what, part in zip(figures, (0.5, 0.99, 1)):
            figures[what][peer.name] = times[min(int(len(times) * part), len(times) - 1)]
    # How long a commit takes says little without what was done meanwhile.
    report.add(f"a table is loaded beside commits of {COMMIT_CLIENTS} connections", "rows/s", loaded)
    report.add(f"commits of {COMMIT_CLIENTS} connections while a table is loaded", "commits/s", committed)
    for what, values in figures.items():
        report.add(f"commits of {COMMIT_CLIENTS} connections while a table is loaded: {what}", "ms", values)


def measure_merges(peer, data, report, days):
    """Loading one table and reading another while the segments of a third are merged in the background, and while they are not."""
    day, columns = (data.directory / "trades.csv").read_bytes(), data.columns["trades"]
    for target in ("trades_quiet", "trades_read", "trades_merged"):
        peer.make("trades", target)
    peer.copy("trades_read", columns, data.directory / "trades.csv")
    peer.settle()
    loader = Loader(peer, "trades_quiet", columns, day, dt.date(2026, 1, 5), rows_a_copy=20_000)
    merged = Loader(peer, "trades_merged", columns, day, dt.date(2026, 1, 5))
    loader.copy_one()
    peer.query("SELECT sum(size) FROM {t}", "trades_read")
    times = {False: [0, 0.0, 0, 0.0], True: [0, 0.0, 0, 0.0]}  # rows, seconds, queries, seconds

    def work():
        before = peer.merging_ticks()
        rows, copying = loader.copy_one()
        reading = 0.0
        for _ in range(20):
            reading += peer.query("SELECT sum(size) FROM {t} WHERE symbol = 'AAPL'", "trades_read")[0]
        return peer.merging_ticks() > before, (rows, copying, 20, reading)

    def note(is_merging, figures):
        times[is_merging] = [a + b for a, b in zip(times[is_merging], figures)]

    for _ in range(40):
        note(*work())
    for _ in range(days):
        # In order of symbols each day overlaps with every other of its chunk.
        merged.copy_one()
        peer.settle()
    deadline = time.perf_counter() + 30
    while time.perf_counter() < deadline and (times[True][1] < 1 or peer.statistic("compaction_backlog_bytes") > 0):
        note(*work())
    for what, at, unit in (("rows/s of a COPY", 0, "rows/s"), ("one symbol's sum", 2, "ms")):
        values = [t[at] / t[at + 1] if unit == "rows/s" else 1000 * t[at + 1] / t[at] for t in (times[False], times[True]) if t[at + 1] > 0]
        if len(values) < 2:
            raise SystemExit("bench: no segments were merged meanwhile")
        report.add(f"{what} while no segments are merged", unit, {peer.name: values[0]})
        report.add(f"{what} while segments are merged", unit, {peer.name: values[1]})


def main():
    env = os.environ.get
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default=env("TICKSTONE_STORAGE_PARTS", "ingest,growth,recovery,latency,merges"))
    parser.add_argument("--symbols", type=int, default=int(env("TICKSTONE_STORAGE_SYMBOLS", "200")))
    parser.add_argument("--trades-per-day", type=int, default=int(env("TICKSTONE_STORAGE_TRADES", "2500")))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--growth", type=int, default=int(env("TICKSTONE_STORAGE_GROWTH", "3")), help="millions of rows")
    parser.add_argument("--growth-peers", type=int, default=int(env("TICKSTONE_STORAGE_GROWTH_PEERS", "3")), help="millions of rows")
    parser.add_argument("--recovery-mb", default=env("TICKSTONE_STORAGE_RECOVERY", "64,256"), help="sizes of the log")
    parser.add_argument("--seconds", type=int, default=5, help="of commits beside a load")
    parser.add_argument("--merge-days", type=int, default=10, help="segments of a table that is merged")
    parser.add_argument("--long", action="store_true", help="as far as a quarter of an hour goes")
    parser.add_argument("--only-tickstone", action="store_true", help="without the peers")
    parser.add_argument("--record", action="store_true", help="write docs/benchmarks.md")
    args = parser.parse_args()
    if args.long:
        for name, value in LONG.items():
            setattr(args, name, value)
    parts = args.parts.split(",")
    scratch = tempfile.mkdtemp(prefix="tickstone-storage-")
    os.chmod(scratch, 0o755)
    peers = []
    try:
        data = Data(scratch, args.symbols, args.trades_per_day)
        makers = [TickstonePeer] if args.only_tickstone else [PostgresPeer, DuckDBPeer, TickstonePeer]
        for make in makers:
            peers.append(make(scratch))
        wired = [p for p in peers if not isinstance(p, DuckDBPeer)]
        report = Report()
        if "ingest" in parts:
            measure_ingest(peers, data, report, args.rounds)
        if "growth" in parts:
            measure_growth(peers, scratch, report, args.growth, args.growth_peers)
        if "latency" in parts:
            measure_latency(wired, data, report, scratch, args.seconds)
        if "merges" in parts:
            measure_merges(wired[-1], data, report, args.merge_days)
        if "recovery" in parts:
            # With room for a log of 1 GB, which a checkpoint else keeps from becoming so large. DuckDB writes what is loaded in bulk beside its log.
            wired.pop().stop()
            peers[-1] = TickstonePeer(scratch, 16384)
            measure_recovery([*wired, peers[-1]], data, report, [int(s) for s in args.recovery_mb.split(",")])
    finally:
        for peer in peers:
            peer.stop()
        shutil.rmtree(scratch, ignore_errors=True)
    text = report.table(["PostgreSQL 15", "DuckDB 1.4.4", "Parquet, zstd", "Tickstone"])
    print(text)
    if args.record:
        machines.record_table("storage", f"{args.symbols} symbols, {data.counts['trades']:,} trades", text)


if __name__ == "__main__":
    main()
