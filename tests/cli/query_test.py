# SPDX-License-Identifier: Apache-2.0
import json
import os
import pty
import subprocess

from cli_case import PROGRAM, CliCase, environment

MIXED = """CREATE TABLE mixed (id INTEGER PRIMARY KEY, name TEXT, price NUMERIC, at TIMESTAMPTZ, extra JSONB, tags TEXT[],
  ratio DOUBLE PRECISION, good BOOLEAN);
INSERT INTO mixed VALUES (1, 'a "b", c', 1.50, '2026-01-05 14:30:00+00', '{"k": [1, null]}', '{x,"y z"}', 0.1, TRUE),
  (2, NULL, NULL, NULL, NULL, NULL, 'NaN', FALSE), (3, '', 12345678901234567890.123456789, NULL, '"t"', '{}', 'Infinity', NULL),
  (4, E'two\\nlines \\u00e9\\u65e5', -0.5, '1999-12-31 23:59:59.999999+00', 'null', NULL, -1e300, TRUE);"""

TABLE = """ id |      name      |             price              |              at               |      extra       |   tags    |  ratio   | good
----+----------------+--------------------------------+-------------------------------+------------------+-----------+----------+------
  1 | a "b", c       |                            1.5 | 2026-01-05 14:30:00+00        | {"k": [1, null]} | {x,"y z"} |      0.1 | t
  2 |                |                                |                               |                  |           |      NaN | f
  3 |                | 12345678901234567890.123456789 |                               | "t"              | {}        | Infinity |
  4 | two\\nlines é日 |                           -0.5 | 1999-12-31 23:59:59.999999+00 | null             |           |  -1e+300 | t
(4 rows)
"""

CSV = '''id,name,price,at,extra,tags,ratio,good
1,"a ""b"", c",1.5,2026-01-05 14:30:00+00,"{""k"": [1, null]}","{x,""y z""}",0.1,t
2,,,,,,NaN,f
3,"",12345678901234567890.123456789,,"""t""",{},Infinity,
4,"two
lines é日",-0.5,1999-12-31 23:59:59.999999+00,null,,-1e+300,t
'''


class Query(CliCase):
    def setUp(self):
        super().setUp()
        self.make_store(MIXED)
        self.all = "SELECT * FROM mixed ORDER BY id"

    def test_a_table_is_aligned_by_width_on_screen(self):
        self.assertEqual(self.sql(self.all), TABLE)

    def test_csv_tells_null_from_empty_text(self):
        self.assertEqual(self.sql(self.all, "--format", "csv"), CSV)
        self.assertEqual(self.sql(self.all, "--csv"), CSV)

    def test_json_has_numbers_truth_and_nested_values(self):
        rows = json.loads(self.sql(self.all, "--json"))
        self.assertEqual(rows, json.loads(self.sql(self.all, "--format", "JSON")))
        self.assertEqual(rows[0], {"id": 1, "name": 'a "b", c', "price": 1.5, "at": "2026-01-05 14:30:00+00",
                                   "extra": {"k": [1, None]}, "tags": '{x,"y z"}', "ratio": 0.1, "good": True})
        self.assertEqual(rows[1]["ratio"], "NaN")
        self.assertIsNone(rows[1]["name"])
        self.assertEqual(rows[2]["name"], "")
        self.assertEqual(rows[2]["ratio"], "Infinity")
        self.assertEqual(rows[3]["name"], "two\nlines é日")
        # No digit is lost on the way out.
        self.assertIn('"price": 12345678901234567890.123456789', self.sql(self.all, "--json"))

    def test_json_of_no_rows_is_an_empty_list(self):
        self.assertEqual(json.loads(self.sql("SELECT * FROM mixed WHERE id = 99", "--json")), [])

    def test_sql_comes_from_an_argument_a_file_or_a_pipe(self):
        script = self.file("count.sql", "SELECT count(*) AS n\nFROM mixed;\n")
        argument = self.sql("SELECT count(*) AS n FROM mixed", "--csv")
        self.assertEqual(argument, "n\n4\n")
        for more in (["-f", script], ["--file", script]):
            self.assertEqual(self.ok("query", "--data", self.store, "--csv", *more), argument)
        for more in ([], ["-"], ["-f", "-"]):
            got = self.ok("query", "--data", self.store, "--csv", *more, given=script.read_text())
            self.assertEqual(got, argument, more)

    def test_several_statements_answer_one_after_the_other(self):
        got = self.sql("SELECT 1 AS a; UPDATE mixed SET good = TRUE WHERE id = 2; SELECT 2 AS b, 3 AS c")
        self.assertEqual(got, " a\n---\n 1\n(1 row)\nUPDATE 1\n b | c\n---+---\n 2 | 3\n(1 row)\n")
        self.assertEqual(self.sql("CREATE TABLE t (a INT); INSERT INTO t VALUES (1)", "--csv"), "")

    def test_output_goes_to_a_file(self):
        target = self.scratch / "out.csv"
        self.assertEqual(self.sql(self.all, "--csv", "-o", str(target)), "")
        self.assertEqual(target.read_text(), CSV)
        self.fails("query", "--data", self.store, "-o", self.scratch / "no" / "folder", "SELECT 1", sqlstate="58030",
                   says="could not write file")

    def test_example_queries_are_known_by_name(self):
        listed = self.ok("query", "-l")
        self.assertIn("  Market Data:\n    - recent_ohlcv\n", listed)
        done = self.run_program("query", "--data", self.store, "tables")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("mixed", done.stdout)
        self.assertIn("Executing example query 'tables':", done.stderr)
        names = [line[6:] for line in listed.splitlines() if line.startswith("    - ")]
        self.assertGreater(len(names), 20)
        self.ok("migrate", "--data", self.store)
        for name in names:
            self.assertIsInstance(json.loads(self.ok("query", "--data", self.store, "-j", name)), list, name)

    def test_a_server_is_named_as_the_guide_does(self):
        server = self.serve()
        address = f"localhost:{server.port}/inavvi?user=inavvi_user&password=postgres"
        self.assertIn("mixed", self.ok("query", "-c", address, "tables"))
        self.assertIn("mixed", self.ok("query", "tables", variables={"TICKSTONE_URL": server.url()}))
        target = self.scratch / "saved.txt"
        done = self.run_program("query", "-c", address, "tables", "-o", target)
        self.assertIn(f"Results saved to {target} (1 row)", done.stderr)
        self.assertIn("mixed", target.read_text())
        self.assertEqual(self.ok("query", "-c", address, "COPY (SELECT id FROM mixed WHERE id < 3 ORDER BY id) TO STDOUT"), "1\n2\nCOPY 2\n")

    def test_json_lines_and_plots(self):
        self.assertEqual(self.sql("SELECT id, good FROM mixed WHERE id < 3 ORDER BY id", "--format", "jsonl"),
                         '{"id": 1, "good": true}\n{"id": 2, "good": false}\n')
        drawn = self.ok("query", "--data", self.store, "--plot", "SELECT id, id * id AS square FROM mixed ORDER BY id",
                        variables={"COLUMNS": "50", "LINES": "16", "LC_ALL": "C.UTF-8"})
        self.assertIn("square", drawn)
        self.assertTrue(all(len(line) <= 50 for line in drawn.splitlines()), drawn)
        self.fails("query", "--data", self.store, "--plot", "SELECT name FROM mixed", sqlstate="22023", says="nothing to plot")

    def test_copy_out_is_written_as_it_is(self):
        self.assertEqual(self.sql("COPY (SELECT id, name FROM mixed WHERE id < 3 ORDER BY id) TO STDOUT"),
                         '1\ta "b", c\n2\t\\N\nCOPY 2\n')

    def test_an_error_names_code_place_detail_and_hint(self):
        error = self.fails("query", "--data", self.store, "SELECT id,\n  nme FROM mixed", sqlstate="42703")
        self.assertIn("LINE 2:   nme FROM mixed\n          ^\n", error)
        error = self.fails("query", "--data", self.store, "INSERT INTO mixed VALUES (1)", sqlstate="23505")
        self.assertIn("DETAIL:  Key (id)=(1) already exists.", error)
        self.fails("query", "--data", self.store, "SELECT * FROM nosuch", sqlstate="42P01",
                   says='relation "nosuch" does not exist')

    def test_of_a_long_line_only_the_place_is_shown(self):
        error = self.fails("query", "--data", self.store, "SELECT " + "1, " * 500 + "nosuch, " + "2, " * 500 + "'日本'", sqlstate="42703")
        lines = error.splitlines()
        self.assertTrue(lines[1].startswith("LINE 1: ...") and lines[1].endswith("..."), lines[1])
        self.assertLess(len(lines[1]), 125)
        self.assertEqual(lines[1][lines[2].index("^"):][:6], "nosuch")

    def test_an_error_ends_a_script_and_undoes_its_implicit_transaction(self):
        got = self.run_program("query", "--data", self.store, "--csv", "INSERT INTO mixed VALUES (10); SELECT 1/0; SELECT 2")
        self.assertEqual(got.returncode, 1)
        self.assertIn("22012", got.stderr)
        self.assertEqual(self.lines("SELECT count(*) FROM mixed WHERE id = 10"), ["0"])

    def test_what_came_before_an_error_is_printed(self):
        got = self.run_program("query", "--data", self.store, "--csv", "SELECT 1 AS one; SELECT nosuch")
        self.assertEqual((got.returncode, got.stdout), (1, "one\n1\n"))

    def test_notices_go_to_standard_error(self):
        got = self.run_program("query", "--data", self.store, "DROP TABLE IF EXISTS nosuch")
        self.assertEqual((got.returncode, got.stdout), (0, "DROP TABLE\n"))
        self.assertIn('NOTICE:  table "nosuch" does not exist, skipping', got.stderr)

    def test_targets_that_are_not_there(self):
        nowhere = {"TICKSTONE_URL": "host=127.0.0.1 port=1"}
        self.fails("query", "SELECT 1", status=3, sqlstate="08006", says=("Connection refused", "--data DIR"), variables=nowhere)
        self.fails("query", "--data", self.scratch / "none", "SELECT 1", sqlstate="58P01", says="does not exist")
        self.assertFalse((self.scratch / "none").exists())
        self.fails("query", "-c", "host=127.0.0.1 port=1", "SELECT 1", status=3, sqlstate="08006", says="Connection refused")
        self.fails("query", "-c", "localhost", "SELECT 1", status=3, sqlstate="22023", says="is no address of a server")
        self.fails("query", "--data", self.store, "-f", self.scratch / "none.sql", sqlstate="58P01", says="could not open file")
        empty = self.scratch / "empty"
        empty.mkdir()
        self.fails("query", "--data", empty, "SELECT 1", sqlstate="58P01", says="is no data directory")

    def test_a_wrong_command_line_is_status_two(self):
        self.fails("query", "--data", self.store, "-c", "host=x", "SELECT 1", status=2)
        self.fails("query", "--data", self.store, "--format", "xml", "SELECT 1", status=2, says="xml")
        self.fails("query", "--data", self.store, "--nosuch", "SELECT 1", status=2, says="--nosuch")

    def test_no_sql_on_a_terminal_is_an_error(self):
        leader, follower = pty.openpty()
        done = subprocess.run([PROGRAM, "query", "--data", str(self.store)], stdin=follower, capture_output=True, text=True,
                              timeout=60, env=environment())
        os.close(leader)
        os.close(follower)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no SQL was given", done.stderr)

    def test_a_server_answers_as_a_directory_does(self):
        expected = {kind: self.sql(self.all, *kind) for kind in ((), ("--csv",), ("--json",))}
        server = self.serve()
        for kind, answer in expected.items():
            self.assertEqual(self.ok("query", "-c", server.url(), *kind, self.all), answer)
        error = self.fails("query", "-c", server.url(), "SELECT id,\n  nme FROM mixed", sqlstate="42703")
        self.assertIn("LINE 2:   nme FROM mixed\n          ^\n", error)
        self.fails("query", "-c", server.url(password="wrong"), "SELECT 1", status=3, sqlstate="28P01",
                   says='password authentication failed for user "inavvi_user"')
        self.fails("query", "-c", server.url(database="nosuch"), "SELECT 1", status=3, sqlstate="3D000",
                   says='database "nosuch" does not exist')
        self.fails("query", "--data", self.store, "SELECT 1", sqlstate="55006",
                   says=("is in use by another process", "connect to it as a server"))
