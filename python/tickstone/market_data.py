# SPDX-License-Identifier: Apache-2.0
"""Bars, trades, quotes and options flow: storing and the newest of them."""
from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from . import tables
from .batch_store import BatchStore
from .batches import BatchResult, Rows
from .tables import Table

if TYPE_CHECKING:
    import pandas

MarketTable = Literal["ohlcv", "trades", "quotes", "options_flow"]
MARKET_TABLES: dict[str, Table] = {
    table.name: table for table in (tables.OHLCV, tables.TRADES, tables.QUOTES, tables.OPTIONS_FLOW)
}


class MarketDataStore(BatchStore):
    """The data collector's side, and what the feature store and the trading engine ask first."""

    def store_ohlcv_data(
        self, symbol: str, timestamp: Any, open_price: Any, high: Any, low: Any, close: Any, volume: Any,
        source: str = "polygon_api", timeframe: str = "day",
    ) -> BatchResult:
        """Stores one bar, in place of one of the same symbol, time and timeframe; raises RejectedRow."""
        return self._store_one(tables.OHLCV, (symbol, timestamp, open_price, high, low, close, volume, source, timeframe))

    def batch_store_ohlcv_data(self, ohlcv_data: Rows) -> BatchResult:
        """Stores bars: (symbol, timestamp, open, high, low, close, volume[, source, timeframe]), mappings, or a DataFrame."""
        return self._store(tables.OHLCV, ohlcv_data)

    def store_trades_data(self, trades: Rows) -> BatchResult:
        """Stores trades, one mapping or many rows: (symbol, timestamp, price, size, exchange, conditions, id[, source])."""
        return self._store(tables.TRADES, trades)

    def store_quotes_data(self, quotes: Rows) -> BatchResult:
        """Stores quotes, one mapping or many rows:
        (symbol, timestamp, bid_price, bid_size, ask_price, ask_size, exchange, conditions, id[, source])."""
        return self._store(tables.QUOTES, quotes)

    def store_options_flow(self, flow: Rows) -> BatchResult:
        """Stores options flow, one mapping or many rows. Columns that a row does not name keep what they have, so flow
        that was marked as processed stays so."""
        return self._store(tables.OPTIONS_FLOW, flow)

    def get_latest_data(
        self, symbol: str, limit: int = 100, *, table: MarketTable = "ohlcv", timeframe: str | None = None,
        before: Any = None, numeric: Literal["float", "decimal"] | None = None,
    ) -> pandas.DataFrame:
        """The newest rows of a symbol, oldest first. timeframe: of bars, only these; before: only rows older than that."""
        source = MARKET_TABLES.get(table)
        if source is None:
            raise ValueError(f"table is one of {', '.join(MARKET_TABLES)}, not {table!r}")
        if timeframe is not None and not source.has_column("timeframe"):
            raise ValueError(f"{table} has no timeframes")
        conditions = ["symbol = %s"]
        values: list[Any] = [symbol]
        if timeframe is not None:
            conditions.append("timeframe = %s")
            values.append(timeframe)
        if before is not None:
            conditions.append("timestamp < %s")
            values.append(tables.time(before))
        ties = "".join(f", {name} DESC" for name in source.key if name not in ("symbol", "timestamp"))
        query = (
            f"SELECT {', '.join(column.name for column in source.columns)} FROM {table} "
            f"WHERE {' AND '.join(conditions)} ORDER BY timestamp DESC{ties} LIMIT %s"
        )
        frame = self._read(lambda on: on.get_dataframe(query, [*values, limit], numeric=numeric))
        return frame.iloc[::-1].reset_index(drop=True)

    def get_latest_price(
        self, symbol: str, *, max_age: dt.timedelta | None = None, now: Any = None
    ) -> Decimal | None:
        """The price of the newest trade, or the close of the newest bar if that is of a later time; None if there is
        neither, or both are older than max_age."""
        def read(on: Any) -> list[Any]:
            return [
                on.fetch_one(f"SELECT timestamp, {price} FROM {table} WHERE symbol = %s ORDER BY {order} LIMIT 1", (symbol,))
                for table, price, order in (
                    ("trades", "price", "timestamp DESC, id DESC"), ("ohlcv", "close", "timestamp DESC"),
                )
            ]

        found = [row for row in self._read(read) if row is not None]
        if not found:
            return None
        time, price = max(found, key=lambda row: row[0])
        if max_age is not None:
            moment = dt.datetime.now(dt.timezone.utc) if now is None else tables.time(now)
            if moment - time > max_age:
                return None
        return price

    def get_latest_quote(self, symbol: str) -> dict[str, Any] | None:
        """The newest quote of a symbol, or None."""
        query = "SELECT * FROM quotes WHERE symbol = %s ORDER BY timestamp DESC, id DESC LIMIT 1"
        return next(iter(self._read(lambda on: on.fetch_dicts(query, (symbol,)))), None)
