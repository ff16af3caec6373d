# SPDX-License-Identifier: Apache-2.0
"""Enums and domains outlive the server's end, and go with backups."""
import signal
import unittest

import psycopg2

from cli_case import CliCase

TYPES = """
CREATE TYPE side AS ENUM ('buy', 'sell');
CREATE DOMAIN quantity AS integer CHECK (VALUE > 0) DEFAULT 1;
CREATE TABLE orders (id int PRIMARY KEY, way side NOT NULL, size quantity);
"""


class UserTypes(CliCase):
    def setUp(self):
        super().setUp()
        self.ok("init", "--data", self.store)
        self.sql(TYPES)

    def connect(self, server):
        connection = psycopg2.connect(server.url())
        connection.autocommit = True
        self.addCleanup(connection.close)
        return connection.cursor()

    def rows(self, cursor, query):
        cursor.execute(query)
        return cursor.fetchall()

    def check(self, cursor):
        self.assertEqual(self.rows(cursor, "SELECT id, way, size FROM orders ORDER BY way, id"),
                         [(2, "buy", 5), (3, "hold", 1), (1, "give", 2)])
        self.assertEqual(self.rows(cursor, "SELECT enum_range(NULL::side)"), [("{buy,hold,give}",)])
        for statement, code in (("INSERT INTO orders VALUES (9, 'sell', 1)", "22P02"), ("INSERT INTO orders VALUES (9, 'buy', 0)", "23514")):
            with self.assertRaises(psycopg2.Error) as raised:
                cursor.execute(statement)
            self.assertEqual(raised.exception.pgcode, code)

    def change(self, cursor):
        cursor.execute("INSERT INTO orders VALUES (1, 'sell', 2), (2, 'buy', 5)")
        cursor.execute("ALTER TYPE side ADD VALUE 'hold' BEFORE 'sell'")
        cursor.execute("INSERT INTO orders (id, way) VALUES (3, 'hold')")
        cursor.execute("ALTER TYPE side RENAME VALUE 'sell' TO 'give'")

    def test_what_is_acknowledged_survives_a_kill(self):
        server = self.serve()
        self.change(self.connect(server))
        server.stop(signal.SIGKILL)
        # From the log, then from segments.
        server = self.serve()
        cursor = self.connect(server)
        self.check(cursor)
        cursor.execute("CHECKPOINT")
        server.stop(signal.SIGKILL)
        server = self.serve()
        self.check(self.connect(server))

    def test_a_backup_has_them(self):
        server = self.serve()
        cursor = self.connect(server)
        self.change(cursor)
        copy = self.scratch / "copy"
        self.ok("backup", "-c", server.url(), copy)
        cursor.execute("DROP TABLE orders; DROP TYPE side; DROP DOMAIN quantity")
        server.stop()
        self.ok("restore", copy, self.scratch / "restored")
        self.check(self.connect(self.serve(directory=self.scratch / "restored")))

    def test_what_was_not_committed_is_not_there(self):
        server = self.serve()
        connection = psycopg2.connect(server.url())
        self.addCleanup(connection.close)
        cursor = connection.cursor()
        cursor.execute("CREATE TYPE later AS ENUM ('x')")
        cursor.execute("CREATE TABLE t (a later)")
        server.stop(signal.SIGKILL)
        cursor = self.connect(self.serve())
        self.assertEqual(self.rows(cursor, "SELECT to_regtype('later'), to_regclass('t')"), [(None, None)])

    def test_the_command_line_shows_labels_and_names(self):
        self.sql("INSERT INTO orders VALUES (1, 'sell', 2), (2, 'buy', 3)")
        self.assertEqual(self.lines("SELECT way, 'orders'::regclass, pg_typeof(way) FROM orders ORDER BY way"),
                         ["buy,orders,side", "sell,orders,side"])


if __name__ == "__main__":
    unittest.main()
