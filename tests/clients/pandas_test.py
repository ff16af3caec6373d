# SPDX-License-Identifier: Apache-2.0
import csv
import io

import numpy as np
import pandas as pd
import sqlalchemy as sa

from client_case import BARS, ClientCase


class Pandas(ClientCase):
    def setUp(self):
        self.engine = sa.create_engine(self.url)
        self.addCleanup(self.engine.dispose)

    def frame(self, count=1000):
        return pd.DataFrame({
            "symbol": [f"P{n % 4}" for n in range(count)],
            "timestamp": pd.date_range("2026-03-01", periods=count, freq="min", tz="UTC"),
            "price": np.round(np.linspace(1, 2, count), 6),
            "size": np.arange(count, dtype="int64"),
            "flag": np.arange(count) % 2 == 0,
            "note": [None if n % 3 else f"n{n}" for n in range(count)],
        })

    def drop(self, name):
        with self.engine.begin() as connection:
            connection.execute(sa.text(f"DROP TABLE IF EXISTS {name}"))

    def test_queries_become_frames(self):
        frame = pd.read_sql("SELECT symbol, timestamp, close::double precision AS close, volume FROM ohlcv ORDER BY timestamp, symbol", self.engine,
                            parse_dates=["timestamp"])
        self.assertEqual(len(frame), BARS)
        self.assertEqual(str(frame["timestamp"].dtype), "datetime64[ns, UTC]")
        self.assertEqual(str(frame["close"].dtype), "float64")
        self.assertAlmostEqual(frame["close"].mean(), 100.5 + (BARS - 1) / 20)
        self.assertEqual(str(frame["volume"].dtype), "float64")  # NUMERIC: coerce_float
        pivot = frame.pivot(index="timestamp", columns="symbol", values="close")
        self.assertEqual(pivot.shape, (BARS // 3, 3))

    def test_parameters_indexes_and_chunks(self):
        frame = pd.read_sql_query(sa.text("SELECT timestamp, close FROM ohlcv WHERE symbol = :symbol AND timestamp >= :start ORDER BY 1"), self.engine,
                                  params={"symbol": "S1", "start": pd.Timestamp("2026-01-05 15:00", tz="UTC").to_pydatetime()},
                                  index_col="timestamp", parse_dates=["timestamp"])
        self.assertEqual(len(frame), BARS // 3 - 30)
        self.assertEqual(frame.resample("1h")["close"].count().iloc[0], 60)
        parts = list(pd.read_sql("SELECT * FROM ohlcv", self.engine, chunksize=250))
        self.assertEqual([len(part) for part in parts], [250, 250, 100])
        whole = pd.read_sql_table("symbols", self.engine)
        self.assertEqual(sorted(whole["symbol"]), ["S0", "S1", "S2"])
        self.assertEqual(whole.set_index("symbol").loc["S2", "metadata"]["weights"], [1, 2.5])
        some = pd.read_sql_table("ohlcv", self.engine, columns=["symbol", "close"])
        self.assertEqual(some.shape, (BARS, 2))

    def test_frames_become_tables(self):
        self.addCleanup(self.drop, "written")
        frame = self.frame()
        for how in (None, "multi", self.by_copy):
            with self.subTest(how):
                frame.to_sql("written", self.engine, if_exists="replace", index=False, method=how, chunksize=400)
                back = pd.read_sql("SELECT * FROM written ORDER BY timestamp", self.engine)
                back["timestamp"] = pd.to_datetime(back["timestamp"], utc=True)
                pd.testing.assert_frame_equal(back, frame, check_dtype=False)
        frame.to_sql("written", self.engine, if_exists="append", index=False, method="multi")
        self.assertEqual(pd.read_sql("SELECT count(*) AS n FROM written", self.engine)["n"][0], 2 * len(frame))
        with self.assertRaisesRegex(ValueError, "already exists"):
            frame.to_sql("written", self.engine, index=False)

    @staticmethod
    def by_copy(table, connection, keys, rows):
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        text.seek(0)
        with connection.connection.cursor() as cursor:
            cursor.copy_expert(f"COPY {table.name} ({', '.join(f'{key}' for key in keys)}) FROM STDIN WITH CSV", text)

    def test_rows_go_into_a_hypertable(self):
        frame = self.frame(500).rename(columns={"note": "source"}).assign(id=range(500), source="pandas").drop(columns="flag")
        frame.to_sql("trades", self.engine, if_exists="append", index=False, method="multi", chunksize=100)
        back = pd.read_sql("SELECT symbol, count(*) AS n, sum(size)::bigint AS total FROM trades WHERE source = 'pandas' GROUP BY 1 ORDER BY 1", self.engine)
        expected = frame.groupby("symbol")["size"].agg(["count", "sum"])
        self.assertEqual(back["n"].tolist(), expected["count"].tolist())
        self.assertEqual(back["total"].tolist(), expected["sum"].tolist())
        with self.assertRaises(sa.exc.IntegrityError):
            frame.head(1).to_sql("trades", self.engine, if_exists="append", index=False)

    def test_types_of_columns_can_be_chosen(self):
        self.addCleanup(self.drop, "typed")
        frame = self.frame(10)
        frame["price"] = frame["price"].astype(str)
        frame.to_sql("typed", self.engine, index=True, index_label="row", if_exists="replace",
                     dtype={"price": sa.Numeric(12, 6), "size": sa.SmallInteger, "note": sa.String(8), "timestamp": sa.DateTime(timezone=True)})
        types = {column["name"]: str(column["type"]) for column in sa.inspect(self.engine).get_columns("typed")}
        self.assertEqual(types["price"], "NUMERIC(12, 6)")
        self.assertEqual(types["size"], "SMALLINT")
        self.assertEqual(types["note"], "VARCHAR(8)")
        self.assertEqual(len(pd.read_sql("SELECT * FROM typed", self.engine, index_col="row")), 10)
