# SPDX-License-Identifier: Apache-2.0
"""pg_dump, psql and pg_restore of PostgreSQL 15 between a served store and PostgreSQL 15, both ways. What arrives is compared by what
pg_dump says of it in PostgreSQL: the reference is the same SQL, run there."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import psycopg2

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cli"))
from cli_case import Server, environment  # noqa: E402
from postgresql import POSTGRESQL, PostgreSql  # noqa: E402

AGGREGATE = "public.daily_ohlcv_agg"
LIMIT_SECONDS = 120


def schema_of_postgresql(text):
    """schema.sql without TimescaleDB: with the indexes that create_hypertable makes, and no aggregate."""
    text = re.sub(r"CREATE EXTENSION[^;]*;", "", text)
    text = re.sub(r"CREATE MATERIALIZED VIEW daily_ohlcv_agg[^;]*;", "", text)
    return re.sub(r"SELECT create_hypertable\('(\w+)', '(\w+)'\);", r"CREATE INDEX ON \1 (\2 DESC);", text)


@unittest.skipUnless(POSTGRESQL.exists(), "no PostgreSQL 15 on this machine")
class Dumps(unittest.TestCase):
    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.scratch = pathlib.Path(tempfile.mkdtemp(prefix="tickstone_dumps_"))
        cls.addClassCleanup(shutil.rmtree, cls.scratch, ignore_errors=True)
        cls.peer = PostgreSql("-c timezone=UTC")
        cls.addClassCleanup(cls.peer.close)
        cls.names = iter(range(1000))
        schema = (HERE / "schema.sql").read_text()
        more = (HERE / "dump_schema.sql").read_text()
        cls.ours = cls.serve()
        cls.psql(cls.ours, given=schema + more)
        cls.psql(cls.ours, given="CALL refresh_continuous_aggregate('daily_ohlcv_agg', NULL, NULL);")
        cls.reference = cls.peer.make_database("reference")
        cls.psql(cls.reference, given=schema_of_postgresql(schema) + more)

    @classmethod
    def serve(cls):
        server = Server(cls.scratch / f"store{next(cls.names)}")
        cls.addClassCleanup(server.close)
        return server.url()

    @classmethod
    def database(cls):
        return cls.peer.make_database(f"restored{next(cls.names)}")

    @classmethod
    def run_program(cls, program, *arguments, given=None):
        done = subprocess.run([str(POSTGRESQL / program), *map(str, arguments)], input=given, capture_output=True, text=True,
                              timeout=LIMIT_SECONDS, env=environment(LC_ALL="C.UTF-8"))
        if done.returncode != 0 or "ERROR" in done.stderr or "warning" in done.stderr:
            raise AssertionError(f"{program} {arguments}: {done.stderr[-3000:]}")
        return done.stdout

    @classmethod
    def psql(cls, url, *arguments, given=None):
        return cls.run_program("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", url, *arguments, given=given)

    def dump(self, url, *arguments):
        return self.run_program("pg_dump", "-d", url, *arguments)

    def described(self, url):
        """A database as pg_dump sees it, in an order that does not hang on the order of its rows."""
        text = self.dump(url, "-T", AGGREGATE)
        lines = [line for line in text.splitlines()
                 if line and not line.startswith(("--", "\\restrict", "\\unrestrict"))]
        schema, rows, in_copy = [], [], None
        for line in lines:
            if in_copy is not None:
                if line == "\\.":
                    rows.append((in_copy[0], sorted(in_copy[1])))
                    in_copy = None
                else:
                    in_copy[1].append(line)
            elif line.startswith("COPY "):
                in_copy = (line, [])
            else:
                schema.append(line)
        return schema, rows

    def assert_is_reference(self, url):
        schema, rows = self.described(url)
        wanted_schema, wanted_rows = self.described(self.reference)
        self.assertEqual("\n".join(schema), "\n".join(wanted_schema))
        self.assertEqual(rows, wanted_rows)

    def rows(self, url, sql):
        connection = psycopg2.connect(url)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall()
        finally:
            connection.close()

    # Ours into PostgreSQL

    def test_a_plain_dump_of_ours(self):
        for arguments in ((), ("--inserts",), ("--column-inserts", "--rows-per-insert=50")):
            with self.subTest(arguments):
                into = self.database()
                self.psql(into, given=self.dump(self.ours, *arguments))
                self.assert_is_reference(into)
                totals = f"SELECT count(*), sum(volume), min(day), max(day) FROM {AGGREGATE}"
                self.assertEqual(self.rows(into, totals), self.rows(self.ours, totals))
                self.assertEqual(self.rows(into, "SELECT extname FROM pg_extension"), [("plpgsql",)])

    def test_a_custom_dump_of_ours(self):
        file = self.scratch / "ours.dump"
        self.dump(self.ours, "-Fc", "-f", file)
        into = self.database()
        self.run_program("pg_restore", "-d", into, "--exit-on-error", file)
        self.assert_is_reference(into)

    def test_a_directory_of_ours_by_two_at_once(self):
        directory = self.scratch / "ours.d"
        self.dump(self.ours, "-Fd", "-j", "2", "-f", directory)
        into = self.database()
        self.run_program("pg_restore", "-d", into, "--exit-on-error", "-j", "2", directory)
        self.assert_is_reference(into)

    def test_parts_of_ours(self):
        into = self.database()
        self.psql(into, given=self.dump(self.ours, "--schema-only"))
        self.assertEqual(self.rows(into, "SELECT count(*) FROM ohlcv"), [(0,)])
        self.psql(into, given=self.dump(self.ours, "--data-only", "-t", "ohlcv"))
        self.assertEqual(self.rows(into, "SELECT count(*), sum(volume) FROM ohlcv"), self.rows(self.ours, "SELECT count(*), sum(volume) FROM ohlcv"))
        of_desk = self.dump(self.ours, "-n", "desk", "--schema-only")
        self.assertIn("CREATE TABLE desk.orders", of_desk)
        self.assertNotIn("public.ohlcv", of_desk)
        table = self.dump(self.ours, "-t", "trades", "--schema-only")
        self.assertEqual(re.findall(r"CREATE TABLE (\S+)", table), ["public.trades"])
        self.assertIn("ADD CONSTRAINT trades_pkey PRIMARY KEY (symbol, \"timestamp\", id);", table)
        self.assertIn("DROP TABLE IF EXISTS public.ohlcv;", self.dump(self.ours, "--clean", "--if-exists"))
        self.assertIn("CREATE DATABASE inavvi", self.dump(self.ours, "--create", "--schema-only"))

    def test_whatever_the_session_is_called(self):
        done = subprocess.run([str(POSTGRESQL / "pg_dump"), "-d", self.ours, "--inserts", "--data-only", "-t", "ohlcv"], capture_output=True,
                              text=True, timeout=LIMIT_SECONDS, env=environment(PGAPPNAME="nightly"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count("INSERT INTO public.ohlcv"), 600)

    def test_a_snapshot_for_several(self):
        self.psql(self.ours, given="CREATE TABLE seen (a INTEGER); INSERT INTO seen VALUES (1);")
        first, second, writer = (psycopg2.connect(self.ours) for _ in range(3))
        for connection in (first, second, writer):
            self.addCleanup(connection.close)
            connection.autocommit = True

        def answer(connection, sql):
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchone()[0] if cursor.description else None

        answer(first, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        name = answer(first, "SELECT pg_export_snapshot()")
        answer(writer, "INSERT INTO seen VALUES (2)")
        answer(second, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        answer(second, f"SET TRANSACTION SNAPSHOT '{name}'")
        answer(writer, "INSERT INTO seen VALUES (3)")
        for connection, count in ((first, 1), (second, 1), (writer, 3)):
            self.assertEqual(answer(connection, "SELECT count(*) FROM seen"), count)
        answer(first, "COMMIT")
        # It is gone with the transaction that made it; who has taken it keeps it.
        self.assertEqual(answer(second, "SELECT count(*) FROM seen"), 1)
        answer(second, "COMMIT")
        self.assertEqual(answer(second, "SELECT count(*) FROM seen"), 3)
        answer(second, "BEGIN ISOLATION LEVEL REPEATABLE READ")
        with self.assertRaises(psycopg2.errors.InvalidParameterValue):
            answer(second, f"SET TRANSACTION SNAPSHOT '{name}'")
        answer(second, "ROLLBACK")
        answer(writer, "DROP TABLE seen")

    # PostgreSQL's into ours, and back

    def test_a_plain_dump_of_postgresql(self):
        into = self.serve()
        self.psql(into, given="CREATE ROLE reader;")
        self.psql(into, given=self.dump(self.reference))
        again = self.database()
        self.psql(again, given=self.dump(into))
        self.assert_is_reference(again)

    def test_a_custom_dump_of_postgresql(self):
        file = self.scratch / "reference.dump"
        self.dump(self.reference, "-Fc", "-f", file)
        into = self.serve()
        self.psql(into, given="CREATE ROLE reader;")
        self.run_program("pg_restore", "-d", into, "--exit-on-error", file)
        again = self.database()
        self.psql(again, given=self.dump(into))
        self.assert_is_reference(again)

    def test_a_directory_of_postgresql_by_two_at_once(self):
        directory = self.scratch / "reference.d"
        self.dump(self.reference, "-Fd", "-j", "2", "-f", directory)
        into = self.serve()
        self.psql(into, given="CREATE ROLE reader;")
        self.run_program("pg_restore", "-d", into, "--exit-on-error", "-j", "2", directory)
        again = self.database()
        self.psql(again, given=self.dump(into))
        self.assert_is_reference(again)
        for command in (r"\d desk.*", r"\d public.*", r"\dp desk.*", r"\dd desk.*", r"\df desk.*", r"\sf desk.orders_of"):
            self.assertEqual(self.psql(into, "-c", command), self.psql(self.reference, "-c", command))
        # Sequences go on where they were.
        self.assertEqual(self.rows(into, "SELECT nextval('desk.ticket'), nextval('unused'), nextval('positions_id_seq')"),
                         self.rows(self.reference, "SELECT last_value + 5, 7, 6 FROM desk.ticket"))

    # Ours into ours

    def test_a_dump_of_ours_into_ours(self):
        into = self.serve()
        self.psql(into, given="CREATE ROLE reader;")
        self.psql(into, given=self.dump(self.ours))
        for table in ("ohlcv", "trades", "desk.orders", "desk.totals", AGGREGATE):
            everything = f"SELECT * FROM {table} ORDER BY 1, 2, 3"
            self.assertEqual(self.rows(into, everything), self.rows(self.ours, everything), table)

    def test_roles(self):
        roles = self.run_program("pg_dumpall", "-d", self.ours, "-l", "inavvi", "--globals-only")
        self.assertIn("CREATE ROLE reader;", roles)
        self.assertRegex(roles, r"ALTER ROLE inavvi_user WITH SUPERUSER .* PASSWORD 'SCRAM-SHA-256\$")
        into = self.serve()
        self.psql(into, given=roles.replace("CREATE ROLE inavvi_user;", ""))
        self.assertEqual(self.rows(into, "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'reader'"), [(False,)])


if __name__ == "__main__":
    unittest.main()
