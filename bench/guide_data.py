# SPDX-License-Identifier: Apache-2.0
"""The rows that the guide's work is measured on: trades and quotes of `tickstone simulate`, one-minute bars and feature values made here.
The same arguments give the same files."""
import collections
import datetime as dt
import os
import subprocess

import numpy

from machines import ROOT

START = dt.date(2026, 1, 5)
MINUTES = 390
OPEN = dt.timedelta(hours=14, minutes=30)


def trading_days(number):
    """The first `number` weekdays from START."""
    days, day = [], START
    while len(days) < number:
        if day.weekday() < 5:
            days.append(day)
        day += dt.timedelta(days=1)
    return days


def write_bars(path, symbols, days, seed=11):
    """390 bars of each symbol and day, in the order of time, prices in cents."""
    chance = numpy.random.default_rng(seed)
    price = chance.integers(2000, 40000, len(symbols))
    with open(path, "w") as file:
        file.write("symbol,timestamp,open,high,low,close,volume,source,timeframe\n")
        for day in days:
            for minute in range(MINUTES):
                moment = dt.datetime.combine(day, dt.time()) + OPEN + dt.timedelta(minutes=minute)
                stamp = moment.strftime("%Y-%m-%d %H:%M:%S+00")
                close = numpy.maximum(price + chance.integers(-12, 13, len(symbols)), 100)
                high = numpy.maximum(price, close) + chance.integers(0, 8, len(symbols))
                low = numpy.minimum(price, close) - chance.integers(0, 8, len(symbols))
                volume = chance.integers(1, 50000, len(symbols))
                file.writelines(f"{symbols[i]},{stamp},{price[i] / 100:.2f},{high[i] / 100:.2f},{low[i] / 100:.2f},{close[i] / 100:.2f},{volume[i]},bench,1m\n"
                                for i in range(len(symbols)))
                price = close
    return len(symbols) * len(days) * MINUTES


def write_features(path, symbols, features, moments, seed=12):
    """`moments` values a minute apart of each feature and symbol."""
    chance = numpy.random.default_rng(seed)
    start = dt.datetime.combine(START, dt.time()) + OPEN
    with open(path, "w") as file:
        file.write("feature_name,symbol,timestamp,value\n")
        for minute in range(moments):
            stamp = (start + dt.timedelta(minutes=minute)).strftime("%Y-%m-%d %H:%M:%S+00")
            values = chance.integers(-100000, 100000, features * len(symbols))
            file.writelines(f"feature_{i // len(symbols):02d},{symbols[i % len(symbols)]},{stamp},{value / 10000:.4f}\n" for i, value in enumerate(values))
    return features * len(symbols) * moments


class GuideData:
    """CSV files in a directory: `path[table]`, `rows[table]`, and the symbols."""

    def __init__(self, directory, symbols, bar_days, trade_days, trades_per_day):
        subprocess.run([ROOT / "build/tickstone", "simulate", "--output", directory, "--symbols", str(symbols), "--days", str(trade_days),
                        "--trades-per-day", str(trades_per_day), "--start", START.isoformat()], check=True, stdout=subprocess.DEVNULL)
        self.path = {table: os.path.join(directory, table + ".csv") for table in ("ohlcv", "trades", "quotes", "feature_timeseries")}
        self.rows = {}
        names = collections.Counter()
        for table in ("trades", "quotes"):
            with open(self.path[table]) as file:
                columns = file.readline().strip().split(",")
                place = columns.index("symbol")
                count = 0
                for line in file:
                    count += 1
                    names[line.split(",", place + 1)[place]] += 1
                self.rows[table] = count
        self.symbols = sorted(names)
        self.busiest = names.most_common(1)[0][0]
        self.days = trading_days(bar_days)
        self.trade_days = trading_days(trade_days)
        self.rows["ohlcv"] = write_bars(self.path["ohlcv"], self.symbols, self.days)
        with_features = self.symbols[:100]
        moments = max(1, self.rows["ohlcv"] // 2 // (20 * len(with_features)))
        self.rows["feature_timeseries"] = write_features(self.path["feature_timeseries"], with_features, 20, moments)
