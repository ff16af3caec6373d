# SPDX-License-Identifier: Apache-2.0
"""What nobody should send: each a clear error with PostgreSQL's SQLSTATE, and nothing is lost or left behind."""
import random
import socket
import struct

import psycopg2

from cli_case import TRADES, CliCase


def packet(version, body=b""):
    return struct.pack("!II", 8 + len(body), version) + body


PROTOCOL_3 = 196608


class BadInput(CliCase):
    def setUp(self):
        super().setUp()
        self.make_store(TRADES + """CREATE TABLE account (id INTEGER PRIMARY KEY, amount NUMERIC NOT NULL, opened DATE, small SMALLINT,
          total NUMERIC(8, 2), CHECK (amount >= 0)); INSERT INTO account VALUES (1, 100, '2026-01-05', 1, 1.25)""")
        self.server = self.serve()
        self.connection = psycopg2.connect(self.server.url())
        self.connection.autocommit = True
        self.addCleanup(self.connection.close)
        self.cursor = self.connection.cursor()
        self.addCleanup(self.cursor.close)
        self.before = self.contents()

    def contents(self):
        self.cursor.execute("SELECT * FROM account ORDER BY id")
        accounts = self.cursor.fetchall()
        self.cursor.execute("SELECT * FROM trades ORDER BY id")
        return accounts, self.cursor.fetchall()

    def send(self, content, leave=False):
        """Sends bytes as a new client and returns what comes back until the server hangs up."""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=60) as client:
            client.sendall(content)
            if leave:
                return b""
            client.shutdown(socket.SHUT_WR)
            answer = b""
            try:
                while part := client.recv(65536):
                    answer += part
            except ConnectionResetError:
                pass
            return answer

    def refuses(self, sql, code, says, values=None):
        with self.assertRaises(psycopg2.Error, msg=sql[:200]) as caught:
            self.cursor.execute(sql, values)
        self.assertEqual(caught.exception.pgcode, code, caught.exception)
        self.assertIn(says, str(caught.exception))
        self.assertEqual(self.contents(), self.before, sql[:200])

    def test_malformed_startup_packets(self):
        login = b"user\0inavvi_user\0database\0inavvi\0\0"
        cases = {
            "nothing": b"",
            "too short": b"\0\0\0\4",
            "length of zero": struct.pack("!I", 0),
            "length below a header": struct.pack("!II", 7, PROTOCOL_3),
            "length beyond all reason": struct.pack("!II", 0x7FFFFFFF, PROTOCOL_3),
            "negative length": struct.pack("!II", 0xFFFFFFFF, PROTOCOL_3),
            "cut in the midst": packet(PROTOCOL_3, login)[:-5],
            "no end of parameters": packet(PROTOCOL_3, b"user\0inavvi_user\0"),
            "a name without a value": packet(PROTOCOL_3, b"user\0"),
            "no user": packet(PROTOCOL_3, b"database\0inavvi\0\0"),
            "empty user": packet(PROTOCOL_3, b"user\0\0\0"),
            "protocol 2": packet(131072, login),
            "protocol 4": packet(262144, login),
            "an HTTP request": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            "TLS hello": bytes.fromhex("16030100c8010000c40303") + bytes(200),
            "a cancel request cut short": packet(80877102, b"\0\0"),
            "a cancel request for nobody": packet(80877102, struct.pack("!II", 12345, 678)),
            "SSL request twice": packet(80877103) * 2,
            "text that is no UTF-8": packet(PROTOCOL_3, b"user\0\xff\xfe\0database\0inavvi\0\0"),
        }
        for name, content in cases.items():
            with self.subTest(name):
                answer = self.send(content)
                # A message of an error, a plain answer to an SSL request, or nothing: never a session.
                self.assertTrue(answer.lstrip(b"NS")[:1] in (b"", b"E", b"R", b"v"), answer)
                self.assertNotIn(b"Z\0\0\0\5I", answer)
        for name, code in (("protocol 2", b"0A000"), ("no user", b"28000"), ("no end of parameters", b"08P01")):
            self.assertIn(b"C" + code + b"\0", self.send(cases[name]), name)
        chance = random.Random(5)
        for _ in range(150):
            self.send(chance.randbytes(chance.randrange(0, 60)), leave=chance.random() < 0.5)
        for _ in range(150):
            whole = bytearray(packet(PROTOCOL_3, login))
            whole[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
            self.send(bytes(whole), leave=chance.random() < 0.5)
        self.assertEqual(self.contents(), self.before)

    def test_wrong_names_and_passwords(self):
        for how, says in ((dict(password="wrong"), 'password authentication failed for user "inavvi_user"'),
                          (dict(password=""), "authentication failed|no password supplied"),
                          (dict(user="nobody"), 'password authentication failed for user "nobody"'),
                          (dict(database="other"), 'database "other" does not exist')):
            with self.assertRaisesRegex(psycopg2.OperationalError, says):
                psycopg2.connect(self.server.url(**how))

    def test_names_that_are_not_there(self):
        self.refuses("SELECT * FROM nosuch", "42P01", 'relation "nosuch" does not exist')
        self.refuses("INSERT INTO nosuch VALUES (1)", "42P01", 'relation "nosuch" does not exist')
        self.refuses("UPDATE account SET nosuch = 1", "42703", 'column "nosuch" of relation "account" does not exist')
        self.refuses("SELECT nosuch(1)", "42883", "function nosuch(")
        self.refuses("SELECT * FROM nosuch.account", "42P01", 'relation "nosuch.account" does not exist')
        self.refuses("COPY nosuch FROM STDIN", "42P01", 'relation "nosuch" does not exist')

    def copy(self, data, code, says, where, statement="COPY account FROM STDIN"):
        import io
        with self.assertRaises(psycopg2.Error) as caught:
            self.cursor.copy_expert(statement, io.StringIO(data))
        self.assertEqual(caught.exception.pgcode, code, caught.exception)
        self.assertIn(says, str(caught.exception))
        self.assertIn(where, caught.exception.diag.context or "")
        self.assertEqual(self.contents(), self.before)

    def test_wrong_rows_in_copy_are_named_by_line(self):
        good = "".join(f"{n}\t{n}.5\t2026-01-05\t1\t1.5\n" for n in range(10, 20))
        for row, code, says, column in (
                ("x\t1\t2026-01-05\t1\t1", "22P02", 'invalid input syntax for type integer: "x"', 'column id: "x"'),
                ("20\tabc\t2026-01-05\t1\t1", "22P02", 'invalid input syntax for type numeric: "abc"', 'column amount: "abc"'),
                ("20\t1\t2026-02-30\t1\t1", "22008", 'date/time field value out of range: "2026-02-30"', "column opened"),
                ("20\t1\tnot a date\t1\t1", "22007", 'invalid input syntax for type date: "not a date"', "column opened"),
                ("20\t1\t2026-01-05\t40000\t1", "22003", 'value "40000" is out of range for type smallint', "column small"),
                ("20\t1\t2026-01-05\t1\t1234567.5", "22003", "numeric field overflow", "column total"),
                ("99999999999\t1\t2026-01-05\t1\t1", "22003", 'value "99999999999" is out of range for type integer', "column id"),
                ("20\t" + "1234567890" * 5 + "\t2026-01-05\t1\t1", "22003", "overflow", "column amount"),
                ("20\t1", "22P04", 'missing data for column "opened"', ""),
                ("20\t1\t2026-01-05\t1\t1\tmore", "22P04", "extra data after last expected column", ""),
                ("20\t\\N\t2026-01-05\t1\t1", "23502", 'null value in column "amount" of relation "account"', ""),
                ("10\t1\t2026-01-05\t1\t1", "23505", 'duplicate key value violates unique constraint "account_pkey"', ""),
                ("1\t1\t2026-01-05\t1\t1", "23505", 'duplicate key value violates unique constraint "account_pkey"', ""),
                ("20\t-1\t2026-01-05\t1\t1", "23514", 'new row for relation "account" violates check constraint', "")):
            with self.subTest(row):
                self.copy(good + row + "\n" + "30\t1\t2026-01-05\t1\t1\n", code, says, "COPY account, line 11" + (", " + column if column else ""))

    def test_copy_in_csv_names_lines_of_the_file(self):
        self.copy('id,amount\n5,"1"\n6,"one"\n', "22P02", "invalid input syntax", 'COPY account, line 3, column amount: "one"',
                  "COPY account (id, amount) FROM STDIN (FORMAT csv, HEADER)")
        self.copy('5,1\n6,"1\n', "22P04", "unterminated CSV quoted field", "COPY account, line",
                  "COPY account (id, amount) FROM STDIN (FORMAT csv)")

    def test_a_copy_that_the_client_breaks_off_leaves_nothing(self):
        class Broken:
            sent = 0

            def read(self, size):
                self.sent += 1
                if self.sent > 3:
                    raise RuntimeError("the file went away")
                return "".join(f"{self.sent * 1000 + n}\t1\t2026-01-05\t1\t1\n" for n in range(100))

        with self.assertRaises(Exception):
            self.cursor.copy_expert("COPY account FROM STDIN", Broken())
        self.assertEqual(self.contents(), self.before)

    def test_keys_that_stand_twice_in_a_statement(self):
        self.refuses("INSERT INTO account VALUES (5, 1), (6, 1), (5, 2)", "23505", "Key (id)=(5) already exists")
        self.refuses("INSERT INTO account VALUES (5, 1), (5, 2) ON CONFLICT (id) DO UPDATE SET amount = EXCLUDED.amount", "21000",
                     "ON CONFLICT DO UPDATE command cannot affect row a second time")
        self.refuses("INSERT INTO account SELECT 5, n FROM generate_series(1, 3) AS n", "23505", "Key (id)=(5) already exists")
        self.refuses("INSERT INTO account VALUES (1, 1)", "23505", "Key (id)=(1) already exists")

    def test_numbers_that_do_not_fit(self):
        self.refuses("INSERT INTO account VALUES (5, " + "1234567890" * 5 + ")", "22003", "overflow")
        self.refuses("INSERT INTO account VALUES (5, %s)", "22003", "overflow", ("9" * 50,))
        self.refuses("INSERT INTO account VALUES (5, 1, NULL, 32768)", "22003", "smallint out of range")
        self.refuses("INSERT INTO account VALUES (2147483648, 1)", "22003", "integer out of range")
        self.refuses("INSERT INTO account VALUES (5, 1, NULL, 1, 1000000)", "22003", "numeric field overflow")
        self.refuses("UPDATE account SET small = small * 32767 + 1", "22003", "smallint out of range")
        self.refuses("INSERT INTO account VALUES (5, 'NaN')", "22023", "NUMERIC cannot hold NaN")
        self.refuses("SELECT 1 / 0", "22012", "division by zero")
        self.refuses("INSERT INTO account VALUES (5, -1)", "23514", "violates check constraint")
        self.refuses("INSERT INTO account (id) VALUES (5)", "23502", 'null value in column "amount"')

    def test_times_that_do_not_exist(self):
        for text, code in (("2026-13-01", "22008"), ("2026-02-30", "22008"), ("5874898-01-01", "22008"), ("yesterday-ish", "22007"),
                           ("4714-11-23 BC", "22008"), ("", "22007")):
            self.refuses("INSERT INTO account VALUES (5, 1, %s)", code, "date", (text,))
        for text, code in (("294277-01-01 00:00:00+00", "22008"), ("2026-01-05 25:00:00+00", "22008"), ("2026-01-05 14:61:00", "22008"),
                           ("2026-01-05 14:30:00 Mars/Olympus", "22023"), ("soon", "22007")):
            self.refuses("INSERT INTO trades (symbol, timestamp, price, id) VALUES ('A', %s, 1, 1)", code, "", (text,))

    def test_statements_that_are_none(self):
        self.refuses("SELEC 1", "42601", 'syntax error at or near "SELEC"')
        self.refuses("SELECT 'open", "42601", "unterminated quoted string")
        self.refuses("SELECT (1", "42601", "syntax error at end of input")
        self.refuses("SELECT " + "NOT " * 100_000 + "TRUE", "54000", "stack depth limit exceeded")
        self.refuses("INSERT INTO account VALUES (5, 1, NULL, NULL, NULL, NULL)", "42601", "INSERT has more expressions than target columns")

    def test_a_server_that_heard_all_that_still_works_and_its_store_is_whole(self):
        for _ in range(50):
            self.send(b"\xff" * 40, leave=True)
        self.cursor.execute("INSERT INTO account VALUES (77, 7)")
        self.cursor.execute("SELECT amount FROM account WHERE id = 77")
        self.assertEqual(self.cursor.fetchone()[0], 7)
        self.connection.close()
        self.assertEqual(self.server.stop()[0], 0)
        self.assertIn("no damage", self.ok("verify", self.store))
