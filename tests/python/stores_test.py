# SPDX-License-Identifier: Apache-2.0
"""Batches and stores, on every home."""
import datetime as dt
import logging
import random
import threading
from decimal import Decimal

import numpy
import pandas
import psycopg2
from psycopg2 import errors
from psycopg2.extras import execute_values

import tickstone
from homes import on_every_home
from src.utils import database
from tickstone import batches, tables

UTC = dt.timezone.utc
START = dt.datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
MINUTE = dt.timedelta(minutes=1)


def bar(minute, close="100.5", symbol="AAPL", timeframe="1m"):
    return (symbol, START + minute * MINUTE, Decimal("100"), Decimal("101.25"), Decimal("99"), Decimal(close), 1000, "test", timeframe)


def counts(result):
    return (result.new, result.changed, result.unchanged, result.superseded, result.late, len(result.rejected))


@on_every_home(globals())
class Batches:
    def test_new_changed_unchanged_late_and_superseded(self):
        store = self.db.batch_store_ohlcv_data
        self.assertEqual(counts(store([bar(n) for n in (0, 1, 5)])), (3, 0, 0, 0, 0, 0))
        result = store([bar(0), bar(1, "101"), bar(2), bar(6), bar(6, "99.5"), bar(0, symbol="MSFT"), bar(0, timeframe="5m")])
        self.assertEqual(counts(result), (4, 1, 1, 1, 1, 0))
        self.assertEqual(result.stored, 5)
        again = store([bar(0), bar(1, "101"), bar(2), bar(6, "99.5"), bar(0, symbol="MSFT"), bar(0, timeframe="5m")])
        self.assertEqual(counts(again), (0, 0, 6, 0, 0, 0))
        rows = self.db.fetch_all("SELECT timestamp, close FROM ohlcv WHERE symbol = 'AAPL' AND timeframe = '1m' ORDER BY timestamp")
        self.assertEqual(rows, [(START + n * MINUTE, Decimal(c)) for n, c in ((0, "100.5"), (1, "101"), (2, "100.5"), (5, "100.5"), (6, "99.5"))])
        self.assertEqual(counts(store([])), (0,) * 6)

    def test_random_batches_are_counted_and_stored_as_by_a_plain_model(self):
        for seed in range(6):
            with self.subTest(seed=seed):
                self.check_random_batches(random.Random(seed))

    def check_random_batches(self, chance):
        logging.disable(logging.WARNING)
        self.addCleanup(logging.disable, logging.NOTSET)
        self.db.execute("DELETE FROM trades")
        model = {}
        for _ in range(4):
            span, count = chance.choice((3, 40, 5000)), chance.choice((1, 30, 900))
            rows = []
            for _ in range(count):
                key = (chance.choice("AB"), START + chance.randrange(span) * MINUTE, chance.randrange(3))
                rows.append((key, None if chance.random() < 0.05 else Decimal(chance.randrange(3))))
            expected, newest = self.plainly_stored(model, rows)
            result = self.db.store_trades_data([(symbol, time, price, 1, None, None, number) for (symbol, time, number), price in rows])
            self.assertEqual(counts(result), expected)
            model.update(newest)
            stored = {tuple(row[:3]): row[3] for row in self.db.fetch_all("SELECT symbol, timestamp, id, price FROM trades")}
            self.assertEqual(stored, model)

    @staticmethod
    def plainly_stored(model, rows):
        """What becomes of rows, counted one by one, and what they leave."""
        last = {}
        for symbol, time, _ in model:
            last[symbol] = max(last.get(symbol, time), time)
        kept = {key: price for key, price in rows if price is not None}
        good = sum(price is not None for _, price in rows)
        new = [key for key in kept if key not in model]
        changed = sum(key in model and model[key] != price for key, price in kept.items())
        late = sum(key[0] in last and key[1] < last[key[0]] for key in new)
        return (len(new), changed, len(kept) - len(new) - changed, good - len(kept), late, len(rows) - good), kept

    def test_rejected_rows_say_why_and_the_rest_is_stored(self):
        rows = [bar(0), ("AAPL",), (*bar(1)[:2], None, *bar(1)[3:]), {"symbol": "X", "nosuch": 1}, (*bar(2)[:5], float("inf"), *bar(2)[6:]),
                ("A\0", *bar(3)[1:]), ("AAPL", "yesterday", *bar(4)[2:]), 7, (*bar(5), 1), ("AAPL", pandas.Timestamp(1, unit="ns"), *bar(0)[2:]),
                bar(6)]
        with self.assertLogs("tickstone", "WARNING") as logged:
            result = self.db.batch_store_ohlcv_data(rows)
        self.assertIn("9 rows rejected; row 1: timestamp is missing", logged.output[0])
        self.assertEqual(counts(result), (2, 0, 0, 0, 0, 9))
        reasons = [(r.index, r.reason) for r in result.rejected]
        self.assertEqual([index for index, _ in reasons], [1, 2, 3, 4, 5, 6, 7, 8, 9])
        for (_, reason), text in zip(reasons, ("timestamp is missing", "open is missing", "no column nosuch", "not a finite number",
                                               "code zero", "'yesterday' is not a time", "not int", "10 values for the 9",
                                               "nanoseconds")):
            self.assertIn(text, reason)
        self.assertIs(result.rejected[0].row, rows[1])
        with self.assertRaisesRegex(tickstone.RejectedRow, "close: 'x' is not a number"):
            self.db.store_ohlcv_data("AAPL", START, 1, 1, 1, "x", 1)

    def test_what_the_server_refuses_is_found_among_many(self):
        self.db.execute("ALTER TABLE cache_metrics ADD CONSTRAINT few CHECK (hit_count < 1000)")
        self.addCleanup(self.db.execute, "ALTER TABLE cache_metrics DROP CONSTRAINT few")
        for count in (20, 700):
            rows = [(START + n * MINUTE, f"cache{count}", n + 1000 * (n in (3, 17)), 0) for n in range(count)]
            with self.assertLogs("tickstone", "WARNING"):
                result = self.db._store(tables.CACHE_METRICS, rows)
            self.assertEqual((result.new, [r.index for r in result.rejected]), (count - 2, [3, 17]))
            self.assertIn("few", result.rejected[0].reason)
        self.assertEqual(self.db.fetch_one("SELECT count(*) FROM cache_metrics"), (716,))

    def test_many_rows_are_copied_and_another_writers_rows_do_not_matter(self):
        rows = [bar(n, f"{100 + n / 7:.6f}") for n in range(3000)]
        random.Random(1).shuffle(rows)
        self.assertEqual(counts(self.db.batch_store_ohlcv_data(rows)), (3000, 0, 0, 0, 0, 0))
        self.assertEqual(counts(self.db.batch_store_ohlcv_data(rows)), (0, 0, 3000, 0, 0, 0))
        self.assertEqual(self.db.fetch_one("SELECT count(*), sum(close) FROM ohlcv"), (3000, sum(row[5] for row in rows)))
        original = batches.BatchWriter._newest_times

        def overtaken(writer, statements):
            newest = original(writer, statements)
            self.connect_and_store(bar(4000))
            return newest

        batches.BatchWriter._newest_times = overtaken
        self.addCleanup(setattr, batches.BatchWriter, "_newest_times", original)
        self.db.batch_store_ohlcv_data([bar(n, "7") for n in range(3500, 4500)])
        self.assertEqual(self.db.fetch_one("SELECT count(*) FROM ohlcv WHERE close = 7"), (1000,))

    def connect_and_store(self, row):
        connection = self.connect()
        with connection, connection.cursor() as cursor:
            execute_values(cursor, "INSERT INTO ohlcv VALUES %s", [row])

    def test_writers_of_the_same_rows_at_once(self):
        failures = []

        def work(number):
            try:
                for _ in range(3):
                    self.db.batch_store_ohlcv_data([bar(n, str(100 + number)) for n in range(200)])
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(self.db.fetch_one("SELECT count(*) FROM ohlcv"), (200,))

    def test_values_are_exact_whatever_they_come_as(self):
        values = {"a": Decimal("12345678901234567890.123456789"), "b": 0.1, "c": numpy.float64(0.3), "d": numpy.float32(0.1), "e": "1e-7",
                  "f": numpy.int64(7), "g": 10**25}
        rows = [("m", START, name, value) for name, value in values.items()]
        self.assertEqual(self.db.store_feature_importance(rows).new, 7)
        got = dict(self.db.fetch_all("SELECT feature_name, importance FROM feature_importance"))
        self.assertEqual(got, {"a": values["a"], "b": Decimal("0.1"), "c": Decimal("0.3"), "d": Decimal("0.1"), "e": Decimal("0.0000001"),
                               "f": Decimal(7), "g": Decimal(10**25)})
        self.assertEqual(counts(self.db.store_feature_importance(rows)), (0, 0, 7, 0, 0, 0))

    def test_times_whatever_they_come_as(self):
        times = [START, START.astimezone(dt.timezone(dt.timedelta(hours=-5))), START.replace(tzinfo=None), "2026-01-05T14:30:00Z",
                 "2026-01-05 09:30:00-05:00", pandas.Timestamp(START), numpy.datetime64("2026-01-05T14:30")]
        result = self.db.store_system_metrics([(time, "m", number) for number, time in enumerate(times)])
        self.assertEqual(counts(result), (1, 0, 0, 6, 0, 0))
        self.assertEqual(self.db.fetch_all("SELECT timestamp, metric_value FROM system_metrics"), [(START, 6)])

    def test_dataframes(self):
        frame = pandas.DataFrame({"symbol": "A", "timestamp": pandas.date_range(START, periods=600, freq="1s"), "price": 1.25,
                                  "size": numpy.arange(600), "id": numpy.arange(600), "exchange": [4.0, numpy.nan] * 300,
                                  "conditions": [[14, "@"], None] * 300})
        self.assertEqual(counts(self.db.store_trades_data(frame)), (600, 0, 0, 0, 0, 0))
        self.assertEqual(counts(self.db.store_trades_data(frame)), (0, 0, 600, 0, 0, 0))
        self.assertEqual(self.db.fetch_all("SELECT exchange, conditions, source FROM trades ORDER BY timestamp LIMIT 2"),
                         [(4, ["14", "@"], "polygon_api"), (None, None, "polygon_api")])
        with self.assertRaisesRegex(ValueError, "no column vwap"):
            self.db.batch_store_ohlcv_data(pandas.DataFrame({"symbol": [], "vwap": []}))

    def test_columns_that_rows_do_not_name_stay(self):
        flow = {"symbol": "AAPL", "timestamp": START, "expiration_date": "2026-02-20", "strike_price": 150, "option_type": "call",
                "contract_symbol": "O:AAPL260220C00150000", "premium": "12500.50", "source": "test"}
        self.assertEqual(self.db.store_options_flow(flow).new, 1)
        self.db.execute("UPDATE options_flow SET processed_by_feature_store = TRUE")
        self.assertEqual(counts(self.db.store_options_flow([flow, {**flow, "sentiment_score": 0.5, "timestamp": START + MINUTE}])),
                         (1, 0, 1, 0, 0, 0))
        self.assertEqual(self.db.store_options_flow({**flow, "premium": 1}).changed, 1)
        self.assertEqual(self.db.fetch_all("SELECT premium, sentiment_score, processed_by_feature_store FROM options_flow ORDER BY timestamp"),
                         [(Decimal(1), None, True), (Decimal("12500.50"), Decimal("0.5"), False)])


@on_every_home(globals())
class Stores:
    def test_the_functions_of_the_guide(self):
        connection = self.connect()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        database.store_ohlcv_data(connection, "AAPL", START, 1.5, 2, 1, "1.75", 100)
        database.store_ohlcv_data(connection, "AAPL", START, 1.5, 2, 1, 1.8, 200, source="other")
        row = ("AAPL", START, Decimal("1.5"), 2, 1, Decimal("1.8"), 200, "other", "day")
        self.assertEqual(self.db.fetch_all("SELECT * FROM ohlcv"), [row])
        self.assertIsNone(database.batch_store_ohlcv_data(connection, []))
        database.batch_store_ohlcv_data(connection, [bar(n) for n in range(250)])
        self.assertEqual(self.db.fetch_one("SELECT count(*) FROM ohlcv"), (251,))
        with self.assertLogs("tickstone", "ERROR"), self.assertRaises(errors.NotNullViolation):
            database.batch_store_ohlcv_data(connection, [bar(300), (None, *bar(301)[1:])])
        with self.assertLogs("tickstone", "ERROR"), self.assertRaises(psycopg2.Error):
            database.store_ohlcv_data(connection, "AAPL", "yesterdayish", 1, 2, 3, 4, 5)
        self.assertEqual(connection.info.transaction_status, psycopg2.extensions.TRANSACTION_STATUS_IDLE)
        self.assertEqual(self.db.fetch_one("SELECT count(*) FROM ohlcv"), (251,))

    def test_latest_data(self):
        self.db.batch_store_ohlcv_data([bar(n, str(100 + n), timeframe=t) for n in range(20) for t in ("1m", "5m")])
        frame = self.db.get_latest_data("AAPL", 3, timeframe="1m")
        self.assertEqual(list(frame["close"]), [117.0, 118.0, 119.0])
        self.assertEqual(str(frame.dtypes["timestamp"]), "datetime64[ns, UTC]")
        self.assertEqual(list(frame["timestamp"]), [START + n * MINUTE for n in (17, 18, 19)])
        frame = self.db.get_latest_data("AAPL", 1, timeframe="5m", before=START + 5 * MINUTE, numeric="decimal")
        self.assertEqual(list(frame["close"]), [Decimal(104)])
        self.assertEqual(len(self.db.get_latest_data("AAPL")), 40)
        self.assertTrue(self.db.get_latest_data("NOSUCH").empty)
        self.assertTrue(self.db.get_latest_data("AAPL", table="quotes").empty)
        with self.assertRaisesRegex(ValueError, "no timeframes"):
            self.db.get_latest_data("AAPL", table="trades", timeframe="1m")
        with self.assertRaisesRegex(ValueError, "one of ohlcv"):
            self.db.get_latest_data("AAPL", table="positions")

    def test_latest_price(self):
        self.assertIsNone(self.db.get_latest_price("AAPL"))
        self.db.batch_store_ohlcv_data([bar(0, "100.1"), bar(1, "100.2")])
        self.assertEqual(self.db.get_latest_price("AAPL"), Decimal("100.2"))
        trades = [("AAPL", START + 2 * MINUTE, "100.37", 1, None, None, number) for number in (1, 2)]
        self.db.store_trades_data([*trades, ("AAPL", START + 2 * MINUTE, "100.38", 1, None, None, 3)])
        self.assertEqual(self.db.get_latest_price("AAPL"), Decimal("100.38"))
        self.db.store_ohlcv_data("AAPL", START + 9 * MINUTE, 1, 2, 1, 2, 1)
        self.assertEqual(self.db.get_latest_price("AAPL"), Decimal(2))
        later = START + 19 * MINUTE
        self.assertEqual(self.db.get_latest_price("AAPL", max_age=10 * MINUTE, now=later), Decimal(2))
        self.assertIsNone(self.db.get_latest_price("AAPL", max_age=9 * MINUTE, now=later))
        self.assertIsNone(self.db.get_latest_price("AAPL", max_age=10 * MINUTE))

    def test_quotes(self):
        self.assertIsNone(self.db.get_latest_quote("AAPL"))
        self.db.store_quotes_data([("AAPL", START + n * MINUTE, 100 + n, 1, "101.5", 2, 4, ["R"], n) for n in range(3)])
        quote = self.db.get_latest_quote("AAPL")
        self.assertEqual((quote["bid_price"], quote["ask_price"], quote["conditions"], quote["id"]), (102, Decimal("101.5"), ["R"], 2))

    def test_symbols_and_groups(self):
        self.assertIsNone(self.db.get_symbol_info("AAPL"))
        self.db.store_symbols([{"symbol": "AAPL", "name": "Apple", "type": "stock", "metadata": {"sector": "tech", "lot": 100}},
                               {"symbol": "SPY", "type": "etf"}, {"symbol": "OLD", "active": False}])
        self.assertEqual(self.db.store_symbols({"symbol": "AAPL", "currency": "USD"}).changed, 1)
        self.assertEqual(counts(self.db.add_to_symbol_group("tech", ["AAPL", "OLD"])), (2, 0, 0, 0, 0, 0))
        self.assertEqual(counts(self.db.add_to_symbol_group("tech", ["AAPL"])), (0, 0, 1, 0, 0, 0))
        self.db.add_to_symbol_group("all", ["AAPL", "SPY"])
        info = self.db.get_symbol_info("AAPL")
        self.assertEqual({name: info[name] for name in ("name", "currency", "active", "metadata", "groups")},
                         {"name": "Apple", "currency": "USD", "active": True, "metadata": {"sector": "tech", "lot": 100}, "groups": ["all", "tech"]})
        self.assertEqual(self.db.get_active_symbols(), ["AAPL", "SPY"])
        self.assertEqual(self.db.get_active_symbols("etf"), ["SPY"])
        self.assertEqual(self.db.get_symbol_groups(), {"all": 2, "tech": 2})
        self.assertEqual(self.db.remove_from_symbol_group("tech", ["OLD", "NOSUCH"]), 1)
        self.assertEqual(self.db.get_symbol_group("tech"), ["AAPL"])

    def test_collection_status(self):
        self.db.set_collection_status("AAPL", "trades", "running", collection_time=START)
        self.db.set_collection_status("AAPL", "trades", "complete", num_records=5, details={"gaps": []}, collection_time=START + MINUTE)
        self.db.set_collection_status("MSFT", "trades", "failed", date_range="2026-01", collection_time=START)
        self.assertEqual([(row["symbol"], row["status"], row["num_records"], row["details"]) for row in self.db.get_collection_status()],
                         [("AAPL", "complete", 5, {"gaps": []}), ("MSFT", "failed", 0, None)])
        self.assertEqual([row["date_range"] for row in self.db.get_collection_status(status="failed")], ["2026-01"])
        self.assertEqual(self.db.get_collection_status("AAPL", "quotes"), [])

    def test_model_results(self):
        first = self.db.store_model_performance("m1", "lstm", {"accuracy": numpy.float64(0.5), "n": numpy.int64(3)}, timestamp=START,
                                                feature_importance={"rsi": 0.25, "macd": Decimal("0.75")})
        self.assertEqual(first, START)
        self.db.store_model_performance("m1", "lstm", {"accuracy": 0.75}, parameters={"depth": 3}, timestamp=START + MINUTE,
                                        feature_importance={"rsi": 1})
        self.db.store_model_performance("m1", "lstm", {"accuracy": 0.75}, parameters={"depth": 3}, timestamp=START + MINUTE)
        self.db.store_model_performance("m2", "tree", {"accuracy": 1})
        newest = self.db.get_model_performance("m1")
        self.assertEqual([(row["metrics"], row["parameters"]) for row in newest],
                         [({"accuracy": 0.75}, {"depth": 3}), ({"accuracy": 0.5, "n": 3}, None)])
        self.assertEqual([row["model_id"] for row in self.db.get_model_performance(limit=2)], ["m2", "m1"])
        self.assertEqual(self.db.get_feature_importance("m1"), {"rsi": 1})
        self.assertEqual(self.db.get_feature_importance("m1", START), {"macd": Decimal("0.75"), "rsi": Decimal("0.25")})
        self.assertEqual(self.db.get_feature_importance("m1", START - MINUTE), {})
        with self.assertRaisesRegex(tickstone.RejectedRow, "Out of range float|not JSON compliant"):
            self.db.store_model_performance("m3", "tree", {"loss": float("nan")}, feature_importance={"rsi": 1})
        with self.assertRaises(tickstone.RejectedRow):
            self.db.store_model_performance("m3", "tree", {"loss": 1}, feature_importance={"rsi": "x"})
        self.assertEqual(self.db.get_model_performance("m3"), [])
        self.assertEqual(self.db.store_feature_importance([("m4", START, "rsi", 1)]).new, 1)

    def test_metrics(self):
        self.db.store_system_metric("latency", 1.5, labels={"host": "a"}, timestamp=START)
        self.assertEqual(self.db.store_system_metric("latency", 2, labels={"host": "a"}, timestamp=START).changed, 1)
        self.db.store_system_metric("queue", 7)
        self.assertEqual([(row["metric_name"], row["metric_value"], row["labels"]) for row in self.db.get_latest_system_metrics()],
                         [("queue", 7, None), ("latency", 2, {"host": "a"})])
        self.db.store_cache_metrics("prices", 10, 2, size_bytes=2**40, timestamp=START)
        self.assertEqual(self.db.fetch_all("SELECT * FROM cache_metrics"), [(START, "prices", 10, 2, 2**40, None)])
        with self.assertRaisesRegex(tickstone.RejectedRow, "does not fit into 32 bits"):
            self.db.store_cache_metrics("prices", 2**31, 2)

    def test_positions(self):
        number = self.db.open_position("AAPL", "150.10", 30, stop_price="147.098", timestamp=START, metadata={"why": "test"}, request_id="r1")
        self.assertEqual(self.db.open_position("AAPL", "150.10", 30, request_id="r1"), number)
        other = self.db.open_position("AAPL", 10, -5, is_focus_ticker=True)
        self.assertNotEqual(other, number)
        # Four connections at the same instant: one opens it.
        start, same = threading.Barrier(4), []

        def at_once():
            start.wait()
            same.append(self.db.open_position("MSFT", 400, 1, request_id="r2"))

        threads = [threading.Thread(target=at_once) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((len(same), len(set(same))), (4, 1))
        self.db.close_position(same[0])
        position = self.db.get_position(number)
        self.assertEqual({name: position[name] for name in ("position_value", "risk_amount", "stop_percentage", "metadata", "is_focus_ticker")},
                         {"position_value": Decimal("4503.00"), "risk_amount": Decimal("90.06"), "stop_percentage": Decimal(2),
                          "metadata": {"why": "test", "request_id": "r1"}, "is_focus_ticker": False})
        changed = self.db.update_position(number, stop_price=None, shares=10, metadata={"note": 1}, is_focus_ticker=True)
        self.assertEqual(changed, self.db.get_position(number))
        self.assertEqual((changed["position_value"], changed["risk_amount"], changed["metadata"]["note"]), (Decimal("1501.00"), None, 1))
        self.assertEqual([row["id"] for row in self.db.get_positions("AAPL")], [other, number])
        closed = self.db.close_position(number, "151.10")
        self.assertEqual((closed["id"], closed["profit"], closed["exit_price"]), (number, Decimal("10.00"), Decimal("151.10")))
        self.assertEqual(self.db.close_position(other, 9)["profit"], 5)
        self.assertEqual(self.db.get_positions(), [])
        for call in (lambda: self.db.close_position(number), lambda: self.db.update_position(number, shares=1)):
            with self.assertRaisesRegex(tickstone.NoSuchPosition, f"no open position {number}"):
                call()
        with self.assertRaisesRegex(ValueError, "ticker cannot be changed"):
            self.db.update_position(other, ticker="MSFT")
        for price, shares in (("x", 1), (1, 1.5), (None, 1)):
            with self.assertRaises(tickstone.RejectedRow):
                self.db.open_position("AAPL", price, shares)
