# SPDX-License-Identifier: Apache-2.0
"""Symbols, their groups, and how far collection has come."""
from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from . import tables
from .batch_store import BatchStore
from .batches import BatchResult, Rows


class ReferenceDataStore(BatchStore):
    """What the system knows about instruments."""

    def store_symbols(self, symbols: Rows) -> BatchResult:
        """Stores symbols, one mapping or many rows: (symbol, name, type, market, currency, active, last_updated, metadata).
        Columns that a row does not name keep what they have."""
        return self._store(tables.SYMBOLS, symbols)

    def get_symbol_info(self, symbol: str) -> dict[str, Any] | None:
        """What is known of a symbol, with the names of its groups under "groups"; None if it is not there."""
        def read(on: Any) -> dict[str, Any] | None:
            found = on.fetch_dicts("SELECT * FROM symbols WHERE symbol = %s", (symbol,))
            if not found:
                return None
            groups = on.fetch_all("SELECT group_name FROM symbol_groups WHERE symbol = %s ORDER BY group_name", (symbol,))
            return {**found[0], "groups": [name for name, in groups]}

        return self._read(read)

    def get_active_symbols(self, type: str | None = None) -> list[str]:
        """The active symbols, of one type if it is given."""
        query = "SELECT symbol FROM symbols WHERE active AND (%(type)s::text IS NULL OR type = %(type)s) ORDER BY symbol"
        return [name for name, in self._read(lambda on: on.fetch_all(query, {"type": type}))]

    def add_to_symbol_group(self, group_name: str, symbols: Iterable[str]) -> BatchResult:
        """Puts symbols into a group; those that are in it stay as they are."""
        return self._store(tables.SYMBOL_GROUPS, [{"group_name": group_name, "symbol": symbol} for symbol in symbols])

    def remove_from_symbol_group(self, group_name: str, symbols: Iterable[str]) -> int:
        """Takes symbols out of a group; how many were in it."""
        statement = "DELETE FROM symbol_groups WHERE group_name = %s AND symbol = ANY(%s::text[])"
        return self.execute(statement, (group_name, list(symbols)), idempotent=True)

    def get_symbol_group(self, group_name: str) -> list[str]:
        """The symbols of a group."""
        query = "SELECT symbol FROM symbol_groups WHERE group_name = %s ORDER BY symbol"
        return [name for name, in self._read(lambda on: on.fetch_all(query, (group_name,)))]

    def get_symbol_groups(self) -> dict[str, int]:
        """The groups, and how many symbols each has."""
        query = "SELECT group_name, count(*) FROM symbol_groups GROUP BY group_name ORDER BY group_name"
        return {row[0]: row[1] for row in self._read(lambda on: on.fetch_all(query))}

    def set_collection_status(
        self, symbol: str, data_type: str, status: str, *, num_records: int = 0, date_range: str | None = None,
        details: Mapping[str, Any] | None = None, collection_time: Any = None,
    ) -> BatchResult:
        """Says how the collection of a symbol's data went, in place of what was said before."""
        return self._store_one(tables.COLLECTION_STATUS, {
            "symbol": symbol, "data_type": data_type, "status": status, "num_records": num_records, "date_range": date_range,
            "details": None if details is None else dict(details),
            "collection_time": dt.datetime.now(dt.timezone.utc) if collection_time is None else collection_time,
        })

    def get_collection_status(
        self, symbol: str | None = None, data_type: str | None = None, status: str | None = None
    ) -> list[dict[str, Any]]:
        """What was said last about collections, newest first."""
        query = """SELECT * FROM data_collection_status WHERE (%(symbol)s::text IS NULL OR symbol = %(symbol)s)
            AND (%(data_type)s::text IS NULL OR data_type = %(data_type)s) AND (%(status)s::text IS NULL OR status = %(status)s)
            ORDER BY collection_time DESC, symbol, data_type"""
        values = {"symbol": symbol, "data_type": data_type, "status": status}
        return self._read(lambda on: on.fetch_dicts(query, values))
