# SPDX-License-Identifier: Apache-2.0
"""Exports, and that what was exported is what an import reads."""
import gzip
import json
import os
import subprocess

from cli_case import TRADES, CliCase

DATA = """INSERT INTO trades SELECT 'S' || (i % 3), TIMESTAMPTZ '2026-01-05 23:58:00+00' + i * INTERVAL '1 second', 100 + i * 0.0001, i,
  CASE WHEN i % 2 = 0 THEN NULL ELSE i END, CASE WHEN i % 4 = 0 THEN NULL ELSE ARRAY['a', 'b,"' || i] END, i, E'x\\ny' FROM generate_series(0, 299) AS g(i);
INSERT INTO trades VALUES ('A/B c', '2026-01-07 00:00:00.000001+00', 12345678901234567890.00000001, 1, NULL, NULL, 1000, NULL);"""


class Export(CliCase):
    def setUp(self):
        super().setUp()
        self.make_store(TRADES)
        self.sql(DATA)

    def export(self, *arguments, status=0):
        done = self.run_program("export", "--data", self.store, *arguments)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def rows(self, store):
        return self.ok("query", "--data", store, "--csv", "SELECT * FROM trades ORDER BY symbol, timestamp, id")

    def comes_back(self, *files):
        """What the files hold, loaded into a store of their own."""
        store = self.scratch / f"again{len(list(self.scratch.iterdir()))}"
        self.ok("init", "--data", store)
        self.ok("query", "--data", store, TRADES)
        self.ok("import", "--data", store, "--table", "trades", *files)
        return self.rows(store)

    def test_what_is_exported_comes_back_the_same(self):
        for name in ("t.csv", "t.csv.gz", "t.csv.zst", "t.parquet"):
            path = self.scratch / name
            self.assertEqual(self.export("--table", "trades", "-o", path), "301 rows in 1 files\n")
            self.assertEqual(self.comes_back(path), self.rows(self.store), name)
            self.assertFalse(os.path.exists(f"{path}.unfinished"))
        with gzip.open(self.scratch / "t.csv.gz", "rt") as file:
            self.assertEqual(file.readline(), "symbol,timestamp,price,size,exchange,conditions,id,source\n")
        subprocess.run(["zstd", "-q", "-t", self.scratch / "t.csv.zst"], check=True)

    def test_by_symbol_time_and_query(self):
        out = self.export("--table", "trades", "--symbols", "S1", "--from", "2026-01-06", "--to", "2026-01-06 00:00:10+00", "--no-header", "-o", "-")
        self.assertEqual([line.split(",")[1] for line in out.replace("x\ny", "").split("\n") if "S1" in line],
                         ["2026-01-06 00:00:01+00", "2026-01-06 00:00:04+00", "2026-01-06 00:00:07+00"])
        out = self.export("--query", "SELECT symbol, count(*) AS n FROM trades GROUP BY symbol", "--symbols", "S0,S2", "-o", "-")
        self.assertEqual(sorted(out.splitlines()), ["S0,100", "S2,100", "symbol,n"])

    def test_a_directory_by_symbol_and_day(self):
        top = self.scratch / "parts"
        told = json.loads(self.export("--table", "trades", "--partition-by", "symbol,day", "--compression", "gzip", "--json", "-o", top))
        names = [os.path.relpath(one["file"], top) for one in told["files"]]
        self.assertEqual(names, ["symbol=A%2FB%20c/day=2026-01-07/rows.csv.gz"] +
                         [f"symbol=S{n}/day=2026-01-0{day}/rows.csv.gz" for n in range(3) for day in (5, 6)])
        self.assertEqual(told["rows"], 301)
        self.assertEqual(self.comes_back(top), self.rows(self.store))
        self.export("--table", "trades", "--partition-by", "day", "--format", "parquet", "-o", self.scratch / "days")
        self.assertEqual(self.comes_back(self.scratch / "days"), self.rows(self.store))

    def test_decimals_of_parquet_are_exact(self):
        path = self.scratch / "p.parquet"
        self.export("--query", "SELECT 12345678901234567890.00000001::numeric AS a, 0.1::numeric AS b, 5::numeric(10,2) AS c, NULL::numeric AS d", "-o", path)
        self.sql("CREATE TABLE back (a NUMERIC, b NUMERIC, c NUMERIC, d NUMERIC)")
        self.ok("import", "--data", self.store, "--table", "back", path)
        self.assertEqual(self.lines("SELECT * FROM back"), ["12345678901234567890.00000001,0.1,5,"])
        self.fails("export", "--data", self.store, "--query", "SELECT 1e37::numeric AS a UNION ALL SELECT 0.0000001", "-o", self.scratch / "q.parquet",
                   sqlstate="22003")
        self.assertFalse((self.scratch / "q.parquet").exists())

    def test_a_damaged_parquet_file_loads_nothing(self):
        path = self.scratch / "p.parquet"
        self.export("--table", "trades", "-o", path)
        content = bytearray(path.read_bytes())
        self.sql("TRUNCATE trades")
        self.fails("import", "--data", self.store, "--table", "trades", self.file("cut.parquet", bytes(content[:-20])), sqlstate="XX001", says="no Parquet file, or damaged")
        content[40:400] = bytes(360)
        self.fails("import", "--data", self.store, "--table", "trades", self.file("bad.parquet", bytes(content)), sqlstate="XX001", says="damaged")
        self.assertEqual(self.lines("SELECT count(*) FROM trades"), ["0"])

    def test_what_cannot_be_exported_leaves_no_file(self):
        there = self.file("there.csv", "mine")
        for arguments, sqlstate, says in (
                (["--table", "nosuch", "-o", self.scratch / "x.csv"], "42P01", 'relation "nosuch" does not exist'),
                (["--table", "trades", "-o", there], "42710", "already exists"),
                (["--table", "trades", "--symbol-column", "ticker", "--symbols", "A", "-o", self.scratch / "x.csv"], "42703", "--symbol-column"),
                (["--query", "SELECT 1 AS a", "--from", "2026-01-01", "-o", self.scratch / "x.csv"], "42703", "--time-column"),
                (["--query", "SELECT 1/(id - 1000) AS a, timestamp FROM trades ORDER BY 2", "-o", self.scratch / "x.csv"], "22012", "division by zero"),
                (["-o", self.scratch / "x.csv"], "22023", "neither a table nor a query")):
            self.fails("export", "--data", self.store, *arguments, sqlstate=sqlstate, says=says)
            self.assertEqual([name.name for name in self.scratch.iterdir() if name.name.startswith("x.")], [])
        self.assertEqual(there.read_text(), "mine")
        self.export("--table", "trades", "--overwrite", "-o", there)
        self.assertTrue(there.read_text().startswith("symbol,timestamp"))

    def test_from_a_server(self):
        server = self.serve()
        path = self.scratch / "s.parquet"
        self.ok("export", "-c", server.url(), "--table", "trades", "-o", path)
        server.stop()
        self.assertEqual(self.comes_back(path), self.rows(self.store))
