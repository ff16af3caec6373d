# SPDX-License-Identifier: Apache-2.0
"""A served store with the tables of schema.sql, one for all tests of a class; the same on PostgreSQL 15."""
import atexit
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

import psycopg2

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cli"))
from cli_case import Server, environment  # noqa: E402
from postgresql import POSTGRESQL, PostgreSql  # noqa: E402

BARS = 600


class ClientCase(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.scratch = pathlib.Path(tempfile.mkdtemp(prefix="tickstone_clients_"))
        cls.addClassCleanup(shutil.rmtree, cls.scratch, ignore_errors=True)
        cls.server = Server(cls.scratch / "store")
        cls.addClassCleanup(cls.server.close)
        cls.url = cls.server.url()
        cls.fill((HERE / "schema.sql").read_text())

    @classmethod
    def fill(cls, schema):
        connection = psycopg2.connect(cls.url)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(schema)
            cursor.execute(f"""INSERT INTO ohlcv SELECT 'S' || n % 3, '2026-01-05 14:30:00+00'::timestamptz + n / 3 * INTERVAL '1 minute',
              100 + n / 10.0, 101 + n / 10.0, 99 + n / 10.0, 100.5 + n / 10.0, n * 10, 'test', '1m' FROM generate_series(0, {BARS - 1}) AS n""")
            cursor.execute("""INSERT INTO symbols (symbol, name, type, metadata) VALUES ('S0', 'Alpha', 'stock', '{"sector": "tech"}'),
              ('S1', 'Beta', 'stock', NULL), ('S2', NULL, 'etf', '{"sector": "energy", "weights": [1, 2.5]}')""")
        connection.close()

    @classmethod
    def connect(cls, **how):
        return psycopg2.connect(cls.url, **how)

    def rows(self, sql, values=None):
        """What another connection sees."""
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, values)
                return cursor.fetchall()
        finally:
            connection.close()


class PeerCase(ClientCase):
    """The same tables on PostgreSQL 15: what a test expects there is what it may expect of us."""

    cluster = None

    @classmethod
    def setUpClass(cls):
        if not POSTGRESQL.exists():
            raise unittest.SkipTest("no PostgreSQL 15")
        if PeerCase.cluster is None:
            PeerCase.cluster = PostgreSql("-c timezone=UTC")
            atexit.register(PeerCase.cluster.close)
        cls.scratch = pathlib.Path(tempfile.mkdtemp(prefix="tickstone_clients_"))
        cls.addClassCleanup(shutil.rmtree, cls.scratch, ignore_errors=True)
        cls.server = PeerCase.cluster
        cls.url = PeerCase.cluster.make_database(cls.__name__.lower())
        schema = (HERE / "schema.sql").read_text()
        cls.fill(re.sub(r"(CREATE EXTENSION|SELECT create_hypertable|CREATE MATERIALIZED VIEW)[^;]*;", "", schema))
