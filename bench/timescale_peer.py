# SPDX-License-Identifier: Apache-2.0
"""TimescaleDB beside Tickstone: the server that TICKSTONE_BENCH_TIMESCALEDB names, else one of our own where the extension is installed into
PostgreSQL 15; and the same rows compressed, in a second database of that server."""
import os

import psycopg2

from machines import PG_BIN, Postgres, Server

# By what a table's columnstore is segmented; it is ordered by time.
SEGMENTS = {"ohlcv": "symbol", "trades": "symbol", "quotes": "symbol", "feature_timeseries": "feature_name, symbol"}


class Timescale(Server):
    """A database that is made and dropped again: rows as they were written."""

    name = "TimescaleDB"
    hypertables = True
    database = "tickstone_bench"

    @staticmethod
    def is_found():
        return bool(os.environ.get("TICKSTONE_BENCH_TIMESCALEDB")) or (PG_BIN.parent / "lib/timescaledb.so").exists()

    def __init__(self, scratch):
        self.cluster = None
        self.address = os.environ.get("TICKSTONE_BENCH_TIMESCALEDB")
        if not self.address:
            self.cluster = Postgres(scratch, "timescaledb", "shared_preload_libraries = 'timescaledb'\n")
            self.address = f"host=127.0.0.1 port={self.cluster.port} user=inavvi_user dbname=postgres"
        self.make_database()

    def make_database(self):
        self.administer(f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)")
        self.administer(f"CREATE DATABASE {self.database}")
        self.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")

    def administer(self, text):
        admin = psycopg2.connect(self.address)
        admin.autocommit = True
        admin.cursor().execute(text)

    def connect(self, database=None):
        conn = psycopg2.connect(self.address, dbname=database or self.database)
        conn.autocommit = True
        return conn

    def pgbench_address(self):
        parts = self.connect().get_dsn_parameters()
        password = psycopg2.extensions.parse_dsn(self.address).get("password")
        return (["-h", parts.get("host", "127.0.0.1"), "-p", parts.get("port", "5432"), "-U", parts["user"]], self.database,
                {"PGPASSWORD": password} if password else {})

    def stop(self):
        self.administer(f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)")
        if self.cluster:
            self.cluster.stop()


class TimescaleCompressed(Timescale):
    """All chunks in the columnstore. Statements may unpack as many of its rows as they like, which by default they may not."""

    name = "TimescaleDB, compressed"
    database = "tickstone_bench_compressed"
    loads_as = Timescale.name

    def __init__(self, timescale):
        self.address, self.cluster = timescale.address, None
        self.make_database()
        self.administer(f"ALTER DATABASE {self.database} SET timescaledb.max_tuples_decompressed_per_dml_transaction = 0")

    def settle(self):
        self.compress()
        super().settle()

    def compress(self):
        """What is not yet, or was written to since."""
        cur = self.connect().cursor()
        cur.execute("SELECT hypertable_name, compression_enabled FROM timescaledb_information.hypertables WHERE hypertable_schema = 'public'")
        for table, is_enabled in cur.fetchall():
            if not is_enabled:
                cur.execute(f"ALTER TABLE {table} SET (timescaledb.compress, timescaledb.compress_segmentby = '{SEGMENTS[table]}', "
                            "timescaledb.compress_orderby = 'timestamp DESC')")
            cur.execute(f"SELECT count(compress_chunk(c)) FROM show_chunks('{table}') c")

    def before_writes(self):
        self.compress()
