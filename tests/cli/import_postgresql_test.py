# SPDX-License-Identifier: Apache-2.0
"""Imports into a plain PostgreSQL 15: every format, each row once."""
import gzip
import json
import re
import signal
import subprocess
import time
import unittest

import psycopg2

from cli_case import PROGRAM, TRADES, CliCase, environment
from duckdb_reader import DuckDb
from import_formats_test import OHLCV, POLYGON_BARS, POLYGON_QUOTES, POLYGON_TRADES, QUOTES, bars, zipped
from postgresql import POSTGRESQL, PostgreSql


def without_hypertables(schema):
    return re.sub(r"SELECT create_hypertable\([^)]*\);", "\n", schema)


@unittest.skipUnless(POSTGRESQL.exists(), "no PostgreSQL 15")
class IntoPostgreSql(CliCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.peer = PostgreSql()
        cls.addClassCleanup(cls.peer.close)

    def setUp(self):
        super().setUp()
        self.url = self.peer.make_database(self.id().rsplit(".", 1)[1])
        self.rows(without_hypertables(TRADES + QUOTES + OHLCV))

    def rows(self, sql):
        return self.ok("query", "-c", self.url, "--csv", "SET TimeZone = 'UTC'; " + sql).splitlines()[1:]

    def load(self, *arguments, status=0):
        done = self.run_program("import", "-c", self.url, "--json", *arguments)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def test_each_format_loads_each_file_once(self):
        duckdb = DuckDb()
        self.addCleanup(duckdb.close)
        parquet = self.scratch / "trades.parquet"
        duckdb.query(f"""COPY (SELECT 'PQ' AS symbol, TIMESTAMPTZ '2026-01-05 14:30:00+00' AS timestamp, 12345678901234567890.00000001::DECIMAL(38,8) AS price,
            5::BIGINT AS id, ['a', NULL, 'b,"'] AS conditions) TO '{parquet}' (FORMAT parquet)""")
        files = (
            ("csv", "trades", self.file("t.csv", "symbol,timestamp,price,id\nCSV,2026-01-05 14:30:00,1.25,1\n"), 1),
            ("parquet", "trades", parquet, 1),
            ("polygon-trades", None, self.file("t.csv.gz", gzip.compress((
                POLYGON_TRADES + 'AAPL,"12,37",0,11,52983,1767623400208705342,142.99,3807,1767623400208740999,5,1,0,0\n').encode())), 1),
            ("polygon-quotes", None, self.file("q.csv", POLYGON_QUOTES + "AAPL,12,143.02,3,11,143.01,2,1,,1767623400208705342,77,1767623400208740096,3,0\n"), 1),
            ("polygon-minute-aggs", None, self.file("m.csv", POLYGON_BARS + bars("AAPL", 0, 3)), 3),
            ("polygon-day-aggs", None, self.file("d.csv", POLYGON_BARS + bars("AAPL", 0, 1)), 1),
            ("binance-klines", None, self.file("BTCUSDT-1m-2024-12-31.zip", zipped(
                "x.csv", "1735603200000,92792.05,92850.0,92750.1,92800.5,12.5,1735603259999,1160000.1,150,6.2,575000.5,0\n")), 1),
            ("binance-trades", None, self.file("BTCUSDT-trades-2025-01-01.csv", "4359799650,93576.0,0.00055,51.4668,1735689600012345,True,True\n"), 1),
            ("binance-agg-trades", None, self.file("BTCUSDT-aggTrades-2025-01-01.csv", "3359000001,93580.5,0.1,4359799650,4359799652,1735689601000000,False,True\n"), 1))
        listed = self.ok("import", "--help")
        for name in listed.split("Formats: ")[1].split(".")[0].replace("\n", " ").split(", "):
            self.assertIn(name, [one[0] for one in files])
        for state in ("loaded", "done before"):
            for name, table, path, count in files:
                told = self.load("--format", name, *(["--table", table] if table else []), path)
                self.assertEqual([(one["state"], one["new"]) for one in told["files"]], [(state, count)], name)
        self.assertEqual(self.rows("SELECT symbol, timestamp, price, size, conditions, id, source FROM trades ORDER BY symbol, timestamp"),
                         ['AAPL,2026-01-05 14:30:00.20874+00,142.99,5,"{12,37}",3807,polygon',
                          "BTCUSDT,2025-01-01 00:00:00.012345+00,93576,0.00055,,4359799650,binance",
                          "BTCUSDT,2025-01-01 00:00:01+00,93580.5,0.1,,3359000001,binance",
                          "CSV,2026-01-05 14:30:00+00,1.25,,,1,",
                          'PQ,2026-01-05 14:30:00+00,12345678901234567890.00000001,,"{a,NULL,""b,\\""""}",5,'])
        self.assertEqual(self.rows("SELECT * FROM quotes"), ["AAPL,2026-01-05 14:30:00.20874+00,143.01,2,143.02,3,11,{1},77,polygon"])
        self.assertEqual(self.rows("SELECT symbol, timeframe, source, count(*), sum(close) FROM ohlcv GROUP BY 1, 2, 3 ORDER BY 1, 2"),
                         ["AAPL,1d,polygon,1,11", "AAPL,1m,polygon,3,33", "BTCUSDT,1m,binance,1,92800.5"])
        self.assertEqual(self.rows("SELECT count(*), count(*) FILTER (WHERE is_complete), sum(rows_new) FROM tickstone_imports"), ["9,9,11"])

    def test_an_import_that_was_killed_goes_on_and_loads_each_row_once(self):
        count = 300_000
        lines = bars("AAPL", 0, count).splitlines(keepends=True)
        lines[250_000] = "AAPL,1,1,1,1,1,later,1\n"
        path = self.file("bars.csv", POLYGON_BARS + "".join(lines))
        # Who holds a key of the second batch keeps it from ending.
        other = psycopg2.connect(self.url)
        self.addCleanup(other.close)
        other.cursor().execute("INSERT INTO ohlcv VALUES ('AAPL', to_timestamp(1767623400 + 150000 * 60), 1, 1, 1, 1, 1, 'other', '1m')")
        program = subprocess.Popen([PROGRAM, "import", "-c", self.url, "--format", "polygon-minute-aggs", str(path)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
        while program.poll() is None and self.rows("SELECT count(*) FROM ohlcv") == ["0"]:
            time.sleep(0.02)
        program.send_signal(signal.SIGKILL)
        program.wait()
        other.rollback()
        loaded = int(self.rows("SELECT count(*) FROM ohlcv")[0])
        self.assertIn(loaded, range(1, 150_000))
        self.assertEqual(self.rows("SELECT rows_new, is_complete FROM tickstone_imports"), [f"{loaded},f"])
        told = self.load("--format", "polygon-minute-aggs", path, status=3)
        self.assertEqual([(one["state"], one["rejected"]) for one in told["files"]], [("resumed", 1)])
        self.assertEqual(self.rows("SELECT count(*), sum(volume) FROM ohlcv"), [f"{count - 1},{sum(100 + n for n in range(count)) - 250_100}"])
        self.assertEqual([one["state"] for one in self.load("--format", "polygon-minute-aggs", path)["files"]], ["done before"])

    def test_existing_rows_are_updated_where_they_differ(self):
        first = self.file("first.csv", POLYGON_BARS + bars("AAPL", 0, 10))
        self.load("--format", "polygon-minute-aggs", first)
        second = self.file("second.csv", POLYGON_BARS + bars("AAPL", 5, 10).replace(",11,12.25,", ",11.5,12.25,", 3))
        told = self.load("--format", "polygon-minute-aggs", "--existing", "update", second)
        self.assertEqual(told["total"], {"new": 5, "changed": 3, "same": 2, "rejected": 0})
        self.assertEqual(self.rows("SELECT count(*), sum(close) FROM ohlcv"), ["15,166.5"])
