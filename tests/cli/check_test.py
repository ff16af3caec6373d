# SPDX-License-Identifier: Apache-2.0
"""tickstone check, each of its checks seen well and seen to find a fault, on every home."""
import functools
import json
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import psycopg2
import timescaledb

from cli_case import LIMIT_SECONDS, CliCase, environment
from postgresql import PostgreSql

# Friday noon in New York; bars since Monday.
AT = "2026-01-09 17:00:00+00"
JUDGED_AT = ("--at", AT)
ROWS = """INSERT INTO symbols (symbol) VALUES ('AAPL'), ('MSFT');
INSERT INTO symbols (symbol, active) VALUES ('GONE', FALSE);
INSERT INTO ohlcv SELECT s, t, 1, 2, 0.5, 1.5, 10, 'test', '1m' FROM (VALUES ('AAPL'), ('MSFT')) AS symbols_of(s),
  generate_series(TIMESTAMPTZ '2026-01-05 00:00+00', '2026-01-09 16:59+00', INTERVAL '1 minute') AS g(t)
  WHERE (t AT TIME ZONE 'UTC')::time >= '14:30' AND (t AT TIME ZONE 'UTC')::time < '21:00';
INSERT INTO ohlcv SELECT s, t, 1, 2, 0.5, 1.5, 10, 'test', '1d' FROM (VALUES ('AAPL'), ('MSFT')) AS symbols_of(s),
  generate_series(TIMESTAMPTZ '2026-01-05 00:00+00', '2026-01-08 00:00+00', INTERVAL '1 day') AS g(t);
INSERT INTO trades SELECT s, '2026-01-09 16:59:30+00', 1, 1, 1, NULL, 1, 'test' FROM (VALUES ('AAPL'), ('MSFT'), ('GONE')) AS symbols_of(s);
INSERT INTO trades VALUES ('GONE', '2026-01-05 16:00+00', 1, 1, 1, NULL, 1, 'test');
"""
# What policies would have done by now, for the rows are of long ago.
UPKEEP = """CALL refresh_continuous_aggregate('daily_ohlcv_agg', NULL, NULL);
CALL refresh_continuous_aggregate('options_flow_daily_summary', NULL, NULL);
CALL refresh_continuous_aggregate('hourly_feature_agg', NULL, NULL);"""
COMPRESSION = ("SELECT compress_chunk(c, if_not_compressed => TRUE) FROM show_chunks('ohlcv') AS c; "
               "SELECT compress_chunk(c, if_not_compressed => TRUE) FROM show_chunks('trades') AS c;")
FAILING_JOB = """CREATE PROCEDURE falls_over(job_id int, config jsonb) LANGUAGE SQL AS 'SELECT 1 / 0';
SELECT add_job('falls_over', '1 hour');"""
DATA = "freshness,gaps,duplicates"


class Home:
    """One store of a test's own."""

    def __init__(self, case, name, target):
        self.case, self.name, self.target = case, name, [target]
        self.url = target  # of the owner, also where `target` becomes another role's

    def sql(self, text):
        if self.name == "embedded":
            self.case.ok("query", "--data", *self.target, text)
            return
        self.run(text)

    def run(self, text):
        """On a server; the rows, where there are any."""
        connection = psycopg2.connect(self.url)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(text)
                return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()

    def value(self, text):
        """The one cell that a query gives, as text; None without a row."""
        if self.name == "embedded":
            rows = self.case.ok("query", "--data", *self.target, "--csv", text).splitlines()[1:]
        else:
            rows = [str(row[0]) for row in self.run(text)]
        return rows[0] if rows else None

    def check(self, *arguments, status):
        """Its checks by name, after one with this exit status."""
        done = self.case.run_program("check", *map(str, self.target), *JUDGED_AT, *arguments, "--json")
        self.case.assertEqual(done.returncode, status, f"{self.name}: {done.stdout}{done.stderr}")
        report = json.loads(done.stdout)
        self.case.assertEqual(report["exit_status"], status)
        self.case.assertEqual(done.stderr, "")
        return {check["name"]: check for check in report["checks"]}

    def one(self, name, *arguments, status):
        return self.check("--only", name, *arguments, status=status)[name]

    def items(self, name, *arguments, status):
        return {item["subject"]: item["found"] for item in self.one(name, *arguments, status=status)["items"]}


def on(*names):
    """Runs a test with each of these homes."""
    def with_homes(test):
        @functools.wraps(test)
        def run(self):
            for name in names:
                if name != "timescaledb_home" or timescaledb.is_at_hand():
                    with self.subTest(name):
                        test(self, getattr(self, name)())
        return run
    return with_homes


# TimescaleDB where TICKSTONE_TEST_TIMESCALEDB names one.
on_every_home = on("embedded", "tickstone", "postgresql_home", "timescaledb_home")


class CheckCase(CliCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.templates = pathlib.Path(tempfile.mkdtemp(prefix="tickstone_check_"))
        cls.addClassCleanup(shutil.rmtree, cls.templates, ignore_errors=True)
        cls.postgresql = PostgreSql()
        cls.addClassCleanup(cls.postgresql.close)
        maker = CliCase()
        url = cls.postgresql.make_database("well")
        maker.ok("migrate", "--data", cls.templates / "well")
        maker.ok("query", "--data", cls.templates / "well", ROWS)
        maker.ok("query", "--data", cls.templates / "well", COMPRESSION)
        maker.ok("migrate", url)
        maker.ok("query", "-c", url, ROWS)
        for statement in UPKEEP.splitlines():
            maker.ok("query", "--data", cls.templates / "well", statement)
            maker.ok("query", "-c", url, statement)
        cls.databases = 0

    def embedded(self):
        store = self.scratch / "embedded"
        shutil.copytree(self.templates / "well", store)
        return Home(self, "embedded", store)

    def tickstone(self, *arguments):
        shutil.copytree(self.templates / "well", self.scratch / "served")
        server = self.serve(*arguments, directory=self.scratch / "served")
        home = Home(self, "tickstone", server.url())
        home.server = server
        return home

    def postgresql_home(self):
        type(self).databases += 1
        name = f"of_a_test_{self.databases}"
        subprocess.run(["createdb", "-h", "127.0.0.1", "-p", str(self.postgresql.port), "-U", "inavvi_user", "-T", "well", name],
                       check=True, env=environment(PGPASSWORD="postgres"))
        url = f"postgresql://inavvi_user:postgres@127.0.0.1:{self.postgresql.port}/{name}"
        return Home(self, "postgresql", url)

    def timescaledb_home(self):
        url = timescaledb.make_database()
        self.addCleanup(timescaledb.drop_database, url)
        self.ok("migrate", url)
        home = Home(self, "timescaledb", url)
        home.sql(ROWS)
        for statement in COMPRESSION.split("; "):
            self.compress(home, statement)
        for statement in UPKEEP.splitlines():
            home.sql(statement)
        return home

    def compress(self, home, statement):
        """Beside TimescaleDB's own policy, which may compress the same chunk at that moment."""
        end = time.monotonic() + LIMIT_SECONDS
        while True:
            try:
                return home.sql(statement)
            except (psycopg2.errors.DuplicateObject, psycopg2.errors.DeadlockDetected):
                self.assertLess(time.monotonic(), end, statement)

    def wait_for(self, home, sql, expected):
        end = time.monotonic() + LIMIT_SECONDS
        while home.value(sql) != expected:
            self.assertLess(time.monotonic(), end, sql)
            time.sleep(0.1)


class Everything(CheckCase):
    @on_every_home
    def test_a_store_that_is_well(self, home):
        checks = home.check("--skip", "disk", status=0)
        self.assertEqual({name for name, check in checks.items() if check["status"] != "OK"}, set(), checks)
        self.assertEqual(list(checks), ["connection", "server", "schema", "tables", "probe", "freshness", "gaps", "duplicates",
                                        "jobs", "aggregates", "retention", "upkeep"])
        self.assertIn("of 20 round trips", checks["connection"]["found"])
        self.assertTrue(checks["server"]["found"].startswith(home.name + " 15."), checks["server"])
        self.assertRegex(checks["schema"]["found"], r"^version (\d+) of \1$")
        self.assertRegex(checks["tables"]["found"], r"^\d+ tables and \d+ views with their columns$")
        self.assertIn("ohlcv: 2 symbols, at most 0.00 ms behind; trades: 2 symbols, at most 30 s behind", checks["freshness"]["found"])
        self.assertIn("ohlcv 1m: 0 of 3,390 bars missing, 2 symbols", checks["gaps"]["found"])
        self.assertIn("ohlcv 1d: 0 of 8 bars missing", checks["gaps"]["found"])
        self.assertEqual(checks["duplicates"]["found"], "ohlcv, trades: their key forbids them")

    def test_as_a_person_reads_it(self):
        home = self.embedded()
        text = self.ok("check", *home.target, *JUDGED_AT, "--skip", "disk")
        lines = text.splitlines()
        self.assertTrue(lines[0].startswith("connection  OK        median "), text)
        self.assertEqual(lines[-1], "OK: 12 OK")
        home.sql("DELETE FROM ohlcv WHERE symbol = 'MSFT' AND timestamp > '2026-01-09 16:00+00'")
        done = self.run_program("check", *home.target, *JUDGED_AT, "--only", DATA, "--quiet", "--warn-missing", "10")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertEqual(done.stdout, "freshness   WARNING   ohlcv: 1 of 2 symbols more than 15 min behind; trades: 2 symbols, at most 30 s behind\n"
                         "                      - ohlcv MSFT: nothing after 2026-01-09 16:01, 59 min of trading ago\n"
                         "                      > See whether collection runs: SELECT * FROM data_collection_status. A symbol that is not collected "
                         "any more: UPDATE symbols SET active = FALSE.\n"
                         "WARNING: 1 warning (freshness), 2 OK\n")
        self.assertNotIn("\033", done.stdout)

    @on_every_home
    def test_no_rows_stay_of_the_probe(self, home):
        before = home.value("SELECT count(*) FROM ohlcv")
        home.one("probe", status=0)
        self.assertEqual(home.value("SELECT count(*) FROM ohlcv"), before)


class Connecting(CheckCase):
    def found(self, *arguments, status):
        done = self.run_program("check", *map(str, arguments), "--json")
        self.assertEqual((done.returncode, done.stderr), (status, ""), done.stdout)
        check, = json.loads(done.stdout)["checks"]
        self.assertEqual(check["name"], "connection")
        return check

    def test_nobody_answers(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        check = self.found(f"postgresql://inavvi_user:postgres@127.0.0.1:{port}/inavvi", status=2)
        self.assertTrue(check["found"].startswith("08006: "), check)
        self.assertIn(str(port), check["found"])
        self.assertIn("See whether the server runs", check["remedy"])
        done = self.run_program("check", f"postgresql://inavvi_user:postgres@127.0.0.1:{port}/inavvi")
        self.assertEqual(done.stdout.splitlines()[-1], "CRITICAL: 1 critical (connection)")

    @on("tickstone", "postgresql_home")
    def test_the_wrong_password_or_database(self, home):
        check = self.found(home.target[0].replace(":postgres@", ":wrong@"), status=2)
        self.assertIn("28P01", check["found"])
        self.assertIn("password", check["remedy"])
        check = self.found(home.target[0].rsplit("/", 1)[0] + "/nosuch", status=2)
        self.assertIn('"nosuch"', check["found"])
        self.assertIn("psql -l", check["remedy"])

    def test_a_directory_that_is_not_there_or_in_use(self):
        self.assertIn("58P01", self.found(self.scratch / "none", status=2)["found"])
        self.tickstone()
        check = self.found(self.scratch / "served", status=3)
        self.assertEqual((check["status"], check["remedy"]), ("UNKNOWN", "A server or program has the directory open: check it by its URL."))

    @on_every_home
    def test_latency(self, home):
        self.assertEqual(home.one("connection", "--warn-latency", "1h", status=0)["remedy"], "")
        self.assertEqual(home.one("connection", "--warn-latency", "0s", "--round-trips", "3", status=1)["status"], "WARNING")
        self.assertEqual(home.one("connection", "--critical-latency", "0s", status=2)["status"], "CRITICAL")

    def test_connections_that_run_out(self):
        home = self.postgresql_home()
        self.assertRegex(home.one("server", status=0)["found"], r"; \d+ of 100 connections$")
        held = [psycopg2.connect(home.target[0]) for _ in range(85)]
        try:
            self.assertIn("pg_stat_activity", home.one("server", status=1)["remedy"])
        finally:
            for connection in held:
                connection.close()

    def test_a_wrong_command_line(self):
        for arguments in (["--only", "nosuch"], ["--max-age", "soon"], ["--calendar", "moon"], ["--at", "then"], ["--only", "gaps", "--skip", "disk"],
                          ["--warn-disk", "101"], ["--nosuch"]):
            self.fails("check", "./store", *arguments, status=3)
        self.fails("check", status=3, says="neither a server nor a data directory", variables={"TICKSTONE_URL": ""})
        self.assertIn("0 all is OK, 1 a warning, 2 something critical, 3 something could", self.ok("check", "--help"))


class Schema(CheckCase):
    def test_too_old_a_schema(self):
        (self.scratch / "old").mkdir()
        url = self.postgresql.make_database("old")
        self.ok("migrate", "--to", "2", url)
        self.ok("migrate", "--to", "2", "--data", self.scratch / "old")
        server = self.serve(directory=self.scratch / "old")
        for target in (url, server.url()):
            done = self.run_program("check", target, "--only", "schema,tables", "--json")
            self.assertEqual(done.returncode, 1, done.stdout)
            schema, tables = json.loads(done.stdout)["checks"]
            self.assertRegex(schema["found"], r"^version 2 of \d$")
            self.assertIn("tickstone migrate", schema["remedy"])
            self.assertEqual(tables["status"], "OK")  # what a later version makes is not missing yet

    @on_every_home
    def test_a_schema_that_is_newer_than_the_program(self, home):
        home.sql("INSERT INTO tickstone_schema_version (version, name, checksum, duration_ms) VALUES (99, 'future', 'x', 1)")
        schema = home.one("schema", status=2)
        self.assertIn("the schema is of version 99, newer than version", schema["found"])
        self.assertIn("newer one", schema["remedy"])

    def test_a_database_without_the_schema(self):
        url = self.postgresql.make_database("empty")
        self.ok("init", "--data", self.store)
        for target in (url, self.store):
            done = self.run_program("check", target, "--json", "--skip", "disk")
            self.assertEqual(done.returncode, 2, done.stdout)
            checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
            self.assertEqual({name: checks[name]["status"] for name in ("schema", "tables", "probe", "freshness", "gaps")},
                             {"schema": "WARNING", "tables": "CRITICAL", "probe": "UNKNOWN", "freshness": "WARNING", "gaps": "SKIPPED"})
            self.assertIn("tickstone migrate", checks["tables"]["remedy"])
        self.assertEqual(self.run_program("check", url, "--only", "jobs").stdout.splitlines()[-1], "OK: 1 skipped")

    @on_every_home
    def test_what_is_missing_of_the_tables(self, home):
        home.sql("ALTER TABLE positions RENAME COLUMN shares TO pieces")
        self.assertEqual(home.one("tables", status=2)["found"], "positions.shares is missing")
        home.sql("DROP VIEW bullish_options_sentiment")
        self.assertEqual(home.items("tables", status=2), {"positions.shares": "is missing", "bullish_options_sentiment": "is missing"})


class Writing(CheckCase):
    @on("tickstone", "postgresql_home")
    def test_a_role_that_may_only_read(self, home):
        home.sql("CREATE ROLE monitor_of_" + home.name + " LOGIN PASSWORD 'secret'")
        home.sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO monitor_of_" + home.name)
        home.target = [home.target[0].replace("inavvi_user:postgres@", f"monitor_of_{home.name}:secret@")]
        probe = home.one("probe", status=3)
        self.assertEqual(probe["status"], "UNKNOWN")
        self.assertIn("42501: permission denied for table ohlcv", probe["found"])
        self.assertIn("--no-write", probe["remedy"])
        self.assertEqual(home.one("probe", "--no-write", status=0)["status"], "SKIPPED")
        # What else it may look at it finds in order.
        self.assertEqual(home.check("--no-write", "--only", DATA + ",schema,tables,jobs,upkeep", status=0)["gaps"]["status"], "OK")

    @on("tickstone", "postgresql_home", "timescaledb_home")
    def test_a_server_that_takes_no_rows(self, home):
        home.target = [home.target[0] + "?options=-c%20default_transaction_read_only%3Don"]
        probe = home.one("probe", status=2)
        self.assertIn("25006", probe["found"])
        self.assertIn("standby", probe["remedy"])


class Data(CheckCase):
    @on_every_home
    def test_a_symbol_that_is_behind(self, home):
        home.sql("DELETE FROM ohlcv WHERE symbol = 'MSFT' AND timestamp >= '2026-01-09 16:30+00'")
        self.assertEqual(home.items("freshness", status=1), {"ohlcv MSFT": "nothing after 2026-01-09 16:30, 30 min of trading ago"})
        self.assertEqual(home.one("freshness", "--max-age", "30m", status=0)["items"], [])
        self.assertEqual(home.items("freshness", "--critical-age", "20m", status=2).keys(), {"ohlcv MSFT"})
        home.sql("DELETE FROM trades WHERE symbol = 'MSFT'")
        home.sql("INSERT INTO trades VALUES ('MSFT', '2025-11-03 15:00+00', 1, 1, 1, NULL, 1, 'test')")
        self.assertIn("nothing after 2025-11-03 15:00", home.items("freshness", status=2)["trades MSFT"])

    @on_every_home
    def test_bars_of_days_do_not_hide_that_those_of_minutes_have_stopped(self, home):
        home.sql("DELETE FROM ohlcv WHERE symbol = 'MSFT' AND timeframe = '1m'")
        bars = "generate_series(TIMESTAMPTZ '2025-12-01 15:00+00', '2025-12-01 15:10+00', INTERVAL '1 minute') AS g(t)"
        home.sql(f"INSERT INTO ohlcv SELECT 'MSFT', t, 1, 2, 0.5, 1.5, 10, 'test', '1m' FROM {bars}")
        self.assertIn("nothing after 2025-12-01 15:11", home.items("freshness", "--table", "ohlcv", status=2)["ohlcv MSFT"])
        # One whose bars are of days alone is well.
        home.sql("DELETE FROM ohlcv WHERE symbol = 'MSFT' AND timeframe = '1m'")
        self.assertEqual(home.items("freshness", "--table", "ohlcv", status=0), {})

    def test_time_in_which_the_market_is_closed_does_not_count(self):
        home = self.embedded()
        saturday = ("--at", "2026-01-10 12:00+00")
        home.sql("INSERT INTO ohlcv SELECT s, t, 1, 2, 0.5, 1.5, 10, 'test', '1m' FROM (VALUES ('AAPL'), ('MSFT')) AS symbols_of(s), "
                 "generate_series(TIMESTAMPTZ '2026-01-09 17:00+00', '2026-01-09 20:59+00', INTERVAL '1 minute') AS g(t)")
        home.sql("INSERT INTO ohlcv VALUES ('AAPL', '2026-01-09 00:00+00', 1, 2, 0.5, 1.5, 10, 'test', '1d'), "
                 "('MSFT', '2026-01-09 00:00+00', 1, 2, 0.5, 1.5, 10, 'test', '1d')")
        found = self.ok("check", *home.target, *saturday, "--only", "freshness,gaps", "--table", "ohlcv")
        self.assertIn("closed until 2026-01-12 14:30", found)
        self.assertIn("ohlcv 1m: 0 of 3,900 bars missing", found)
        # Crypto has no weekend.
        done = self.run_program("check", *home.target, *saturday, "--only", "freshness", "--table", "ohlcv", "--calendar", "24x7")
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("15 h of trading ago", done.stdout)

    @on_every_home
    def test_symbols_that_are_asked_for(self, home):
        self.assertEqual(home.one("freshness", "--symbols", "AAPL", "--table", "ohlcv", status=0)["found"], "ohlcv: 1 symbol, at most 0.00 ms behind")
        self.assertEqual(home.items("freshness", "--symbols", "AAPL,TSLA", "--table", "ohlcv", status=2), {"ohlcv TSLA": "no rows"})

    @on_every_home
    def test_no_rows_at_all(self, home):
        self.assertEqual(home.one("freshness", "--table", "quotes", status=2)["found"], "quotes: no rows")
        self.assertEqual(home.items("freshness", "--table", "nosuch", status=2), {"nosuch": "there is no such table"})
        home.sql("TRUNCATE ohlcv, trades")
        self.assertIn("have no rows", home.one("freshness", status=1)["found"])

    @on_every_home
    def test_bars_that_are_missing(self, home):
        home.sql("DELETE FROM ohlcv WHERE symbol = 'MSFT' AND timeframe = '1m' AND timestamp >= '2026-01-06 15:00+00' AND timestamp < '2026-01-06 15:12+00'")
        home.sql("DELETE FROM ohlcv WHERE symbol = 'MSFT' AND timeframe = '1m' AND timestamp = '2026-01-07 20:59+00'")
        home.sql("DELETE FROM ohlcv WHERE symbol = 'AAPL' AND timeframe = '1d' AND timestamp = '2026-01-07 00:00+00'")
        gaps = home.one("gaps", status=2)
        self.assertEqual([(item["subject"], item["status"], item["found"]) for item in gaps["items"]], [
            ("ohlcv AAPL 1d", "CRITICAL", "1 of 4 bars missing: 2026-01-07"),
            ("ohlcv MSFT 1m", "WARNING", "13 of 1,695 bars missing: 2026-01-06 15:00 to 15:11 (12), 2026-01-07 20:59")])
        self.assertIn("ohlcv 1m: 13 of 3,390 bars missing, 2 symbols", gaps["found"])
        self.assertEqual(home.items("gaps", "--symbols", "MSFT", "--warn-missing", "1", status=0), {})
        self.assertEqual(home.items("gaps", "--symbols", "MSFT", "--critical-missing", "0.5", status=2).keys(), {"ohlcv MSFT 1m"})
        # Monday and Tuesday are no longer looked at.
        self.assertEqual(home.items("gaps", "--symbols", "MSFT", "--since", "36h", status=0), {})
        # A whole session, and one of all.
        home.sql("DELETE FROM ohlcv WHERE timeframe = '1m' AND timestamp >= '2026-01-08 00:00+00' AND timestamp < '2026-01-09 00:00+00'")
        self.assertIn("2026-01-08 14:30 to 20:59 (390)", home.items("gaps", status=2)["ohlcv AAPL 1m"])

    def test_a_symbol_that_is_new_lacks_nothing_before(self):
        home = self.embedded()
        home.sql("INSERT INTO ohlcv SELECT 'IPO', t, 1, 2, 0.5, 1.5, 10, 'test', '1m' FROM "
                 "generate_series(TIMESTAMPTZ '2026-01-09 15:07+00', '2026-01-09 16:59+00', INTERVAL '1 minute') AS g(t)")
        self.assertEqual(home.items("gaps", status=0), {})
        # But one that had rows before does.
        home.sql("INSERT INTO ohlcv VALUES ('IPO', '2025-12-30 15:00+00', 1, 2, 0.5, 1.5, 10, 'test', '1m')")
        self.assertEqual(home.items("gaps", status=2).keys(), {"ohlcv IPO 1m"})

    def test_holidays_and_early_closes(self):
        home = self.embedded()
        # Thanksgiving's week of 2025: closed on Thursday, until 18:00 UTC on Friday.
        home.sql("INSERT INTO ohlcv SELECT 'TURKEY', t, 1, 2, 0.5, 1.5, 10, 'test', '5m' FROM "
                 "generate_series(TIMESTAMPTZ '2025-11-26 14:30+00', '2025-11-28 17:55+00', INTERVAL '5 minutes') AS g(t) WHERE "
                 "(t AT TIME ZONE 'UTC')::time >= '14:30' AND (t AT TIME ZONE 'UTC')::time < '21:00' AND t::date <> '2025-11-27'")
        done = self.run_program("check", *home.target, "--at", "2025-11-30 12:00+00", "--only", "gaps", "--symbols", "TURKEY")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("ohlcv 5m: 0 of 120 bars missing", done.stdout)
        done = self.run_program("check", *home.target, "--at", "2025-11-30 12:00+00", "--only", "gaps", "--symbols", "TURKEY", "--calendar", "24x7")
        self.assertEqual(done.returncode, 2, done.stdout)

    @on_every_home
    def test_rows_that_are_there_twice(self, home):
        home.sql("CREATE TABLE loose (symbol TEXT, timestamp TIMESTAMPTZ, price NUMERIC)")
        home.sql("INSERT INTO loose SELECT 'AAPL', '2026-01-09 16:00+00'::timestamptz + g * INTERVAL '1 minute', g FROM generate_series(1, 50) AS s(g)")
        found = home.one("duplicates", "--table", "loose", status=0)["found"]
        self.assertEqual(found, "loose: none in the last 5 days")
        home.sql("INSERT INTO loose SELECT * FROM loose WHERE price <= 3")
        home.sql("INSERT INTO loose SELECT * FROM loose WHERE price = 3")
        self.assertEqual(home.items("duplicates", "--table", "loose", status=2), {"loose AAPL": "5 rows too many, the first at 2026-01-09 16:01"})
        self.assertIn('ADD PRIMARY KEY ("symbol", "timestamp")', home.one("duplicates", "--table", "loose", status=2)["remedy"])
        home.sql("CREATE TABLE tight (symbol TEXT, timestamp TIMESTAMPTZ, UNIQUE (symbol, timestamp))")
        self.assertEqual(home.one("duplicates", "--table", "tight", status=0)["found"], "tight: its key forbids them")


class Upkeep(CheckCase):
    def test_a_job_that_fails(self):
        home = self.tickstone()
        home.sql(FAILING_JOB)
        self.wait_for(home, "SELECT last_run_status FROM timescaledb_information.job_stats WHERE total_failures > 0", "Failed")
        plain = self.postgresql_home()
        plain.sql(FAILING_JOB)
        self.assertEqual(self.run_program("jobs", "run", "--once", plain.target[0]).returncode, 1)
        others = [self.timescaledb_home()] if timescaledb.is_at_hand() else []
        for other in others:
            other.sql(FAILING_JOB.split("\n", maxsplit=1)[0])
            other.sql(FAILING_JOB.split("\n", maxsplit=1)[1])
            self.wait_for(other, "SELECT last_run_status FROM timescaledb_information.job_stats WHERE total_failures > 0", "Failed")
        for one in (home, plain, *others):
            with self.subTest(one.name):
                (subject, found), = [pair for pair in one.items("jobs", status=1).items() if "falls_over" in pair[0]]
                self.assertRegex(subject, r"^job \d+ falls_over$")
                self.assertIn("failed; it has never ended well; 22012: division by zero", found)
                self.assertIn("alter_job", one.one("jobs", status=1)["remedy"])
        # The same directory, after the server.
        home.server.stop()
        directory = Home(self, "embedded", self.scratch / "served")
        self.assertIn("division by zero", " ".join(directory.items("jobs", status=1).values()))
        directory.sql("SELECT delete_job(job_id) FROM timescaledb_information.jobs WHERE proc_name = 'falls_over'")
        directory.one("jobs", status=0)

    @on("embedded", "postgresql_home")
    def test_jobs_that_nobody_runs(self, home):
        home.sql("SELECT alter_job(job_id, next_start => now() - INTERVAL '3 hours') FROM timescaledb_information.jobs "
                 "WHERE proc_name = 'policy_refresh_continuous_aggregate'")
        jobs = home.one("jobs", status=1)
        found = {item["subject"]: item["found"] for item in jobs["items"]}
        self.assertEqual(len(found), 3)
        self.assertTrue(all("was due 3 h" in text for text in found.values()), found)
        self.assertTrue(any(subject.endswith(" of daily_ohlcv_agg") for subject in found), found)
        self.assertIn("tickstone jobs run" if home.name == "postgresql" else "tickstone serve", jobs["remedy"])
        home.one("jobs", "--job-delay", "4h", status=0)
        home.one("jobs", "--job-delay", "5m", status=2)

    @on_every_home
    def test_aggregates_that_are_behind(self, home):
        home.one("aggregates", status=0)
        home.sql("INSERT INTO ohlcv VALUES ('AAPL', '2026-02-20 15:00+00', 1, 2, 0.5, 1.5, 10, 'test', '1m')")
        self.assertIn("materialized up to 2026-01-10", home.items("aggregates", status=1)["daily_ohlcv_agg"])
        home.sql("CALL refresh_continuous_aggregate('daily_ohlcv_agg', NULL, NULL)")
        home.one("aggregates", status=0)

    @on("embedded", "postgresql_home")
    def test_retention_that_is_not_applied(self, home):
        self.assertEqual(home.one("retention", status=0)["found"], "3 policies, applied")
        if home.name == "postgresql":
            home.sql("SELECT _tickstone.make_chunks_between('system_metrics', now() - INTERVAL '200 days', now() - INTERVAL '199 days')")
        home.sql("INSERT INTO system_metrics (timestamp, metric_name, metric_value) VALUES (now() - INTERVAL '200 days', 'load', 1)")
        self.assertRegex(home.items("retention", status=1)["system_metrics"], r"^\d chunks? older than 90 days still there, from ")

    @on("embedded", "tickstone", "timescaledb_home")
    def test_chunks_that_are_not_compressed(self, home):
        home.one("upkeep", status=0)
        home.sql("INSERT INTO quotes VALUES ('AAPL', '2026-01-09 15:00+00', 1, 1, 1, 1, 1, NULL, 1, 'test')")
        self.assertEqual(home.items("upkeep", status=1), {"quotes": "1 chunk older than 2 days not compressed"})

    def test_a_table_that_vacuum_has_left(self):
        home = self.postgresql_home()
        home.sql("CREATE TABLE busy (a INT) WITH (autovacuum_enabled = off)")
        home.sql("INSERT INTO busy SELECT generate_series(1, 150000)")
        home.sql("DELETE FROM busy")
        self.wait_for(home, "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'busy'", "150000")
        self.assertEqual(home.items("upkeep", status=1), {"busy": "150,000 rows dead, 0 live"})
        home.sql("VACUUM busy")
        self.wait_for(home, "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'busy'", "0")
        home.one("upkeep", status=0)

    @on_every_home
    def test_room_on_the_disk(self, home):
        if home.name in ("postgresql", "timescaledb"):
            self.assertEqual(home.one("disk", status=0)["status"], "SKIPPED")
            return
        self.assertRegex(home.one("disk", "--warn-disk", "0", "--critical-disk", "0", status=0)["found"], r"free \(\d+\.\d %\), the store takes ")
        self.assertEqual(home.one("disk", "--warn-disk", "100", "--critical-disk", "0", status=1)["status"], "WARNING")
        self.assertIn("drop_chunks", home.one("disk", "--critical-disk", "100", status=2)["remedy"])

    def test_a_query_that_takes_too_long_is_unknown(self):
        home = self.postgresql_home()
        holder = psycopg2.connect(home.target[0])
        holder.cursor().execute("LOCK TABLE ohlcv IN ACCESS EXCLUSIVE MODE")
        try:
            gaps = home.one("gaps", "--timeout", "300ms", status=3)
            self.assertIn("57014", gaps["found"])
            self.assertIn("--timeout", gaps["remedy"])
        finally:
            holder.close()


if __name__ == "__main__":
    unittest.main()
