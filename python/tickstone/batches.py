# SPDX-License-Identifier: Apache-2.0
"""Rows into a table, once each however often they come, with an account of what became of them."""
from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from psycopg2 import errors as sql_errors
from psycopg2 import sql
from psycopg2.extras import execute_values

from . import frames
from .statements import Statements
from .tables import Document, Kind, Table, Unsuitable, converted

# A row: a mapping from columns' names, or values in the order of the table's columns. Rows: many, or a DataFrame.
RowLike = Mapping[str, Any] | Sequence[Any]
Rows = Iterable[RowLike] | Any

PAGE_ROWS = 1000
PAGE_SERIES = 100
# From here on COPY pays off.
COPY_ROWS_MIN = 500


class RejectedRow(ValueError):
    """The one row to store was rejected."""


@dataclass(frozen=True)
class Rejection:
    """A row that was not stored: its place among the rows, itself, and why."""

    index: int
    row: Any
    reason: str


@dataclass
class BatchResult:
    """What became of the rows: new + changed + unchanged + superseded + len(rejected) is how many there were.

    superseded: a later row of the same batch has the same key. late: of the new rows, those older than what their series
    had already. After a connection was lost while committing and the batch was repeated, what the first COMMIT stored
    counts as unchanged.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    superseded: int = 0
    late: int = 0
    rejected: list[Rejection] = field(default_factory=list)

    @property
    def stored(self) -> int:
        return self.new + self.changed


@dataclass
class Prepared:
    """A row as it goes to the server: values in the order of its columns."""

    index: int
    given: Any
    columns: tuple[str, ...]
    values: tuple[Any, ...]
    key: tuple[Any, ...]
    series: tuple[Any, ...]
    time: dt.datetime | None


def _named(table: Table, row: Any) -> dict[str, Any]:
    if isinstance(row, Mapping):
        for name in row:
            if not table.has_column(str(name)):
                raise Unsuitable(f"{table.name} has no column {name}")
        return {str(name): value for name, value in row.items()}
    if isinstance(row, (str, bytes)) or not isinstance(row, Sequence):
        raise Unsuitable(f"a row is a mapping or a sequence of values, not {type(row).__name__}")
    if len(row) > len(table.columns):
        raise Unsuitable(f"{len(row)} values for the {len(table.columns)} columns of {table.name}")
    return dict(zip((column.name for column in table.columns), row))


def prepare(table: Table, index: int, row: Any) -> Prepared:
    """Checks and converts a row; raises Unsuitable."""
    given = _named(table, row)
    made: dict[str, Any] = {}
    for column in table.columns:
        if column.name in given:
            made[column.name] = converted(column, given[column.name])
        elif column.default is not None:
            made[column.name] = column.default
        elif column.is_required:
            raise Unsuitable(f"{column.name} is missing")
    key = tuple(made[name] for name in table.key)
    series = tuple(made[name] for name in table.series)
    return Prepared(index, row, tuple(made), tuple(made.values()), key, series, made[table.time] if table.time else None)


def rows_of(table: Table, rows: Rows) -> Iterator[Any]:
    """The rows of a DataFrame, whose columns are named as the table's, or of anything else."""
    if hasattr(rows, "itertuples") and hasattr(rows, "columns"):
        names = [str(name) for name in rows.columns]
        strangers = [name for name in names if not table.has_column(name)]
        if strangers:
            raise ValueError(f"{table.name} has no column {', '.join(strangers)}")
        return (dict(zip(names, values)) for values in frames.rows_of(rows))
    if isinstance(rows, Mapping):
        return iter((rows,))
    return iter(rows)


class BatchWriter:
    """Writes the rows of one batch. write() may be called again after a transaction that did not come about."""

    def __init__(self, table: Table, rows: Rows):
        self._table = table
        self._superseded = 0
        self._unsuitable: list[Rejection] = []
        newest: dict[tuple[Any, ...], Prepared] = {}
        for index, row in enumerate(rows_of(table, rows)):
            try:
                prepared = prepare(table, index, row)
            except Unsuitable as error:
                self._unsuitable.append(Rejection(index, row, str(error)))
                continue
            self._superseded += prepared.key in newest
            newest[prepared.key] = prepared
        # In one order everywhere, so that writers of the same keys wait for one another and do not deadlock.
        self._rows = sorted(newest.values(), key=lambda row: row.key)

    @property
    def is_empty(self) -> bool:
        return not self._rows

    def write(self, statements: Statements) -> BatchResult:
        result = BatchResult(superseded=self._superseded, rejected=list(self._unsuitable))
        by_columns: dict[tuple[str, ...], list[Prepared]] = {}
        for row in self._rows:
            by_columns.setdefault(row.columns, []).append(row)
        # Newest times as they were before any row of this batch.
        newest = self._newest_times(statements)
        for columns, rows in by_columns.items():
            self._write_group(statements, columns, rows, newest, result)
        result.rejected.sort(key=lambda rejection: rejection.index)
        return result

    def without_rows(self) -> BatchResult:
        return BatchResult(superseded=self._superseded, rejected=list(self._unsuitable))

    def _write_group(
        self, statements: Statements, columns: tuple[str, ...], rows: list[Prepared],
        newest: Mapping[tuple[Any, ...], dt.datetime], result: BatchResult,
    ) -> None:
        new: list[Prepared] = []
        doubtful: list[Prepared] = []
        for row in rows:
            last = newest.get(row.series)
            is_after_all = row.time is not None and (last is None or row.time > last)
            (new if is_after_all else doubtful).append(row)
        stored = self._stored_rows(statements, columns, doubtful)
        late: list[Prepared] = []
        different: list[Prepared] = []
        for row in doubtful:
            old = stored.get(row.key)
            if old is None:
                is_late = row.time is not None and row.time < newest[row.series]
                (late if is_late else new).append(row)
            elif old != self._comparable(row):
                different.append(row)
            else:
                result.unchanged += 1
        late_count = self._insert_new(statements, columns, late, result)
        result.late += late_count
        result.new += late_count + self._insert_new(statements, columns, new, result)
        result.changed += self._upsert(statements, columns, different, result)

    def _newest_times(self, statements: Statements) -> dict[tuple[Any, ...], dt.datetime]:
        """The newest time of each series that the batch has rows of."""
        if self._table.time is None:
            return {}
        wanted = sorted({row.series for row in self._rows})
        names = self._table.series
        # Every server finds the last row of one series at once; joins and groups make some read all rows.
        branch = (
            f"(SELECT {', '.join(names)}, {self._table.time} FROM {self._table.name} "
            f"WHERE {' AND '.join(f'{name} = %s' for name in names)} ORDER BY {self._table.time} DESC LIMIT 1)"
        )
        newest: dict[tuple[Any, ...], dt.datetime] = {}
        for start in range(0, len(wanted), PAGE_SERIES):
            page = wanted[start:start + PAGE_SERIES]
            query = " UNION ALL ".join([branch] * len(page)) if len(page) > 1 else branch[1:-1]
            for row in statements.fetch_all(query, [value for series in page for value in series]):
                newest[tuple(row[:-1])] = row[-1]
        return newest

    def _stored_rows(
        self, statements: Statements, columns: tuple[str, ...], rows: list[Prepared]
    ) -> dict[tuple[Any, ...], tuple[Any, ...]]:
        """What the table has under the rows' keys: the values of the columns, by key."""
        stored: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        table = self._table
        template = "(" + ", ".join(f"%s::{table.column(name).kind.value}" for name in table.key) + ")"
        same = " AND ".join(f"t.{name} = k.{name}" for name in table.key)
        # Bounds that a planner need not find out, for chunks that cannot match.
        bounds = f" AND t.{table.time} >= {{first}} AND t.{table.time} <= {{last}}" if table.time else ""
        text = (
            f"SELECT {', '.join(f't.{name}' for name in (*table.key, *columns))} "
            f"FROM (VALUES %s) AS k ({', '.join(table.key)}) JOIN {table.name} AS t ON {same}{bounds}"
        )
        kinds = [table.column(name).kind for name in columns]
        for start in range(0, len(rows), PAGE_ROWS):
            page = rows[start:start + PAGE_ROWS]
            query: Any = text
            if table.time:
                times = [row.time for row in page if row.time is not None]
                query = sql.SQL(text).format(first=sql.Literal(min(times)), last=sql.Literal(max(times)))
            with statements.cursor() as cursor:
                found = execute_values(cursor, query, [row.key for row in page], template, PAGE_ROWS, fetch=True)
            for row in found:
                values = tuple(_normal(kind, value) for kind, value in zip(kinds, row[len(table.key):]))
                stored[tuple(row[:len(table.key)])] = values
        return stored

    def _comparable(self, row: Prepared) -> tuple[Any, ...]:
        return tuple(value.adapted if isinstance(value, Document) else value for value in row.values)

    def _insert_new(
        self, statements: Statements, columns: tuple[str, ...], rows: list[Prepared], result: BatchResult
    ) -> int:
        """Rows that were not there a moment ago: by COPY if they are many, unless another writer has come first."""
        if len(rows) >= COPY_ROWS_MIN:
            try:
                with statements.savepoint(), statements.cursor() as cursor:
                    frames.copy_rows(cursor, sql.Identifier(self._table.name), columns, iter([row.values for row in rows]))
                return len(rows)
            except (psycopg2.IntegrityError, psycopg2.DataError):
                pass  # The rows one by one say which and why.
        return self._upsert(statements, columns, rows, result)

    def _upsert(self, statements: Statements, columns: tuple[str, ...], rows: list[Prepared], result: BatchResult) -> int:
        if not rows:
            return 0
        others = [name for name in columns if name not in self._table.key]
        changes = "DO UPDATE SET " + ", ".join(f"{name} = EXCLUDED.{name}" for name in others) if others else "DO NOTHING"
        insert = (
            f"INSERT INTO {self._table.name} ({', '.join(columns)}) VALUES %s "
            f"ON CONFLICT ({', '.join(self._table.key)}) {changes}"
        )
        return sum(
            self._insert_page(statements, insert, rows[start:start + PAGE_ROWS], result)
            for start in range(0, len(rows), PAGE_ROWS)
        )

    def _insert_page(self, statements: Statements, insert: str, rows: list[Prepared], result: BatchResult) -> int:
        """Inserts rows; those that the server refuses are found by halving."""
        try:
            with statements.savepoint():
                statements.execute_values(insert, [row.values for row in rows], PAGE_ROWS)
            return len(rows)
        except (psycopg2.DataError, psycopg2.IntegrityError, sql_errors.ProgramLimitExceeded) as error:
            if len(rows) == 1:
                reason = error.diag.message_primary or str(error).strip()
                result.rejected.append(Rejection(rows[0].index, rows[0].given, reason))
                return 0
        half = len(rows) // 2
        return self._insert_page(statements, insert, rows[:half], result) + self._insert_page(
            statements, insert, rows[half:], result
        )


def _normal(kind: Kind, value: Any) -> Any:
    if kind is Kind.TIME and value is not None:
        return value.astimezone(dt.timezone.utc)
    return value
