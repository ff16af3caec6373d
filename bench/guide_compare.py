#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The guide's work on Tickstone and on every peer that is at hand, in turn, on this machine.

    guide_compare.py [--symbols 500] [--bar-days 20] [--trade-days 2] [--trades-per-day 5000] [--rounds 5] [--seconds 5] [--parts PARTS] [--peers PEERS] [--record]

Peers: PostgreSQL 15 with the guide's tables, indexes and settings (no hypertables), TimescaleDB where TICKSTONE_BENCH_TIMESCALEDB names a server or
the extension is installed, as it was written and compressed, ClickHouse where it is installed, DuckDB in process: with the guide's primary keys, and
without keys but sorted by them. The same rows; docs/benchmarks.md says what each of them promises. Each figure is the median of
its rounds, in which the peers take turns; a write to the table falls between two runs of a query. Answers are compared before times are.
Parts: copy, upsert, commit, point, query.
"""
import argparse
import datetime as dt
import gc
import io
import math
import os
import pathlib
import random
import shutil
import statistics
import sys
import time
from decimal import Decimal

import psycopg2.extras

import limits
from clickhouse_peer import ClickHouse
from guide_data import GuideData
from guide_work import CLICKHOUSE_DAILY, DAILY, NEWEST_BAR, QUERIES, UPSERT, words, written
from machines import TABLES, DuckDb, InProcess, Postgres, Server, Tickstone, TickstoneInProcess, make_tables, pgbench, record_table, scratch_directory, wait_for_quiet
from timescale_peer import Timescale, TimescaleCompressed

BAR_COLUMNS = "symbol, timestamp, open, high, low, close, volume, source, timeframe"
REPLACE = ("ON CONFLICT (symbol, timestamp, timeframe) DO UPDATE SET open = EXCLUDED.open, high = EXCLUDED.high, low = EXCLUDED.low, "
           "close = EXCLUDED.close, volume = EXCLUDED.volume, source = EXCLUDED.source")
LONG_SECONDS = 0.5  # a peer that takes longer for a query is asked once a round
DUCKDB_TYPES = {"TEXT[]": "VARCHAR[]", "NUMERIC": "DECIMAL(18, 4)", "JSONB": "VARCHAR"}


OURS = "Tickstone"
OURS_IN_PROCESS = TickstoneInProcess.name


def ratio_of(figures, ours, more_is_better, is_peer):
    """How many times better ours is than the best of those peers; nothing where there is none."""
    others = [statistics.median(values) for name, values in figures.items() if is_peer(name)]
    if ours not in figures or not others:
        return None
    middle = statistics.median(figures[ours])
    return middle / max(others) if more_is_better else min(others) / middle


class Report:
    """Figures by line and peer: the median, and within how much of it the middle half of the runs lies."""

    def __init__(self, names):
        self.names, self.lines = names, []
        self.queries = {}  # by line: bytes of the answer, number of values that are read

    def ratios(self, figures, more_is_better):
        """Beside the servers, and in process beside DuckDB, which is in process; what only the server does beside both."""
        has_both = OURS_IN_PROCESS in figures
        return (ratio_of(figures, OURS, more_is_better, lambda name: "Tickstone" not in name and not (has_both and "DuckDB" in name)),
                ratio_of(figures, OURS_IN_PROCESS, more_is_better, lambda name: "DuckDB" in name))

    def add(self, what, unit, figures, more_is_better):
        """`figures`: by name of the peer, the rounds' values."""
        figures = {name: values for name, values in figures.items() if values}
        self.lines.append((what, unit, figures, more_is_better))
        shown = ", ".join(f"{name} {statistics.median(values):,.3f}" for name, values in figures.items())
        words = ("the best peer", "DuckDB in process")
        ratio = "".join(f", {value:.2f} times {word}" for value, word in zip(self.ratios(figures, more_is_better), words) if value)
        print(f"bench: {what}: {shown} {unit}{ratio}", file=sys.stderr, flush=True)

    def table(self):
        text = ["| work | unit | " + " | ".join(self.names) + " | to the best peer | in process, to DuckDB | spread |", "|---|---|" + "---:|" * (len(self.names) + 3)]
        for what, unit, figures, more_is_better in self.lines:
            form = "{:,.2f}" if unit == "ms" else "{:,.1f}" if unit.startswith("bytes") else "{:,.0f}"
            ours = figures[OURS]
            middle = statistics.median(ours)
            ratios = " | ".join(f"{ratio:.1f}" if ratio else "-" for ratio in self.ratios(figures, more_is_better))
            spread = "-"
            if len(ours) > 1 and middle:
                quarters = statistics.quantiles(ours, n=4, method="inclusive")
                spread = f"{100 * (quarters[2] - quarters[0]) / middle:.0f} %"
            cells = [form.format(statistics.median(figures[name])) if name in figures else "-" for name in self.names]
            text.append(f"| {what} | {unit} | " + " | ".join(cells) + f" | {ratios} | {spread} |")
        return "\n".join(text) + "\n"


def duckdb_load(peer, data):
    keyed, seconds = "key" in peer.name.split(",")[0], {}
    for table, (columns, _) in TABLES.items():
        for name, other in DUCKDB_TYPES.items():
            columns = columns.replace(" " + name, " " + other)
        key = columns[columns.index("PRIMARY KEY (") + 13:-1]
        if not keyed:
            columns = columns[:columns.index(", PRIMARY KEY")]
        peer.query(f"CREATE TABLE {table} ({columns})")
        with open(data.path[table]) as file:
            names = file.readline().strip().split(",")
        types = {"conditions": "replace(replace(conditions, '{', '['), '}', ']')::VARCHAR[]"}
        values = ", ".join(types.get(n, n) for n in names)
        text = ", ".join(f"'{n}': 'VARCHAR'" for n in names if n in types)
        source = f"read_csv('{data.path[table]}', header = true{', types = {' + text + '}' if text else ''})"
        seconds[table] = peer.query(f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM {source}" + ("" if keyed else f" ORDER BY {key}"))[0]
    peer.query("CREATE TABLE symbols AS SELECT DISTINCT symbol FROM trades")
    return seconds


def load(peer, data):
    """Seconds by table."""
    if isinstance(peer, ClickHouse):
        return peer.load(data)
    if isinstance(peer, DuckDb):
        return duckdb_load(peer, data)
    make_tables(peer, TABLES)
    taken = {table: peer.copy(table, data.path[table]) for table in TABLES}
    peer.execute("CREATE TABLE symbols (symbol TEXT PRIMARY KEY)")
    peer.execute("INSERT INTO symbols SELECT DISTINCT symbol FROM trades")
    return taken


def measure_copy(peers, servers, data, report):
    figures = {table: {} for table in TABLES}
    for peer in peers:
        for table, taken in load(peer, data).items():
            figures[table].setdefault(peer.loads_as or peer.name, []).append(data.rows[table] / taken)
    for table, values in figures.items():
        report.add(f"COPY of {data.rows[table]:,} rows of {table} (CSV)", "rows/s", values, True)
    for peer in peers:
        peer.settle()
    wait_for_quiet()
    for table in TABLES:
        report.add(f"size of {table}", "bytes a row", {s.name: [s.bytes_of(table) / data.rows[table]] for s in servers}, False)


def rows_again(data, number):
    """The first bars again, each with another volume."""
    rows = []
    with open(data.path["ohlcv"]) as file:
        file.readline()
        for line in file:
            fields = line.rstrip("\n").split(",")
            rows.append((fields[0], fields[1], *(Decimal(f) for f in fields[2:6]), Decimal(random.randrange(1, 50000)), *fields[7:]))
            if len(rows) == number:
                return rows
    return rows


def upsert_by_staging(server, rows):
    text = io.StringIO()
    for row in rows:
        text.write("\t".join(map(str, row)) + "\n")
    text.seek(0)
    conn = server.connect()
    conn.autocommit = False
    cur = conn.cursor()
    began = time.perf_counter()
    cur.execute("CREATE TEMP TABLE staging (LIKE ohlcv) ON COMMIT DROP")
    cur.copy_expert(f"COPY staging ({BAR_COLUMNS}) FROM STDIN", text, 1 << 20)
    cur.execute(f"INSERT INTO ohlcv ({BAR_COLUMNS}) SELECT {BAR_COLUMNS} FROM staging {REPLACE}")
    conn.commit()
    return time.perf_counter() - began


def upsert_by(helper):
    def run(server, rows):
        conn = server.connect()
        conn.autocommit = False
        cur = conn.cursor()
        began = time.perf_counter()
        if helper == "execute_values":
            psycopg2.extras.execute_values(cur, f"INSERT INTO ohlcv ({BAR_COLUMNS}) VALUES %s {REPLACE}", rows, page_size=1000)
        else:
            text = f"INSERT INTO ohlcv ({BAR_COLUMNS}) VALUES ({', '.join(['%s'] * 9)}) {REPLACE}"
            if helper == "execute_batch":
                psycopg2.extras.execute_batch(cur, text, rows)
            else:
                for row in rows:
                    cur.execute(text, row)
                    conn.commit()
        conn.commit()
        return time.perf_counter() - began
    return run


def measure_upserts(servers, data, report, rounds):
    ways = [("staging table", upsert_by_staging, 200000), ("psycopg2 execute_values, pages of 1000", upsert_by("execute_values"), 100000),
            ("psycopg2 execute_batch", upsert_by("execute_batch"), 20000), ("one commit a row", upsert_by("commit"), 2000)]
    for what, run, number in ways:
        rows = rows_again(data, number)
        figures = {}
        for _ in range(max(2, rounds // 2)):
            for server in servers:
                server.before_writes()
                figures.setdefault(server.name, []).append(len(rows) / run(server, rows))
        report.add(f"upsert of {len(rows):,} bars that exist: {what}", "rows/s", figures, True)
    for server in servers:
        server.settle()
    wait_for_quiet()


def measure_pgbench(servers, report, what, unit, script, clients, mode, rounds, seconds):
    figures = {}
    for _ in range(max(2, rounds // 2)):
        for server in servers:
            rate = server.newest_bars(clients, seconds) if isinstance(server, ClickHouse) else pgbench(server, script, clients, seconds, mode)
            figures.setdefault(server.name, []).append(rate)
    report.add(f"{what}, {clients} connection{'s' if clients > 1 else ''}", unit, figures, True)


def comparable(row):
    out = []
    for value in row:
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                pass
        if isinstance(value, Decimal):
            value = float(value)
        elif isinstance(value, dt.datetime):
            value = (value.astimezone(dt.timezone.utc) if value.tzinfo else value).strftime("%Y-%m-%d %H:%M:%S")
        elif isinstance(value, str) and len(value) >= 19 and value[4:5] == "-":
            value = value[:19]
        out.append(value)
    return out


def alike(row, other):
    """Numbers to nine digits, moments to the second."""
    return len(row) == len(other) and all(
        math.isclose(a, b, rel_tol=1e-9) if isinstance(a, (int, float)) and isinstance(b, (int, float)) else a == b
        for a, b in zip(comparable(row), comparable(other)))


class Asked:
    """A query on one peer: its connection stays, its parameters vary. A peer that cannot do it has its tables written to all the same."""

    def __init__(self, peer, query, data):
        self.peer, self.data, self.wanted = peer, data, query
        self.text = query.texts.get(peer.dialect) if peer.prepares or not query.prepared else None
        self.ask, self.write = peer.reader(), peer.writer()
        self.last_seconds = 0
        if query.prepared and self.text:
            text = self.text.replace("'{symbol}'", "$1").replace("'{day} 00:00:00+00'", "$2").replace("'{next_day} 00:00:00+00'", "$3")
            self.ask = peer.reader(f"PREPARE asked (text, timestamptz, timestamptz) AS {text}")
            self.text = "EXECUTE asked ('{symbol}', '{day} 00:00:00+00', '{next_day} 00:00:00+00')"

    def run(self, number, only_write=False):
        """Seconds, number of rows and rows of the run of that number, which asks the same of every peer; nothing where there is no text or it
        only writes."""
        chance = random.Random(number)
        days = self.data.trade_days if self.wanted.rewrites == "trades" else self.data.days
        day = chance.choice(days)
        values = {"symbol": chance.choice(self.data.symbols[:400]), "day": day, "next_day": day + dt.timedelta(days=1), "busiest": self.data.busiest, "n": number}
        if self.wanted.rewrites:
            self.write(written(self.wanted.rewrites, self.peer.dialect).format(**values))
        if only_write or not self.text:
            return None
        # Python's collector looks through the answers of those that were asked before.
        gc.disable()
        answer = self.ask(self.text.format(**values))
        gc.enable()
        self.last_seconds = answer[0]
        return answer


def measure_queries(servers, in_process, data, report, rounds, only):
    number = 0
    for query in QUERIES:
        if only and not any(word in query.name for word in only):
            continue
        asked = [Asked(peer, query, data) for peer in [*servers, *in_process]]
        figures = {one.peer.name: [] for one in asked}
        for round_number in range(rounds + 1):
            for repeat in range(query.repeats):
                number += 1
                answers = []
                for one in asked:
                    answer = one.run(number, only_write=repeat > 0 and one.last_seconds > LONG_SECONDS)
                    if answer is None:
                        continue
                    taken, count, rows = answer
                    if round_number > 0:  # the first one warms
                        figures[one.peer.name].append(1000 * taken)
                    answers.append((one.peer.name, count, rows))
                if repeat == 0:
                    check(query, answers)
        what = f"{query.name} ({answers[0][1]:,} rows)"
        rows = next(rows for name, _, rows in answers if name == OURS)
        report.queries[what] = (limits.bytes_of_answer(rows), query.reads(data, len(rows)))
        report.add(what, "ms", figures, False)


def check(query, answers):
    """Every peer's answer is that of the first: whole for the servers, number of rows and the first row in process,
    where DuckDB's interface gives no text for a moment."""
    first_name, first_count, first_rows = answers[0]
    for name, count, rows in answers[1:]:
        if isinstance(rows, list) and rows and isinstance(rows[0], str):
            same = count == first_count and alike(rows, [b if a else a for a, b in zip(rows, first_rows[0])])
        else:
            same = count == first_count and all(map(alike, rows, first_rows))
        if not same:
            raise SystemExit(f"bench: the answers to '{query.name}' of {first_name} and {name} differ: {first_count} and {count} rows, {first_rows[:2]} and {rows[:2]}")


def make_aggregates(servers, in_process):
    texts = words(DAILY, "1 day", CLICKHOUSE_DAILY)
    for server in servers:
        if isinstance(server, ClickHouse):
            server.make_aggregate(texts["clickhouse"])
        elif server.hypertables:
            server.execute("CREATE MATERIALIZED VIEW daily WITH (timescaledb.continuous) AS " + texts["tickstone"])
        else:
            server.execute("CREATE MATERIALIZED VIEW daily AS " + texts["postgresql"])
            server.execute("CREATE INDEX ON daily (symbol, day)")
    for peer in in_process:
        if peer.dialect == "duckdb":
            peer.query("CREATE TABLE daily AS " + texts["duckdb"])
        else:
            peer.query("CREATE MATERIALIZED VIEW daily WITH (timescaledb.continuous) AS " + texts["tickstone"])


def memory_of(server):
    """The most that the process had resident, in MiB."""
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def makers(scratch, wanted):
    """What makes each peer that is wanted and found, of the list of those that there are; ours come last."""
    if "postgresql" in wanted:
        yield lambda _: Postgres(scratch)
    if "timescaledb" in wanted and Timescale.is_found():
        yield lambda _: Timescale(scratch)
        yield lambda peers: TimescaleCompressed(peers[-1])
    if "clickhouse" in wanted and ClickHouse.is_found():
        yield lambda _: ClickHouse(scratch)
    if "duckdb" in wanted:
        yield lambda _: DuckDb(scratch, "DuckDB with keys")
        yield lambda _: DuckDb(scratch, "DuckDB, sorted")
    yield lambda _: Tickstone(scratch)
    yield lambda _: TickstoneInProcess(os.path.join(scratch, "tickstone-in-process"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    env = os.environ.get
    parser.add_argument("--symbols", type=int, default=int(env("TICKSTONE_BENCH_SYMBOLS", "500")))
    parser.add_argument("--bar-days", type=int, default=int(env("TICKSTONE_BENCH_BAR_DAYS", "20")))
    parser.add_argument("--trade-days", type=int, default=2)
    parser.add_argument("--trades-per-day", type=int, default=int(env("TICKSTONE_BENCH_TRADES", "5000")))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--parts", default="copy,upsert,commit,point,query")
    parser.add_argument("--only", default="", help="queries whose names hold one of these words, separated by commas")
    parser.add_argument("--peers", default="postgresql,timescaledb,clickhouse,duckdb", help="those of them that are found")
    parser.add_argument("--keep", action="store_true", help="wait for Enter before the servers are stopped")
    parser.add_argument("--record", action="store_true", help="write docs/benchmarks.md")
    args = parser.parse_args()
    parts = args.parts.split(",")
    scratch = scratch_directory()
    peers = []
    try:
        data = GuideData(os.path.join(scratch, "csv"), args.symbols, args.bar_days, args.trade_days, args.trades_per_day)
        print("bench: " + ", ".join(f"{data.rows[t]:,} {t}" for t in TABLES), file=sys.stderr, flush=True)
        machine = limits.measure(scratch)
        for make in makers(scratch, args.peers.split(",")):
            peers.append(make(peers))
        in_process = [peer for peer in peers if isinstance(peer, InProcess)]
        servers = [peer for peer in peers if peer not in in_process]
        speaking = [server for server in servers if isinstance(server, Server)]  # PostgreSQL's protocol
        report = Report([peer.name for peer in peers])
        measure_copy(peers, servers, data, report)
        # Queries before writes, which the tables in process do not get.
        if "query" in parts:
            make_aggregates(servers, in_process)
            wait_for_quiet(least_seconds=75)
            measure_queries(servers, in_process, data, report, args.rounds, [word for word in args.only.split(",") if word])
            for server in speaking:
                server.execute("DROP MATERIALIZED VIEW daily")
        for peer in in_process:
            peers.remove(peer)
            peer.stop()
        if "upsert" in parts:
            measure_upserts(speaking, data, report, args.rounds)
        if "commit" in parts:
            for clients in (1, 8, 32):
                measure_pgbench(speaking, report, "durable upserts of a row", "commits/s", UPSERT, clients, "simple", args.rounds, args.seconds)
        if "point" in parts:
            for clients in (1, 8):
                measure_pgbench(servers, report, "newest bar of a symbol, prepared", "queries/s", [NEWEST_BAR.format(symbol=s) for s in data.symbols[::10]], clients, "prepared", args.rounds, args.seconds)
        report.add("most memory of the server", "MiB", {"Tickstone": [memory_of(servers[-1])]}, False)
        machine = limits.better(machine, limits.measure(scratch))
        limits_text = limits.table(machine, limits.rows_a_second_of_psycopg2(servers[-1]), report, data, OURS, OURS_IN_PROCESS)
        if args.keep:
            input(f"Tickstone listens on port {servers[-1].port}; Enter ends it. ")
    finally:
        for peer in reversed(peers):
            peer.stop()
        shutil.rmtree(scratch, ignore_errors=True)
    text = report.table()
    print(text)
    print(f"{limits.facts(machine)}\n\n{limits_text}")
    if args.record:
        record_table("limits", limits.facts(machine), limits_text)
        rows = ", ".join(f"{data.rows[table]:,} {table}" for table in TABLES)
        record_table("guide", f"{args.symbols} symbols: {rows}", text)


if __name__ == "__main__":
    main()
