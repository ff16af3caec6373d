# SPDX-License-Identifier: Apache-2.0
"""ODBC: psqlODBC under unixODBC, as spreadsheets and reporting tools use it."""
import datetime as dt
import unittest
import urllib.parse
from decimal import Decimal

import pyodbc

from client_case import BARS, ClientCase, PeerCase

START = dt.datetime(2026, 1, 5, 14, 30)
DRIVER = "PostgreSQL Unicode"


@unittest.skipUnless(DRIVER in pyodbc.drivers(), "no ODBC driver on this machine")
class OdbcTests:
    def open(self, **options):
        url = urllib.parse.urlsplit(self.url)
        settings = {"Driver": "{" + DRIVER + "}", "Server": url.hostname, "Port": url.port, "Database": url.path[1:], "Uid": url.username, "Pwd": url.password,
                    **options}
        connection = pyodbc.connect(";".join(f"{key}={value}" for key, value in settings.items()))
        self.addCleanup(connection.close)
        return connection

    def setUp(self):
        self.connection = self.open()
        self.cursor = self.connection.cursor()

    def query(self, sql, *values):
        return [tuple(row) for row in self.cursor.execute(sql, *values).fetchall()]

    # The catalog

    def test_tables_are_listed(self):
        tables = {row.table_name: row.table_type for row in self.cursor.tables(schema="public")}
        for name in ("ohlcv", "trades", "symbols", "positions"):
            self.assertEqual(tables[name], "TABLE")
        self.assertEqual(tables["focus"], "VIEW")
        self.assertEqual({row.table_name for row in self.cursor.tables(table="o%", schema="public", tableType="TABLE")}, {"ohlcv", "options_flow"})
        self.assertEqual(self.cursor.tables(table="nosuch").fetchall(), [])
        self.assertIn("public", {row[1] for row in self.cursor.tables(catalog="", schema="%", table="")})
        everything = {row.table_name for row in self.cursor.tables()}
        self.assertIn("ohlcv", everything)

    def test_columns_are_described(self):
        rows = [(row.column_name, row.type_name, row.data_type, row.nullable, row.ordinal_position) for row in self.cursor.columns(table="trades", schema="public")]
        self.assertEqual(rows, [("symbol", "text", pyodbc.SQL_WLONGVARCHAR, 0, 1), ("timestamp", "timestamptz", pyodbc.SQL_TYPE_TIMESTAMP, 0, 2),
                                ("price", "numeric", pyodbc.SQL_NUMERIC, 0, 3), ("size", "numeric", pyodbc.SQL_NUMERIC, 0, 4),
                                ("exchange", "int4", pyodbc.SQL_INTEGER, 1, 5), ("conditions", "_text", pyodbc.SQL_WVARCHAR, 1, 6),
                                ("id", "int8", pyodbc.SQL_BIGINT, 0, 7), ("source", "text", pyodbc.SQL_WLONGVARCHAR, 0, 8)])
        defaults = {row.column_name: row.column_def for row in self.cursor.columns(table="positions")}
        self.assertEqual(defaults["id"], "nextval('positions_id_seq'::regclass)")
        self.assertEqual(defaults["is_focus_ticker"], "false")

    def test_keys_and_indexes_are_described(self):
        self.assertEqual([(row.key_seq, row.column_name, row.pk_name) for row in self.cursor.primaryKeys("ohlcv")],
                         [(1, "symbol", "ohlcv_pkey"), (2, "timestamp", "ohlcv_pkey"), (3, "timeframe", "ohlcv_pkey")])
        indexes = [(row.index_name, row.non_unique, row.ordinal_position, row.column_name) for row in self.cursor.statistics("ohlcv") if row.index_name]
        self.assertLessEqual({("ohlcv_pkey", 0, 1, "symbol"), ("ohlcv_pkey", 0, 2, "timestamp"), ("ohlcv_symbol_timeframe_idx", 1, 1, "symbol"),
                              ("ohlcv_symbol_timeframe_idx", 1, 2, "timeframe")}, {(name, int(u), n, column.strip('"')) for name, u, n, column in indexes})
        self.cursor.execute("CREATE TABLE parent (a int PRIMARY KEY); CREATE TABLE child (b int PRIMARY KEY, a int REFERENCES parent ON DELETE CASCADE)")
        keys = self.cursor.foreignKeys(foreignTable="child").fetchall()
        self.assertEqual([(row.pktable_name, row.pkcolumn_name, row.fktable_name, row.fkcolumn_name, row.fk_name) for row in keys],
                         [("parent", "a", "child", "a", "child_a_fkey")])
        keys = self.cursor.foreignKeys(table="parent").fetchall()
        self.assertEqual([(row.fktable_name, row.fkcolumn_name) for row in keys], [("child", "a")])
        self.connection.rollback()

    def test_types_and_procedures_are_listed(self):
        names = {row.type_name for row in self.cursor.getTypeInfo()}
        self.assertLessEqual({"int4", "int8", "numeric", "text", "timestamptz", "date", "float8", "bool", "bytea"}, names)
        self.cursor.execute("CREATE FUNCTION twice(x int) RETURNS int LANGUAGE sql AS 'SELECT x * 2'")
        self.assertEqual([row.procedure_name for row in self.cursor.procedures(procedure="twice")], ["twice"])
        self.connection.rollback()
        self.assertEqual((self.connection.getinfo(pyodbc.SQL_DBMS_NAME), self.connection.getinfo(pyodbc.SQL_DBMS_VER)[:3]), ("PostgreSQL", "15."))

    # Values

    def test_types_there_and_back(self):
        for value, type_name in ((7, "int"), (2**40, "bigint"), (-3, "smallint"), (1.5e-300, "float8"), (Decimal("1234567890.12345678"), "numeric(28,8)"),
                                 ("tëxt '\" \\ 日本", "text"), ("", "varchar"), (b"\x00\x01\xff", "bytea"), (dt.datetime(2026, 1, 5, 14, 30, 0, 123456), "timestamp"),
                                 (dt.date(1999, 12, 31), "date"), (dt.time(23, 59, 59), "time"), (None, "text"), (None, "int"), ("x" * 100_000, "text")):
            with self.subTest(type_name):
                got = self.query(f"SELECT CAST(? AS {type_name})", value)[0][0]
                self.assertEqual(bytes(got) if isinstance(value, bytes) else got, value)
        self.assertEqual(self.query("SELECT true, ARRAY[1, 2], '{\"a\": 1}'::jsonb, '00000000-0000-0000-0000-000000000007'::uuid"),
                         [("1", "{1,2}", '{"a": 1}', "00000000-0000-0000-0000-000000000007")])
        self.assertEqual([column[:2] for column in self.cursor.execute("SELECT symbol, timestamp, close, 1 AS one, 1.5::float8 AS f FROM ohlcv LIMIT 0").description],
                         [("symbol", str), ("timestamp", dt.datetime), ("close", Decimal), ("one", int), ("f", float)])

    def test_parameters_without_casts(self):
        self.assertEqual(self.query("SELECT count(*) FROM ohlcv WHERE symbol = ? AND timestamp >= ? AND close > ?", "S0", START, Decimal("100.5")), [(199,)])
        self.cursor.execute("INSERT INTO positions (ticker, timestamp, entry_price, shares, position_value, metadata) VALUES (?, ?, ?, ?, ?, ?)",
                            "ODBC", START, Decimal("1.25"), 7, 8.75, '{"k": 1}')
        self.assertEqual(self.cursor.rowcount, 1)
        self.assertEqual(self.query("SELECT ticker, timestamp, entry_price, shares, metadata->>'k' FROM positions WHERE ticker = ?", "ODBC"),
                         [("ODBC", START, Decimal("1.25"), 7, "1")])
        self.connection.rollback()
        self.assertEqual(self.query("SELECT count(*) FROM positions WHERE ticker = 'ODBC'"), [(0,)])

    def test_many_rows(self):
        rows = [(f"O{n}", f"name {n}", n % 2 == 0) for n in range(500)]
        self.cursor.executemany("INSERT INTO symbols (symbol, name) VALUES (?, ?)", [row[:2] for row in rows])
        self.assertEqual(self.query("SELECT count(*) FROM symbols WHERE name LIKE 'name %'"), [(500,)])
        self.connection.rollback()
        # All at once, as arrays of parameters.
        self.cursor.fast_executemany = True
        self.cursor.executemany("INSERT INTO symbols (symbol, name) VALUES (?, ?)", [row[:2] for row in rows])
        self.assertEqual(self.query("SELECT count(*) FROM symbols WHERE name LIKE 'name %'"), [(500,)])
        self.connection.rollback()

    def test_every_way_of_reading(self):
        """The whole result, parts of it by a cursor, statements prepared on the server or values written into the text."""
        for options in ({}, {"UseDeclareFetch": 1, "Fetch": 37}, {"UseServerSidePrepare": 0}, {"UseServerSidePrepare": 1, "UseDeclareFetch": 1, "Fetch": 50}):
            with self.subTest(options):
                cursor = self.open(**options).cursor()
                cursor.execute("SELECT symbol, timestamp, close FROM ohlcv WHERE symbol <> ? ORDER BY timestamp, symbol", "none")
                self.assertEqual(tuple(cursor.fetchone()), ("S0", START, Decimal("100.5")))
                self.assertEqual(len(cursor.fetchmany(99)), 99)
                self.assertEqual(len(cursor.fetchall()), BARS - 100)
                cursor.execute("SELECT 1; SELECT 'x'")
                self.assertEqual(cursor.fetchval(), 1)
                self.assertTrue(cursor.nextset())
                self.assertEqual(cursor.fetchval(), "x")

    # Transactions and errors

    def test_errors_have_a_state(self):
        for sql, state in (("SELECT nosuch FROM symbols", "42703"), ("SELECT * FROM nosuch", "42P01"), ("SELEC", "42601"), ("SELECT 1/0", "22012"),
                           ("INSERT INTO symbols (symbol) VALUES ('S0')", "23505"), ("INSERT INTO trades (symbol) VALUES ('x')", "23502")):
            with self.subTest(sql):
                with self.assertRaises(pyodbc.Error) as caught:
                    self.cursor.execute(sql)
                # The driver gives some of them ODBC's names.
                self.assertIn(caught.exception.args[0], (state, {"42P01": "42S02", "42703": "42S22"}.get(state)))
                self.connection.rollback()
        self.cursor.execute("INSERT INTO symbols (symbol) VALUES ('AFTER')")
        with self.assertRaises(pyodbc.Error):
            self.cursor.execute("INSERT INTO symbols (symbol) VALUES ('S0')")
        # The driver's own savepoint, by its setting Protocol, keeps the transaction.
        self.connection.rollback()
        kept = self.open(Protocol="7.4-2")
        cursor = kept.cursor()
        cursor.execute("INSERT INTO symbols (symbol) VALUES ('AFTER')")
        with self.assertRaises(pyodbc.Error):
            cursor.execute("INSERT INTO symbols (symbol) VALUES ('S0')")
        cursor.execute("SELECT count(*) FROM symbols WHERE symbol = 'AFTER'")
        self.assertEqual(cursor.fetchval(), 1)
        kept.rollback()

    def test_autocommit(self):
        self.connection.autocommit = True
        self.cursor.execute("INSERT INTO symbols (symbol) VALUES ('AUTO')")
        self.assertEqual(self.rows("SELECT count(*) FROM symbols WHERE symbol = 'AUTO'"), [(1,)])
        self.cursor.execute("DELETE FROM symbols WHERE symbol = 'AUTO'")
        self.assertEqual(self.cursor.rowcount, 1)


class Odbc(OdbcTests, ClientCase):
    pass


class OdbcOnPostgreSql(OdbcTests, PeerCase):
    pass
