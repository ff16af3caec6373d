# SPDX-License-Identifier: Apache-2.0
"""The image's entrypoint, run as in a container: as root where the tests are, with directories of the test for those of the image."""
import gzip
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import psycopg2

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("TICKSTONE_BINARY", ROOT / "build/tickstone")).resolve()
GUIDE = ROOT.parent / "shared/guide"
LIMIT_SECONDS = 180
# As the guide's compose file has it.
ENVIRONMENT = {"POSTGRES_PASSWORD": "postgres", "POSTGRES_USER": "inavvi_user", "POSTGRES_DB": "inavvi"}

SCHEMA = """CREATE EXTENSION IF NOT EXISTS timescaledb CASCADE;
CREATE TABLE ohlcv (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, open NUMERIC NOT NULL, high NUMERIC NOT NULL,
  low NUMERIC NOT NULL, close NUMERIC NOT NULL, volume BIGINT NOT NULL, source TEXT NOT NULL, timeframe TEXT NOT NULL,
  PRIMARY KEY (symbol, timestamp, timeframe));
SELECT create_hypertable('ohlcv', 'timestamp');
"""


def guide_file(name, instead):
    """The guide's own where it is at hand, else ours with the same content."""
    return (GUIDE / name).read_text() if (GUIDE / name).exists() else instead


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Container:
    """What Docker would start."""

    def __init__(self, case, *command, **variables):
        self.case = case
        self.log = open(case.scratch / f"log{len(case.containers)}", "w+")
        self.process = subprocess.Popen([case.entrypoint, *command], stdout=self.log, stderr=subprocess.STDOUT,
                                        env={**case.environment, **variables}, cwd="/")
        case.containers.append(self)

    def said(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()

    def wait(self):
        return self.process.wait(LIMIT_SECONDS)

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.wait()

    def wait_until_ready(self):
        """As the compose file's health check, by the socket of the image."""
        end = time.monotonic() + LIMIT_SECONDS
        while "the store is made" not in self.said() and "has a store" not in self.said() or subprocess.run(
                ["pg_isready", "-q", "-U", "inavvi_user", "-d", "inavvi", "-h", self.case.sockets, "-p", str(self.case.port)]).returncode:
            self.case.assertIsNone(self.process.poll(), self.said())
            self.case.assertLess(time.monotonic(), end, self.said())
            time.sleep(0.1)
        return self


class ImageCase(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="tickstone_deploy_"))
        self.scratch.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        self.containers = []
        self.addCleanup(self.end_all)
        programs = self.scratch / "bin"
        programs.mkdir()
        self.link_program(programs / "tickstone")
        for name in ("postgres", "docker-entrypoint.sh"):
            shutil.copy(ROOT / "deploy" / name, programs / name)
        self.entrypoint = str(programs / "docker-entrypoint.sh")
        self.sockets = str(self.scratch / "sockets")
        self.scripts = self.scratch / "init"
        self.scripts.mkdir()
        self.data = self.scratch / "data"
        for directory in ("sockets", "data"):
            (self.scratch / directory).mkdir()
        self.port = free_port()
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "POSTGRES"))}
        self.environment = {**kept, "PATH": f"{programs}:{os.environ['PATH']}", "PGDATA": str(self.data), "PGPORT": str(self.port),
                            "TICKSTONE_INIT_DIRECTORY": str(self.scripts), "TICKSTONE_SOCKET_DIRECTORY": self.sockets}
        self.config = self.scratch / "postgresql.conf"
        self.config.write_text(guide_file("postgresql.conf", (ROOT / "deploy/postgresql.conf").read_text()))
        self.command = ("postgres", "-c", f"config_file={self.config}")

    def link_program(self, place):
        """A link where the server's user can follow it, else a copy."""
        if os.geteuid() == 0 and subprocess.run(["setpriv", "--reuid=postgres", "--clear-groups", "test", "-x", PROGRAM]).returncode:
            shutil.copy(PROGRAM, place)
            place.chmod(0o755)
        else:
            place.symlink_to(PROGRAM)

    def end_all(self):
        for container in self.containers:
            if container.process.poll() is None:
                container.process.kill()
                container.wait()
            container.log.close()

    def start(self, *command, **variables):
        return Container(self, *(command or self.command), **{**ENVIRONMENT, **variables})

    def fails(self, *command, says, **variables):
        container = self.start(*command, **variables)
        self.assertNotEqual(container.wait(), 0, container.said())
        for text in (says,) if isinstance(says, str) else says:
            self.assertIn(text, container.said())
        return container.said()

    def script(self, name, content, mode=0o644):
        path = self.scripts / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)

    def psql(self, sql, **variables):
        """By the socket, without a password, as `docker exec CONTAINER psql` does."""
        return subprocess.run(["psql", "-XAt", "-w", "-v", "ON_ERROR_STOP=1", "-h", self.sockets, "-p", str(self.port), "-U", "inavvi_user",
                               "-d", "inavvi", "-c", sql], env={**self.environment, **variables}, capture_output=True, text=True,
                              check=True, timeout=LIMIT_SECONDS).stdout.strip()

    def connect(self, password="postgres", **how):
        return psycopg2.connect(host="127.0.0.1", port=self.port, user=how.pop("user", "inavvi_user"), password=password,
                                dbname=how.pop("dbname", "inavvi"), **how)


class Image(ImageCase):
    def test_the_guides_service(self):
        """One volume through its life: made, used, stopped, started again."""
        self.script("01-schema.sql", guide_file("schema.sql", SCHEMA))
        self.script("02-more.sql.gz", gzip.compress(b"CREATE TABLE of_gzip (a INT); INSERT INTO of_gzip VALUES (1);"))
        self.script("03-sourced.sh", f'psql -Xqc "CREATE TABLE of_shell (a INT)"\necho again >>{self.scratch}/sourced\n')
        self.script("04-program.sh", '#!/bin/sh\nset -e\npsql -Xqc "INSERT INTO of_shell VALUES (2)"\n', 0o755)
        self.script("README.md", "no script")
        (self.scratch / "sourced").touch()
        (self.scratch / "sourced").chmod(0o666)
        server = self.start().wait_until_ready()
        said = server.said()
        self.assertIn("making a store for database inavvi and user inavvi_user", said)
        self.assertIn("ignoring " + str(self.scripts / "README.md"), said)
        # The server of the init scripts was on its socket only.
        ready = re.findall(r"tickstone: ready, database inavvi on (.*)", said)
        self.assertEqual(ready[0], f"{self.sockets}/.s.PGSQL.{self.port}")
        self.assertRegex(ready[1], rf"0\.0\.0\.0:{self.port}.*, {self.sockets}/\.s\.PGSQL\.{self.port}$")
        self.assertIn('user "inavvi_user" has the default password, and "*" is open to others', said)
        if os.geteuid() == 0:
            self.assertEqual(pwd.getpwuid(os.stat(self.data / "MANIFEST").st_uid).pw_name, "postgres")

        self.assertEqual(self.psql("SELECT hypertable_name FROM timescaledb_information.hypertables WHERE hypertable_name = 'ohlcv'"), "ohlcv")
        self.assertEqual(self.psql("SELECT (SELECT a FROM of_gzip) + (SELECT a FROM of_shell)"), "3")
        # The configuration file as it stands.
        self.assertEqual(self.psql("SELECT current_setting('shared_buffers'), current_setting('max_wal_size'), current_setting('work_mem')"),
                         "2GB|2GB|64MB")
        self.assertEqual(self.psql("SELECT source, sourcefile, setting FROM pg_settings WHERE name = 'bgwriter_lru_maxpages'"),
                         f"configuration file|{self.config}|100")
        self.assertEqual(said.count("configured and without effect here: "), 2)  # each server says it once
        self.assertRegex(said, "without effect here: bgwriter_delay, .*effective_cache_size, .*wal_level")

        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("INSERT INTO ohlcv (symbol, timestamp, timeframe, open, high, low, close, volume, source) "
                           "VALUES ('AAPL', now(), '1m', 187, 188, 186, 187.25, 1000, 'polygon')")
        connection.close()
        with self.assertRaisesRegex(psycopg2.OperationalError, "password authentication failed"):
            self.connect("wrong")

        # What may change while it runs.
        with self.config.open("a") as config:
            config.write("\ntimezone = 'Asia/Tokyo'\nmax_connections = 50\n")
        server.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + LIMIT_SECONDS
        while 'parameter "timezone" changed to "Asia/Tokyo"' not in server.said():
            self.assertLess(time.monotonic(), end, server.said())
            time.sleep(0.05)
        self.assertEqual(self.psql("SELECT current_setting('timezone'), current_setting('max_connections')"), "Asia/Tokyo|100")

        self.psql("ALTER USER inavvi_user WITH PASSWORD 'new_secure_password'")
        self.assertEqual(server.stop(), 0, server.said())
        self.assertIn("asked to end, shutting down", server.said())

        server = self.start().wait_until_ready()
        self.assertIn("has a store; the init scripts are not run", server.said())
        self.assertEqual(self.psql("SELECT symbol, close FROM ohlcv"), "AAPL|187.25")
        self.assertEqual(self.psql("SHOW max_connections"), "50")
        self.assertEqual((self.scratch / "sourced").read_text(), "again\n")
        # The environment's password was for the new store.
        self.connect("new_secure_password").close()
        with self.assertRaisesRegex(psycopg2.OperationalError, "password authentication failed"):
            self.connect("postgres")
        self.assertNotIn("has the default password", server.said())
        # docker stop sends the image's STOPSIGNAL.
        self.assertEqual(server.stop(signal.SIGINT), 0, server.said())

    def test_a_failing_script_is_told_and_its_volume_not_served(self):
        for name, content in (("01.sql", "CREATE TABLE a (a INT);\nSELECT 1 / 0;\nCREATE TABLE b (a INT);\n"),
                              ("01.sh", "false\ntrue\n"), ("01.sql.gz", gzip.compress(b"SELECT nothing;"))):
            with self.subTest(name):
                for path in (*self.data.iterdir(), *self.scripts.iterdir()):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
                self.script(name, content)
                self.script("99-never.sql", "SELECT 'this is not reached'")
                said = self.fails(says=(f"{self.scripts / name} failed (status ", "Mend the script, empty the volume"))
                self.assertNotIn("running " + str(self.scripts / "99-never.sql"), said)
                self.assertNotIn("0.0.0.0", said)
                # It does not go on with half of it, whatever becomes of the script.
                self.script(name, "" if not name.endswith("gz") else gzip.compress(b""))
                self.fails(says="an earlier start did not finish the init scripts")

    def test_what_a_new_volume_needs(self):
        self.fails(POSTGRES_PASSWORD="", says="set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE")
        self.fails(POSTGRES_HOST_AUTH_METHOD="trust", says="POSTGRES_HOST_AUTH_METHOD=trust is not supported")
        self.fails(POSTGRES_PASSWORD_FILE="/x", says="both POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE are set")
        self.fails(POSTGRES_PASSWORD="", POSTGRES_PASSWORD_FILE="/x", says="POSTGRES_PASSWORD_FILE names /x, which cannot be read")
        self.assertEqual(list(self.data.iterdir()), [])
        (self.data / "PG_VERSION").write_text("15\n")
        self.fails(says="is a PostgreSQL data directory, which Tickstone does not read")
        (self.data / "PG_VERSION").rename(self.data / "other")
        self.fails(says=f"has no store and is not empty: there is {self.data / 'other'}")

    def test_secrets_and_names_of_ones_own(self):
        for name, value in (("password", "s3cret"), ("user", "trader"), ("db", "market")):
            (self.scratch / name).write_text(value + "\n")
        server = Container(self, "postgres", POSTGRES_HOST_AUTH_METHOD="scram-sha-256", POSTGRES_INITDB_ARGS="--data-checksums",
                           **{f"POSTGRES_{n.upper()}_FILE": str(self.scratch / n) for n in ("password", "user", "db")}).wait_until_ready()
        self.connect("s3cret", user="trader", dbname="market").close()
        self.assertIn("POSTGRES_INITDB_ARGS and POSTGRES_INITDB_WALDIR have no effect", server.said())
        self.assertNotIn("default password", server.said())
        self.assertNotIn("s3cret", server.said())
        self.assertEqual(server.stop(), 0)

    def test_the_configuration_can_be_wrong(self):
        self.config.write_text("shared_buffers = 2GB\nwork_mem = much\n")
        self.fails(says=('invalid value for parameter "work_mem": "much"', f'in file "{self.config}" line 2', "the temporary server did not start"))

    def test_options_of_postgres(self):
        server = self.start("-c", "max_connections=12", "-N", "13", "--lock_timeout=2s", "-B", "16384", POSTGRES_PASSWORD="x").wait_until_ready()
        self.assertEqual(self.psql("SELECT current_setting('max_connections'), current_setting('lock_timeout'), "
                                   "current_setting('shared_buffers')"), "13|2s|128MB")
        self.assertEqual(server.stop(), 0)
        self.fails("postgres", "--nonsense", says="option --nonsense is not known")

    def test_other_commands_are_run_as_they_are(self):
        for command, says in ((("echo", "one", "two"), "one two\n"), (("postgres", "--version"), "tickstone "), (("postgres", "--help"), "config_file=FILE")):
            container = Container(self, *command)
            self.assertEqual(container.wait(), 0)
            self.assertIn(says, container.said())
        self.assertEqual(list(self.data.iterdir()), [])
