# SPDX-License-Identifier: Apache-2.0
"""A pooler between the clients and the server."""
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import psycopg
import psycopg2

from client_case import BARS, ClientCase, PeerCase, environment

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


class PgBouncer:
    """pgbouncer on a free port, as its administrators set it up: one role in its file, the others looked up in the server."""

    def __init__(self, server_port, database, mode, pool_size):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tickstone_pgbouncer_"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (self.directory / "users").write_text('"inavvi_user" "postgres"\n')
        self.settings = self.directory / "pgbouncer.ini"
        self.settings.write_text(f"""[databases]
{database} = host=127.0.0.1 port={server_port} auth_user=inavvi_user
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {self.directory}/users
auth_query = SELECT usename, passwd FROM pg_shadow WHERE usename = $1
pool_mode = {mode}
default_pool_size = {pool_size}
server_reset_query = DISCARD ALL
server_check_delay = 0
ignore_startup_parameters = extra_float_digits
admin_users = inavvi_user
logfile = {self.directory}/log
""")
        runs_as = {}
        if os.geteuid() == 0:  # which it refuses to run as
            shutil.chown(self.directory, "postgres", "postgres")
            runs_as = {"user": "postgres", "group": "postgres", "extra_groups": []}
        with open(self.directory / "out", "w") as out:
            self.process = subprocess.Popen([PROGRAM, str(self.settings)], stdout=out, stderr=out, env=environment(), cwd="/", **runs_as)
        self.url = f"postgresql://inavvi_user:postgres@127.0.0.1:{self.port}/{database}"
        deadline = time.monotonic() + 60
        while subprocess.run(["pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)], env=environment()).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((self.directory / "out").read_text())
            time.sleep(0.05)

    def close(self):
        self.process.terminate()
        self.process.wait(60)
        shutil.rmtree(self.directory, ignore_errors=True)


@unittest.skipIf(PROGRAM is None, "no pgbouncer on this machine")
class PgBouncerTests:
    def pooler(self, mode, pool_size):
        pooler = PgBouncer(self.server.port, self.url.rsplit("/", 1)[1], mode, pool_size)
        self.addCleanup(pooler.close)
        return pooler

    def open(self, pooler, **how):
        connection = psycopg2.connect(pooler.url, **how)
        self.addCleanup(connection.close)
        connection.autocommit = True
        return connection

    def query(self, connection, sql, values=None):
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else None

    def test_a_session_of_the_pool_is_as_new_for_the_next(self):
        pooler = self.pooler("session", 1)
        first = self.open(pooler)
        pid = self.query(first, "SELECT pg_backend_pid()")
        self.query(first, """CREATE TEMPORARY TABLE mine (a int); PREPARE ours AS SELECT 1; LISTEN here; SET statement_timeout = '77s';
            SET search_path = pg_catalog; SELECT pg_advisory_lock(7); DECLARE held CURSOR WITH HOLD FOR SELECT 1; SET TimeZone = 'Asia/Tokyo'""")
        self.assertEqual(self.query(first, "SHOW TimeZone"), [("Asia/Tokyo",)])
        first.close()
        second = self.open(pooler)
        self.assertEqual(self.query(second, "SELECT pg_backend_pid()"), pid)
        self.assertEqual(self.query(second, "SHOW TimeZone"), [("UTC",)])
        self.assertEqual(self.query(second, "SELECT current_setting('statement_timeout'), current_schema, to_regclass('mine') IS NULL"), [("0", "public", True)])
        self.assertEqual(self.query(second, """SELECT (SELECT count(*) FROM pg_prepared_statements), (SELECT count(*) FROM pg_cursors),
            (SELECT count(*) FROM pg_listening_channels())"""), [(0, 0, 0)])
        direct = self.connect()
        self.addCleanup(direct.close)
        self.assertEqual(self.query(direct, "SELECT pg_try_advisory_lock(7)"), [(True,)])

    def test_roles_are_looked_up_and_log_in_with_their_own_password(self):
        direct = self.connect()
        direct.autocommit = True
        self.addCleanup(direct.close)
        self.query(direct, "CREATE ROLE ann LOGIN PASSWORD 'of ann'")
        self.addCleanup(self.query, direct, "DROP ROLE ann")
        pooler = self.pooler("transaction", 2)
        connection = self.open(pooler, user="ann", password="of ann")
        self.assertEqual(self.query(connection, "SELECT current_user, session_user"), [("ann", "ann")])
        connection.close()
        with self.assertRaisesRegex(psycopg2.OperationalError, "authentication failed"):
            self.open(pooler, user="ann", password="wrong")
        with self.assertRaisesRegex(psycopg2.OperationalError, "authentication failed|no such user"):
            self.open(pooler, user="nobody", password="x")
        pooler.close()  # its connections of ann's go, and she can be dropped

    def test_settings_that_the_server_reports_stay_with_their_client(self):
        """The pooler keeps what ParameterStatus told it of each client, and sets it again on the connection it lends."""
        pooler = self.pooler("transaction", 1)
        first, second = self.open(pooler, application_name="first"), self.open(pooler, application_name="second")
        self.query(first, "SET TimeZone = 'Asia/Tokyo'")
        self.query(second, "SET TimeZone = 'America/New_York'")
        self.query(second, "SET standard_conforming_strings = on")
        pids = set()
        for _ in range(3):
            for connection, name, zone in ((first, "first", "Asia/Tokyo"), (second, "second", "America/New_York")):
                pid, *rest = self.query(connection, "SELECT pg_backend_pid(), current_setting('application_name'), current_setting('TimeZone')")[0]
                self.assertEqual(rest, [name, zone])
                pids.add(pid)
        self.assertEqual(len(pids), 1)
        for name in ("server_version", "server_encoding", "client_encoding", "integer_datetimes", "standard_conforming_strings", "is_superuser"):
            self.assertIsNotNone(first.get_parameter_status(name), name)
        self.assertEqual(first.server_version // 10000, 15)

    def test_many_clients_share_few_connections(self):
        pooler = self.pooler("transaction", 3)
        setup = self.open(pooler)
        self.query(setup, "CREATE TABLE account (id int PRIMARY KEY, shares int NOT NULL)")
        self.addCleanup(self.query, setup, "DROP TABLE account")
        self.query(setup, "INSERT INTO account SELECT n, 1000 FROM generate_series(1, 20) AS n")
        pids, problems = set(), []

        def trade(number):
            try:
                connection = psycopg2.connect(pooler.url)
                for turn in range(20):
                    with connection, connection.cursor() as cursor:
                        fro, to = sorted(((number + turn) % 20 + 1, (number * 7 + turn * 3) % 20 + 1))
                        cursor.execute("UPDATE account SET shares = shares - 1 WHERE id = %s", (fro,))
                        cursor.execute("UPDATE account SET shares = shares + 1 WHERE id = %s", (to,))
                        cursor.execute("SELECT pg_backend_pid()")
                        pids.add(cursor.fetchone()[0])
                connection.close()
            except psycopg2.Error as error:
                problems.append(error)

        threads = [threading.Thread(target=trade, args=(number,)) for number in range(15)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(problems, [])
        self.assertLessEqual(len(pids), 3)
        self.assertEqual(self.query(setup, "SELECT sum(shares), count(*) FROM account"), [(20_000, 20)])

    def test_copies_errors_blocks_and_pipelines_pass_through(self):
        pooler = self.pooler("transaction", 1)
        connection = psycopg.connect(pooler.url, prepare_threshold=None)
        self.addCleanup(connection.close)
        with connection.transaction(force_rollback=True):
            with connection.cursor().copy("COPY symbols (symbol, name) FROM STDIN") as copy:
                for n in range(500):
                    copy.write_row((f"B{n}", "copied"))
            with connection.cursor().copy("COPY (SELECT symbol FROM symbols WHERE name = 'copied') TO STDOUT (FORMAT BINARY)") as copy:
                copy.set_types(["text"])
                self.assertEqual(len(list(copy.rows())), 500)
        with connection.pipeline():
            cursors = [connection.execute("SELECT %s + 1", (n,)) for n in range(50)]
            self.assertEqual([cursor.fetchone()[0] for cursor in cursors], list(range(1, 51)))
        connection.commit()
        with self.assertRaises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO symbols (symbol) VALUES ('S0')")
        self.assertEqual(connection.info.transaction_status, psycopg.pq.TransactionStatus.INERROR)
        connection.rollback()
        with connection.cursor("named") as named:
            named.execute("SELECT symbol FROM ohlcv")
            self.assertEqual(sum(1 for _ in named), BARS)
        connection.commit()

    def test_a_query_is_cancelled_through_it(self):
        pooler = self.pooler("transaction", 1)
        connection = self.open(pooler)
        failed = []

        def run():
            try:
                self.query(connection, "SELECT count(*) FROM generate_series(1, 3000000) AS a, generate_series(1, 3000000) AS b")
            except psycopg2.errors.QueryCanceled as error:
                failed.append(error.pgcode)

        thread = threading.Thread(target=run)
        thread.start()
        while thread.is_alive():
            connection.cancel()
            thread.join(0.05)
        self.assertEqual(failed, ["57014"])
        self.assertEqual(self.query(connection, "SELECT 1"), [(1,)])

    def test_its_console_shows_the_connections(self):
        pooler = self.pooler("session", 2)
        connection = self.open(pooler)
        self.query(connection, "SELECT 1")
        console = psycopg2.connect(pooler.url.rsplit("/", 1)[0] + "/pgbouncer")
        self.addCleanup(console.close)
        console.autocommit = True
        with console.cursor() as cursor:
            cursor.execute("SHOW SERVERS")
            names = [column.name for column in cursor.description]
            shown = [dict(zip(names, row)) for row in cursor.fetchall()]
        self.assertEqual([(one["state"], one["user"], one["port"]) for one in shown], [("active", "inavvi_user", self.server.port)])


class PgBouncerBefore(PgBouncerTests, ClientCase):
    pass


class PgBouncerBeforePostgreSql(PgBouncerTests, PeerCase):
    pass
