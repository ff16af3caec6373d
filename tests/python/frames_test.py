# SPDX-License-Identifier: Apache-2.0
"""DataFrames out of results and into tables, on every home."""
import datetime as dt
import unittest
from decimal import Decimal

import numpy
import pandas
from psycopg2 import errors

import tickstone
from homes import on_every_home
from tickstone import copy_text

UTC = dt.timezone.utc
START = dt.datetime(2026, 1, 5, 14, 30, tzinfo=UTC)

TYPES = """SELECT * FROM (VALUES (1, 2::bigint, 3::smallint, 1.5::double precision, 0.1::numeric, TRUE, 'x', '2026-01-05 14:30:00.000001+00'::timestamptz,
  '2026-01-05 14:30'::timestamp, '2026-01-05'::date, INTERVAL '1 day 2 hours', '{"a": 1}'::jsonb, ARRAY['a', NULL])
  %s) AS v (i, b, s, f, n, t, x, tz, ts, d, iv, j, a)"""
DTYPES = ["int64", "int64", "int64", "float64", "float64", "bool", "object", "datetime64[ns, UTC]", "datetime64[ns]", "datetime64[ns]",
          "timedelta64[ns]", "object", "object"]


@on_every_home(globals())
class Frames:
    def test_types(self):
        frame = self.db.get_dataframe(TYPES.replace("%s", ""))
        self.assertEqual([str(dtype) for dtype in frame.dtypes], DTYPES)
        self.assertEqual(list(frame.columns), ["i", "b", "s", "f", "n", "t", "x", "tz", "ts", "d", "iv", "j", "a"])
        row = frame.iloc[0]
        self.assertEqual([row[name] for name in ("i", "b", "s", "f", "n", "t", "x", "j", "a")], [1, 2, 3, 1.5, 0.1, True, "x", {"a": 1}, ["a", None]])
        self.assertEqual(row["tz"], pandas.Timestamp("2026-01-05T14:30:00.000001Z"))
        self.assertEqual((row["ts"], row["d"]), (pandas.Timestamp("2026-01-05 14:30"), pandas.Timestamp("2026-01-05")))
        self.assertEqual(row["iv"], pandas.Timedelta(hours=26))

    def test_types_with_nulls(self):
        nulls = ", (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
        frame = self.db.get_dataframe(TYPES.replace("%s", nulls))
        expected = [{"int64": "Int64", "bool": "boolean"}.get(dtype, dtype) for dtype in DTYPES]
        self.assertEqual([str(dtype) for dtype in frame.dtypes], expected)
        self.assertTrue(frame.iloc[1].isna().all())
        self.assertFalse(frame.iloc[0].drop("a").isna().any())

    def test_types_without_rows(self):
        frame = self.db.get_dataframe(TYPES.replace("%s", "") + " WHERE FALSE")
        self.assertEqual([str(dtype) for dtype in frame.dtypes], DTYPES)
        self.assertEqual(len(frame), 0)

    def test_numeric_by_choice(self):
        exact = Decimal("12345678901234567890.123456789")
        query = "SELECT %s::numeric AS n, ARRAY[1.5::numeric] AS a"
        self.assertEqual(self.db.get_dataframe(query, (exact,))["n"][0], float(exact))
        frame = self.db.get_dataframe(query, (exact,), numeric="decimal")
        self.assertEqual((frame["n"][0], frame["a"][0]), (exact, [Decimal("1.5")]))
        with tickstone.DatabaseManager(self.url, numeric="decimal") as db:
            self.assertEqual(db.get_dataframe(query, (exact,))["n"][0], exact)
            self.assertEqual(db.get_dataframe(query, (exact,), numeric="float")["n"][0], float(exact))
        for call in (lambda: self.db.get_dataframe(query, (1,), numeric="single"), lambda: tickstone.DatabaseManager(numeric="x")):
            with self.assertRaisesRegex(ValueError, '"float" or "decimal"'):
                call()

    def test_times_of_other_zones_and_seasons_are_utc(self):
        with tickstone.DatabaseManager(self.url, timezone="America/New_York") as db:
            frame = db.get_dataframe("SELECT * FROM (VALUES ('2026-01-05 12:00+00'::timestamptz), ('2026-07-05 12:00+00')) AS v (t)")
        self.assertEqual(list(frame["t"]), [pandas.Timestamp("2026-01-05T12:00Z"), pandas.Timestamp("2026-07-05T12:00Z")])
        self.assertEqual(str(frame.dtypes["t"]), "datetime64[ns, UTC]")

    def test_what_pandas_cannot_hold_is_said(self):
        for value in ("'3000-01-01'::timestamptz", "'1500-01-01'::date"):
            with self.assertRaisesRegex(ValueError, 'column "t" has times that pandas cannot hold'):
                self.db.get_dataframe(f"SELECT {value} AS t")

    def test_columns_of_one_name_and_statements_without_a_result(self):
        frame = self.db.get_dataframe("SELECT 1 AS a, 'x' AS a")
        self.assertEqual((list(frame.columns), list(frame.iloc[0])), (["a", "a"], [1, "x"]))
        with self.assertRaisesRegex(ValueError, r"use execute\(\)"):
            self.db.get_dataframe("DELETE FROM symbols")

    def test_copy_from_a_dataframe(self):
        frame = pandas.DataFrame({
            "symbol": ["A", "B\t\\\n", "C"], "timestamp": pandas.to_datetime([START] * 3).tz_convert("Asia/Tokyo"), "price": [Decimal("1.10"), 2.5, 3],
            "size": numpy.array([1, 2, 3]), "exchange": pandas.array([1, None, 3], dtype="Int64"),
            "conditions": [["a", 'b "c"', None], None, []], "id": [1, 2, 3], "source": "test",
        })
        self.assertEqual(self.db.copy_from_dataframe(frame, "trades"), 3)
        rows = self.db.fetch_all("SELECT symbol, timestamp, price, size, exchange, conditions, id FROM trades ORDER BY id")
        self.assertEqual(rows, [("A", START, Decimal("1.1"), 1, 1, ["a", 'b "c"', None], 1), ("B\t\\\n", START, Decimal("2.5"), 2, None, None, 2),
                                ("C", START, 3, 3, 3, [], 3)])
        with self.assertRaises(errors.UniqueViolation):
            self.db.copy_from_dataframe(frame, "trades")
        self.assertEqual(self.db.copy_from_dataframe(frame.iloc[:0], "trades"), 0)
        self.assertEqual(self.db.copy_from_dataframe(frame.rename(columns={"source": "x"}).assign(name=frame["symbol"]), "public.symbols", ["symbol", "name"]), 3)
        self.assertEqual(self.db.fetch_one("SELECT count(*) FROM symbols WHERE symbol = name AND active"), (3,))

    def test_copy_of_json_booleans_and_none(self):
        frame = pandas.DataFrame({"symbol": ["A", "B"], "metadata": [{"a": [1, "x\ny"]}, None], "active": [False, None]})
        self.db.copy_from_dataframe(frame, "symbols")
        self.assertEqual(self.db.fetch_all("SELECT metadata, active FROM symbols ORDER BY symbol"), [({"a": [1, "x\ny"]}, False), (None, None)])

    def test_copy_of_times_and_of_none(self):
        for zone, expected in ((None, START), ("UTC", START), ("Asia/Tokyo", START - dt.timedelta(hours=9))):
            self.db.execute("DELETE FROM symbols")
            times = pandas.Series([pandas.Timestamp("2026-01-05 14:30:00"), pandas.NaT]).dt.tz_localize(zone)
            frame = pandas.DataFrame({"symbol": ["A", "B"], "last_updated": times})
            self.db.copy_from_dataframe(frame.set_axis([7, 7]), "symbols")
            self.assertEqual(self.db.fetch_all("SELECT last_updated FROM symbols ORDER BY symbol"), [(expected,), (None,)])

    def test_nanoseconds_are_not_rounded_away(self):
        frame = pandas.DataFrame({"timestamp": [pandas.Timestamp("2026-01-05T14:30:00.000000001Z")], "metric_name": "m", "metric_value": 1})
        with self.assertRaisesRegex(ValueError, "keeps microseconds"):
            self.db.copy_from_dataframe(frame, "system_metrics")
        self.db.copy_from_dataframe(frame.assign(timestamp=frame["timestamp"].dt.floor("us")), "system_metrics")

    def test_much_copied_and_read(self):
        count = 50_000
        frame = pandas.DataFrame({"feature_name": "f", "symbol": "A", "timestamp": pandas.date_range(START, periods=count, freq="1s"),
                                  "value": numpy.random.default_rng(1).normal(size=count)})
        self.assertEqual(self.db.copy_from_dataframe(frame, "feature_timeseries"), count)
        got = self.db.get_dataframe("SELECT feature_name, symbol, timestamp, value FROM feature_timeseries ORDER BY timestamp")
        pandas.testing.assert_frame_equal(got, frame)


@on_every_home(globals())
class Nanoseconds:
    def test_tickstones_own_times(self):
        if self.variable != "TICKSTONE_TEST_SERVER":
            self.skipTest("timestamp_ns is Tickstone's")
        self.db.execute("DROP TABLE IF EXISTS ticks")
        self.db.execute("CREATE TABLE ticks (at timestamp_ns)")
        moment = pandas.Timestamp("2026-01-05T14:30:00.123456789Z")
        self.db.copy_from_dataframe(pandas.DataFrame({"at": [moment]}), "ticks")
        frame = self.db.get_dataframe("SELECT at FROM ticks")
        self.assertEqual((frame["at"][0], str(frame.dtypes["at"])), (moment, "datetime64[ns, UTC]"))


class CopyText(unittest.TestCase):
    def test_fields(self):
        for value, text in ((None, "\\N"), ("a\\b\t", "a\\\\b\\t"), (True, "t"), (Decimal("1E+3"), "1000"), (Decimal("NaN"), "NaN"),
                            (b"\x00\xff", "\\\\x00ff"), ([1, [None, "x"]], '{"1",{NULL,"x"}}'), (dt.date(2026, 1, 5), "2026-01-05"),
                            (dt.timedelta(days=-1, seconds=2), "-1 days 2.000000 seconds"), (numpy.array([1, 2]), '{"1","2"}'),
                            (numpy.int64(5), "5"), ({"a": "\n"}, '{"a": "\\\\n"}')):
            self.assertEqual(copy_text.field(value), text)
