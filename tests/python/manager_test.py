# SPDX-License-Identifier: Apache-2.0
"""Statements, transactions, threads and repetition, on every home."""
import contextlib
import os
import threading
import unittest

import psycopg2
from psycopg2 import errors, sql

import tickstone
from homes import make_tables, on_every_home
from tickstone.retry import NO_RETRY, RetryPolicy
from tickstone.statements import first_word

SYMBOL = "INSERT INTO symbols (symbol, name) VALUES (%s, %s)"


@on_every_home(globals())
class Manager:
    def count(self, condition="TRUE"):
        return self.db.fetch_one(f"SELECT count(*) FROM symbols WHERE {condition}")[0]

    def test_statements_commit_by_themselves(self):
        self.assertEqual(self.db.execute(SYMBOL, ("A", "Alpha")), 1)
        self.assertEqual(self.db.execute("UPDATE symbols SET name = 'x' WHERE symbol = 'nosuch'"), 0)
        self.assertEqual(self.db.fetch_all("SELECT symbol, name FROM symbols"), [("A", "Alpha")])
        self.assertEqual(self.db.fetch_one("SELECT name FROM symbols WHERE symbol = %(s)s", {"s": "A"}), ("Alpha",))
        self.assertIsNone(self.db.fetch_one("SELECT name FROM symbols WHERE symbol = %s", ("nosuch",)))
        self.assertEqual(self.db.fetch_dicts("SELECT symbol, active FROM symbols"), [{"symbol": "A", "active": True}])
        with self.connect().cursor() as cursor:
            cursor.execute("SELECT count(*) FROM symbols")
            self.assertEqual(cursor.fetchone(), (1,))

    def test_homes_are_told_apart(self):
        kinds = {"TICKSTONE_TEST_SERVER": "tickstone", "TICKSTONE_TEST_TIMESCALEDB": "timescaledb"}
        self.assertEqual(self.db.home, kinds.get(self.variable, "postgresql"))
        self.assertIn("PostgreSQL 1", self.db.server_version)

    def test_a_failed_statement_leaves_nothing_and_the_manager_usable(self):
        with self.assertRaises(errors.UniqueViolation):
            self.db.execute("INSERT INTO symbols (symbol) VALUES ('A'), ('A')")
        with self.assertRaises(errors.UndefinedTable):
            self.db.fetch_all("SELECT * FROM nosuch")
        self.assertEqual(self.count(), 0)
        self.assertEqual(self.db._pool.open_count, 1)

    def test_reads_that_write_do_write(self):
        for expected in (("A",), ("B",)):
            self.assertEqual(self.db.fetch_one("INSERT INTO symbols (symbol) VALUES (%s) RETURNING symbol", expected), expected)
        statement = "WITH added AS (INSERT INTO symbols (symbol) VALUES (%s) RETURNING symbol) SELECT symbol FROM added"
        number = "SELECT nextval(pg_get_serial_sequence('positions', 'id'))"
        first = self.db.fetch_one(number)[0]
        self.assertEqual(self.db.fetch_one(number)[0], first + 1)
        self.assertEqual(self.db.fetch_all("SELECT symbol FROM symbols WHERE symbol = 'A' FOR UPDATE"), [("A",)])
        self.assertEqual(self.count(), 2)
        try:
            self.assertEqual(self.db.fetch_all(statement, ("C",)), [("C",)])
        except errors.FeatureNotSupported:
            self.assertEqual(self.count(), 2)
        else:
            self.assertEqual(self.count(), 3)

    def test_transactions(self):
        with self.db.transaction() as t:
            t.execute(SYMBOL, ("A", "Alpha"))
            with self.assertRaises(errors.UniqueViolation), t.savepoint():
                t.execute(SYMBOL, ("B", "Beta"))
                t.execute(SYMBOL, ("A", "again"))
            with t.savepoint():
                t.execute(SYMBOL, ("C", "Gamma"))
            self.assertEqual(t.fetch_all("SELECT symbol FROM symbols ORDER BY symbol"), [("A",), ("C",)])
            self.assertEqual(self.count(), 0)
        self.assertEqual(self.count(), 2)
        with self.assertRaises(KeyError), self.db.transaction() as t:
            t.execute("DELETE FROM symbols")
            raise KeyError("mine")
        self.assertEqual(self.count(), 2)

    def test_a_transaction_that_failed_is_not_said_to_be_committed(self):
        with self.assertRaises(errors.InFailedSqlTransaction), self.db.transaction() as t:
            t.execute(SYMBOL, ("A", "Alpha"))
            with contextlib.suppress(errors.UndefinedTable):
                t.execute("SELECT * FROM nosuch")
        self.assertEqual(self.count(), 0)

    def test_words_that_end_transactions_are_refused(self):
        for statement in ("COMMIT", " -- why\n rollback", "/* a\nb */BEGIN", sql.SQL("START TRANSACTION")):
            with self.assertRaisesRegex(ValueError, "run_transaction"):
                self.db.execute(statement)
            with self.assertRaisesRegex(ValueError, "run_transaction"):
                self.db.execute(statement, autocommit=True)

    def test_what_runs_outside_of_transactions(self):
        with self.assertRaises(errors.ActiveSqlTransaction):
            self.db.execute("DISCARD ALL")
        self.db.execute("DISCARD ALL", autocommit=True)
        self.db.execute(SYMBOL, ("A", "Alpha"), autocommit=True)
        self.assertEqual(self.count(), 1)

    def test_composed_statements(self):
        self.db.execute(sql.SQL("INSERT INTO {} (symbol) VALUES ({})").format(sql.Identifier("symbols"), sql.Literal("A")))
        self.assertEqual(self.db.fetch_all(sql.SQL("SELECT {} FROM symbols").format(sql.Identifier("symbol"))), [("A",)])

    def test_sessions_are_as_they_were_asked_to_be(self):
        with tickstone.DatabaseManager(self.url, statement_timeout_s=0.05, lock_timeout_s=7, application_name="mine") as db:
            shown = [db.fetch_one("SELECT current_setting(%s)", (name,))[0] for name in ("TimeZone", "lock_timeout", "application_name")]
            self.assertEqual(shown, ["UTC", "7s", "mine"])
            with self.assertRaises(errors.QueryCanceled):
                db.fetch_all("SELECT count(*) FROM generate_series(1, 3000000) AS a, generate_series(1, 3000000) AS b")
        with tickstone.DatabaseManager(self.url, timezone="Asia/Tokyo") as db:
            self.assertEqual(db.fetch_one("SELECT current_setting('TimeZone')"), ("Asia/Tokyo",))

    def test_conflicts_are_repeated_as_a_whole(self):
        self.db.execute(SYMBOL, ("A", "0"))
        calls = []

        def add(t):
            calls.append(1)
            t.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            value = int(t.fetch_one("SELECT name FROM symbols WHERE symbol = 'A'")[0])
            if len(calls) == 1:
                self.db.execute("UPDATE symbols SET name = '10' WHERE symbol = 'A'")
            t.execute("UPDATE symbols SET name = %s WHERE symbol = 'A'", (str(value + 1),))
            return value + 1

        self.assertEqual(self.db.run_transaction(add), 11)
        self.assertEqual(len(calls), 2)
        self.assertEqual(self.db.fetch_one("SELECT name FROM symbols"), ("11",))
        calls.clear()
        with tickstone.DatabaseManager(self.url, retry=NO_RETRY) as db, self.assertRaises(errors.SerializationFailure):
            db.run_transaction(add)
        self.assertEqual(len(calls), 1)

    def test_deadlocks_are_repeated(self):
        for name in ("A", "B"):
            self.db.execute(SYMBOL, (name, ""))
        both_have_one = threading.Barrier(2)
        calls = {"A": 0, "B": 0}

        def work(first, second):
            def change(t):
                calls[first] += 1
                t.execute("UPDATE symbols SET name = name || %s WHERE symbol = %s", (first, first))
                if calls[first] == 1:
                    both_have_one.wait(60)
                t.execute("UPDATE symbols SET name = name || %s WHERE symbol = %s", (first, second))
            self.db.run_transaction(change)

        threads = [threading.Thread(target=work, args=pair) for pair in (("A", "B"), ("B", "A"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(calls.values()), [1, 2])
        rows = self.db.fetch_all("SELECT name FROM symbols")
        self.assertEqual([sorted(name) for name, in rows], [["A", "B"], ["A", "B"]])

    def test_other_errors_are_not_repeated(self):
        calls = []

        def fail(t):
            calls.append(1)
            t.execute("SELECT 1 / 0")

        with self.assertRaises(errors.DivisionByZero):
            self.db.run_transaction(fail)
        self.assertEqual(len(calls), 1)

    def test_threads_share_the_pool(self):
        with tickstone.DatabaseManager(self.url, max_connections=3) as db:
            failures = []

            def work(number):
                try:
                    for step in range(10):
                        with db.transaction() as t:
                            t.execute(SYMBOL, (f"{number}-{step}", "x"))
                        self.assertEqual(len(db.fetch_all("SELECT 1 FROM symbols WHERE symbol = %s", (f"{number}-{step}",))), 1)
                except BaseException as error:
                    failures.append(error)

            threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(failures, [])
            self.assertLessEqual(db._pool.open_count, 3)
        self.assertEqual(self.count(), 80)

    def test_a_full_pool_says_so(self):
        with tickstone.DatabaseManager(self.url, max_connections=1, connection_wait_s=0.01) as db:
            with db.transaction(), self.assertRaisesRegex(tickstone.PoolTimeout, "max_connections"):
                db.fetch_one("SELECT 1")
            self.assertEqual(db.fetch_one("SELECT 1"), (1,))

    def test_connections_for_others(self):
        with self.db.connection() as connection, connection.cursor() as cursor:
            cursor.execute(SYMBOL, ("A", "Alpha"))
        self.assertEqual(self.count(), 0)
        with self.db.connection() as connection, connection, connection.cursor() as cursor:
            cursor.execute(SYMBOL, ("A", "Alpha"))
        self.assertEqual(self.count(), 1)

    def test_a_connection_left_in_a_transaction_is_not_used_again(self):
        with self.db.connection() as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute("BEGIN")
            cursor.execute(SYMBOL, ("A", "Alpha"))
        self.assertEqual((self.count(), self.db._pool.open_count), (0, 1))

    def test_an_idle_connection_that_the_server_ended_is_not_used(self):
        pid = self.db.fetch_one("SELECT pg_backend_pid()")[0]
        with self.connect().cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", (pid,))
        with self.db.transaction() as t:
            self.assertNotEqual(t.fetch_one("SELECT pg_backend_pid()")[0], pid)

    def test_a_connection_lost_in_a_transaction(self):
        killer = self.connect()
        killer.autocommit = True

        def kill(t):
            with killer.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s)", (t.fetch_one("SELECT pg_backend_pid()")[0],))

        calls = []

        def add(t):
            calls.append(1)
            t.execute(SYMBOL, ("A", "Alpha"))
            if len(calls) == 1:
                kill(t)
                t.execute("SELECT count(*) FROM generate_series(1, 3000000) AS a, generate_series(1, 3000000) AS b")

        self.db.run_transaction(add)
        self.assertEqual((len(calls), self.count()), (2, 1))
        with self.assertRaises(psycopg2.Error), self.db.transaction() as t:
            t.execute(SYMBOL, ("B", "Beta"))
            kill(t)
            t.execute("SELECT count(*) FROM generate_series(1, 3000000) AS a, generate_series(1, 3000000) AS b")
        self.assertEqual(self.count(), 1)

    def test_a_closed_manager(self):
        self.db.close()
        self.db.close()
        with self.assertRaisesRegex(tickstone.PoolClosed, "closed"):
            self.db.fetch_one("SELECT 1")

    def test_the_first_connection_fails_at_once(self):
        with tickstone.DatabaseManager("postgresql://inavvi_user:postgres@127.0.0.1:1/inavvi") as db:
            with self.assertRaisesRegex(psycopg2.OperationalError, "refused"):
                db.fetch_one("SELECT 1")
        patient = RetryPolicy(total_s=0.1, first_wait_s=0.01)
        with tickstone.DatabaseManager("postgresql://a:b@127.0.0.1:1/c", wait_for_server=True, retry=patient) as db:
            with self.assertRaisesRegex(psycopg2.OperationalError, "refused"):
                db.fetch_one("SELECT 1")
        with tickstone.DatabaseManager(self.url, password="wrong", wait_for_server=True) as db:
            with self.assertRaisesRegex(psycopg2.OperationalError, "authentication failed"):
                db.fetch_one("SELECT 1")

    def test_the_host_that_answers_is_used(self):
        parts = psycopg2.extensions.parse_dsn(self.url)
        with tickstone.DatabaseManager(self.url, host=f"127.0.0.1,{parts['host']}", port=f"1,{parts['port']}") as db:
            self.assertEqual(db.parameters["target_session_attrs"], "read-write")
            self.assertEqual(db.fetch_one("SELECT 1"), (1,))
        with tickstone.DatabaseManager(self.url, target_session_attrs="standby") as db:
            with self.assertRaises(psycopg2.OperationalError):
                db.fetch_one("SELECT 1")


class Forks(unittest.TestCase):
    def test_a_child_does_not_speak_on_its_parents_connection(self):
        url = os.environ.get("TICKSTONE_TEST_SERVER")
        if not url:
            self.skipTest("TICKSTONE_TEST_SERVER names no server")
        with tickstone.DatabaseManager(url) as db:
            mine = db.fetch_one("SELECT pg_backend_pid()")
            child = os.fork()
            if child == 0:
                os._exit(0 if db.fetch_one("SELECT pg_backend_pid()") != mine else 1)
            self.assertEqual(os.waitpid(child, 0)[1], 0)
            self.assertEqual(db.fetch_one("SELECT pg_backend_pid()"), mine)


class Failover(unittest.TestCase):
    """Of two servers the one that takes writes is used: first PostgreSQL, then, when that only reads, Tickstone."""

    def test_writing_goes_on_at_the_server_that_takes_it(self):
        first, second = (os.environ.get(name) for name in ("TICKSTONE_TEST_POSTGRESQL", "TICKSTONE_TEST_SERVER"))
        if not first or not second:
            self.skipTest("it takes a PostgreSQL and a Tickstone server")
        for url, home in ((first, None), (second, "tickstone")):
            make_tables(url, home)
            with tickstone.DatabaseManager(url) as db:
                db.execute("DELETE FROM symbols")
        places = [psycopg2.extensions.parse_dsn(url) for url in (first, second)]
        with tickstone.DatabaseManager(first, host=",".join(p["host"] for p in places), port=",".join(p["port"] for p in places)) as db:
            db.execute(SYMBOL, ("A", "on the first"))
            self.alter_first(first, "SET default_transaction_read_only = on")
            try:
                with db.connection() as connection:
                    while self.is_writable(connection):
                        pass
                db.execute(SYMBOL, ("B", "on the second"))
                self.assertEqual(db.fetch_all("SELECT symbol FROM symbols"), [("B",)])
            finally:
                self.alter_first(first, "RESET default_transaction_read_only")

    @staticmethod
    def is_writable(connection):
        with connection.cursor() as cursor:
            cursor.execute("SHOW default_transaction_read_only")
            connection.commit()
            return cursor.fetchone() == ("off",)

    @staticmethod
    def alter_first(url, change):
        connection = psycopg2.connect(url, options="-c default_transaction_read_only=off")
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER SYSTEM {change}")
            cursor.execute("SELECT pg_reload_conf()")
        connection.close()


class Texts(unittest.TestCase):
    def test_first_words(self):
        for text, word in (("SELECT 1", "SELECT"), ("  (( select 1))", "SELECT"), ("-- a\n/* b */ with x", "WITH"), ("", ""),
                           ("1", ""), (b"\tInsert", "INSERT"), (sql.SQL("values (1)"), "VALUES"), (sql.Composed([]), ""),
                           ("/* never ended", "")):
            self.assertEqual(first_word(text), word, text)


class Waits(unittest.TestCase):
    def test_waits_grow_and_end(self):
        class Ticking:
            now = 0.0

            def __init__(self):
                self.waits = []

            def wait(self, seconds):
                self.waits.append(seconds)
                self.now += seconds
                return False

        clock = Ticking()
        attempts = RetryPolicy(total_s=10, first_wait_s=0.1, longest_wait_s=1, factor=2).start(lambda: clock.now)
        while attempts.wait(clock):
            self.assertLess(len(clock.waits), 1000)
        self.assertAlmostEqual(sum(clock.waits), 10)
        self.assertEqual(attempts.failed, len(clock.waits) + 1)
        for number, wait in enumerate(clock.waits[:-1]):
            longest = min(1, 0.1 * 2**number)
            self.assertTrue(longest / 2 <= wait <= longest)

    def test_an_interruption_ends_the_waiting(self):
        event = threading.Event()
        event.set()
        self.assertFalse(RetryPolicy().start().wait(event))

