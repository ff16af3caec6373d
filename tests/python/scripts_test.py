# SPDX-License-Identifier: Apache-2.0
"""query_db.py, db_test.py and explore_db_schema.py, on every home."""
import datetime as dt
import json
import os
import pathlib
import re
import shutil
import tempfile
import unittest
from decimal import Decimal

from homes import PACKAGE, TABLES, on_every_home
from programs import ok, run
from tickstone import command_line
from tickstone.example_queries import CATEGORIES, QUERIES, query_for

START = dt.datetime(2026, 1, 5, 14, 30, tzinfo=dt.timezone.utc)
TIMESCALE_NAMES = ("hypertables", "compression_stats", "daily_ohlcv_agg", "hourly_feature_agg")


@on_every_home(globals())
class Scripts:
    def setUp(self):
        super().setUp()
        self.db.batch_store_ohlcv_data([("AAPL", START + dt.timedelta(days=n), 1, 2, 1, f"1.{n}", 10) for n in range(3)])
        self.db.store_symbols([{"symbol": "AAPL", "metadata": {"lot": 100}}, {"symbol": "OLD", "active": False}])

    def script(self, *arguments, **how):
        return run(self, ["python", *arguments], **how)

    def rows(self, *arguments):
        return json.loads(ok(self, ["python", "query_db.py", "-j", *arguments]))

    def test_queries_by_name_and_text(self):
        self.assertEqual([Decimal(row["close"]) for row in self.rows("recent_ohlcv")], [Decimal("1.2"), Decimal("1.1"), 1])
        self.assertEqual([row["symbol"] for row in self.rows("active_symbols")], ["AAPL"])
        self.assertLessEqual(set(TABLES), {row["table_name"] for row in self.rows("tables")})
        self.assertEqual(self.rows("SELECT metadata, NULL AS nothing FROM symbols WHERE symbol = 'AAPL'"),
                         [{"metadata": {"lot": 100}, "nothing": None}])
        text = ok(self, ["python", "query_db.py", "SELECT symbol, active FROM symbols ORDER BY symbol"])
        self.assertEqual(text, "symbol | active\n-------+-------\nAAPL   | True\nOLD    | False\n\n2 rows returned.\n")
        self.assertEqual(ok(self, ["python", "query_db.py", "SELECT 1 AS a WHERE FALSE"]), "a\n-\n\n0 rows returned.\n")

    def test_every_example(self):
        listed = ok(self, ["python", "query_db.py", "-l"])
        self.assertEqual([line.strip(" -:") for line in listed.splitlines()[1:] if line],
                         [name for category, queries in CATEGORIES.items() for name in (category, *queries)])
        for name in QUERIES:
            with self.subTest(name):
                if self.migrated_as or name not in TIMESCALE_NAMES:
                    self.db.fetch_all(query_for(name, self.db.home))

    def test_statements_without_a_result_are_committed(self):
        self.assertEqual(ok(self, ["python", "query_db.py", "DELETE FROM symbols WHERE NOT active"]),
                         "Query executed successfully. 1 rows affected.\n")
        self.assertEqual(self.db.fetch_one("SELECT count(*) FROM symbols"), (1,))
        ok(self, ["python", "query_db.py", "DISCARD ALL"])

    def test_files(self):
        with tempfile.TemporaryDirectory() as directory:
            query, result = pathlib.Path(directory, "q.sql"), pathlib.Path(directory, "result.json")
            query.write_text("SELECT count(*) AS n FROM ohlcv;\n")
            done = self.script("query_db.py", "-f", str(query), "-j", "-o", str(result))
            self.assertEqual((json.loads(done.stdout), json.loads(result.read_text())), ([{"n": 3}], [{"n": 3}]))
            self.assertIn(f"Results saved to {result}", done.stderr)

    def test_failures_of_queries(self):
        for arguments, status, says in ((["SELECT * FROM nosuch"], 1, 'error: relation "nosuch" does not exist'),
                                        (["-f", "nosuch.sql"], 1, "No such file"), (["tables", "-f", "x"], 2, "not both"),
                                        (["tables", "-c", "nosuch"], 1, "neither a postgresql:// URL"),
                                        (["tables", "-c", "postgresql://localhost:5433/a?b=c"], 1, "cannot read the connection URL")):
            done = self.script("query_db.py", *arguments)
            self.assertEqual((done.returncode, done.stdout), (status, ""), done)
            self.assertIn(says, done.stderr)
        done = self.script("query_db.py")
        self.assertEqual(done.returncode, 2)
        self.assertIn("recent_ohlcv", done.stdout)

    def test_the_database_test(self):
        text = ok(self, ["python", "db_test.py"])
        self.assertEqual([line.split(":")[0] for line in text.splitlines()],
                         ["ok     connection", "ok     tables", "ok     writing", "ok     newest rows"])
        self.assertIn(f"all {len(TABLES)} tables", text)
        self.assertEqual("feature_data is not" in text, self.migrated_as is None)
        self.assertEqual(self.db.fetch_one("SELECT count(*) FROM ohlcv"), (3,))
        done = self.script("db_test.py", "--json", "--max-age-minutes", "10")
        found = json.loads(done.stdout)
        self.assertEqual((done.returncode, found["ok"], [f["is_good"] for f in found["findings"]]), (1, False, [True, True, True, False]))
        now = dt.datetime.now(dt.timezone.utc)
        self.db.store_ohlcv_data("AAPL", now, 1, 1, 1, 1, 1)
        for store in (self.db.store_trades_data, self.db.store_quotes_data):
            store([{"symbol": "AAPL", "timestamp": now, "id": 1, "price": 1, "size": 1} if store == self.db.store_trades_data else
                   {"symbol": "AAPL", "timestamp": now, "id": 1, "bid_price": 1, "bid_size": 1, "ask_price": 1, "ask_size": 1}])
        ok(self, ["python", "db_test.py", "--max-age-minutes", "10"])

    def test_the_database_test_finds_what_is_missing(self):
        self.db.execute("ALTER TABLE positions RENAME COLUMN shares TO pieces")
        self.db.execute("ALTER TABLE symbol_groups RENAME TO groups_of_symbols")
        self.addCleanup(self.db.execute, "ALTER TABLE positions RENAME COLUMN pieces TO shares")
        self.addCleanup(self.db.execute, "ALTER TABLE groups_of_symbols RENAME TO symbol_groups")
        done = self.script("db_test.py")
        self.assertEqual(done.returncode, 1)
        self.assertIn("FAILED tables: missing: symbol_groups, positions.shares\n       run update_database_schema.sh", done.stdout)

    def test_exploring(self):
        text = ok(self, ["python", "explore_db_schema.py", "ohlcv", "positions", "--samples", "2"])
        for part in ("ohlcv (table, 3 rows)\n", "symbol                       text NOT NULL\n", "PRIMARY KEY (symbol, \"timestamp\", timeframe)",
                     "positions (table, 0 rows)\n", "nextval('positions_id_seq'::regclass)\n", "AAPL   | 2026-01-05 14:30:00+00:00"):
            self.assertIn(part, text)
        self.assertEqual("hypertable by timestamp" in text, self.migrated_as is not None)
        found = json.loads(ok(self, ["python", "explore_db_schema.py", "--json"]))
        self.assertLessEqual(set(TABLES), {relation["name"] for relation in found["relations"]})
        done = self.script("explore_db_schema.py", "nosuch")
        self.assertEqual((done.returncode, done.stderr), (1, "error: there is no table or view nosuch\n"))

    def test_output_that_nobody_reads_to_its_end(self):
        text = ok(self, "python query_db.py 'SELECT * FROM generate_series(1, 100000)' | head -1", PYTHONUNBUFFERED="1")
        self.assertEqual(text, "generate_series\n")


@on_every_home(globals())
class Readme:
    def test_its_program(self):
        program, = re.findall(r"^```python\n(.*?)^```$", (PACKAGE / "README.md").read_text(), re.M | re.S)
        lines = ok(self, ["python", "-"], given=program).splitlines()
        self.assertTrue(lines[0].startswith("1 0 [Rejection(index=1, "), lines)
        self.assertTrue(lines[0].endswith("reason='close is missing')]"), lines)
        self.assertEqual((lines[-1], len(lines)), ("150.75", 2))

    def test_its_commands(self):
        self.db.store_symbols([{"symbol": "AAPL"}])
        text = (PACKAGE / "README.md").read_text()
        commands = re.findall(r"`(python \w+\.py [^`]*|python \w+\.py)`", text)
        self.assertEqual(len(commands), 5)
        for command in commands:
            ok(self, command.replace("SELECT ...", "SELECT 1"))


class Urls(unittest.TestCase):
    def test_connections_as_the_guide_writes_them(self):
        for given, expected in ((None, None), ("postgresql://a/b", "postgresql://a/b"), ("host=a", "host=a"),
                                ("a:1/b?user=c&password=d%", "postgresql://a:1/b?user=c&password=d%25"), ("a/b", "postgresql://a:5433/b")):
            self.assertEqual(command_line.url_of(given), expected)


class SchemaUpdate(unittest.TestCase):
    def test_it_calls_the_program(self):
        with tempfile.TemporaryDirectory() as directory:
            program = pathlib.Path(directory, "tickstone")
            program.write_text('#!/bin/sh\nprintf "%s|" "$TICKSTONE_URL" "$PGPASSWORD" "$@"\nexit 7\n')
            program.chmod(0o755)
            self.url = ""
            guides = "host=localhost port=5433 dbname=inavvi user=inavvi_user|postgres|migrate|"
            elsewhere = {"DB_HOST": "db1", "DB_PORT": "6", "DB_NAME": "n", "PGUSER": "u"}
            for arguments, variables, expected in (
                    ([], {}, guides), (["--dry-run", "postgresql://a/b"], {}, guides + "--dry-run|postgresql://a/b|"),
                    ([], {"DATABASE_URL": "postgresql://x"}, "postgresql://x||migrate|"),
                    ([], {"DATABASE_URL": "postgresql://x", "TICKSTONE_URL": "postgresql://y"}, "postgresql://y||migrate|"),
                    ([], elsewhere, "host=db1 port=6 dbname=n user=u||migrate|"),
                    ([], {**elsewhere, "DB_PASSWORD": "p q"}, "host=db1 port=6 dbname=n user=u|p q|migrate|"),
                    ([], {"PGPASSFILE": __file__}, guides.replace("postgres", ""))):
                done = run(self, ["./update_database_schema.sh", *arguments], TICKSTONE_BINARY=str(program),
                           **{"PGPASSFILE": "nowhere", **variables})
                self.assertEqual((done.stdout, done.returncode), (expected, 7))

    def test_without_a_program_it_says_so(self):
        with tempfile.TemporaryDirectory() as directory:
            shutil.copy(PACKAGE / "update_database_schema.sh", directory)
            self.url = ""
            if os.access("/usr/bin/tickstone", os.X_OK):
                self.skipTest("a tickstone is installed")
            done = run(self, ["./update_database_schema.sh"], cwd=directory, PATH="/usr/bin:/bin", TICKSTONE_BINARY="")
            self.assertEqual(done.returncode, 1)
            self.assertIn("make program", done.stderr)
