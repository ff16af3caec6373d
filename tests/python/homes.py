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
HYPERTABLES = {
    **dict.fromkeys(("ohlcv", "trades", "quotes", "options_flow", "model_performance", "feature_importance", "system_metrics",
                     "feature_timeseries", "cache_metrics"), "timestamp"),
    "feature_access_log": "accessed_at",
}


def make_tables(url, has_hypertables):
    """The tables, once a home, however many classes of tests use it."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename = 'ohlcv'")
        if cursor.fetchone()[0] == 0:
            if has_hypertables:
                cursor.execute("CREATE EXTENSION IF NOT EXISTS timescaledb CASCADE")
            cursor.execute((HERE / "tables.sql").read_text())
            for table, column in HYPERTABLES.items() if has_hypertables else ():
                cursor.execute("SELECT create_hypertable(%s, %s)", (table, column))
    connection.close()


class HomeCase(unittest.TestCase):
    """Tests that run on each home: a module calls on_every_home for the classes made from it."""

    maxDiff = None
    variable = None
    has_hypertables = True
    url = None

    @classmethod
    def setUpClass(cls):
        cls.url = os.environ.get(cls.variable)
        if not cls.url:
            raise unittest.SkipTest(f"{cls.variable} names no server")
        make_tables(cls.url, cls.has_hypertables)

    def setUp(self):
        self.db = tickstone.DatabaseManager(self.url)
        self.addCleanup(self.db.close)
        self.db.execute("; ".join(f"DELETE FROM {table}" for table in TABLES))

    def connect(self):
        connection = psycopg2.connect(self.url)
        self.addCleanup(connection.close)
        return connection


HOMES = {
    "OnTickstone": {"variable": "TICKSTONE_TEST_SERVER"},
    "OnPostgresql": {"variable": "TICKSTONE_TEST_POSTGRESQL", "has_hypertables": False},
    "OnTimescaledb": {"variable": "TICKSTONE_TEST_TIMESCALEDB"},
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
