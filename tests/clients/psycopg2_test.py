# SPDX-License-Identifier: Apache-2.0
import datetime as dt
import io
import select
import threading
import uuid
from decimal import Decimal

import psycopg2
import psycopg2.errors
import psycopg2.extensions
from psycopg2 import sql
from psycopg2.extras import DictCursor, Json, NamedTupleCursor, RealDictCursor, execute_batch, execute_values, register_uuid
from psycopg2.pool import ThreadedConnectionPool

from client_case import BARS, ClientCase

UTC = dt.timezone.utc
START = dt.datetime(2026, 1, 5, 14, 30, tzinfo=UTC)


class Psycopg2(ClientCase):
    def setUp(self):
        self.connection = self.connect()
        self.addCleanup(self.connection.close)
        self.cursor = self.connection.cursor()

    def query(self, text, values=None):
        self.cursor.execute(text, values)
        return self.cursor.fetchall()

    def trade(self, number, symbol="T", price="1.5"):
        return (symbol, START + dt.timedelta(seconds=number), Decimal(price), Decimal(number), number % 7, ["A", "B"], number, "test")

    def test_execute_values_inserts_upserts_and_returns(self):
        rows = [self.trade(n) for n in range(2500)]
        insert = "INSERT INTO trades (symbol, timestamp, price, size, exchange, conditions, id, source) VALUES %s"
        execute_values(self.cursor, insert, rows, page_size=1000)
        self.assertEqual(self.query("SELECT count(*), sum(size), count(DISTINCT conditions) FROM trades WHERE symbol = 'T'"),
                         [(2500, Decimal(2500 * 2499 // 2), 1)])
        changed = [self.trade(n, price="9.25") for n in range(100, 110)] + [self.trade(n) for n in range(2500, 2505)]
        execute_values(self.cursor, insert + " ON CONFLICT (symbol, timestamp, id) DO UPDATE SET price = EXCLUDED.price", changed)
        self.assertEqual(self.query("SELECT count(*), count(*) FILTER (WHERE price = 9.25) FROM trades WHERE symbol = 'T'"), [(2505, 10)])
        got = execute_values(self.cursor, insert + " ON CONFLICT DO NOTHING RETURNING id", [self.trade(n) for n in range(2503, 2508)], fetch=True)
        self.assertEqual(sorted(got), [(2505,), (2506,), (2507,)])
        template = "(%(s)s, %(t)s, 1, 1, NULL, NULL, %(i)s, 'named')"
        execute_values(self.cursor, insert, [{"s": "N", "t": START, "i": n} for n in range(3)], template=template)
        self.assertEqual(self.query("SELECT count(*) FROM trades WHERE source = 'named' AND conditions IS NULL"), [(3,)])
        self.connection.rollback()
        self.assertEqual(self.query("SELECT count(*) FROM trades"), [(0,)])

    def test_execute_batch_and_executemany(self):
        update = "UPDATE ohlcv SET volume = volume + %s WHERE symbol = %s AND timestamp = %s AND timeframe = '1m'"
        changes = [(1, "S1", START + dt.timedelta(minutes=n)) for n in range(150)]
        before = self.query("SELECT sum(volume) FROM ohlcv")[0][0]
        execute_batch(self.cursor, update, changes, page_size=40)
        self.assertEqual(self.query("SELECT sum(volume) FROM ohlcv")[0][0], before + 150)
        self.cursor.executemany(update, changes[:10])
        self.assertEqual(self.query("SELECT sum(volume) FROM ohlcv")[0][0], before + 160)
        self.connection.rollback()

    def test_copy_expert_both_ways(self):
        text = "".join(f"C\t{(START + dt.timedelta(seconds=n)).isoformat()}\t1.25\t{n}\t\\N\t{{a,\"b c\"}}\t{n}\tcopy\n" for n in range(500))
        self.cursor.copy_expert("COPY trades FROM STDIN", io.StringIO(text))
        self.assertEqual(self.cursor.rowcount, 500)
        out = io.StringIO()
        self.cursor.copy_expert("COPY (SELECT id, conditions, exchange FROM trades WHERE symbol = 'C' ORDER BY id LIMIT 2) TO STDOUT WITH (FORMAT csv, HEADER)", out)
        self.assertEqual(out.getvalue(), 'id,conditions,exchange\n0,"{a,""b c""}",\n1,"{a,""b c""}",\n')
        whole = io.StringIO()
        self.cursor.copy_to(whole, "symbols", columns=("symbol", "name"))
        self.assertEqual(sorted(whole.getvalue().splitlines()), ["S0\tAlpha", "S1\tBeta", "S2\t\\N"])
        self.cursor.copy_from(io.StringIO("S9\tCopied\n"), "symbols", columns=("symbol", "name"))
        self.assertEqual(self.query("SELECT name, active FROM symbols WHERE symbol = 'S9'"), [("Copied", True)])
        self.connection.rollback()
        binary = io.BytesIO()
        self.cursor.copy_expert("COPY symbols TO STDOUT WITH (FORMAT binary)", binary)
        self.cursor.execute("CREATE TEMPORARY TABLE twin (LIKE symbols)")
        binary.seek(0)
        self.cursor.copy_expert("COPY twin FROM STDIN WITH (FORMAT binary)", binary)
        self.assertEqual(self.query("SELECT * FROM twin ORDER BY symbol"), self.query("SELECT * FROM symbols ORDER BY symbol"))
        self.connection.rollback()

    def test_named_cursors_read_in_parts(self):
        with self.connection.cursor(name="bars") as named:
            named.itersize = 50
            named.execute("SELECT symbol, timestamp, close FROM ohlcv ORDER BY timestamp, symbol")
            first = named.fetchmany(7)
            self.assertEqual(len(first), 7)
            self.assertEqual(first[0], ("S0", START, Decimal("100.5")))
            self.assertEqual(sum(1 for _ in named), BARS - 7)
        with self.connection.cursor(name="scrolled", scrollable=True) as named:
            named.execute("SELECT generate_series(1, 100)")
            named.scroll(10)
            self.assertEqual(named.fetchone(), (11,))
        self.connection.rollback()

    def test_types_there_and_back(self):
        register_uuid()
        token = uuid.uuid4()
        for value, type_name in ((Decimal("12345678901234567890.12345678"), "numeric"), (Decimal("-0.00000001"), "numeric"), (7, "integer"),
                                 (2**40, "bigint"), (-3, "smallint"), (1.5e-300, "double precision"), (True, "boolean"), ("tëxt '\"\\ 日本", "text"),
                                 (START.replace(microsecond=123456), "timestamptz"), (dt.datetime(2026, 1, 5, 14, 30, 0, 1), "timestamp"),
                                 (dt.date(1999, 12, 31), "date"), (dt.time(23, 59, 59, 999999), "time"), (dt.timedelta(days=3, seconds=61), "interval"),
                                 ([1, 2, None], "integer[]"), (["a", "b c", 'd"e', ""], "text[]"), ([], "text[]"), ([Decimal("1.5")], "numeric[]"),
                                 (token, "uuid"), (None, "text"), ([True, False], "boolean[]"),
                                 ([START], "timestamptz[]")):
            with self.subTest(type_name, value=value):
                self.assertEqual(self.query(f"SELECT %s::{type_name}", (value,)), [(value,)])
        self.assertEqual(bytes(self.query("SELECT %s::bytea", (psycopg2.Binary(bytes(range(256))),))[0][0]), bytes(range(256)))
        self.assertEqual(self.query("SELECT %s::jsonb", (Json({"a": [1, None, "x"], "b": 1.5}),)), [({"a": [1, None, "x"], "b": 1.5},)])
        self.assertEqual(self.query("SELECT %s::json", (Json([True]),)), [([True],)])
        self.assertTrue(self.query("SELECT 'NaN'::double precision")[0][0] != self.query("SELECT 'NaN'::double precision")[0][0])
        self.assertEqual(self.query("SELECT 'Infinity'::double precision"), [(float("inf"),)])

    def test_columns_are_described(self):
        self.cursor.execute("SELECT symbol, timestamp, close, 1 AS one, 1.5::double precision AS f, TRUE AS t, ARRAY['x'] AS a FROM ohlcv LIMIT 0")
        self.assertEqual([(column.name, column.type_code) for column in self.cursor.description],
                         [("symbol", 25), ("timestamp", 1184), ("close", 1700), ("one", 23), ("f", 701), ("t", 16), ("a", 1009)])
        self.assertEqual(self.cursor.fetchall(), [])

    def test_rows_as_dictionaries_and_tuples_with_names(self):
        statement = "SELECT symbol, metadata FROM symbols WHERE metadata->>'sector' = %s"
        with self.connection.cursor(cursor_factory=RealDictCursor) as cursor:
            cursor.execute(statement, ("tech",))
            self.assertEqual([dict(row) for row in cursor], [{"symbol": "S0", "metadata": {"sector": "tech"}}])
        with self.connection.cursor(cursor_factory=DictCursor) as cursor:
            cursor.execute(statement, ("energy",))
            self.assertEqual(cursor.fetchone()["metadata"]["weights"], [1, 2.5])
        with self.connection.cursor(cursor_factory=NamedTupleCursor) as cursor:
            cursor.execute("SELECT ticker, shares FROM positions LIMIT 0")
            self.assertEqual(cursor.fetchall(), [])

    def test_placeholders_lists_and_composed_sql(self):
        self.assertEqual(self.query("SELECT count(*) FROM ohlcv WHERE symbol = ANY(%s) AND timestamp >= %s", (["S0", "S2"], START)), [(400,)])
        self.assertEqual(self.query("SELECT count(*) FROM ohlcv WHERE symbol IN %s", (("S0", "S1"),)), [(400,)])
        self.assertEqual(self.query("SELECT %(a)s || %(b)s, '100%%'", {"a": "x", "b": "y"}), [("xy", "100%")])
        composed = sql.SQL("SELECT {} FROM {} WHERE {} = %s ORDER BY 1 LIMIT 1").format(
            sql.Identifier("timestamp"), sql.Identifier("public", "ohlcv"), sql.Identifier("symbol"))
        self.assertEqual(self.query(composed, ("S1",)), [(START,)])
        self.assertEqual(self.cursor.mogrify("SELECT %s", ("it's",)), b"SELECT 'it''s'")

    def test_transactions_savepoints_and_errors(self):
        self.cursor.execute("INSERT INTO symbols (symbol) VALUES ('X1')")
        self.cursor.execute("SAVEPOINT one")
        with self.assertRaises(psycopg2.errors.UniqueViolation) as caught:
            self.cursor.execute("INSERT INTO symbols (symbol) VALUES ('X1')")
        diagnosis = caught.exception.diag
        self.assertEqual((diagnosis.sqlstate, diagnosis.constraint_name, diagnosis.table_name, diagnosis.schema_name),
                         ("23505", "symbols_pkey", "symbols", "public"))
        self.assertEqual(self.connection.info.transaction_status, psycopg2.extensions.TRANSACTION_STATUS_INERROR)
        with self.assertRaises(psycopg2.errors.InFailedSqlTransaction):
            self.cursor.execute("SELECT 1")
        self.cursor.execute("ROLLBACK TO SAVEPOINT one")
        self.assertEqual(self.query("SELECT count(*) FROM symbols WHERE symbol = 'X1'"), [(1,)])
        self.assertEqual(self.rows("SELECT count(*) FROM symbols WHERE symbol = 'X1'"), [(0,)])
        self.connection.rollback()
        with self.assertRaises(psycopg2.errors.UndefinedTable):
            self.cursor.execute("SELECT * FROM nosuch")
        self.connection.rollback()
        with self.assertRaises(psycopg2.errors.NotNullViolation) as caught:
            self.cursor.execute("INSERT INTO trades (symbol) VALUES ('A')")
        self.assertEqual(caught.exception.diag.column_name, "timestamp")
        self.connection.rollback()
        with self.connection:
            self.cursor.execute("INSERT INTO positions (ticker, timestamp, entry_price, shares, position_value) VALUES ('A', NOW(), 1, 1, 1) RETURNING id")
            number = self.cursor.fetchone()[0]
        self.assertEqual(self.rows("SELECT ticker FROM positions WHERE id = %s", (number,)), [("A",)])
        with self.connection:
            self.cursor.execute("DELETE FROM positions WHERE id = %s", (number,))
            self.assertEqual(self.cursor.rowcount, 1)

    def test_isolation_levels_and_read_only_sessions(self):
        self.connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        before = self.query("SELECT count(*) FROM symbols")
        other = self.connect()
        with other, other.cursor() as cursor:
            cursor.execute("INSERT INTO symbols (symbol) VALUES ('LATE')")
        self.assertEqual(self.query("SELECT count(*) FROM symbols"), before)
        with self.assertRaises(psycopg2.errors.ReadOnlySqlTransaction):
            self.cursor.execute("DELETE FROM symbols")
        self.connection.rollback()
        self.assertEqual(self.query("SELECT count(*) FROM symbols"), [(before[0][0] + 1,)])
        self.connection.rollback()
        with other, other.cursor() as cursor:
            cursor.execute("DELETE FROM symbols WHERE symbol = 'LATE'")
        other.close()

    def test_notices_and_parameters(self):
        self.cursor.execute("DROP TABLE IF EXISTS nosuch")
        self.assertEqual(self.connection.notices[-1], 'NOTICE:  table "nosuch" does not exist, skipping\n')
        self.connection.rollback()
        self.assertEqual(self.connection.server_version // 10000, 15)
        self.assertEqual(self.connection.get_parameter_status("server_encoding"), "UTF8")
        self.assertEqual(self.connection.get_parameter_status("integer_datetimes"), "on")
        self.connection.set_client_encoding("UTF8")
        self.assertEqual(self.query("SHOW TimeZone"), [("UTC",)])
        other = self.connect(options="-c DateStyle=ISO -c TimeZone=Asia/Tokyo")
        with other.cursor() as cursor:
            cursor.execute("SHOW timezone")
            self.assertEqual(cursor.fetchall(), [("Asia/Tokyo",)])
        other.close()
        self.cursor.execute("SET TIME ZONE 'America/New_York'")
        got = self.query("SELECT timestamp FROM ohlcv ORDER BY timestamp LIMIT 1")[0][0]
        self.assertEqual((got, got.utcoffset()), (START, dt.timedelta(hours=-5)))
        self.connection.rollback()

    def test_cancel_from_another_thread(self):
        failed = []

        def run():
            try:
                self.cursor.execute("SELECT count(*) FROM generate_series(1, 3000000) AS a, generate_series(1, 3000000) AS b")
            except psycopg2.errors.QueryCanceled as error:
                failed.append(error.pgcode)

        pid = self.connection.get_backend_pid()
        thread = threading.Thread(target=run)
        thread.start()
        while self.rows("SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND state = 'active' AND query LIKE '%%generate_series%%'", (pid,)) != [(1,)]:
            self.assertTrue(thread.is_alive())
        while thread.is_alive():
            self.connection.cancel()
            thread.join(0.05)
        self.assertEqual(failed, ["57014"])
        self.connection.rollback()
        self.assertEqual(self.query("SELECT 1"), [(1,)])

    def test_asynchronous_connections(self):
        connection = psycopg2.connect(self.url, async_=1)
        self.addCleanup(connection.close)

        def wait():
            while True:
                state = connection.poll()
                if state == psycopg2.extensions.POLL_OK:
                    return
                reading = [connection.fileno()] if state == psycopg2.extensions.POLL_READ else []
                writing = [connection.fileno()] if state == psycopg2.extensions.POLL_WRITE else []
                select.select(reading, writing, [], 60)

        wait()
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM ohlcv")
        wait()
        self.assertEqual(cursor.fetchall(), [(BARS,)])

    def notifies(self, connection, count, limit=30):
        """Waits for what comes to an idle connection, as its users do."""
        connection.poll()  # what libpq has read already, with the answer to a commit
        while len(connection.notifies) < count:
            self.assertTrue(select.select([connection], [], [], limit)[0], f"{len(connection.notifies)} notifications of {count}")
            connection.poll()
        return [(notify.pid, notify.channel, notify.payload) for notify in connection.notifies]

    def test_notifications_come_to_idle_connections_at_commit(self):
        listener = self.connect()
        self.addCleanup(listener.close)
        listener.set_isolation_level(psycopg2.extensions.ISOLATION_LEVEL_AUTOCOMMIT)
        with listener.cursor() as cursor:
            cursor.execute('LISTEN bars; LISTEN "Odd name"')
            cursor.execute("SELECT * FROM pg_listening_channels() ORDER BY 1")
            self.assertEqual(cursor.fetchall(), [("Odd name",), ("bars",)])
        pid = self.connection.get_backend_pid()
        self.cursor.execute("NOTIFY bars, 'rolled back'")
        self.connection.rollback()
        self.cursor.execute("NOTIFY bars, 'one'")
        self.cursor.execute("SAVEPOINT a; NOTIFY bars, 'undone'; ROLLBACK TO a")
        self.cursor.execute("SELECT pg_notify('Odd name', 'n' || n) FROM generate_series(1, 3) AS n")
        self.cursor.execute("NOTIFY bars, 'one'")  # the same again is sent once
        self.cursor.execute("NOTIFY nobody, 'hears'")
        self.assertEqual(select.select([listener], [], [], 0)[0], [])
        self.connection.commit()
        self.assertEqual(self.notifies(listener, 4), [(pid, "bars", "one"), (pid, "Odd name", "n1"), (pid, "Odd name", "n2"), (pid, "Odd name", "n3")])
        listener.notifies.clear()
        with listener.cursor() as cursor:
            cursor.execute("UNLISTEN bars")
        self.cursor.execute("NOTIFY bars, 'unheard'; SELECT pg_notify('Odd name', NULL)")
        self.connection.commit()
        self.assertEqual(self.notifies(listener, 1), [(pid, "Odd name", "")])

    def test_a_connection_hears_itself_and_not_within_a_block(self):
        self.cursor.execute("LISTEN me")
        self.connection.commit()
        other = self.connect()
        self.addCleanup(other.close)
        self.cursor.execute("SELECT 1")
        with other, other.cursor() as cursor:
            cursor.execute("NOTIFY me, 'from another'")
        self.cursor.execute("NOTIFY me, 'from myself'")
        self.assertEqual(self.connection.notifies, [])
        self.connection.commit()
        self.assertEqual([payload for _, _, payload in self.notifies(self.connection, 2)], ["from another", "from myself"])

    def test_many_listeners_and_senders(self):
        listeners = [self.connect() for _ in range(5)]
        for listener in listeners:
            self.addCleanup(listener.close)
            listener.autocommit = True
            with listener.cursor() as cursor:
                cursor.execute("LISTEN many")

        def send(sender):
            with self.connect() as connection, connection.cursor() as cursor:
                for n in range(50):
                    cursor.execute("SELECT pg_notify('many', %s)", (f"{sender} {n}",))
                    connection.commit()
            connection.close()

        senders = [threading.Thread(target=send, args=(n,)) for n in range(3)]
        for sender in senders:
            sender.start()
        received = [[payload for _, _, payload in self.notifies(listener, 150)] for listener in listeners]
        for sender in senders:
            sender.join()
        self.assertEqual(len(set(received[0])), 150)
        self.assertTrue(all(one == received[0] for one in received), "all hear the same order")
        for sender in range(3):
            self.assertEqual([p for p in received[0] if p.startswith(f"{sender} ")], [f"{sender} {n}" for n in range(50)])

    def test_a_pool_of_connections(self):
        pool = ThreadedConnectionPool(2, 8, self.url)
        self.addCleanup(pool.closeall)
        answers = []

        def work(number):
            connection = pool.getconn()
            with connection, connection.cursor() as cursor:
                for _ in range(20):
                    cursor.execute("SELECT count(*) FROM ohlcv WHERE symbol = %s", (f"S{number % 3}",))
                    answers.append(cursor.fetchone()[0])
            pool.putconn(connection)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [BARS // 3] * 120)
