# SPDX-License-Identifier: Apache-2.0
"""The feature store, training sets by point in time, and the access log, on every home."""
import datetime as dt
import os
import random
import threading
import unittest
from decimal import Decimal

import pandas

import tickstone
from homes import on_every_home
from tickstone.access_log import AccessLog

UTC = dt.timezone.utc
START = dt.datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
SECOND = dt.timedelta(seconds=1)
LOGGED = "SELECT feature_name, accessed_by, operation FROM feature_access_log ORDER BY accessed_at, feature_name"


def newest_by_loops(label_symbol, label_time, rows, max_age):
    """What a training set must have, found the plain way."""
    best = None
    for symbol, time, value in rows:
        is_seen = symbol == label_symbol and time <= label_time and (max_age is None or label_time - time <= max_age)
        if is_seen and (best is None or time > best[0]):
            best = (time, value)
    return None if best is None else best[1]


@on_every_home(globals())
class Features:
    def store(self, *rows):
        self.db.batch_store_feature_data([(name, symbol, START + second * SECOND, value) for name, symbol, second, value in rows])

    def test_what_is_known_of_features(self):
        self.db.store_feature_metadata("rsi", description="relative strength", tags=["momentum"], parameters={"window": 14})
        before = self.db.get_feature_metadata("rsi")
        self.db.store_feature_metadata("rsi", source="ta")
        after = self.db.get_feature_metadata("rsi")
        self.assertEqual(after, {**before, "source": "ta", "updated_at": after["updated_at"]})
        self.assertGreaterEqual(after["updated_at"], before["updated_at"])
        self.assertEqual((after["tags"], after["parameters"]), (["momentum"], {"window": 14}))
        self.assertIsNone(self.db.get_feature_metadata("nosuch"))
        rows = [("rsi", "signal", "input", {"weight": 0.5}), ("macd", "signal", "input")]
        self.assertEqual(self.db.store_feature_relationships(rows).new, 2)
        self.assertEqual(self.db.store_feature_relationships([("rsi", "signal", "input", {"weight": 1})]).changed, 1)
        self.assertEqual([(r["source_feature"], r["metadata"]) for r in self.db.get_feature_relationships("signal")],
                         [("macd", None), ("rsi", {"weight": 1})])
        self.assertEqual(len(self.db.get_feature_relationships("macd")), 1)

    def test_ranges_and_newest_values(self):
        self.store(("rsi", "A", 0, 1), ("rsi", "A", 5, 2), ("rsi", "A", 9, 3), ("rsi", "B", 5, 4), ("macd", "A", 5, "0.1"))
        frame = self.db.get_feature_data(["rsi"], ["A"], start=START, end=START + 9 * SECOND)
        self.assertEqual(list(frame["value"]), [1, 2])
        self.assertEqual(len(self.db.get_feature_data(["rsi", "macd"])), 5)
        self.assertEqual(self.db.get_latest_features("A", ["rsi", "macd", "nosuch"]), {"rsi": 3, "macd": Decimal("0.1"), "nosuch": None})
        as_of = START + 8 * SECOND
        self.assertEqual(self.db.get_latest_features("A", ["rsi"], as_of=as_of), {"rsi": 2})
        ages = {"rsi": 2 * SECOND, "macd": 3 * SECOND}
        self.assertEqual(self.db.get_latest_features("A", ["rsi", "macd"], as_of=as_of, max_age=ages), {"rsi": None, "macd": Decimal("0.1")})

    def test_features_that_lie_together(self):
        if not self.migrated_as:
            self.skipTest("feature_data comes by migration")
        rows = [("A", START + n * SECOND, "core", {"rsi": n + 0.5, "macd": Decimal("-0.25")}) for n in range(3)]
        self.assertEqual(self.db.store_feature_sets(rows).new, 3)
        self.assertEqual(self.db.store_feature_sets([*rows, ("A", START, "other", {"x": 1})]).unchanged, 3)
        self.assertEqual(self.db.store_feature_sets([("B", START, "core", {"rsi": 7}, "v2")]).new, 1)
        frame = self.db.get_feature_sets("core", ["A", "B"], start=START, end=START + 2 * SECOND)
        self.assertEqual(frame.drop(columns="timestamp").values.tolist()[:2], [["A", 0.5, -0.25], ["A", 1.5, -0.25]])
        self.assertEqual((frame["rsi"][2], frame.isna().sum().sum()), (7, 1))
        self.assertEqual(len(self.db.get_feature_sets("core", ["A"])), 3)
        self.assertEqual(list(self.db.get_feature_sets("nosuch", ["A"]).columns), ["symbol", "timestamp"])

    def test_training_data_never_looks_into_the_future(self):
        for seed in range(12):
            with self.subTest(seed=seed):
                self.check_random_training_data(random.Random(seed))

    def check_random_training_data(self, chance):
        self.db.execute("DELETE FROM feature_timeseries")
        symbols, features = "ABCD"[:chance.randint(1, 4)], [f"f{n}" for n in range(chance.randint(1, 3))]
        span = chance.choice((5, 50, 1000))
        held = {}
        for name in features:
            for _ in range(chance.choice((0, 1, 40))):
                held[name, chance.choice(symbols + "X"), START + chance.randint(-span, span) * SECOND] = chance.randint(-9, 9)
        self.db.batch_store_feature_data([(*key, value) for key, value in held.items()])
        labels = [(chance.choice(symbols + "Y"), START + chance.randint(-span, span) * SECOND) for _ in range(chance.choice((1, 60)))]
        frame = pandas.DataFrame(labels, columns=["symbol", "timestamp"], index=chance.sample(range(1000), len(labels)))
        frame["label"] = range(len(labels))
        max_age = chance.choice((None, chance.randint(0, span) * SECOND, {features[0]: chance.randint(0, span) * SECOND}))
        exact = chance.random() < 0.5
        got = self.db.fetch_training_data(frame, features, max_age=max_age, numeric="decimal" if exact else "float")
        pandas.testing.assert_frame_equal(got[["symbol", "timestamp", "label"]], frame)
        for name in features:
            age = max_age.get(name) if isinstance(max_age, dict) else max_age
            rows = [(symbol, time, value) for (feature, symbol, time), value in held.items() if feature == name]
            expected = [newest_by_loops(symbol, time, rows, age) for symbol, time in labels]
            self.assertEqual([None if pandas.isna(value) else value for value in got[name]], expected)
            self.assertEqual(got[name].dtype, "object" if exact else "float64")

    def test_labels_by_query_and_their_nanoseconds(self):
        self.store(("rsi", "A", 0, "1.5"), ("rsi", "A", 1, "2.5"))
        self.db.batch_store_ohlcv_data([("A", START + n * SECOND, 1, 1, 1, n, 1) for n in range(-1, 3)])
        query = "SELECT symbol, timestamp, close AS label FROM ohlcv WHERE symbol = %s ORDER BY timestamp"
        got = self.db.fetch_training_data(query, ["rsi", "macd"], parameters=("A",), numeric="decimal")
        self.assertEqual(got["rsi"].tolist(), [None, Decimal("1.5"), Decimal("2.5"), Decimal("2.5")])
        self.assertEqual(got["macd"].tolist(), [None] * 4)
        just_before = pandas.Timestamp(START + SECOND) - pandas.Timedelta(1, unit="ns")
        labels = pandas.DataFrame({"s": ["A", "A"], "at": [just_before, just_before + pandas.Timedelta(1, unit="ns")]})
        got = self.db.fetch_training_data(labels, ["rsi"], symbol_column="s", time_column="at")
        self.assertEqual(got["rsi"].tolist(), [1.5, 2.5])
        got = self.db.fetch_training_data(labels, ["rsi"], symbol_column="s", time_column="at", max_age=SECOND - dt.timedelta(microseconds=1))
        self.assertTrue(pandas.isna(got["rsi"][0]))
        naive = pandas.DataFrame({"symbol": ["A"], "timestamp": [pandas.Timestamp("2026-01-05 14:30:00")]})
        self.assertEqual(self.db.fetch_training_data(naive, ["rsi"])["rsi"].tolist(), [1.5])

    def test_labels_that_make_no_sense(self):
        frame = pandas.DataFrame({"symbol": ["A"], "timestamp": [START], "rsi": [1]})
        for labels, features, text in ((frame, ["rsi"], "have a column rsi already"), (frame, ["x", "x"], "named twice"),
                                       (frame.drop(columns="symbol"), ["x"], "no column symbol"),
                                       (frame.assign(timestamp=pandas.NaT), ["x"], "each label has")):
            with self.assertRaisesRegex(ValueError, text):
                self.db.fetch_training_data(labels, features)
        empty = self.db.fetch_training_data(frame.iloc[:0], ["x", "y"])
        self.assertEqual((len(empty), list(empty.columns)), (0, ["symbol", "timestamp", "rsi", "x", "y"]))

    def test_reads_are_logged(self):
        self.store(("rsi", "A", 0, 1))
        with tickstone.DatabaseManager(self.url, accessed_by="trainer") as db:
            db.get_latest_features("A", ["rsi", "macd", "rsi"])
            db.flush_access_log()
            self.assertEqual(self.db.fetch_all(LOGGED), [("macd", "trainer", "read_latest"), ("rsi", "trainer", "read_latest")])
            db.get_feature_data(["rsi"])
            db.fetch_training_data(pandas.DataFrame({"symbol": ["A"], "timestamp": [START]}), ["rsi"])
        self.assertEqual(self.db.fetch_all(LOGGED)[2:], [("rsi", "trainer", "read"), ("rsi", "trainer", "training")])
        with tickstone.DatabaseManager(self.url, log_feature_access=False) as db:
            db.get_feature_data(["rsi"])
        self.assertEqual(len(self.db.fetch_all(LOGGED)), 4)

    def test_reads_of_a_forked_child_are_logged(self):
        self.db.get_feature_data(["parent"])
        self.db.flush_access_log()
        child = os.fork()
        if child == 0:
            self.db.get_feature_data(["child"])
            self.db.close()
            os._exit(0)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assertEqual([name for name, _, _ in self.db.fetch_all(LOGGED)], ["parent", "child"])

    def test_an_unanswered_commit_of_the_log_does_not_double_it(self):
        self.db.get_feature_data(["rsi", "macd"])
        original = self.db._commit
        commits = []

        def without_an_answer(connection, may_repeat):
            original(connection, may_repeat)
            commits.append(1)
            if len(commits) == 1:
                connection.close()
                raise tickstone.connection_manager.psycopg2.OperationalError("gone")

        self.db._commit = without_an_answer
        self.db.flush_access_log()
        self.assertEqual(len(commits), 2)
        self.assertEqual(len(self.db.fetch_all(LOGGED)), 2)


class Log(unittest.TestCase):
    def test_what_cannot_be_written_is_kept_and_tried_again(self):
        written, is_down = [], threading.Event()
        tried = threading.Event()

        def write(batch):
            tried.set()
            if is_down.is_set():
                raise OSError("down")
            written.append(list(batch.entries))

        is_down.set()
        log = AccessLog(write, flush_s=0.001)
        with self.assertLogs("tickstone", "WARNING"):
            log.record(["a", "b"], "me", "read")
            self.assertTrue(tried.wait(60))
            with self.assertRaises(OSError):
                log.flush()
        self.assertEqual(written, [])
        is_down.clear()
        log.record(["c"], "me", "read")
        log.close()
        self.assertEqual([entry[0] for batch in written for entry in batch], ["a", "b", "c"])
        times = [entry[1] for batch in written for entry in batch]
        self.assertTrue(times[0] == times[1] < times[2])

    def test_what_is_lost_is_said(self):
        def write(batch):
            raise OSError("down")

        with self.assertLogs("tickstone", "ERROR") as logged:
            log = AccessLog(write, flush_s=1000, longest_backlog=2)
            log.record(["a", "b", "c"], "me", "read")
            log.close()
        self.assertIn("full: 1 entries", logged.output[0])
        self.assertIn("2 entries of the feature access log are lost: down", logged.output[1])
