# SPDX-License-Identifier: Apache-2.0
"""The commands against TimescaleDB itself, where TICKSTONE_TEST_TIMESCALEDB names a server of it."""
import json
import pathlib
import signal
import subprocess
import time
import unittest

import timescaledb
from cli_case import PROGRAM, CliCase, environment
from copy_objects_test import COLUMNSTORE, LOOKS, OBJECTS, SETTINGS
from copy_test import ROWS, SCHEMA
from import_formats_test import POLYGON_BARS, bars
from postgresql import PostgreSql

LOOK = "SELECT symbol, timestamp, price, ratio, size, conditions, details, day, is_open FROM ticks ORDER BY symbol, timestamp"
VENUES = "SELECT id, name, fee, note FROM venues ORDER BY id"
AGGREGATE = ("CREATE MATERIALIZED VIEW hourly WITH (timescaledb.continuous, timescaledb.materialized_only = {}) AS SELECT symbol, "
             "time_bucket('1 hour', timestamp) AS hour, max(price) AS high FROM ticks GROUP BY symbol, hour WITH NO DATA")


class OnTimescaledb(CliCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not timescaledb.is_at_hand():
            raise unittest.SkipTest(f"{timescaledb.VARIABLE} names no server")

    def database(self):
        """A fresh one, owned by whom it is opened as, and nothing more."""
        url = timescaledb.make_database(timescaledb.OWNER)
        self.addCleanup(timescaledb.drop_database, url)
        return url

    def ask(self, home, text):
        where = ["-c", home] if "://" in str(home) else ["--data", home]
        return self.ok("query", *where, "--csv", text).splitlines()[1:]

    def tell(self, home, *statements):
        """Each by itself: some refuse to run in a transaction."""
        for statement in statements:
            self.ask(home, statement)

    def copy(self, *arguments, status=0):
        done = self.run_program("copy", "--json", *arguments)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def copied(self, told):
        return {one["table"]: one["copied"] for one in told["tables"]}

    def differences(self, source, target):
        return self.copy("--verify-only", source, target)["differences"]


class ObjectsOnTimescaledb(OnTimescaledb):
    def test_views_functions_jobs_and_settings_come_along_both_ways(self):
        self.make_store(OBJECTS)
        self.sql(COLUMNSTORE)
        database, back = self.database(), self.scratch / "back"
        # What speaks of the roles is left out: whoever owns the database may make none.
        looks = [look for look in LOOKS if "alice" not in look and "relowner" not in look] + [SETTINGS]
        told = self.copy(self.store, database)
        self.assertEqual({one["reason"] for one in told["left_out"]}, {f'role "{role}" does not exist at the target' for role in ("alice", "readers")})
        for look in looks:
            self.assertEqual(self.ask(database, look), self.ask(self.store, look), look)
        self.assertEqual(self.copy(self.store, database)["made_objects"], [])
        self.assertEqual(self.copy("--verify-only", self.store, database)["missing"], [])
        self.assertEqual(self.copy(database, back)["left_out"], [])
        for look in looks:
            self.assertEqual(self.ask(back, look), self.ask(self.store, look), look)


class CopyOnTimescaledb(OnTimescaledb):
    def setUp(self):
        super().setUp()
        self.make_store(SCHEMA)
        self.sql(ROWS)

    def test_a_directory_to_timescaledb_and_back_is_equal(self):
        database = self.database()
        told = self.copy(self.store, database)
        self.assertEqual((told["source"], told["target"]), ("embedded", "timescaledb"))
        self.assertEqual(self.copied(told), {"ticks": 6000, "venues": 3, "orders": 2})
        self.assertEqual(self.differences(self.store, database), [])
        self.assertEqual(self.ask(database, "SELECT num_chunks FROM timescaledb_information.hypertables"), ["5"])
        back = self.scratch / "back"
        self.assertEqual(self.copied(self.copy(database, back)), {"ticks": 6000, "venues": 3, "orders": 2})
        self.assertEqual(self.differences(database, back), [])
        self.assertEqual(self.differences(self.store, back), [])
        self.assertEqual(self.ask(self.store, LOOK), self.ask(back, LOOK))
        self.assertEqual(self.ask(self.store, VENUES), self.ask(back, VENUES))
        self.assertEqual(self.ask(back, "SELECT num_chunks FROM timescaledb_information.hypertables"), ["5"])
        for where in (["-c", database], ["--data", back]):
            self.assertEqual(self.ok("query", *where, "--csv", "INSERT INTO venues (name) VALUES ('XLON') RETURNING id").splitlines()[1], "4")
            self.fails("query", *where, "INSERT INTO orders (venue) VALUES (77)", sqlstate="23503")
            self.fails("query", *where, "INSERT INTO venues (name, fee) VALUES ('x', -1)", sqlstate="23514")

    def test_compressed_chunks_are_copied_and_compared_as_others(self):
        database = self.database()
        self.copy(self.store, database)
        self.tell(database, "ALTER TABLE ticks SET (timescaledb.compress, timescaledb.compress_segmentby = 'symbol')",
                  "SELECT compress_chunk(c) FROM show_chunks('ticks') c")
        self.assertEqual(self.ask(database, "SELECT number_compressed_chunks FROM hypertable_compression_stats('ticks')"), ["5"])
        back = self.scratch / "back"
        self.copy(database, back)
        self.assertEqual(self.differences(self.store, back), [])
        self.assertEqual(self.ask(self.store, LOOK), self.ask(back, LOOK))
        # A range whose rows changed is written again, though it lies in a compressed chunk.
        self.sql("UPDATE ticks SET price = 7 WHERE timestamp = '2026-01-06 00:00:00+00'; DELETE FROM ticks WHERE timestamp >= '2026-01-09 00:00:00+00'")
        self.assertEqual(self.copied(self.copy(self.store, database)), {"ticks": 1440, "venues": 0, "orders": 0})
        self.assertEqual(self.differences(self.store, database), [])

    def test_a_second_run_copies_nothing_and_a_difference_is_found_and_mended(self):
        database = self.database()
        self.copy(self.store, database)
        self.assertEqual(self.copied(self.copy(self.store, database)), {"ticks": 0, "venues": 0, "orders": 0})
        self.tell(database, "UPDATE ticks SET ratio = ratio + 1e-9 WHERE timestamp = '2026-01-06 00:00:00+00'")
        told = self.copy("--verify-only", self.store, database, status=3)
        self.assertEqual([(one["table"], one["start"][:10]) for one in told["differences"]], [("ticks", "2026-01-06")])
        self.assertEqual(self.copied(self.copy("--replace", self.store, database)), {"ticks": 1440, "venues": 0, "orders": 0})
        self.assertEqual(self.differences(self.store, database), [])

    def test_continuous_aggregates_come_along_both_ways(self):
        for materialized_only in ("true", "false"):
            with self.subTest(materialized_only):
                self.sql(AGGREGATE.format(materialized_only))
                database, back = self.database(), self.scratch / materialized_only
                told = self.copy(self.store, database)
                self.assertEqual((told["refreshed"], told["left_out"]), (['"public"."hourly"'], []))
                look = "SELECT symbol, hour, high FROM hourly ORDER BY symbol, hour"
                self.assertEqual(len(self.ask(database, look)), 700)
                told = self.copy(database, back)
                self.assertEqual((told["refreshed"], told["left_out"]), (['"public"."hourly"'], []))
                self.assertEqual(self.ask(database, look), self.ask(back, look))
                kept = self.ask(back, "SELECT materialized_only FROM timescaledb_information.continuous_aggregates")
                self.assertEqual(kept, [materialized_only[0]])
                self.sql("DROP MATERIALIZED VIEW hourly")

    def test_the_application_with_its_aggregates(self):
        self.ok("migrate", "--data", self.store)
        self.sql("INSERT INTO ohlcv SELECT 'AAPL', TIMESTAMPTZ '2026-01-05 14:30:00+00' + i * INTERVAL '1 minute', 10, 11.50, 9, 10 + i % 3, 100, 'test', '1m' "
                 "FROM generate_series(0, 999) AS g(i)")
        self.sql("INSERT INTO feature_data (symbol, timestamp, feature_set, features) SELECT 'AAPL', TIMESTAMPTZ '2026-01-05 14:30:00+00' "
                 "+ i * INTERVAL '1 hour', 'ta', jsonb_build_object('rsi_14', i + 0.50) FROM generate_series(0, 99) AS g(i)")
        database, back = self.database(), self.scratch / "back"
        told = self.copy(self.store, database)
        self.assertIn('"public"."daily_ohlcv_agg"', told["refreshed"])
        self.assertEqual(told["left_out"], [])
        look = "SELECT symbol, day, open, close, sample_count FROM daily_ohlcv_agg ORDER BY day"
        self.assertEqual(len(self.ask(database, look)), 2)
        self.copy(database, back)
        self.assertEqual(self.ask(self.store, look), self.ask(back, look))
        self.assertEqual(self.differences(self.store, back), [])

    def test_plain_postgresql_to_timescaledb(self):
        postgresql = PostgreSql()
        self.addCleanup(postgresql.close)
        plain, database = postgresql.make_database("plain"), self.database()
        self.copy(self.store, plain)
        told = self.copy(plain, database)
        self.assertEqual((told["source"], told["target"], self.copied(told)), ("postgresql", "timescaledb", {"ticks": 6000, "venues": 3, "orders": 2}))
        self.assertEqual(self.differences(self.store, database), [])

    def test_a_copy_that_was_killed_goes_on(self):
        self.sql("INSERT INTO ticks SELECT 'T', TIMESTAMPTZ '2026-02-01 00:00:00+00' + i * INTERVAL '1 minute', 1.5, i, i, NULL, NULL, NULL, NULL "
                 "FROM generate_series(0, 199999) AS g(i)")
        database = self.database()
        program = subprocess.Popen([PROGRAM, "copy", str(self.store), database], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        done = 0
        while program.poll() is None and done < 20:
            asked = self.run_program("query", "-c", database, "--csv", "SELECT count(*) FROM tickstone_copies")
            done = int(asked.stdout.split()[1]) if asked.returncode == 0 else 0
            time.sleep(0.02)
        self.assertIsNone(program.poll(), "it was faster than its killer")
        program.send_signal(signal.SIGKILL)
        program.communicate()
        there = int(self.ask(database, "SELECT count(*) FROM ticks")[0])
        self.assertEqual(self.copied(self.copy(self.store, database))["ticks"], 206_000 - there)
        self.assertEqual(self.differences(self.store, database), [])


class CommandsOnTimescaledb(OnTimescaledb):
    def setUp(self):
        super().setUp()
        self.home = self.database()
        self.ok("migrate", self.home)

    def test_every_example_query(self):
        names = [line[6:] for line in self.ok("query", "-l").splitlines() if line.startswith("    - ")]
        self.assertGreater(len(names), 20)
        for name in names:
            self.assertIsInstance(json.loads(self.ok("query", "-c", self.home, "-j", name)), list, name)

    def test_compression_of_a_hypertable_is_told(self):
        self.tell(self.home, "INSERT INTO trades SELECT 'AAPL', TIMESTAMPTZ '2026-01-05 14:30+00' + i * INTERVAL '1 second', 187.25, 100, 1, NULL, i, 'x' "
                  "FROM generate_series(1, 5000) AS g(i)", "SELECT compress_chunk(c) FROM show_chunks('trades') c")
        rows = {row["hypertable_name"]: row for row in json.loads(self.ok("query", "-c", self.home, "-j", "compression_stats"))}
        self.assertEqual(len(rows), 11)
        self.assertGreater(rows["trades"]["compressed_total_size"], 0)
        self.assertGreater(float(rows["trades"]["compression_ratio"]), 2)
        self.assertIsNone(rows["ohlcv"]["compression_ratio"])

    def test_explore(self):
        self.tell(self.home, "INSERT INTO ohlcv SELECT 'AAPL', TIMESTAMPTZ '2026-01-05 14:30+00' + i * INTERVAL '1 minute', 1, 2, 1, 2, 10, 'x', '1m' "
                  "FROM generate_series(1, 500) AS g(i)", "INSERT INTO symbols (symbol) VALUES ('AAPL')")
        report = json.loads(self.ok("explore", self.home, "--json"))
        tables = {table["name"]: table for table in report["tables"]}
        self.assertEqual(report["home"], "timescaledb")
        self.assertEqual(len([one for one in tables.values() if one["kind"] == "hypertable"]), 11)
        self.assertEqual(len([one for one in tables.values() if one["kind"] == "continuous aggregate"]), 3)
        self.assertEqual(tables["ohlcv"]["rows"], 500)
        self.assertEqual(tables["ohlcv"]["hypertable"]["time_column"], "timestamp")
        self.assertGreater(tables["ohlcv"]["bytes"], 0)
        self.assertIn("time_bucket", tables["daily_ohlcv_agg"]["continuous_aggregate"]["definition"])
        self.assertEqual(tables["bullish_options_sentiment"]["kind"], "view")
        # Those of the schema, by what they work on; TimescaleDB has some of its own beside them.
        self.assertLessEqual({("ohlcv", "Columnstore"), ("ohlcv", "Retention")}, {(job["table"], job["name"].split()[0]) for job in report["jobs"]})
        self.assertIn("ohlcv.symbol -> symbols.symbol  (by name)", self.ok("explore", self.home))
        _, counted = None, json.loads(self.ok("explore", self.home, "--json", "--table", "ohlcv", "--row-limit", "100"))["tables"][0]
        self.assertEqual((counted["profiled_rows"], counted["rows"] >= 101), (100, True))

    def test_import_and_export(self):
        path = self.file("bars.csv", POLYGON_BARS + bars("AAPL", 0, 2000) + bars("MSFT", 0, 1500))
        self.ok("import", "-c", self.home, "--format", "polygon-minute-aggs", path)
        self.assertEqual(self.ask(self.home, "SELECT symbol, count(*), sum(volume) FROM ohlcv GROUP BY 1 ORDER BY 1"),
                         [f"AAPL,2000,{sum(100 + n for n in range(2000))}", f"MSFT,1500,{sum(100 + n for n in range(1500))}"])
        self.assertIn("done before", self.ok("import", "-c", self.home, "--format", "polygon-minute-aggs", path))
        # Compressed or not, what goes out is what came in.
        self.tell(self.home, "SELECT compress_chunk(c) FROM show_chunks('ohlcv') c")
        for name in ("bars.parquet", "out.csv"):
            there = self.scratch / f"{name}.dir" / name
            there.parent.mkdir()
            self.ok("export", "-c", self.home, "--table", "ohlcv", "-o", there)
            target = self.scratch / f"{name}.store"
            self.ok("migrate", "--data", target)
            self.ok("import", "--data", target, "--table", "ohlcv", there)
            look = "SELECT * FROM ohlcv ORDER BY symbol, timestamp"
            self.assertEqual(self.ask(target, look), self.ask(self.home, look))

    def test_jobs_are_left_to_the_server(self):
        self.assertIn("timescaledb: the server runs its jobs by itself; nothing to do", self.ok("jobs", "run", self.home))


class EditionOfTimescaledb(CliCase):
    def test_the_edition_without_aggregates_is_refused_before_anything_is_made(self):
        if not timescaledb.is_at_hand():
            raise unittest.SkipTest(f"{timescaledb.VARIABLE} names no server")
        if not pathlib.Path("/usr/share/postgresql/15/extension/timescaledb.control").exists():
            raise unittest.SkipTest("this edition has to be set in a server of the test's own, and PostgreSQL 15 here has no TimescaleDB")
        server = PostgreSql("-c shared_preload_libraries=timescaledb -c timescaledb.license=apache -c timescaledb.telemetry_level=off")
        self.addCleanup(server.close)
        database = server.make_database("edition")
        self.ok("query", "-c", database, "CREATE EXTENSION timescaledb")
        self.fails("migrate", database, sqlstate="0A000", says=["the schema needs TimescaleDB's community edition", "--without-timescaledb"])
        self.assertEqual(json.loads(self.run_program("migrate", "--status", "--json", database).stdout)["version"], 0)
        # What the hint says.
        plain = server.make_database("plain")
        self.ok("migrate", "--without-timescaledb", plain)
        self.assertEqual(json.loads(self.ok("migrate", "--status", "--json", plain))["home"], "postgresql")


if __name__ == "__main__":
    unittest.main()
