# SPDX-License-Identifier: Apache-2.0
import asyncio
import datetime as dt
import threading
import uuid
from decimal import Decimal

import psycopg
from psycopg import pq, sql
from psycopg.rows import class_row, dict_row, namedtuple_row
from psycopg.types import TypeInfo
from psycopg.types.json import Json, Jsonb

from client_case import BARS, ClientCase, PeerCase

UTC = dt.timezone.utc
START = dt.datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
VALUES = (
    (Decimal("12345678901234567890.12345678"), "numeric"), (Decimal("-0.00000001"), "numeric"), (Decimal(10) ** 30, "numeric"), (7, "integer"),
    (2**40, "bigint"), (-(2**63), "bigint"), (-3, "smallint"), (1.5e-300, "double precision"), (float("inf"), "double precision"), (0.5, "real"),
    (True, "boolean"), ("tëxt '\"\\ 日本\n", "text"), ("", "varchar"), (b"\x00\x01\xff", "bytea"), (START.replace(microsecond=123456), "timestamptz"),
    (dt.datetime(1, 1, 1), "timestamp"), (dt.datetime(2026, 1, 5, 14, 30, 0, 1), "timestamp"), (dt.date(1999, 12, 31), "date"),
    (dt.time(23, 59, 59, 999999), "time"), (dt.timedelta(days=3, seconds=61, microseconds=5), "interval"), (dt.timedelta(days=-1), "interval"),
    (uuid.UUID(int=2**100 + 7), "uuid"), ([1, 2, None], "integer[]"), ([2**40], "bigint[]"), (["a", "b c", 'd"e', "", None], "text[]"), ([], "text[]"),
    ([Decimal("1.5"), Decimal("-2")], "numeric[]"), ([True, False], "boolean[]"), ([START, None], "timestamptz[]"), ([dt.date(2026, 1, 5)], "date[]"),
    ([0.25], "double precision[]"), ([b"\x00", b"x"], "bytea[]"), ([uuid.UUID(int=1)], "uuid[]"), (None, "text"), (None, "integer"),
    ({"a": [1, None, "x"], "b": 1.5}, "jsonb"), ([1, "two"], "json"))
OIDS = {"numeric": 1700, "integer": 23, "bigint": 20, "smallint": 21, "double precision": 701, "real": 700, "boolean": 16, "text": 25, "varchar": 1043,
        "bytea": 17, "timestamptz": 1184, "timestamp": 1114, "date": 1082, "time": 1083, "interval": 1186, "uuid": 2950, "jsonb": 3802, "json": 114,
        "integer[]": 1007, "bigint[]": 1016, "text[]": 1009, "numeric[]": 1231, "boolean[]": 1000, "timestamptz[]": 1185, "date[]": 1182,
        "double precision[]": 1022, "bytea[]": 1001, "uuid[]": 2951}


class Psycopg3Tests:
    def setUp(self):
        self.connection = psycopg.connect(self.url)
        self.addCleanup(self.connection.close)

    def query(self, text, values=None, **how):
        return self.connection.execute(text, values, **how).fetchall()

    def other(self, **how):
        connection = psycopg.connect(self.url, **how)
        self.addCleanup(connection.close)
        return connection

    # Values

    def test_types_there_and_back_in_text_and_binary(self):
        """Each value by each format of the parameter and of the result."""
        for placeholder in ("%s", "%t", "%b"):
            for binary in (False, True):
                cursor = self.connection.cursor(binary=binary)
                for value, type_name in VALUES:
                    with self.subTest(type_name, value=value, placeholder=placeholder, binary=binary):
                        given = {"jsonb": Jsonb, "json": Json}.get(type_name, lambda it: it)(value)
                        cursor.execute(f"SELECT {placeholder}::{type_name}", (given,))
                        self.assertEqual(cursor.fetchall(), [(value,)])
                        self.assertEqual(cursor.description[0].type_code, OIDS[type_name])
                        self.assertEqual(cursor.pgresult.fformat(0), binary)

    def test_types_of_parameters_are_found(self):
        """Without casts: the server says what a parameter is, from where it stands."""
        # Those that the program's own types say are of those.
        self.assertEqual(self.query("SELECT %s, %s, %s, %s, %s", (1, 2**40, 1.5, True, START)), [(1, 2**40, 1.5, True, START)])
        self.assertEqual(self.query("SELECT date '2026-01-05' + %s, round(%s, %s), substr(%s, %s)", (1, Decimal("1.25"), 1, "abc", 2)),
                         [(dt.date(2026, 1, 6), Decimal("1.3"), "bc")])
        with self.connection.transaction(force_rollback=True):
            self.connection.execute("INSERT INTO trades VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                                    ("P3", START, Decimal("1.25"), 7, 3, ["a", "b"], 2**40, "test"))
            self.connection.execute("INSERT INTO symbols (symbol, metadata) VALUES (%s, %s)", ("P3", Jsonb({"k": [1]})))
            self.assertEqual(self.query("SELECT * FROM trades WHERE symbol = %s AND timestamp BETWEEN %s AND %s", ("P3", START, START)),
                             [("P3", START, Decimal("1.25"), Decimal(7), 3, ["a", "b"], 2**40, "test")])
            self.assertEqual(self.query("SELECT metadata->'k' FROM symbols WHERE symbol = %s", ("P3",)), [([1],)])
        self.assertEqual(self.query("SELECT count(*) FROM ohlcv WHERE symbol = ANY(%s) AND close > %s", (["S0", "S1"], 100)), [(400,)])
        self.assertEqual(self.query("SELECT count(*) FROM ohlcv WHERE timestamp >= %s AND timestamp < %s::timestamptz + %s",
                                    (START, START, dt.timedelta(minutes=10))), [(30,)])
        self.assertEqual(self.query("SELECT %s || 'b', %s + 1, %s", ("a", 41, None)), [("ab", 42, None)])
        self.assertEqual(self.query("SELECT close FROM ohlcv WHERE symbol = %(s)s ORDER BY timestamp LIMIT %(n)s OFFSET %(o)s",
                                    {"s": "S0", "n": 2, "o": 1}), [(Decimal("100.8"),), (Decimal("101.1"),)])

    def test_times_come_in_the_zone_of_the_session(self):
        self.connection.execute("SET TIME ZONE 'America/New_York'")
        self.assertEqual(self.connection.info.parameter_status("TimeZone"), "America/New_York")
        for binary in (False, True):
            got = self.connection.cursor(binary=binary).execute("SELECT min(timestamp) FROM ohlcv").fetchone()[0]
            self.assertEqual((got, got.utcoffset()), (START, dt.timedelta(hours=-5)))
        self.connection.rollback()
        self.assertEqual(self.connection.info.parameter_status("TimeZone"), "UTC")

    def test_rows_as_what_the_program_wants(self):
        class Bar:
            def __init__(self, symbol, close):
                self.symbol, self.close = symbol, close

        statement = "SELECT symbol, close FROM ohlcv ORDER BY timestamp, symbol LIMIT 1"
        self.assertEqual(self.connection.cursor(row_factory=dict_row).execute(statement).fetchall(), [{"symbol": "S0", "close": Decimal("100.5")}])
        self.assertEqual(self.connection.cursor(row_factory=namedtuple_row).execute(statement).fetchone().close, Decimal("100.5"))
        self.assertEqual(self.connection.cursor(row_factory=class_row(Bar)).execute(statement).fetchone().symbol, "S0")

    def test_columns_are_described(self):
        cursor = self.connection.execute("SELECT symbol, timestamp, close, 1::smallint AS one, 1.5::numeric(10,2) AS n, 'x'::varchar(5) AS v FROM ohlcv LIMIT 0")
        self.assertEqual([(c.name, c.type_code, c.display_size, c.internal_size, c.precision, c.scale) for c in cursor.description],
                         [("symbol", 25, None, None, None, None), ("timestamp", 1184, None, 8, None, None), ("close", 1700, None, None, None, None),
                          ("one", 21, None, 2, None, None), ("n", 1700, None, None, 10, 2), ("v", 1043, 5, None, None, None)])
        self.assertEqual(cursor.statusmessage, "SELECT 0")

    def test_columns_are_traced_to_their_tables(self):
        self.connection.execute("CREATE TEMPORARY VIEW seen AS SELECT symbol, close AS last FROM ohlcv")
        for sql, expected in (
                ("SELECT close, symbol AS s, 1 AS one, close + 0, count(*) OVER () FROM ohlcv", ["ohlcv.6", "ohlcv.1", None, None, None]),
                ("SELECT * FROM symbols", [f"symbols.{n}" for n in range(1, 9)]),
                ("SELECT p.*, s.name FROM positions p JOIN symbols AS s ON s.symbol = p.ticker", [f"positions.{n}" for n in range(1, 10)] + ["symbols.2"]),
                ("SELECT symbol, name, close FROM symbols LEFT JOIN ohlcv USING (symbol)", ["symbols.1", "symbols.2", "ohlcv.6"]),
                ("SELECT q.c, q.d FROM (SELECT close AS c, close * 2 AS d FROM ohlcv) AS q", ["ohlcv.6", None]),
                ("WITH w AS (SELECT symbol, max(close) AS m FROM ohlcv GROUP BY symbol) SELECT symbol, m FROM w", ["ohlcv.1", None]),
                ("SELECT symbol FROM symbols UNION ALL SELECT symbol FROM ohlcv", [None]),
                ("SELECT close::text, (close), coalesce(close, 0), (SELECT name FROM symbols LIMIT 1) FROM ohlcv", [None, "ohlcv.6", None, None]),
                ("SELECT symbol, last FROM seen", ["seen.1", "seen.2"]),
                ("SELECT DISTINCT symbol, min(close) FROM ohlcv GROUP BY symbol ORDER BY symbol", ["ohlcv.1", None]),
                ("SELECT n FROM generate_series(1, 2) AS n", [None]), ("VALUES (1)", [None]),
                ("SELECT volume FROM ohlcv WHERE symbol = 'S0' ORDER BY timestamp DESC LIMIT 1", ["ohlcv.7"]),
                ("UPDATE symbols SET name = 'x' WHERE symbol = 'none' RETURNING symbol, name, upper(name)", ["symbols.1", "symbols.2", None]),
                ("DELETE FROM symbols WHERE symbol = 'none' RETURNING name AS n", ["symbols.2"])):
            for prepare in (False, True):
                with self.subTest(sql, prepare=prepare):
                    result = self.connection.execute(sql, prepare=prepare).pgresult
                    traced = [(result.ftable(n), result.ftablecol(n)) for n in range(result.nfields)]
                    names = [self.query("SELECT %s::oid::regclass::text", (table,))[0][0] if table else None for table, _ in traced]
                    self.assertEqual([name and f"{name}.{column}" for name, (_, column) in zip(names, traced)], expected)

    # Statements

    def test_a_statement_is_prepared_after_five_runs(self):
        statement = "SELECT count(*) FROM ohlcv WHERE symbol = %s"
        prepared = "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE '_pg3_%'"
        for run in range(8):
            self.assertEqual(self.query(statement, (f"S{run % 3}",)), [(200,)])
            self.assertEqual(self.query(prepared, prepare=False), [(1 if run >= 5 else 0,)])
        self.assertEqual(self.query("SELECT statement, parameter_types::oid[] FROM pg_prepared_statements WHERE name LIKE '_pg3_%'", prepare=False),
                         [("SELECT count(*) FROM ohlcv WHERE symbol = $1", [25])])
        # More of them than it keeps: the oldest goes. After another change of a table all are made anew.
        self.connection.prepared_max = 2
        for n in range(4):
            self.assertEqual(self.query(f"SELECT %s + {n}", (1,), prepare=True), [(1 + n,)])
        self.assertEqual(self.query(prepared, prepare=False), [(2,)])
        self.connection.rollback()
        self.connection.execute("CREATE TEMPORARY TABLE shape (a int)")
        self.assertEqual(self.query("SELECT * FROM shape", prepare=True), [])
        self.connection.execute("DROP TABLE shape")
        self.connection.execute("CREATE TEMPORARY TABLE shape (a int, b text)")
        self.connection.execute("INSERT INTO shape VALUES (1, 'x')")
        self.assertEqual(self.query("SELECT * FROM shape", prepare=True), [(1, "x")])

    def test_many_rows_by_executemany(self):
        with self.connection.transaction(force_rollback=True):
            cursor = self.connection.cursor()
            cursor.executemany("INSERT INTO symbols (symbol, name) VALUES (%s, %s)", [(f"M{n}", f"name {n}") for n in range(300)])
            self.assertEqual(cursor.rowcount, 300)
            cursor.executemany("INSERT INTO symbols (symbol) VALUES (%s) ON CONFLICT DO NOTHING RETURNING symbol", [("M1",), ("N1",), ("N2",)], returning=True)
            got = []
            while True:
                got.extend(cursor.fetchall())
                if not cursor.nextset():
                    break
            self.assertEqual(got, [("N1",), ("N2",)])
            self.assertEqual(self.query("SELECT count(*) FROM symbols WHERE name LIKE 'name %'"), [(300,)])

    def test_several_statements_in_one(self):
        cursor = self.connection.execute("SELECT 1; SELECT 'a', 2; CREATE TEMPORARY TABLE t3 (a int); INSERT INTO t3 VALUES (1), (2)")
        self.assertEqual(cursor.fetchall(), [(1,)])
        self.assertTrue(cursor.nextset())
        self.assertEqual(cursor.fetchall(), [("a", 2)])
        self.assertTrue(cursor.nextset())
        self.assertEqual(cursor.statusmessage, "CREATE TABLE")
        self.assertTrue(cursor.nextset())
        self.assertEqual((cursor.statusmessage, cursor.rowcount), ("INSERT 0 2", 2))
        self.assertIsNone(cursor.nextset())
        with self.assertRaises(psycopg.errors.SyntaxError) as caught:
            self.connection.execute("SELECT 1; SELECT %s", (1,))
        self.assertIn("cannot insert multiple commands into a prepared statement", str(caught.exception))
        self.connection.rollback()

    def test_pipelines(self):
        self.connection.autocommit = True
        with self.connection.pipeline() as pipeline:
            cursors = [self.connection.execute("SELECT %s + 1", (n,)) for n in range(200)]
            self.connection.execute("CREATE TABLE piped (a int PRIMARY KEY)")
            self.connection.cursor().executemany("INSERT INTO piped VALUES (%s)", [(n,) for n in range(50)])
            pipeline.sync()
            self.assertEqual([cursor.fetchone()[0] for cursor in cursors], list(range(1, 201)))
        self.assertEqual(self.query("SELECT count(*) FROM piped"), [(50,)])
        # What follows an error in a pipeline is not run, and what stood before it since the last Sync is undone.
        with self.assertRaises(psycopg.errors.UniqueViolation):
            with self.connection.pipeline():
                self.connection.execute("INSERT INTO piped VALUES (100)")
                self.connection.execute("INSERT INTO piped VALUES (1)")
                self.connection.execute("INSERT INTO piped VALUES (101)")
        self.assertEqual(self.query("SELECT count(*), max(a) FROM piped"), [(50, 49)])
        with self.connection.pipeline() as pipeline:
            with self.connection.transaction():
                self.connection.execute("INSERT INTO piped VALUES (100)")
            aborted = None
            try:
                with self.connection.transaction():
                    self.connection.execute("INSERT INTO piped VALUES (101)")
                    self.connection.execute("SELECT 1 / %s", (0,)).fetchone()
            except psycopg.errors.DivisionByZero as error:
                aborted = error.sqlstate
            self.assertEqual(aborted, "22012")
            self.assertEqual(self.connection.execute("SELECT max(a) FROM piped").fetchone(), (100,))
        self.connection.execute("DROP TABLE piped")

    # COPY

    def test_copy_in_every_way(self):
        rows = [(f"C{n % 3}", START + dt.timedelta(seconds=n), Decimal(n) / 8, Decimal(n), None if n % 5 else n, ["x", None, 'q"'], n, "copy\tä") for n in range(700)]
        columns = "(symbol, timestamp, price, size, exchange, conditions, id, source)"
        types = ["text", "timestamptz", "numeric", "numeric", "int4", "text[]", "int8", "text"]
        cursor = self.connection.cursor()
        for options in ("", " (FORMAT BINARY)"):
            with self.subTest(options), self.connection.transaction(force_rollback=True):
                with cursor.copy(f"COPY trades {columns} FROM STDIN{options}") as copy:
                    copy.set_types(types)
                    for row in rows:
                        copy.write_row(row)
                self.assertEqual(cursor.rowcount, 700)
                with cursor.copy(f"COPY (SELECT * FROM trades WHERE source LIKE 'copy%' ORDER BY id) TO STDOUT{options}") as copy:
                    copy.set_types(types)
                    self.assertEqual(list(copy.rows()), rows)
                # Blocks that end anywhere, as they come from a file.
                with cursor.copy(f"COPY trades TO STDOUT{options}") as copy:
                    whole = b"".join(bytes(block) for block in copy)
                self.connection.execute("DELETE FROM trades")
                with cursor.copy(f"COPY trades FROM STDIN{options}") as copy:
                    for at in range(0, len(whole), 1000):
                        copy.write(whole[at:at + 1000])
                self.assertEqual(self.query("SELECT count(*), sum(id), sum(price) FROM trades"), [(700, 700 * 699 // 2, Decimal(700 * 699 // 2) / 8)])
        with cursor.copy("COPY (SELECT symbol, name FROM symbols ORDER BY symbol LIMIT 2) TO STDOUT WITH CSV") as copy:
            self.assertEqual(b"".join(bytes(block) for block in copy), b"S0,Alpha\nS1,Beta\n")

    def test_a_copy_that_fails_is_undone(self):
        with self.assertRaises(psycopg.errors.BadCopyFileFormat):
            with self.connection.cursor().copy("COPY symbols (symbol, name) FROM STDIN") as copy:
                copy.write("K1\tone\nK2\n")
        self.connection.rollback()
        with self.assertRaises(psycopg.errors.UniqueViolation):
            with self.connection.cursor().copy("COPY symbols (symbol, name) FROM STDIN") as copy:
                copy.write_row(("K1", "one"))
                copy.write_row(("S0", "again"))
        self.connection.rollback()
        with self.assertRaisesRegex(psycopg.errors.QueryCanceled, "COPY from stdin failed: error from Python: ZeroDivisionError"):
            with self.connection.cursor().copy("COPY symbols (symbol, name) FROM STDIN") as copy:
                copy.write_row(("K1", "one"))
                1 / 0
        self.connection.rollback()
        with self.assertRaises(psycopg.errors.InvalidTextRepresentation):
            with self.connection.cursor().copy("COPY trades (id) FROM STDIN") as copy:
                copy.write("one\n")
        self.connection.rollback()
        self.assertEqual(self.query("SELECT count(*) FROM symbols"), [(3,)])

    # Cursors

    def test_cursors_of_the_server(self):
        for binary in (False, True):
            with self.connection.cursor("bars", binary=binary) as named:
                named.itersize = 64
                named.execute("SELECT symbol, timestamp, close FROM ohlcv WHERE symbol <> %s ORDER BY timestamp, symbol", ("none",))
                self.assertEqual([column.name for column in named.description], ["symbol", "timestamp", "close"])
                self.assertEqual(named.fetchone(), ("S0", START, Decimal("100.5")))
                self.assertEqual(len(named.fetchmany(9)), 9)
                self.assertEqual(sum(1 for _ in named), BARS - 10)
                self.assertEqual(named.fetchall(), [])
        with self.connection.cursor("scrolled", scrollable=True) as named:
            named.execute("SELECT n FROM generate_series(1, 100) AS n")
            named.scroll(10)
            self.assertEqual(named.fetchone(), (11,))
            named.scroll(-3)
            self.assertEqual(named.fetchone(), (9,))
            named.scroll(99, mode="absolute")
            self.assertEqual(named.fetchall(), [(100,)])
        with self.connection.cursor("held", withhold=True) as named:
            named.execute("SELECT n FROM generate_series(1, 5) AS n")
            self.connection.commit()
            self.assertEqual(named.fetchall(), [(n,) for n in range(1, 6)])
        self.connection.commit()
        stolen = psycopg.ServerCursor(self.connection, "declared")
        self.connection.execute("DECLARE declared CURSOR FOR SELECT 7")
        self.assertEqual(stolen.fetchall(), [(7,)])
        self.connection.rollback()

    def test_rows_one_by_one(self):
        self.assertEqual(sum(row[0] for row in self.connection.cursor().stream("SELECT n FROM generate_series(1, %s) AS n", (5000,))), 5000 * 5001 // 2)

    # Transactions and errors

    def test_transactions_and_savepoints(self):
        with self.assertRaises(psycopg.Rollback.__base__):
            with self.connection.transaction():
                self.connection.execute("INSERT INTO symbols (symbol) VALUES ('T1')")
                raise ValueError("undo")
        self.assertEqual(self.query("SELECT count(*) FROM symbols WHERE symbol = 'T1'"), [(0,)])
        self.connection.rollback()
        with self.connection.transaction() as outer:
            self.connection.execute("INSERT INTO symbols (symbol) VALUES ('T1')")
            with self.connection.transaction("named"):
                self.connection.execute("INSERT INTO symbols (symbol) VALUES ('T2')")
            with self.assertRaises(psycopg.errors.UniqueViolation):
                with self.connection.transaction():
                    self.connection.execute("INSERT INTO symbols (symbol) VALUES ('T1')")
            with self.connection.transaction() as inner:
                self.connection.execute("INSERT INTO symbols (symbol) VALUES ('T3')")
                raise psycopg.Rollback(inner)
            self.assertEqual(self.query("SELECT symbol FROM symbols WHERE symbol LIKE 'T%' ORDER BY 1"), [("T1",), ("T2",)])
            self.assertEqual(self.connection.info.transaction_status, pq.TransactionStatus.INTRANS)
            raise psycopg.Rollback(outer)
        self.assertEqual(self.query("SELECT count(*) FROM symbols WHERE symbol LIKE 'T%'"), [(0,)])

    def test_isolation_and_read_only(self):
        self.connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        self.connection.read_only = True
        self.connection.deferrable = True
        self.assertEqual([self.query(f"SHOW {name}")[0][0] for name in ("transaction_isolation", "transaction_read_only")], ["serializable", "on"])
        with self.assertRaises(psycopg.errors.ReadOnlySqlTransaction):
            self.connection.execute("DELETE FROM symbols")
        self.connection.rollback()

    def test_errors_by_class(self):
        for statement, error in (
                ("SELECT nosuch", psycopg.errors.UndefinedColumn), ("SELECT * FROM nosuch", psycopg.errors.UndefinedTable),
                ("SELECT nosuch(1)", psycopg.errors.UndefinedFunction), ("SELEC 1", psycopg.errors.SyntaxError),
                ("SELECT 1/0", psycopg.errors.DivisionByZero), ("SELECT 'x'::int", psycopg.errors.InvalidTextRepresentation),
                ("SELECT 2147483647 + 1", psycopg.errors.NumericValueOutOfRange), ("SELECT '2026-13-01'::date", psycopg.errors.DatetimeFieldOverflow),
                ("SELECT 'x'::timestamptz", psycopg.errors.InvalidDatetimeFormat), ("INSERT INTO symbols VALUES ('S0')", psycopg.errors.UniqueViolation),
                ("INSERT INTO symbols VALUES (NULL)", psycopg.errors.NotNullViolation), ("CREATE TABLE symbols (a int)", psycopg.errors.DuplicateTable),
                ("SELECT symbol FROM symbols GROUP BY name", psycopg.errors.GroupingError), ("SELECT (SELECT n FROM generate_series(1, 2) n)",
                                                                                           psycopg.errors.CardinalityViolation),
                ("SELECT symbol FROM symbols, ohlcv", psycopg.errors.AmbiguousColumn), ("SET TimeZone = 'nowhere'", psycopg.errors.InvalidParameterValue),
                ("SHOW nosuch", psycopg.errors.UndefinedObject), ("DROP TABLE nosuch", psycopg.errors.UndefinedTable),
                ("EXECUTE nosuch", psycopg.errors.InvalidSqlStatementName), ("FETCH nosuch", psycopg.errors.InvalidCursorName),
                ("SELECT '{'::jsonb", psycopg.errors.InvalidTextRepresentation),
                ("CREATE TABLE nosuch.t (a int)", psycopg.errors.InvalidSchemaName), ("SELECT sqrt(-1::float8)", psycopg.errors.InvalidArgumentForPowerFunction),
                ("COMMIT PREPARED 'x'", psycopg.Error)):
            with self.subTest(statement):
                with self.assertRaises(error) as caught:
                    self.connection.execute(statement)
                self.assertEqual(self.connection.info.transaction_status, pq.TransactionStatus.INERROR)
                with self.assertRaises(psycopg.errors.InFailedSqlTransaction):
                    self.connection.execute("SELECT 1")
                self.connection.rollback()
                self.assertEqual(caught.exception.diag.severity, "ERROR")
        with self.assertRaises(psycopg.errors.UniqueViolation) as caught:
            self.connection.execute("INSERT INTO symbols (symbol) VALUES (%s)", ("S0",))
        diag = caught.exception.diag
        self.assertEqual((diag.constraint_name, diag.table_name, diag.schema_name, diag.message_detail),
                         ("symbols_pkey", "symbols", "public", "Key (symbol)=(S0) already exists."))
        self.connection.rollback()
        with self.assertRaises(psycopg.errors.UndefinedColumn) as caught:
            self.connection.execute("SELECT\n  clos FROM ohlcv")
        self.assertEqual(caught.exception.diag.statement_position, "10")
        self.connection.rollback()

    def test_cancel_and_timeouts(self):
        self.connection.execute("SET statement_timeout = '200ms'")
        with self.assertRaises(psycopg.errors.QueryCanceled):
            self.connection.execute("SELECT count(*) FROM generate_series(1, 3000000) AS a, generate_series(1, 3000000) AS b")
        self.connection.rollback()
        caught = []

        def run():
            try:
                self.connection.execute("SELECT count(*) FROM generate_series(1, 3000000) AS a, generate_series(1, 3000000) AS b")
            except psycopg.errors.QueryCanceled as error:
                caught.append(error.sqlstate)

        thread = threading.Thread(target=run)
        thread.start()
        while thread.is_alive():
            self.connection.cancel()
            thread.join(0.05)
        self.assertEqual(caught, ["57014"])

    # What the server tells

    def test_notifications(self):
        listener = self.other(autocommit=True)
        heard = []
        listener.add_notify_handler(lambda notify: heard.append((notify.channel, notify.payload)))
        listener.execute("LISTEN bars")
        self.connection.execute("NOTIFY bars, 'one'")
        self.connection.execute("SELECT pg_notify(%s, %s)", ("bars", "two"))
        self.connection.execute("NOTIFY elsewhere, 'unheard'")
        self.connection.commit()
        source = listener.notifies()
        first, second = next(source), next(source)
        self.assertEqual([(first.channel, first.payload, first.pid), (second.payload)], [("bars", "one", self.connection.info.backend_pid), "two"])
        source.close()
        # To the program's handler, when it is about something else.
        self.connection.execute("NOTIFY bars, 'three'")
        self.connection.commit()
        while not heard:
            listener.execute("SELECT 1")
        self.assertEqual(heard, [("bars", "three")])

    def test_notices_and_facts_of_the_connection(self):
        notices = []
        self.connection.add_notice_handler(lambda diag: notices.append((diag.severity, diag.sqlstate, diag.message_primary)))
        self.connection.execute("DROP TABLE IF EXISTS nosuch")
        self.assertEqual(notices, [("NOTICE", "00000", 'table "nosuch" does not exist, skipping')])
        info = self.connection.info
        self.assertEqual((info.server_version // 10000, info.vendor, info.encoding, info.user), (15, "PostgreSQL", "utf-8", "inavvi_user"))
        for name, value in (("server_encoding", "UTF8"), ("DateStyle", "ISO, MDY"), ("IntervalStyle", "postgres"), ("integer_datetimes", "on"),
                            ("standard_conforming_strings", "on"), ("is_superuser", "on"), ("session_authorization", "inavvi_user"),
                            ("default_transaction_read_only", "off"), ("in_hot_standby", "off")):
            self.assertEqual(info.parameter_status(name), value, name)
        self.connection.rollback()
        other = self.other(application_name="three", options="-c statement_timeout=5s -c search_path=pg_catalog")
        self.assertEqual(other.info.parameter_status("application_name"), "three")
        self.assertEqual(other.execute("SELECT current_setting('statement_timeout'), current_schema").fetchone(), ("5s", "pg_catalog"))

    def test_types_are_looked_up(self):
        for name, oid, array in (("text", 25, 1009), ("timestamptz", 1184, 1185), ("numeric", 1700, 1231), ("jsonb", 3802, 3807), ("pg_catalog.int8", 20, 1016)):
            info = TypeInfo.fetch(self.connection, name)
            self.assertEqual((info.name, info.oid, info.array_oid), (name.rsplit(".", 1)[-1], oid, array))
        self.assertIsNone(TypeInfo.fetch(self.connection, "nosuch"))
        self.assertIsNone(TypeInfo.fetch(self.connection, "hstore"))

    def test_composed_statements(self):
        composed = sql.SQL("SELECT {fields} FROM {table} WHERE {key} = {value} ORDER BY 1 LIMIT 1").format(
            fields=sql.SQL(", ").join(map(sql.Identifier, ("timestamp", "close"))), table=sql.Identifier("public", "ohlcv"), key=sql.Identifier("symbol"),
            value=sql.Literal("S1"))
        self.assertEqual(self.query(composed), [(START, Decimal("100.6"))])
        self.assertEqual(self.query(sql.SQL("SELECT {}, {}, {}").format("it's", START, [1, 2])), [("it's", START, [1, 2])])
        cursor = psycopg.ClientCursor(self.connection)
        self.assertEqual(cursor.execute("SELECT %s, %s::jsonb, %s", ("it's", Jsonb({"a": 1}), START)).fetchall(), [("it's", {"a": 1}, START)])

    # Many at once

    def test_asynchronous_connections(self):
        url = self.url

        async def one(n):
            async with await psycopg.AsyncConnection.connect(url) as connection:
                async with connection.cursor() as cursor:
                    await cursor.execute("SELECT count(*) FROM ohlcv WHERE symbol = %s", (f"S{n % 3}",))
                    counted = (await cursor.fetchone())[0]
                    async with cursor.copy("COPY (SELECT generate_series(1, 10)) TO STDOUT") as copy:
                        copied = [row async for row in copy.rows()]
                async with connection.pipeline():
                    piped = [await connection.execute("SELECT %s", (k,)) for k in range(10)]
                    piped = [(await cursor.fetchone())[0] for cursor in piped]
                async with connection.cursor("named") as cursor:
                    await cursor.execute("SELECT n FROM generate_series(1, 100) AS n")
                    read = [row[0] async for row in cursor]
                return counted, len(copied), piped, len(read)

        async def all_of_them():
            return await asyncio.gather(*[one(n) for n in range(6)])

        self.assertEqual(asyncio.run(all_of_them()), [(200, 10, list(range(10)), 100)] * 6)


class Psycopg3(Psycopg3Tests, ClientCase):
    pass


class Psycopg3OnPostgreSql(Psycopg3Tests, PeerCase):
    pass
