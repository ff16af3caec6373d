# SPDX-License-Identifier: Apache-2.0
"""Statements on one connection, and what the text of a statement tells about it."""
from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values

from . import frames

if TYPE_CHECKING:
    import pandas

Statement = str | bytes | sql.Composable
Parameters = Sequence[Any] | Mapping[str, Any] | None
Row = tuple[Any, ...]

TRANSACTION_WORDS = frozenset(("BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "PREPARE"))
READING_WORDS = frozenset(("SELECT", "VALUES", "TABLE", "SHOW", "WITH", "EXPLAIN"))
_BLANK = re.compile(r"(?:\s|\(|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.S)
_WORD = re.compile(r"[A-Za-z]+")


def _leading_text(statement: Statement) -> str:
    if isinstance(statement, bytes):
        return statement.decode("utf-8", "replace")
    if isinstance(statement, sql.SQL):
        return statement.string
    if isinstance(statement, sql.Composed):
        return _leading_text(statement.seq[0]) if statement.seq else ""
    return statement if isinstance(statement, str) else ""


def first_word(statement: Statement) -> str:
    """The statement's first word in capitals; comments and parentheses do not count."""
    text = _leading_text(statement)
    blank = _BLANK.match(text)
    word = _WORD.match(text, blank.end() if blank else 0)
    return word.group(0).upper() if word else ""


class Statements:
    """Executes statements on one connection, within whatever transaction it is in. For one thread at a time."""

    def __init__(self, connection: Connection, numeric: frames.Numeric = "float"):
        self.connection = connection
        self._numeric: frames.Numeric = numeric
        self._savepoint_count = 0

    def cursor(self) -> Cursor:
        return self.connection.cursor()

    def execute(self, statement: Statement, parameters: Parameters = None) -> int:
        """Executes a statement; how many rows it affected, or -1 where that has no meaning."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.rowcount

    def execute_values(self, statement: str, rows: Sequence[Sequence[Any]], page_rows: int = 1000) -> None:
        """Executes an INSERT whose `VALUES %s` takes many rows a statement."""
        with self.connection.cursor() as cursor:
            execute_values(cursor, statement, rows, page_size=page_rows)

    def fetch_all(self, statement: Statement, parameters: Parameters = None) -> list[Row]:
        with self.connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall()

    def fetch_one(self, statement: Statement, parameters: Parameters = None) -> Row | None:
        """The first row, or None if there is none."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchone()

    def fetch_dicts(self, statement: Statement, parameters: Parameters = None) -> list[dict[str, Any]]:
        """Rows as dictionaries from the columns' names."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row)) for row in cursor.fetchall()]

    def get_dataframe(
        self, statement: Statement, parameters: Parameters = None, *, numeric: frames.Numeric | None = None
    ) -> pandas.DataFrame:
        """The result as a DataFrame; for its types see frames.py."""
        with self.connection.cursor() as cursor:
            return frames.fetch_dataframe(cursor, statement, parameters, numeric or self._numeric)

    def copy_from_dataframe(self, frame: pandas.DataFrame, table: str, columns: Sequence[str] | None = None) -> int:
        """COPYs a DataFrame's columns into the table's columns of the same names; how many rows."""
        with self.connection.cursor() as cursor:
            return frames.copy_dataframe(cursor, frame, table, columns)

    @contextlib.contextmanager
    def savepoint(self) -> Iterator[None]:
        """A part of the transaction that is undone by itself if it raises."""
        self._savepoint_count += 1
        name = f"tickstone_{self._savepoint_count}"
        self.execute(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            if not self.connection.closed:
                self.execute(f"ROLLBACK TO SAVEPOINT {name}")
                self.execute(f"RELEASE SAVEPOINT {name}")
            raise
        self.execute(f"RELEASE SAVEPOINT {name}")
