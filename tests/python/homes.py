# SPDX-License-Identifier: Apache-2.0
"""The homes that every test of the Python package runs on, each with the application's tables."""
import os
import pathlib
import unittest

import psycopg2

import tickstone

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PACKAGE = ROOT / "python"

TABLES = (
    "ohlcv", "trades", "quotes", "options_flow", "symbols", "symbol_groups", "data_collection_status", "model_performance",
    "feature_importance", "system_metrics", "feature_metadata", "feature_timeseries", "feature_relationships",
    "feature_access_log", "cache_metrics", "positions",
)
MIGRATIONS = ROOT / "src/market/schema"
KINDS = {"tickstone": ("timescale", "tickstone"), "timescaledb": ("timescale", "timescaledb"), "postgresql": ("postgresql",)}


def migrate(cursor, home):
    """Runs the application's migrations, a version a transaction."""
    for version in sorted(path for path in MIGRATIONS.iterdir() if path.is_dir()):
        cursor.execute("BEGIN")
        for file in sorted(version.glob("*.sql")):
            _, *kinds = file.name.removesuffix(".sql").split(".")
            if not kinds or kinds[0] in KINDS[home]:
                cursor.execute(file.read_text())
        cursor.execute("COMMIT")


def make_tables(url, home):
    """The tables, once a home, however many classes of tests use it: by the migrations, or without a home as plain ones."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename = 'ohlcv'")
        if cursor.fetchone()[0] == 0:
            if home is None:
                cursor.execute((HERE / "tables.sql").read_text())
            else:
                migrate(cursor, home)
    connection.close()


class HomeCase(unittest.TestCase):
    """Tests that run on each home: a module calls on_every_home for the classes made from it."""

    maxDiff = None
    variable = None
    migrated_as = None
    url = None

    @classmethod
    def setUpClass(cls):
        cls.url = os.environ.get(cls.variable)
        if not cls.url:
            raise unittest.SkipTest(f"{cls.variable} names no server")
        make_tables(cls.url, cls.migrated_as)

    def setUp(self):
        self.db = tickstone.DatabaseManager(self.url)
        self.addCleanup(self.db.close)
        tables = (*TABLES, "feature_data") if self.migrated_as else TABLES
        self.db.execute("; ".join(f"DELETE FROM {table}" for table in tables))

    def connect(self):
        connection = psycopg2.connect(self.url)
        self.addCleanup(connection.close)
        return connection


HOMES = {
    "OnTickstone": {"variable": "TICKSTONE_TEST_SERVER", "migrated_as": "tickstone"},
    "OnPostgresql": {"variable": "TICKSTONE_TEST_POSTGRESQL"},
    "OnMigratedPostgresql": {"variable": "TICKSTONE_TEST_MIGRATED", "migrated_as": "postgresql"},
    "OnTimescaledb": {"variable": "TICKSTONE_TEST_TIMESCALEDB", "migrated_as": "timescaledb"},
}


def on_every_home(module_names):
    """For a class decorator: leaves in the module one class of tests for each home, in place of the decorated one."""

    def decorate(tests):
        for suffix, home in HOMES.items():
            name = tests.__name__ + suffix
            made = type(name, (tests, HomeCase), dict(home))
            made.__module__ = module_names["__name__"]
            made.__qualname__ = name
            module_names[name] = made

    return decorate
