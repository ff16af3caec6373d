# SPDX-License-Identifier: Apache-2.0
"""Parquet that `tickstone query` writes, read by DuckDB itself."""
import os
import pty
import subprocess

from cli_case import PROGRAM, CliCase, environment
from duckdb_reader import DuckDb
from postgresql import POSTGRESQL, PostgreSql

TABLE = """CREATE TABLE mixed (id BIGINT PRIMARY KEY, small SMALLINT, whole INTEGER, price NUMERIC, exact NUMERIC(20,4), ratio DOUBLE PRECISION, rough REAL,
  good BOOLEAN, name TEXT, code VARCHAR(5), at TIMESTAMPTZ, local TIMESTAMP, day DATE, hour TIME, extra JSONB, plain JSON, bytes BYTEA, key UUID,
  tags TEXT[], numbers BIGINT[], prices NUMERIC[], span INTERVAL);
INSERT INTO mixed VALUES
  (1, 2, 3, 187.15, 1234567890123456.7891, 0.1, 1.5, TRUE, 'a "b", é日', 'AAPL', '2026-01-05 14:30:00.123456+00', '2026-01-05 14:30:00.000001',
   '2026-01-05', '09:30:00.5', '{"k": [1, null]}', '{"b":  1}', '\\x00ff10', '0190a5b8-7c1e-7000-8000-00000000abcd', '{x,"y z",NULL}', '{1,NULL,-9223372036854775808}',
   '{1.5,0.00000001}', '1 mon -2 days 00:00:00.000001'),
  (-9223372036854775808, -32768, -2147483648, -0.00000001, -0.0001, 'NaN', 'Infinity', FALSE, '', '', '1999-12-31 23:59:59.999999-08', '0001-01-01 00:00:00',
   '9999-12-31', '24:00:00', 'null', '[]', '', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '{}', '{}', '{}', '-1 year'),
  (7, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);"""
TYPES = {"id": "BIGINT", "small": "SMALLINT", "whole": "INTEGER", "price": "DECIMAL(18,8)", "exact": "DECIMAL(38,4)", "ratio": "DOUBLE", "rough": "FLOAT",
         "good": "BOOLEAN", "name": "VARCHAR", "code": "VARCHAR", "at": "TIMESTAMP WITH TIME ZONE", "local": "TIMESTAMP", "day": "DATE", "hour": "TIME",
         "extra": "VARCHAR", "plain": "VARCHAR", "bytes": "BLOB", "key": "UUID", "tags": "VARCHAR[]", "numbers": "BIGINT[]", "prices": "DECIMAL(38,8)[]",
         "span": "VARCHAR"}
ROWS = [["1", "2", "3", "187.15000000", "1234567890123456.7891", "0.1", "1.5", "true", 'a "b", é日', "AAPL", "2026-01-05 14:30:00.123456+00",
         "2026-01-05 14:30:00.000001", "2026-01-05", "09:30:00.5", '{"k": [1, null]}', '{"b":  1}', "\\x00\\xFF\\x10", "0190a5b8-7c1e-7000-8000-00000000abcd",
         "[x, y z, NULL]", "[1, NULL, -9223372036854775808]", "[1.50000000, 0.00000001]", "1 mon -2 days +00:00:00.000001"],
        ["-9223372036854775808", "-32768", "-2147483648", "-0.00000001", "-0.0001", "nan", "inf", "false", "", "", "2000-01-01 07:59:59.999999+00",
         "0001-01-01 00:00:00", "9999-12-31", "24:00:00", "null", "[]", "", "ffffffff-ffff-ffff-ffff-ffffffffffff", "[]", "[]", "[]", "-1 years"],
        ["7"] + [None] * 21]


class Parquet(CliCase):
    def setUp(self):
        super().setUp()
        self.make_store(TABLE)
        self.duckdb = DuckDb()
        self.addCleanup(self.duckdb.close)
        self.file_made = self.scratch / "out.parquet"
        self.all = "SELECT * FROM mixed ORDER BY id = 7, id DESC"

    def wrote(self, sql, *how):
        done = self.run_program("query", *(how or ["--data", self.store]), "-o", self.file_made, sql)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        self.assertFalse(os.path.exists(f"{self.file_made}.unfinished"))
        rows = self.duckdb.rows(self.file_made)
        self.assertIn(f"Results saved to {self.file_made} ({len(rows)} row", done.stderr)
        return self.duckdb.types(self.file_made), rows

    def test_every_type_comes_out_exactly(self):
        self.assertEqual(self.wrote(self.all), (TYPES, ROWS))

    def test_a_server_and_postgresql_give_the_same_file(self):
        server = self.serve()
        self.assertEqual(self.wrote(self.all, "-c", server.url()), (TYPES, ROWS))
        server.stop()
        if not POSTGRESQL.exists():
            self.skipTest("no PostgreSQL 15")
        peer = PostgreSql()
        self.addCleanup(peer.close)
        url = peer.make_database("inavvi")
        self.ok("query", "-c", url, TABLE)
        self.assertEqual(self.wrote(self.all, "-c", url), (TYPES, ROWS))
        # Numbers that no NUMERIC of ours has, within what a DECIMAL has; and types that we do not know.
        types, rows = self.wrote("SELECT 1234567890123456789012345678.0000000001 AS wide, 1500::numeric(2,-2) AS rounded, '10:00+02'::timetz AS t, 'mixed'::regclass AS r", "-c", url)
        self.assertEqual(types, {"wide": "DECIMAL(38,10)", "rounded": "DECIMAL(18,0)", "t": "VARCHAR", "r": "VARCHAR"})
        self.assertEqual(rows, [["1234567890123456789012345678.0000000001", "1500", "10:00:00+02", "mixed"]])

    def test_an_empty_result_keeps_its_columns(self):
        types, rows = self.wrote(self.all.replace("ORDER", "WHERE id = 99 ORDER"))
        self.assertEqual((list(types), rows), (list(TYPES), []))
        self.assertEqual(types["at"], TYPES["at"])

    def test_what_a_script_or_a_change_gives(self):
        types, rows = self.wrote("SET TimeZone = 'Asia/Tokyo'; CREATE TABLE t (a INT, at TIMESTAMPTZ); INSERT INTO t VALUES (1, '2026-01-05 09:00'), (2, NULL) RETURNING *, a + 0.5 AS half")
        self.assertEqual(rows, [["1", "2026-01-05 00:00:00+00", "1.5"], ["2", None, "2.5"]])
        self.assertEqual(self.lines("SELECT count(*) FROM t"), ["2"])

    def test_many_rows(self):
        _, rows = self.wrote("SELECT i, i * 0.01 AS price FROM generate_series(1, 100000) AS g(i)")
        self.assertEqual((len(rows), rows[-1], rows[70_000]), (100_000, ["100000", "1000.00"], ["70001", "700.01"]))

    def test_it_is_chosen_by_name_or_format(self):
        self.ok("query", "--data", self.store, "--format", "parquet", "-o", self.scratch / "x.out", "SELECT 1 AS a")
        self.assertEqual(self.duckdb.query(f"SELECT * FROM read_parquet('{self.scratch}/x.out')"), [["1"]])
        for name, text in (("x.csv", "a\n1\n"), ("x.json", '[\n  {"a": 1}\n]\n'), ("x.jsonl", '{"a": 1}\n'), ("x.txt", " a\n---\n 1\n(1 row)\n")):
            self.sql("SELECT 1 AS a", "-o", self.scratch / name)
            self.assertEqual((self.scratch / name).read_text(), text)
        self.sql("SELECT 1 AS a", "--format", "table", "-o", self.scratch / "y.parquet")
        self.assertEqual((self.scratch / "y.parquet").read_text(), " a\n---\n 1\n(1 row)\n")

    def test_standard_output_takes_it_unless_it_is_a_terminal(self):
        done = subprocess.run([PROGRAM, "query", "--data", self.store, "--format", "parquet", "SELECT id FROM mixed ORDER BY 1"], capture_output=True,
                              timeout=60, env=environment(TMPDIR=str(self.scratch)), check=True)
        self.file("piped.parquet", done.stdout)
        self.assertEqual(self.duckdb.rows(self.scratch / "piped.parquet"), [["-9223372036854775808"], ["1"], ["7"]])
        self.assertEqual([path.name for path in self.scratch.iterdir() if path.name.startswith("tickstone-")], [])
        leader, follower = pty.openpty()
        for command in (["query", "SELECT 1", "--format"], ["export", "--table", "mixed", "-o", "-", "--format"]):
            done = subprocess.run([PROGRAM, *command, "parquet", "--data", str(self.store)], stdin=subprocess.DEVNULL, stdout=follower, stderr=subprocess.PIPE,
                                  text=True, timeout=60, env=environment())
            self.assertEqual(done.returncode, 1)
            self.assertIn("0A000: Parquet is not written to a terminal", done.stderr)
        os.close(leader)
        os.close(follower)

    def test_what_parquet_cannot_hold_writes_no_file(self):
        self.file("out.parquet", "mine")
        for sql, sqlstate, says in (
                ("SELECT 1 AS a; SELECT 2 AS b", "21000", "and 2 gave rows"),
                ("CREATE TABLE other (a INT)", "21000", "and none gave rows"),
                ("SELECT nosuch", "42703", "nosuch"),
                ("SELECT 1e37::numeric AS wide UNION ALL SELECT 0.0000001", "22003", 'column "wide" cannot be written as Parquet: its values need more than 38 digits')):
            self.fails("query", "--data", self.store, "-o", self.file_made, sql, sqlstate=sqlstate, says=says)
            self.assertEqual(self.file_made.read_text(), "mine")
        self.fails("query", "--data", self.store, "-o", self.scratch / "no" / "x.parquet", "CREATE TABLE never (a INT)", sqlstate="58030", says="could not write")
        self.fails("query", "--data", self.store, "--plot", "-o", self.file_made, "SELECT 1", sqlstate="22023", says="--plot")
        self.assertEqual(self.lines("SELECT count(*) FROM pg_class WHERE relname = 'never'"), ["0"])
        self.assertEqual([path.name for path in self.scratch.iterdir() if "unfinished" in path.name], [])

    def test_exports_of_the_same_table_agree(self):
        path = self.scratch / "exported.parquet"
        self.ok("export", "--data", self.store, "--query", self.all, "-o", path)
        # Lists of NUMERIC have no digits of their own in a table: 12 behind the point.
        self.assertEqual(self.duckdb.types(path), {**TYPES, "prices": "DECIMAL(38,12)[]"})
        expected = [[value and value.replace("[1.50000000, 0.00000001]", "[1.500000000000, 0.000000010000]") for value in row] for row in ROWS]
        self.assertEqual(self.duckdb.rows(path), expected)
