# SPDX-License-Identifier: Apache-2.0
"""pg_stat_statements and the log of statements, of a server and beside PostgreSQL 15's own."""
import os
import pathlib
import re
import signal
import threading
import types
import unittest

import psycopg2

import wire_connection
from cli_case import CliCase

PEER_PORT, PEER_LOG = os.environ.get("PEER_PORT"), os.environ.get("PEER_LOG")

# What both must show the same of, text and counts; each statement is run twice.
STATEMENTS = [
    "SELECT 1 AS one, 'x', -5, 2.5e3",
    "SELECT * FROM bars WHERE symbol = 'A' AND ts >= '2026-01-05'::timestamptz ORDER BY 2 DESC, 1 LIMIT 10",
    "SELECT symbol, count(*), round(avg(price), 2) FROM bars WHERE price > -1 GROUP BY 1 HAVING count(*) > 0",
    "SELECT * FROM bars WHERE symbol IN ('A', 'B') AND note IS NOT NULL AND (price BETWEEN 1 AND 2) IS NOT TRUE",
    "SELECT price - 5, price::numeric(10,2), CAST(price AS numeric(12, 3)), interval '1 day' FROM bars",
    "SELECT CASE WHEN price > 1 THEN 'high' ELSE NULL END FROM bars /* a comment */ WHERE TRUE",
    "UPDATE bars SET price = price + 1, note = NULL WHERE symbol = 'A'",
    "INSERT INTO bars VALUES ('A', '2026-01-05', 1, NULL) ON CONFLICT (symbol, ts) DO UPDATE SET price = EXCLUDED.price + 1",
    "DELETE FROM bars WHERE symbol = E'no\\'ne' OR price < -1e6",
    "WITH high AS (SELECT * FROM bars WHERE price > 100) SELECT count(*) FROM high OFFSET 0",
    "SELECT array[1, 2, 3], '{}'::int[], $$dollars$$",
    "BEGIN",
    "COMMIT",
]
SHOWN = "SELECT query, calls, rows FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat%' ORDER BY query COLLATE \"C\""


class Statements(CliCase):
    def start(self, **how):
        self.server = self.serve(**how)
        return self.connect()

    def connect(self, user="inavvi_user", password="postgres", **how):
        connection = psycopg2.connect(self.server.url(user, password), **how)
        self.addCleanup(connection.close)
        connection.autocommit = True
        return connection.cursor()

    @unittest.skipUnless(PEER_PORT, "needs PostgreSQL 15")
    def test_shapes_are_those_of_postgresql(self):
        shown = []
        peer = psycopg2.connect(host="127.0.0.1", port=PEER_PORT, user="inavvi_user", password="postgres", dbname="inavvi")
        self.addCleanup(peer.close)
        peer.autocommit = True
        for cur in (self.start(), peer.cursor()):
            cur.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            cur.execute("CREATE TABLE bars (symbol text, ts timestamptz, price numeric, note text, PRIMARY KEY (symbol, ts))")
            cur.execute("INSERT INTO bars VALUES ('A', '2026-01-05', 1.5, 'x'), ('B', '2026-01-05', 2.5, NULL)")
            cur.execute("SELECT pg_stat_statements_reset()")
            for statement in STATEMENTS * 2:
                cur.execute(statement)
            cur.execute(SHOWN)
            shown.append(cur.fetchall())
        # PostgreSQL counts the comment as a part of what it shows, as we do, and the first text of a shape stays.
        self.assertEqual(shown[0], shown[1])
        self.assertEqual(len(shown[0]), len(STATEMENTS))

    @unittest.skipUnless(PEER_PORT, "needs PostgreSQL 15")
    def test_columns_are_those_of_postgresql(self):
        peer = psycopg2.connect(host="127.0.0.1", port=PEER_PORT, user="inavvi_user", password="postgres", dbname="inavvi")
        self.addCleanup(peer.close)
        peer.autocommit = True
        columns = []
        for cur in (self.start(), peer.cursor()):
            cur.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            of = []
            for view in ("pg_stat_statements", "pg_stat_statements_info"):
                cur.execute(f"SELECT * FROM {view} LIMIT 0")
                of.append([(c.name, c.type_code) for c in cur.description])
            columns.append(of)
        self.assertEqual(columns[0], columns[1])

    def test_is_kept_over_a_clean_end_and_not_over_a_crash(self):
        query = "SELECT calls, rows FROM pg_stat_statements WHERE query = 'SELECT $1 + $2'"
        cur = self.start()
        for i in range(3):
            cur.execute("SELECT 41 + 1")
        cur.execute(query)
        self.assertEqual(cur.fetchall(), [(3, 3)])
        self.assertEqual(self.server.stop()[0], 0)
        cur = self.start()
        cur.execute(query)
        self.assertEqual(cur.fetchall(), [(3, 3)])
        self.server.stop(signal.SIGKILL)
        cur = self.start()
        cur.execute(query)
        self.assertEqual(cur.fetchall(), [])
        self.assertEqual(self.server.stop()[0], 0)
        (self.store / "statements.json").write_text("{ damaged")
        cur = self.start()
        cur.execute(query)
        self.assertEqual(cur.fetchall(), [])
        self.assertIn("statements.json", self.server.errors())

    def test_most_statements(self):
        self.server = self.serve("-c", "pg_stat_statements.max=100")
        cur = self.connect()
        for i in range(300):
            cur.execute(f"SELECT 1 AS c{i}")
            cur.execute("SELECT 'hot'")
        cur.execute("SELECT count(*) FROM pg_stat_statements")
        self.assertLessEqual(cur.fetchone()[0], 100)
        cur.execute("SELECT calls FROM pg_stat_statements WHERE query = 'SELECT $1'")
        self.assertEqual(cur.fetchall(), [(300,)])
        cur.execute("SELECT dealloc FROM pg_stat_statements_info")
        self.assertGreater(cur.fetchone()[0], 10)

    def test_text_is_for_its_user_and_superusers(self):
        cur = self.start()
        cur.execute("CREATE ROLE watcher LOGIN PASSWORD 'hush'")
        cur.execute("SELECT 'of the owner'")
        of_watcher = self.connect("watcher", "hush")
        of_watcher.execute("SELECT 1 AS of_watcher")
        of_watcher.execute("SELECT rolname, query, queryid FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid")
        for role, query, query_id in of_watcher.fetchall():
            if role == "watcher":
                self.assertNotEqual(query, "<insufficient privilege>")
            else:
                self.assertEqual((query, query_id), ("<insufficient privilege>", None))
        of_watcher.execute("SELECT query FROM pg_stat_activity WHERE usename = 'inavvi_user' AND backend_type = 'client backend'")
        self.assertEqual(of_watcher.fetchall(), [("<insufficient privilege>",)])
        for statement in ("SELECT pg_stat_statements_reset()", "SET log_statement = 'all'", "SET log_min_duration_statement = 0",
                          "RESET log_statement", "SELECT set_config('log_duration', 'on', false)"):
            with self.assertRaises(psycopg2.errors.InsufficientPrivilege, msg=statement):
                of_watcher.execute(statement)
        with self.assertRaisesRegex(psycopg2.OperationalError, 'permission denied to set parameter "log_statement"'):
            self.connect("watcher", "hush", options="-c log_statement=all")
        of_watcher.execute("SHOW is_superuser")
        self.assertEqual(of_watcher.fetchone(), ("off",))

    def test_many_sessions_count_together(self):
        cur = self.start()
        cur.execute("CREATE TABLE t (id int PRIMARY KEY, v int)")
        cur.execute("SELECT pg_stat_statements_reset()")

        def run(first):
            mine = self.connect()
            for i in range(first, first + 200):
                mine.execute(f"INSERT INTO t VALUES ({i}, 1)")
                mine.execute(f"SELECT v FROM t WHERE id = {i}")

        threads = [threading.Thread(target=run, args=(n * 1000,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        cur.execute("SELECT query, calls, rows FROM pg_stat_statements WHERE query LIKE '%t V%' OR query LIKE '%v FROM t%' ORDER BY 1")
        self.assertEqual(cur.fetchall(), [("INSERT INTO t VALUES ($1, $2)", 800, 800), ("SELECT v FROM t WHERE id = $1", 800, 800)])


def messages(log):
    """Of the log what LoggedCall wrote: without what is the session's and the clock's."""
    text = re.sub(r"^.*?\] \w+: ", "\0", log, flags=re.M)
    found = []
    for entry in text.split("\0")[1:]:
        match = re.match(r"\[\d+\] (\S+)@(\S+) (.*?) (LOG|ERROR):  (.*)", entry.rstrip("\n"), re.S)
        if match:
            found.append(f"{match[4]}:  " + re.sub(r"duration: \d+\.\d{3} ms", "duration: N ms", match[5]))
    return found


def peer_messages(log):
    """The same of PostgreSQL's log, whose details are entries of their own."""
    found = []
    for line in re.split(r"\n(?=\d{4}-\d\d-\d\d )", log.rstrip("\n")):
        match = re.match(r"\S+ \S+ \S+ \[\d+\] (LOG|ERROR|DETAIL|HINT|STATEMENT):  (.*)", line, re.S)
        if not match:
            continue
        text = re.sub(r"duration: \d+\.\d{3} ms", "duration: N ms", match[2])
        if match[1] in ("LOG", "ERROR"):
            found.append(f"{match[1]}:  {text}")
        elif found:
            found[-1] += f"\n\t{match[1]}:  {text}"
    return found


class Log(CliCase):
    def start(self):
        self.server = self.serve()
        connection = psycopg2.connect(self.server.url())
        self.addCleanup(connection.close)
        connection.autocommit = True
        return connection.cursor()

    def test_says_nothing_unasked_but_errors(self):
        cur = self.start()
        cur.execute("SELECT 1")
        with self.assertRaises(psycopg2.Error):
            cur.execute("SELECT *\nFROM nowhere")
        cur.execute("SET log_min_error_statement = 'log'")
        with self.assertRaises(psycopg2.Error):
            cur.execute("SELECT * FROM nowhere")
        cur.execute("SET log_min_messages = 'log'")
        with self.assertRaises(psycopg2.Error):
            cur.execute("SELECT * FROM nowhere")
        self.assertEqual(messages(self.server.errors()), [
            'ERROR:  relation "nowhere" does not exist at character 15\n\tSTATEMENT:  SELECT *\n\tFROM nowhere',
            'ERROR:  relation "nowhere" does not exist at character 15'])

    def test_durations(self):
        cur = self.start()
        cur.execute("CREATE TABLE t (a int)")
        cur.execute("SET log_min_duration_statement = '20ms'")
        cur.execute("SELECT pg_sleep(0.05)")
        cur.execute("SET log_min_duration_statement = 0")
        cur.execute("INSERT INTO t VALUES (1);\nSELECT 'of two'")
        cur.execute("SET log_min_duration_statement = -1")
        cur.execute("SELECT 'unlogged'")
        cur.execute("SET log_duration = on")
        cur.execute("SELECT 'the duration alone'")
        self.assertEqual(messages(self.server.errors()), [
            "LOG:  duration: N ms  statement: SELECT pg_sleep(0.05)",
            "LOG:  duration: N ms  statement: SET log_min_duration_statement = 0",
            "LOG:  duration: N ms  statement: INSERT INTO t VALUES (1);\n\tSELECT 'of two'",
            "LOG:  duration: N ms"])

    def test_settings_of_the_server(self):
        self.server = self.serve("-c", "log_min_duration_statement=0")
        cur = psycopg2.connect(self.server.url()).cursor()
        self.addCleanup(cur.connection.close)
        cur.connection.autocommit = True
        cur.execute("SELECT 'of the server'")
        cur.execute("ALTER SYSTEM SET log_statement = 'ddl'")
        cur.execute("SELECT pg_reload_conf()")
        other = psycopg2.connect(self.server.url())
        self.addCleanup(other.close)
        other.autocommit = True
        other.cursor().execute("CREATE TABLE t (a int)")
        said = messages(self.server.errors())
        self.assertIn("LOG:  duration: N ms  statement: SELECT 'of the server'", said)
        self.assertEqual(said[-2:], ["LOG:  statement: CREATE TABLE t (a int)", "LOG:  duration: N ms"])

    def test_kinds_of_statements(self):
        cur = self.start()
        said = {}
        for kind in ("ddl", "mod", "all"):
            before = len(messages(self.server.errors()))
            cur.execute(f"SET log_statement = '{kind}'")
            for statement in ("CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)", "SELECT a FROM t", "DROP TABLE t"):
                cur.execute(statement)
            cur.execute("SET log_statement = 'none'")
            said[kind] = [m.removeprefix("LOG:  statement: ") for m in messages(self.server.errors())[before:]]
        self.assertEqual(said["ddl"], ["CREATE TABLE t (a int)", "DROP TABLE t"])
        self.assertEqual(said["mod"], ["CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)", "DROP TABLE t"])
        self.assertEqual(said["all"], ["CREATE TABLE t (a int)", "INSERT INTO t VALUES (1)", "SELECT a FROM t", "DROP TABLE t",
                                       "SET log_statement = 'none'"])

    def test_passwords_are_hidden(self):
        cur = self.start()
        cur.execute("SET log_statement = 'all'; SET log_min_duration_statement = 0")
        cur.execute("CREATE ROLE r LOGIN PASSWORD 'top-secret'")
        cur.execute("ALTER USER r WITH password E'top-secret'; SELECT 1")
        for wrong in ("ALTER USER r PASSWORD 'top-secret' NONSENSE", "ALTER USER nobody PASSWORD 'top-secret'",
                      "ALTER USER r PASSWORD 'top-secret"):
            with self.assertRaises(psycopg2.Error):
                cur.execute(wrong)
        cur.execute("SELECT query FROM pg_stat_statements WHERE query ILIKE '%password%'")
        self.assertNotIn("top-secret", str(cur.fetchall()))
        watcher = psycopg2.connect(self.server.url())
        self.addCleanup(watcher.close)
        cur.execute("ALTER USER r PASSWORD 'top-secret'")
        seen = watcher.cursor()
        seen.execute("SELECT query FROM pg_stat_activity WHERE query LIKE 'ALTER USER%'")
        self.assertEqual(seen.fetchall(), [("ALTER USER r PASSWORD '********'",)])
        log = self.server.errors()
        self.assertNotIn("top-secret", log)
        self.assertIn("CREATE ROLE r LOGIN PASSWORD '********'", log)

    @unittest.skipUnless(PEER_LOG, "needs PostgreSQL 15")
    def test_extended_protocol_in_the_words_of_postgresql(self):
        self.start()
        results = []
        for port, read in ((self.server.port, lambda: messages(self.server.errors())), (PEER_PORT, lambda: peer_messages(pathlib.Path(PEER_LOG).read_text()))):
            before = len(read())
            run_extended(int(port))
            results.append([m for m in read()[before:] if "it's" in m or "extended" in m or "division" in m])
        self.assertEqual(results[0], results[1])
        self.assertGreater(len(results[0]), 5)


def run_extended(port):
    """Parse, Bind and Execute: with parameters, named and unnamed, fetched in parts, and one that fails."""
    wire = wire_connection.Connection(types.SimpleNamespace(
        host="127.0.0.1", port=port, user="inavvi_user", database="inavvi", password="postgres", timeout=60))
    wire.log_in()
    for messages_sent in (
            [("Query", "SET log_min_duration_statement = 0")],
            [("Parse", "SELECT $1::text AS extended, $2::int", "s1"), ("Bind", "", "s1", (), ("it's", None)),
             ("Execute",), ("Sync",)],
            [("Parse", "SELECT g AS extended FROM generate_series(1, $1::int) g"), ("Bind", "p", "", (), ("5",)),
             ("Execute", "p", 2), ("Execute", "p", 0), ("Sync",)],
            [("Parse", "SELECT 1 / (g - $1::int) AS extended FROM generate_series(1, 3) g"), ("Bind", "", "", (), ("2",)), ("Execute",), ("Sync",)]):
        for name, *arguments in messages_sent:
            wire.send(wire_connection.SENDERS[name](*arguments))
        while wire.receive()[0] != "Z":
            pass
    wire.close()


if __name__ == "__main__":
    unittest.main()
