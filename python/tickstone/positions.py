# SPDX-License-Identifier: Apache-2.0
"""The positions that are held: opened, changed, closed, each once however often a request comes."""
from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from decimal import Decimal, localcontext
from typing import Any

from . import tables
from .batch_store import BatchStore
from .batches import RejectedRow
from .statements import Statements
from .tables import Document, Unsuitable

# Divisions do not end; 16 digits after the point are what PostgreSQL gives at least.
PERCENTAGE_DIGITS = Decimal("1e-16")
REQUEST_KEY = "request_id"


class NoSuchPosition(LookupError):
    """There is no open position of that id."""


def _amounts(entry: Decimal, stop: Decimal | None, shares: int) -> dict[str, Decimal | None]:
    """What follows from price, stop and size. The risk is none of a negative number: a short position's is as large."""
    with localcontext() as context:
        context.prec = 80
        amounts: dict[str, Decimal | None] = {"position_value": entry * shares, "risk_amount": None, "stop_percentage": None}
        if stop is not None:
            amounts["risk_amount"] = abs((entry - stop) * shares)
            if entry != 0:
                amounts["stop_percentage"] = abs((entry - stop) / entry * 100).quantize(PERCENTAGE_DIGITS)
        return amounts


def _number(name: str, value: Any) -> Decimal:
    try:
        return tables.decimal(value)
    except Unsuitable as error:
        raise RejectedRow(f"positions: {name}: {error}") from None


def _shares(value: Any) -> int:
    try:
        return tables.CONVERSIONS[tables.Kind.INTEGER](value)
    except Unsuitable as error:
        raise RejectedRow(f"positions: shares: {error}") from None


class PositionStore(BatchStore):
    """The trading engine's side. The table holds open positions: closing one takes it out."""

    def open_position(
        self, ticker: str, entry_price: Any, shares: Any, *, stop_price: Any = None, timestamp: Any = None,
        metadata: Mapping[str, Any] | None = None, is_focus_ticker: bool = False, request_id: str | None = None,
    ) -> int:
        """Opens a position; its id. Value, risk and stop percentage follow from the prices and the shares, exactly.

        A request_id of yours makes a second call with it return the position of the first, also after a crash; without
        one only the repetitions within this call are recognised. Of calls with one request_id at the same moment one opens
        the position and all return it: a new one holds other writers of the table up until its transaction ends.
        """
        entry = _number("entry_price", entry_price)
        stop = None if tables.is_missing(stop_price) else _number("stop_price", stop_price)
        count = _shares(shares)
        request = request_id if request_id is not None else str(uuid.uuid4())
        values = {
            "ticker": ticker, "entry_price": entry, "stop_price": stop, "shares": count, **_amounts(entry, stop, count),
            "timestamp": dt.datetime.now(dt.timezone.utc) if timestamp is None else tables.time(timestamp),
            "metadata": Document({**(metadata or {}), REQUEST_KEY: request}), "is_focus_ticker": is_focus_ticker,
        }
        insert = (
            f"INSERT INTO positions ({', '.join(values)}) VALUES ({', '.join(f'%({name})s' for name in values)}) RETURNING id"
        )
        find = f"SELECT id FROM positions WHERE ticker = %s AND metadata->>'{REQUEST_KEY}' = %s"

        def write(on: Statements) -> int:
            found = on.fetch_one(find, (ticker, request))
            if found is None and request_id is not None:
                # Whoever else is opening one is waited for, and what it has opened is seen by the next query.
                on.execute("LOCK TABLE positions IN SHARE ROW EXCLUSIVE MODE")
                found = on.fetch_one(find, (ticker, request))
            found = found or on.fetch_one(insert, values)
            assert found is not None
            return int(found[0])

        return self.run_transaction(write, idempotent=True)

    def update_position(self, position_id: int, **changes: Any) -> dict[str, Any]:
        """Changes stop_price, shares, entry_price, is_focus_ticker or, name by name, metadata; the position as it is then.
        What follows from prices and shares is computed anew."""
        strangers = set(changes) - {"stop_price", "shares", "entry_price", "is_focus_ticker", "metadata"}
        if strangers:
            raise ValueError(f"a position's {', '.join(sorted(strangers))} cannot be changed")
        given = dict(changes)
        if "entry_price" in given:
            given["entry_price"] = _number("entry_price", given["entry_price"])
        if "stop_price" in given:
            stop = given["stop_price"]
            given["stop_price"] = None if tables.is_missing(stop) else _number("stop_price", stop)
        if "shares" in given:
            given["shares"] = _shares(given["shares"])

        def write(on: Statements) -> dict[str, Any]:
            position = self._locked(on, position_id)
            after = {**position, **given}
            if "metadata" in given:
                after["metadata"] = {**(position["metadata"] or {}), **given["metadata"]}
            after.update(_amounts(after["entry_price"], after["stop_price"], after["shares"]))
            values = {name: value for name, value in after.items() if name not in ("id", "ticker", "timestamp")}
            values["metadata"] = None if after["metadata"] is None else Document(after["metadata"])
            assignments = ", ".join(f"{name} = %({name})s" for name in values)
            on.execute(f"UPDATE positions SET {assignments} WHERE id = %(id)s", {**values, "id": position_id})
            return after

        return self.run_transaction(write, idempotent=True)

    def close_position(self, position_id: int, exit_price: Any = None) -> dict[str, Any]:
        """Closes a position: takes it out of the table and returns it, with exit_price and profit if a price is given."""
        price = None if exit_price is None else _number("exit_price", exit_price)
        seen: list[dict[str, Any]] = []

        def write(on: Statements) -> dict[str, Any]:
            try:
                position = self._locked(on, position_id)
            except NoSuchPosition:
                # Gone after a COMMIT that was not answered: it was ours.
                if not seen:
                    raise
                return seen[-1]
            on.execute("DELETE FROM positions WHERE id = %s", (position_id,))
            seen.append(position)
            return position

        closed = dict(self.run_transaction(write, idempotent=True))
        if price is not None:
            with localcontext() as context:
                context.prec = 80
                closed.update(exit_price=price, profit=(price - closed["entry_price"]) * closed["shares"])
        return closed

    def get_position(self, position_id: int) -> dict[str, Any] | None:
        """An open position, or None."""
        found = self._read(lambda on: on.fetch_dicts("SELECT * FROM positions WHERE id = %s", (position_id,)))
        return found[0] if found else None

    def get_positions(self, ticker: str | None = None) -> list[dict[str, Any]]:
        """The open positions, of one ticker if it is given, newest first."""
        query = """SELECT * FROM positions WHERE %(ticker)s::text IS NULL OR ticker = %(ticker)s
            ORDER BY timestamp DESC, id DESC"""
        return self._read(lambda on: on.fetch_dicts(query, {"ticker": ticker}))

    @staticmethod
    def _locked(on: Statements, position_id: int) -> dict[str, Any]:
        found = on.fetch_dicts("SELECT * FROM positions WHERE id = %s FOR UPDATE", (position_id,))
        if not found:
            raise NoSuchPosition(f"there is no open position {position_id}")
        return found[0]
