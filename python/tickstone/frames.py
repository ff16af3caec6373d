# SPDX-License-Identifier: Apache-2.0
"""Results as pandas DataFrames, and DataFrames into tables. pandas is needed only where these are called.

| SQL                       | DataFrame                                                    |
|---------------------------|--------------------------------------------------------------|
| timestamptz, timestamp_ns | datetime64[ns, UTC]                                          |
| timestamp, date           | datetime64[ns]                                               |
| interval                  | timedelta64[ns]                                              |
| smallint, integer, bigint | int64; Int64 where there are NULLs                           |
| real, double precision    | float64                                                      |
| numeric                   | float64, or Decimal objects by choice                        |
| boolean                   | bool; boolean where there are NULLs                          |
| all else                  | objects as psycopg2 makes them: str, dict, list, None ...    |
"""
from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from psycopg2 import extensions, sql

from . import copy_text

if TYPE_CHECKING:
    import pandas

Numeric = Literal["float", "decimal"]
NUMERIC_CHOICES = ("float", "decimal")

BOOLEAN = 16
INTEGERS = (20, 21, 23)
FLOATS = (700, 701)
NUMERIC = 1700
DATE = 1082
TIMESTAMP = 1114
TIMESTAMPTZ = 1184
INTERVAL = 1186
# Tickstone's own: nanoseconds, shown with the session's offset.
TIMESTAMP_NS = 9120

COPY_PIECE_BYTES = 1 << 18

_NUMERIC_AS_FLOAT = extensions.new_type((NUMERIC,), "NUMERIC_AS_FLOAT", lambda text, _: None if text is None else float(text))


def load_pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise ImportError("DataFrames need pandas (Debian: python3-pandas); fetch_all does without") from None
    return pandas


def _column(pandas: Any, name: str, type_code: int, values: Sequence[Any], numeric: Numeric) -> Any:
    has_nulls = any(value is None for value in values)
    if type_code in INTEGERS:
        return pandas.Series(values, dtype="Int64" if has_nulls else "int64")
    if type_code in FLOATS or (type_code == NUMERIC and numeric == "float"):
        return pandas.Series(values, dtype="float64")
    if type_code == BOOLEAN:
        return pandas.Series(values, dtype="boolean" if has_nulls else "bool")
    try:
        if type_code in (TIMESTAMPTZ, TIMESTAMP_NS):
            return pandas.Series(pandas.to_datetime(pandas.Series(values, dtype="object"), utc=True))
        if type_code in (TIMESTAMP, DATE):
            return pandas.Series(pandas.to_datetime(pandas.Series(values, dtype="object")))
        if type_code == INTERVAL:
            return pandas.Series(pandas.to_timedelta(pandas.Series(values, dtype="object")))
    except (pandas.errors.OutOfBoundsDatetime, OverflowError) as error:
        raise ValueError(f'column "{name}" has times that pandas cannot hold: select it as text: {error}') from None
    return pandas.Series(values, dtype="object")


def fetch_dataframe(
    cursor: extensions.cursor, statement: Any, parameters: Any, numeric: Numeric
) -> pandas.DataFrame:
    """Executes a statement and makes its result a DataFrame."""
    pandas = load_pandas()
    if numeric not in NUMERIC_CHOICES:
        raise ValueError(f'numeric is "float" or "decimal", not {numeric!r}')
    if numeric == "float":
        extensions.register_type(_NUMERIC_AS_FLOAT, cursor)
    cursor.execute(statement, parameters)
    if cursor.description is None:
        raise ValueError("the statement has no result to make a DataFrame of: use execute()")
    rows = cursor.fetchall()
    described = [(column.name, column.type_code) for column in cursor.description]
    columns = list(zip(*rows)) if rows else [()] * len(described)
    frame = pandas.concat(
        [_column(pandas, name, code, values, numeric) for (name, code), values in zip(described, columns)], axis=1
    ) if described else pandas.DataFrame(index=range(len(rows)))
    frame.columns = [name for name, _ in described]
    return frame


def rows_of(frame: pandas.DataFrame, columns: Sequence[str] | None = None) -> Iterator[tuple[Any, ...]]:
    """A DataFrame's rows with what is missing as None and times as pandas' Timestamps."""
    frame = frame if columns is None else frame[list(columns)]
    cleaned = []
    for position in range(frame.shape[1]):
        series = frame.iloc[:, position]
        values = series.astype("object").tolist()
        for place in series.isna().to_numpy().nonzero()[0]:
            values[place] = None
        cleaned.append(values)
    return zip(*cleaned) if cleaned else iter(())


def _with_times_as_text(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Times written out, a column at once: it takes a fraction of what each by itself takes."""
    import numpy
    made = {}
    for position in range(frame.shape[1]):
        series = frame.iloc[:, position]
        if series.dtype.kind == "M":
            is_missing = series.isna().to_numpy()
            zone = "" if getattr(series.dtype, "tz", None) is None else "+00:00"
            utc = series.to_numpy(dtype="datetime64[ns]")
            text = numpy.char.add(numpy.datetime_as_string(utc), zone).astype("object")
            text[is_missing] = None
            series = load_pandas().Series(text, index=frame.index, dtype="object")
        made[position] = series
    return load_pandas().DataFrame(made, index=frame.index)


class _Pieces(io.TextIOBase):
    """A file of lines that are made as they are read, so that memory holds little of them."""

    def __init__(self, lines: Iterator[str]):
        self._lines = lines
        self._rest = ""

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> str:
        wanted = COPY_PIECE_BYTES if size is None or size < 0 else size
        pieces = [self._rest]
        length = len(self._rest)
        while length < wanted:
            line = next(self._lines, None)
            if line is None:
                break
            pieces.append(line)
            length += len(line)
        text = "".join(pieces)
        self._rest = text[wanted:]
        return text[:wanted]


def copy_rows(
    cursor: extensions.cursor, table: sql.Composable, columns: Sequence[str], rows: Iterator[Sequence[Any]]
) -> int:
    """COPYs rows into a table's columns; how many."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(table, sql.SQL(", ").join(map(sql.Identifier, columns)))
    cursor.copy_expert(statement, _Pieces(map(copy_text.line, rows)))
    return cursor.rowcount


def copy_dataframe(
    cursor: extensions.cursor, frame: pandas.DataFrame, table: str, columns: Sequence[str] | None = None
) -> int:
    names = [str(name) for name in (frame.columns if columns is None else columns)]
    if frame.empty:
        return 0
    target = sql.Identifier(*table.split("."))
    query = sql.SQL("SELECT {} FROM {} LIMIT 0").format(sql.SQL(", ").join(map(sql.Identifier, names)), target)
    cursor.execute(query)
    microseconds = [column.type_code in (TIMESTAMP, TIMESTAMPTZ) for column in cursor.description]
    frame = frame[list(frame.columns if columns is None else columns)]
    for position, is_coarse in enumerate(microseconds):
        series = frame.iloc[:, position]
        if is_coarse and series.dtype.kind in "M" and (series.dropna().dt.nanosecond != 0).any():
            raise ValueError(
                f'column "{names[position]}" of "{table}" keeps microseconds and the DataFrame has nanoseconds: '
                "round them (Series.dt.floor('us')), or make the column a timestamp_ns"
            )
    return copy_rows(cursor, target, names, rows_of(_with_times_as_text(frame)))
