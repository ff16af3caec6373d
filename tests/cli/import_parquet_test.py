# SPDX-License-Identifier: Apache-2.0
"""Parquet files that others have written: every type either comes in exactly or is refused by name."""
from cli_case import CliCase
from duckdb_reader import DuckDb

NESTED = """SELECT {'bid': 1.10::DECIMAL(38,20), 'venue': 'X"', 'none': NULL::INT} AS book, MAP {'k': 1} AS extra, [{'a': 1}, NULL] AS fills,
  [[1, 2], NULL, []] AS grid, '{"b":  1}'::JSON AS plain"""


class ImportParquet(CliCase):
    def setUp(self):
        super().setUp()
        self.duckdb = DuckDb()
        self.addCleanup(self.duckdb.close)
        self.path = self.scratch / "in.parquet"

    def write(self, sql):
        self.duckdb.query(f"COPY ({sql}) TO '{self.path}' (FORMAT parquet)")

    def load(self, *more, **how):
        return self.ok("import", "--data", self.store, "--again", "--table", "target", *more, self.path, **how)

    def test_nanoseconds_stay_and_go_into_no_later_microsecond(self):
        self.make_store("CREATE TABLE target (id INT, exact TIMESTAMP_NS, at TIMESTAMPTZ, local TIMESTAMP, times TIMESTAMP_NS[])")
        self.write("""SELECT id, t AS exact, t AS at, t AS local, [t, NULL] AS times FROM (VALUES (1, TIMESTAMP_NS '2026-01-05 14:30:00.123456789'),
                      (2, TIMESTAMP_NS '1969-12-31 23:59:59.999999999'), (3, NULL)) AS v(id, t)""")
        self.load()
        self.assertEqual(self.lines("SELECT * FROM target ORDER BY id"), [
            '1,2026-01-05 14:30:00.123456789+00,2026-01-05 14:30:00.123456+00,2026-01-05 14:30:00.123456,"{""2026-01-05 14:30:00.123456789+00"",NULL}"',
            '2,1969-12-31 23:59:59.999999999+00,1969-12-31 23:59:59.999999+00,1969-12-31 23:59:59.999999,"{""1969-12-31 23:59:59.999999999+00"",NULL}"',
            '3,,,,"{NULL,NULL}"'])

    def test_lists_are_arrays(self):
        self.make_store("CREATE TABLE target (words TEXT[], whole BIGINT[], prices NUMERIC[], ratios DOUBLE PRECISION[], kinds TEXT[], days DATE[])")
        self.write("""SELECT ['a', NULL, 'b,"'] AS words, [1, NULL, 9223372036854775807] AS whole, [1.5, 12345678901234567890.00000001]::DECIMAL(38,8)[] AS prices,
                      ['0.1', 'Infinity']::DOUBLE[] AS ratios, ['x', 'y']::ENUM('x', 'y')[] AS kinds, [DATE '2026-01-05'] AS days
                      UNION ALL SELECT [], NULL, [], NULL, NULL, [NULL]""")
        self.load()
        self.assertEqual(self.lines("SELECT * FROM target ORDER BY cardinality(words) DESC"), [
            '"{a,NULL,""b,\\""""}","{1,NULL,9223372036854775807}","{1.5,12345678901234567890.00000001}","{0.1,Infinity}","{x,y}",{2026-01-05}',
            "{},,{},,,{NULL}"])

    def test_structs_maps_and_deeper_lists_are_json(self):
        self.make_store("CREATE TABLE target (book JSONB, extra JSONB, fills JSON, grid TEXT, plain JSONB)")
        self.write(NESTED + " UNION ALL BY NAME SELECT NULL AS book")
        self.load()
        self.assertEqual(self.lines("SELECT * FROM target ORDER BY book IS NULL"), [
            '"{""bid"": 1.10000000000000000000, ""none"": null, ""venue"": ""X\\""""}","{""k"": 1}","[{""a"":1},null]","[[1,2],null,[]]","{""b"": 1}"', ",,,,"])

    def test_json_goes_into_no_column_of_another_kind(self):
        self.make_store("CREATE TABLE target (book NUMERIC, grid INT[])")
        self.write(NESTED)
        for column in ("book", "grid"):
            self.fails("import", "--data", self.store, "--table", "target", "--map", f"{'grid' if column == 'book' else 'book'}=", self.path, sqlstate="42804",
                       says=[f'column "{column}" is of type', f"--map {column}="])
        self.assertEqual(self.lines("SELECT count(*) FROM target"), ["0"])

    def test_units_and_widths_of_others(self):
        self.make_store("CREATE TABLE target (ms TIMESTAMPTZ, s TIMESTAMP, small INT, word BIGINT, long NUMERIC, longest NUMERIC, bytes BYTEA, key UUID, clock TIME)")
        self.write("""SELECT TIMESTAMP_MS '2026-01-05 14:30:00.123' AS ms, TIMESTAMP_S '2026-01-05 14:30:00' AS s, 200::UTINYINT AS small, 4294967295::UINTEGER AS word,
                      18446744073709551615::UBIGINT AS long, 1234567890123456789012345678::DECIMAL(38,0) AS longest, '\\x00\\xFF'::BLOB AS bytes,
                      '0190a5b8-7c1e-7000-8000-00000000abcd'::UUID AS key, TIME '09:30:00.5' AS clock""")
        self.load()
        self.assertEqual(self.lines("SELECT * FROM target"), [
            "2026-01-05 14:30:00.123+00,2026-01-05 14:30:00,200,4294967295,18446744073709551615,1234567890123456789012345678,\\x00ff,"
            "0190a5b8-7c1e-7000-8000-00000000abcd,09:30:00.5"])

    def test_a_row_that_does_not_fit_is_rejected_and_the_others_load(self):
        self.make_store("CREATE TABLE target (id INT PRIMARY KEY, book JSONB, small SMALLINT)")
        self.write("SELECT i AS id, {'x': CASE WHEN i = 2 THEN 'NaN'::DOUBLE ELSE i END} AS book, CASE WHEN i = 3 THEN 70000 ELSE i END AS small FROM range(1, 5) AS r(i)")
        done = self.run_program("import", "--data", self.store, "--table", "target", self.path)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual(self.lines("SELECT id FROM target ORDER BY id"), ["1", "4"])
        rejected = (self.scratch / "in.parquet.rejects.csv").read_text()
        self.assertIn("out of range", rejected)
        self.assertIn("json", rejected)
