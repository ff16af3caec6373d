# SPDX-License-Identifier: Apache-2.0
import json
import unittest

from cli_case import CliCase
from postgresql import PostgreSql

SCHEMA = """CREATE TABLE symbols (symbol TEXT PRIMARY KEY, name TEXT);
CREATE TABLE bars (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, close NUMERIC, extra JSON, tags TEXT[],
  PRIMARY KEY (symbol, timestamp));
CREATE TABLE orders (id INTEGER PRIMARY KEY, ticker TEXT, parent INTEGER REFERENCES orders (id));
COMMENT ON TABLE bars IS 'One a minute';
CREATE VIEW closes AS SELECT symbol, close FROM bars;
INSERT INTO symbols VALUES ('AAPL', 'Apple'), ('MSFT', NULL);
INSERT INTO bars SELECT CASE WHEN i % 2 = 0 THEN 'AAPL' ELSE 'MSFT' END, TIMESTAMPTZ '2026-01-05 14:30+00' + i * INTERVAL '1 minute',
  CASE WHEN i % 10 = 0 THEN NULL ELSE i END, '{"a": 1}', '{x}' FROM generate_series(0, 99) AS g(i);"""


class Explore(CliCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.postgresql = PostgreSql()
        cls.addClassCleanup(cls.postgresql.close)
        cls.peer = cls.postgresql.make_database("explored")

    def setUp(self):
        super().setUp()
        self.make_store(SCHEMA)

    def tables(self, *arguments):
        report = json.loads(self.ok("explore", *arguments, "--json"))
        return report, {table["name"]: table for table in report["tables"]}

    def check_all(self, report, tables):
        self.assertEqual(set(tables), {"symbols", "bars", "orders", "closes"})
        bars = tables["bars"]
        self.assertEqual((bars["rows"], bars["profiled_rows"], bars["comment"]), (100, 100, "One a minute"))
        columns = {column["name"]: column for column in bars["columns"]}
        self.assertEqual((columns["symbol"]["distinct"], columns["symbol"]["min"], columns["symbol"]["max"], columns["symbol"]["key"]),
                         (2, "AAPL", "MSFT", True))
        self.assertEqual((columns["close"]["nulls"], columns["close"]["distinct"], columns["close"]["max"]), (10, 90, "99"))
        self.assertEqual((columns["extra"]["nulls"], columns["extra"]["distinct"]), (0, None))
        self.assertEqual(columns["tags"]["distinct"], 1)
        self.assertEqual(tables["closes"]["kind"], "view")
        self.assertTrue(any("PRIMARY KEY (symbol, \"timestamp\")" in one or "PRIMARY KEY (symbol, timestamp)" in one for one in bars["constraints"]))
        relations = {(one["from"], one["from_column"], one["to"], one["declared"]) for one in report["relations"]}
        self.assertEqual(relations, {("bars", "symbol", "symbols", False), ("orders", "ticker", "symbols", False),
                                     ("orders", "parent", "orders", True)})

    def test_a_directory_a_server_and_postgresql_tell_the_same(self):
        for home, told in self.homes():
            with self.subTest(home):
                report, tables = self.tables(*told)
                self.assertEqual(report["home"], home)
                self.check_all(report, tables)

    def homes(self):
        yield "embedded", [self.store]
        server = self.serve()
        yield "tickstone", [server.url()]
        server.stop()
        self.ok("query", "-c", self.peer, SCHEMA)
        yield "postgresql", [self.peer]

    def test_hypertables_aggregates_and_jobs_of_the_application(self):
        application = self.scratch / "application"
        self.ok("simulate", "--data", application, "--symbols", "2", "--days", "1", "--trades-per-day", "100")
        told = self.run_program("migrate", application)
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        report, tables = self.tables(application)
        self.assertEqual(tables["ohlcv"]["kind"], "hypertable")
        self.assertEqual(tables["ohlcv"]["hypertable"]["time_column"], "timestamp")
        self.assertGreater(tables["ohlcv"]["bytes"], 0)
        self.assertEqual(tables["daily_ohlcv_agg"]["kind"], "continuous aggregate")
        self.assertIn("time_bucket", tables["daily_ohlcv_agg"]["continuous_aggregate"]["definition"])
        self.assertTrue(any(job["table"] == "daily_ohlcv_agg" for job in report["jobs"]))
        self.assertIn(("positions", "ticker"), {(one["from"], one["from_column"]) for one in report["relations"]})
        text = self.ok("explore", application)
        self.assertIn("Jobs\n", text)
        self.assertIn("ohlcv.symbol -> symbols.symbol  (by name)", text)

    def test_only_the_tables_that_are_asked_for(self):
        _, tables = self.tables(self.store, "--table", "bars", "--samples", "2")
        self.assertEqual(list(tables), ["bars"])
        self.assertEqual(len(tables["bars"]["samples"]), 2)
        self.assertEqual(tables["bars"]["samples"][0]["symbol"], "AAPL")
        self.fails("explore", self.store, "-t", "nothing", sqlstate="42P01", says='relation "nothing" does not exist')

    def test_a_large_table_is_profiled_by_its_first_rows(self):
        _, tables = self.tables(self.store, "--table", "bars", "--row-limit", "10")
        self.assertEqual((tables["bars"]["rows"], tables["bars"]["profiled_rows"]), (100, 10))
        self.assertIn("Figures of columns are of 10 of these rows.", self.ok("explore", self.store, "-t", "bars", "--row-limit", "10"))

    def test_markdown_and_mermaid(self):
        drawn = self.ok("explore", self.store, "--format", "mermaid")
        self.assertTrue(drawn.startswith("erDiagram\n    bars {\n        text symbol PK\n        timestamp_with_time_zone timestamp PK\n"), drawn)
        self.assertIn('    symbols ||..o{ bars : "symbol"\n', drawn)
        self.assertIn('    orders ||--o{ orders : "parent"\n', drawn)
        target = self.scratch / "schema.md"
        self.assertEqual(self.ok("explore", self.store, "--format", "markdown", "-o", target), "")
        page = target.read_text()
        self.assertIn("```mermaid\nerDiagram", page)
        self.assertIn("## bars\n", page)
        self.assertIn("| close | numeric |", page)

    def test_what_goes_wrong(self):
        self.fails("explore", self.scratch / "none", sqlstate="58P01")
        self.fails("explore", self.store, "-o", self.scratch / "no" / "folder", sqlstate="58030")
        self.fails("explore", self.store, "--format", "xml", status=2, says="xml")


if __name__ == "__main__":
    unittest.main()
