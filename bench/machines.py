# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks measure Tickstone beside: Debian's PostgreSQL 15, and the DuckDB that Tickstone is built with, in a process of its own
(timescale_peer.py and clickhouse_peer.py have the peers that are measured where they are found)."""
import datetime as dt
import os
import pathlib
import pwd
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

import psycopg2

ROOT = pathlib.Path(__file__).resolve().parents[1]
PG_BIN = pathlib.Path("/usr/lib/postgresql/15/bin")
# The guide's tables and indexes that the work is done on.
TABLES = {
    "ohlcv": ("symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, open NUMERIC NOT NULL, high NUMERIC NOT NULL, low NUMERIC NOT NULL, "
              "close NUMERIC NOT NULL, volume NUMERIC NOT NULL, source TEXT NOT NULL, timeframe TEXT NOT NULL, "
              "PRIMARY KEY (symbol, timestamp, timeframe)", ["(timestamp DESC)", "(symbol, timeframe)"]),
    "trades": ("symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, price NUMERIC NOT NULL, size NUMERIC NOT NULL, exchange INTEGER, "
               "conditions TEXT[], id BIGINT NOT NULL, source TEXT NOT NULL, PRIMARY KEY (symbol, timestamp, id)",
               ["(timestamp DESC)", "(symbol, id)"]),
    "quotes": ("symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, bid_price NUMERIC NOT NULL, bid_size NUMERIC NOT NULL, "
               "ask_price NUMERIC NOT NULL, ask_size NUMERIC NOT NULL, exchange INTEGER, conditions TEXT[], id BIGINT NOT NULL, source TEXT NOT NULL, "
               "PRIMARY KEY (symbol, timestamp, id)", ["(timestamp DESC)", "(symbol, id)"]),
    "feature_timeseries": ("feature_name TEXT NOT NULL, symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, value NUMERIC NOT NULL, tags JSONB, "
                           "PRIMARY KEY (feature_name, symbol, timestamp)", ["(timestamp DESC)", "(feature_name, symbol)"]),
}


def record_table(name, facts, text):
    """Writes a table into docs/benchmarks.md, between `<!-- NAME table -->` and `<!-- NAME end -->`, with today's date and `facts` above it."""
    path = ROOT / "docs/benchmarks.md"
    begin, end = f"<!-- {name} table -->", f"<!-- {name} end -->"
    head, rest = path.read_text().split(begin, 1)
    tail = rest.split(end, 1)[1]
    stamp = ", ".join([dt.date.today().isoformat(), f"{os.cpu_count()} cores", *([facts] if facts else [])])
    path.write_text(f"{head}{begin}\n{stamp}.\n\n{text}\n{end}{tail}")


def scratch_directory():
    """For a run, whose servers can be another user's; a run that is told to end stops what it has started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: told to end"))
    scratch = tempfile.mkdtemp(prefix="tickstone-bench-")
    os.chmod(scratch, 0o755)
    return scratch


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def busy_share(seconds):
    """The share of all processors' time in which they worked."""
    def ticks():
        numbers = [int(word) for word in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return sum(numbers), numbers[3] + numbers[4]
    total, idle = ticks()
    time.sleep(seconds)
    total_after, idle_after = ticks()
    return 1 - (idle_after - idle) / max(1, total_after - total)


def wait_for_quiet(most_seconds=180, least_seconds=0):
    """Until what the servers do behind what they were told (merges, vacuums, checkpoints) is done, so that none is measured beside another's.
    Some of it begins a minute after the last row: `least_seconds`."""
    until = time.monotonic() + most_seconds
    time.sleep(least_seconds)
    while time.monotonic() < until:
        if busy_share(2) < 0.05:
            return
    print(f"bench: the machine was not quiet within {most_seconds} seconds", file=sys.stderr, flush=True)


def run_as_postgres(command):
    if os.getuid() != 0:
        return command
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *map(str, command)]


class Server:
    """Something that speaks PostgreSQL's protocol; `hypertables` says whether it knows TimescaleDB's functions, `loads_as` under whose name its
    COPY is, if not its own."""

    hypertables = False
    prepares = True
    loads_as = None

    @property
    def dialect(self):
        return "tickstone" if self.hypertables else "postgresql"

    def connect(self, database="inavvi"):
        conn = psycopg2.connect(host="127.0.0.1", port=self.port, dbname=database, user="inavvi_user", password="postgres")
        conn.autocommit = True
        return conn

    def pgbench_address(self):
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", "inavvi_user"], "inavvi", {"PGPASSWORD": "postgres"}

    def execute(self, text):
        self.connect().cursor().execute(text)

    def reader(self, first=None):
        """A function on a connection of its own, on which `first` was executed: of a text, the seconds, the number of rows and the rows."""
        cur = self.connect().cursor()
        if first:
            cur.execute(first)

        def ask(text):
            began = time.perf_counter()
            cur.execute(text)
            rows = cur.fetchall()
            return time.perf_counter() - began, len(rows), rows
        return ask

    def writer(self):
        """A function on a connection of its own that executes a text."""
        return self.connect().cursor().execute

    def before_writes(self):
        """Brings the tables to the state that writes are measured on, without being timed."""

    def copy(self, table, path):
        """Seconds that COPY of a CSV file took."""
        return copy_file(self, table, path)

    def settle(self):
        cur = self.connect().cursor()
        cur.execute("VACUUM ANALYZE")
        cur.execute("CHECKPOINT")

    def bytes_of(self, table):
        cur = self.connect().cursor()
        cur.execute(f"SELECT {'hypertable_size' if self.hypertables else 'pg_total_relation_size'}('{table}')")
        return int(cur.fetchone()[0])


class Postgres(Server):
    name = "PostgreSQL 15"

    def __init__(self, scratch, folder="postgres", settings=""):
        if not (PG_BIN / "initdb").exists():
            raise SystemExit("bench: PostgreSQL 15 is not installed (Debian package postgresql-15)")
        self.port = free_port()
        self.data = os.path.join(scratch, folder)
        if os.getuid() == 0:
            os.makedirs(self.data)
            owner = pwd.getpwnam("postgres")
            os.chown(scratch, owner.pw_uid, owner.pw_gid)
            os.chown(self.data, owner.pw_uid, owner.pw_gid)
        subprocess.run(run_as_postgres([PG_BIN / "initdb", "-D", self.data, "-A", "trust", "-U", "inavvi_user", "--no-locale", "-E", "UTF8"]),
                       check=True, stdout=subprocess.DEVNULL)
        with open(os.path.join(self.data, "postgresql.conf"), "a") as file:
            file.write((ROOT / "deploy/postgresql.conf").read_text() + settings)
            file.write(f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{self.data}'\n")
        subprocess.run(run_as_postgres([PG_BIN / "pg_ctl", "-D", self.data, "-w", "-l", os.path.join(self.data, "log"), "start"]),
                       check=True, stdout=subprocess.DEVNULL)
        self.connect("postgres").cursor().execute("CREATE DATABASE inavvi")

    def stop(self):
        subprocess.run(run_as_postgres([PG_BIN / "pg_ctl", "-D", self.data, "-m", "fast", "-w", "stop"]), check=True, stdout=subprocess.DEVNULL)


class Tickstone(Server):
    name = "Tickstone"
    hypertables = True

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


class InProcess:
    """A database in a process of its own that reads lines of SQL (bench/duckdb_peer.py says how). A query gives (seconds, number of rows, first row
    as texts)."""

    prepares, loads_as = False, None

    def start(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            raise SystemExit(f"{self.name} did not start")

    def query(self, sql):
        self.process.stdin.write(" ".join(sql.split()) + "\n")
        self.process.stdin.flush()
        outcome, *fields = self.process.stdout.readline().rstrip("\n").split("\t")
        if outcome != "ok":
            raise SystemExit(f"{self.name}: {fields[0] if fields else 'it has ended'}: {sql}")
        return float(fields[0]), int(fields[1]), fields[2:]

    def execute(self, text):
        self.query(text)

    def reader(self):
        return self.query

    def writer(self):
        return self.query

    def settle(self):
        self.query("CHECKPOINT")

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


class DuckDb(InProcess):
    """DuckDB 1.4.4, through bench/duckdb_peer.py."""

    dialect = "duckdb"

    def __init__(self, scratch, name):
        self.name = name
        dependencies = pathlib.Path(os.environ.get("TICKSTONE_DEPS", ROOT / ".deps"))
        self.file = os.path.join(scratch, name.replace(" ", "-").replace(",", "") + ".duckdb")
        self.start([sys.executable, ROOT / "bench/duckdb_peer.py", dependencies / "duckdb/lib/libduckdb.so", self.file])


class TickstoneInProcess(InProcess):
    """The embedded store of a directory that no server has open, through bench/tickstone_peer.cpp; a new one is made."""

    name, dialect, hypertables = "Tickstone in process", "tickstone", True

    def __init__(self, directory):
        subprocess.run(["cmake", "--build", "--preset", "release", "--target", "tickstone_peer"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        self.start([ROOT / "build/release/bench/tickstone_peer", directory])

    def copy(self, table, path):
        """Seconds that COPY of a CSV file took."""
        with open(path) as file:
            columns = file.readline().strip()
        return self.query(f"@{path} COPY {table} ({columns}) FROM STDIN (FORMAT csv, HEADER)")[0]


def make_tables(server, tables=("ohlcv", "trades")):
    for name in tables:
        columns, indexes = TABLES[name]
        server.execute(f"CREATE TABLE {name} ({columns})")
        if server.hypertables:
            server.execute(f"SELECT create_hypertable('{name}', 'timestamp')")
        for index in indexes:
            server.execute(f"CREATE INDEX ON {name} {index}")


def copy_file(server, table, path):
    """Seconds that COPY of a CSV file took, whose first line names the columns."""
    cur = server.connect().cursor()
    with open(path) as file:
        columns = file.readline().strip()
        file.seek(0)
        began = time.perf_counter()
        cur.copy_expert(f"COPY {table} ({columns}) FROM STDIN (FORMAT csv, HEADER)", file, 1 << 20)
        return time.perf_counter() - began


def pgbench(server, scripts, clients, seconds, mode="simple"):
    """Transactions a second, each of a script taken at random from a list (or of the one)."""
    address, database, environment = server.pgbench_address()
    with tempfile.TemporaryDirectory() as directory:
        files = []
        for number, script in enumerate([scripts] if isinstance(scripts, str) else scripts):
            path = os.path.join(directory, f"{number}.sql")
            pathlib.Path(path).write_text(script)
            files += ["-f", path]
        done = subprocess.run([PG_BIN / "pgbench", "-n", *address, "-c", str(clients), "-j", "2", "-T", str(seconds), "-M", mode, *files, database],
                              capture_output=True, text=True, env={**os.environ, **environment})
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    if done.returncode != 0 or not found:
        raise SystemExit(f"pgbench on {server.name}: {done.stderr}")
    return float(found.group(1))
