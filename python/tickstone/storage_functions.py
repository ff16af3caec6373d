# SPDX-License-Identifier: Apache-2.0
"""Storing bars over a plain connection of psycopg2's: one transaction a call, all rows or none."""
from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from psycopg2.extensions import connection as Connection
from psycopg2.extras import execute_batch

logger = logging.getLogger(__name__)

_UPSERT = """
    INSERT INTO ohlcv (symbol, timestamp, open, high, low, close, volume, source, timeframe)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (symbol, timestamp, timeframe) DO UPDATE SET
      open = EXCLUDED.open, high = EXCLUDED.high, low = EXCLUDED.low, close = EXCLUDED.close,
      volume = EXCLUDED.volume, source = EXCLUDED.source"""


def store_ohlcv_data(
    conn: Connection, symbol: str, timestamp: Any, open_price: Any, high: Any, low: Any, close: Any, volume: Any,
    source: str = "polygon_api", timeframe: str = "day",
) -> None:
    """Stores a bar, in place of one of the same symbol, time and timeframe, and commits; after an error it undoes the
    connection's transaction and raises the error."""
    row = (symbol, timestamp, open_price, high, low, close, volume, source, timeframe)
    try:
        with conn.cursor() as cursor:
            cursor.execute(_UPSERT, row)
        conn.commit()
    except Exception as error:
        _undo(conn)
        logger.error("cannot store a bar of %s: %s", symbol, str(error).strip())
        raise


def batch_store_ohlcv_data(conn: Connection, ohlcv_data: Iterable[Sequence[Any]]) -> None:
    """Stores bars, sequences of ohlcv's nine columns, and commits; after an error it undoes the connection's transaction
    and raises the error. Nothing is done without rows."""
    if not ohlcv_data:
        return
    try:
        with conn.cursor() as cursor:
            execute_batch(cursor, _UPSERT, ohlcv_data)
        conn.commit()
    except Exception as error:
        _undo(conn)
        logger.error("cannot store bars: %s", str(error).strip())
        raise


def _undo(conn: Connection) -> None:
    # What a lost connection did is undone already.
    if not conn.closed:
        conn.rollback()
