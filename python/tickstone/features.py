# SPDX-License-Identifier: Apache-2.0
"""The feature store: values, what is known of features, how they relate, and who read them."""
from __future__ import annotations

import datetime as dt
import getpass
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from psycopg2 import sql

from . import tables
from .access_log import AccessBatch, AccessLog
from .batch_store import BatchStore
from .batches import BatchResult, Rows
from .point_in_time import LabelTimes
from .statements import Parameters, Statements

if TYPE_CHECKING:
    import pandas

Numeric = Literal["float", "decimal"]
# One age for all features, or one for each that has one.
MaxAge = dt.timedelta | Mapping[str, dt.timedelta] | None


class FeatureStore(BatchStore):
    """Reading features is noted in feature_access_log, in batches, unless log_feature_access is false."""

    def __init__(
        self, url: str | None = None, *, accessed_by: str | None = None, log_feature_access: bool = True,
        **connection: Any,
    ):
        super().__init__(url, **connection)
        self._accessed_by = accessed_by
        self._access_log = AccessLog(self._write_access_batch) if log_feature_access else None

    def close(self) -> None:
        """Writes what is left of the access log, then closes the connections."""
        if self._access_log is not None:
            self._access_log.close()
        super().close()

    def flush_access_log(self) -> None:
        """Writes the reads noted so far, as is done every second."""
        if self._access_log is not None:
            self._access_log.flush()

    # Storing.

    def batch_store_feature_data(self, feature_data: Rows) -> BatchResult:
        """Stores feature values: (feature_name, symbol, timestamp, value[, tags]), mappings, or a DataFrame."""
        return self._store(tables.FEATURE_TIMESERIES, feature_data)

    def store_feature_sets(self, feature_sets: Rows) -> BatchResult:
        """Stores features that were computed together, one wide row a symbol, time and set: (symbol, timestamp, feature_set,
        features[, version, source]), where features maps names to numbers. The table feature_data comes by migration."""
        return self._store(tables.FEATURE_DATA, feature_sets)

    def store_feature_metadata(
        self, feature_name: str, *, description: str | None = None, tags: Sequence[str] | None = None,
        parameters: Mapping[str, Any] | None = None, source: str | None = None,
    ) -> BatchResult:
        """Describes a feature; what is not given keeps what it has."""
        row: dict[str, Any] = {"feature_name": feature_name, "updated_at": dt.datetime.now(dt.timezone.utc)}
        given = {"description": description, "tags": tags, "parameters": parameters, "source": source}
        row.update({name: value for name, value in given.items() if value is not None})
        return self._store_one(tables.FEATURE_METADATA, row)

    def store_feature_relationships(self, relationships: Rows) -> BatchResult:
        """Stores rows (source_feature, target_feature, relationship_type[, metadata])."""
        return self._store(tables.FEATURE_RELATIONSHIPS, relationships)

    # Reading.

    def get_feature_metadata(self, feature_name: str) -> dict[str, Any] | None:
        """What is known of a feature, or None."""
        query = "SELECT * FROM feature_metadata WHERE feature_name = %s"
        return next(iter(self._read(lambda on: on.fetch_dicts(query, (feature_name,)))), None)

    def get_feature_relationships(self, feature_name: str) -> list[dict[str, Any]]:
        """The relationships that a feature is the source or the target of."""
        query = """SELECT * FROM feature_relationships WHERE source_feature = %(name)s OR target_feature = %(name)s
            ORDER BY source_feature, target_feature, relationship_type"""
        return self._read(lambda on: on.fetch_dicts(query, {"name": feature_name}))

    def get_feature_data(
        self, features: Iterable[str], symbols: Iterable[str] | None = None, *, start: Any = None, end: Any = None,
        numeric: Numeric | None = None,
    ) -> pandas.DataFrame:
        """Values of features in [start, end), by feature, symbol and time."""
        names = list(features)
        conditions = ["feature_name = ANY(%s::text[])"]
        values: list[Any] = [names]
        if symbols is not None:
            conditions.append("symbol = ANY(%s::text[])")
            values.append(list(symbols))
        for bound, comparison in ((start, ">="), (end, "<")):
            if bound is not None:
                conditions.append(f"timestamp {comparison} %s")
                values.append(tables.time(bound))
        query = (
            f"SELECT feature_name, symbol, timestamp, value, tags FROM feature_timeseries WHERE {' AND '.join(conditions)} "
            "ORDER BY feature_name, symbol, timestamp"
        )
        frame = self._read(lambda on: on.get_dataframe(query, values, numeric=numeric))
        self._note_access(names, "read")
        return frame

    def get_latest_features(
        self, symbol: str, features: Iterable[str], *, as_of: Any = None, max_age: MaxAge = None
    ) -> dict[str, Decimal | None]:
        """A symbol's newest value of each feature not later than as_of (now unless given); None where there is none, or
        it is older than max_age."""
        names = list(dict.fromkeys(features))
        moment = dt.datetime.now(dt.timezone.utc) if as_of is None else tables.time(as_of)
        query = """SELECT timestamp, value FROM feature_timeseries WHERE feature_name = %s AND symbol = %s AND timestamp <= %s
            ORDER BY timestamp DESC LIMIT 1"""

        def read(on: Statements) -> dict[str, Decimal | None]:
            newest: dict[str, Decimal | None] = {}
            for name in names:
                row = on.fetch_one(query, (name, symbol, moment))
                age = _age_of(max_age, name)
                newest[name] = row[1] if row is not None and (age is None or moment - row[0] <= age) else None
            return newest

        found = self._read(read)
        self._note_access(names, "read_latest")
        return found

    def get_feature_sets(
        self, feature_set: str, symbols: Iterable[str], *, start: Any = None, end: Any = None
    ) -> pandas.DataFrame:
        """The wide rows of a feature set in [start, end), by symbol and time, with a column for each feature."""
        query = """SELECT symbol, timestamp, features FROM feature_data
            WHERE feature_set = %(set)s AND symbol = ANY(%(symbols)s::text[])
            AND (%(start)s::timestamptz IS NULL OR timestamp >= %(start)s::timestamptz)
            AND (%(end)s::timestamptz IS NULL OR timestamp < %(end)s::timestamptz) ORDER BY symbol, timestamp"""
        values = {"set": feature_set, "symbols": list(symbols), "start": None if start is None else tables.time(start),
                  "end": None if end is None else tables.time(end)}
        found = self._read(lambda on: on.get_dataframe(query, values))
        names = list(dict.fromkeys(name for features in found["features"] for name in features))
        wide = _with_columns(found[["symbol", "timestamp"]], {
            name: [features.get(name) for features in found["features"]] for name in names
        })
        self._note_access([f"{feature_set}.{name}" for name in names], "read")
        return wide

    def fetch_training_data(
        self, labels: pandas.DataFrame | str | sql.Composable, features: Iterable[str], *, max_age: MaxAge = None,
        parameters: Parameters = None, symbol_column: str = "symbol", time_column: str = "timestamp",
        numeric: Numeric | None = None,
    ) -> pandas.DataFrame:
        """The labels with a column for each feature: its newest value for the label's symbol not later than the label's
        time, missing where there is none or it is older than max_age. Nothing later than a label is ever used.

        labels: a DataFrame, or a query for one. All is read from one moment. Order and index of the labels stay.
        """
        names = list(features)
        if len(set(names)) != len(names):
            raise ValueError("a feature is named twice")

        def read(on: Statements) -> pandas.DataFrame:
            frame = labels if hasattr(labels, "columns") else on.get_dataframe(labels, parameters, numeric=numeric)
            for column in (symbol_column, time_column):
                if column not in frame.columns:
                    raise ValueError(f"the labels have no column {column}")
            taken = [name for name in names if name in frame.columns]
            if taken:
                raise ValueError(f"the labels have a column {taken[0]} already, as a feature is called")
            made = frame.copy()
            if frame.empty:
                for name in names:
                    made[name] = _nothing(numeric or self._numeric)
                return made
            times = LabelTimes(frame[symbol_column], frame[time_column])
            found = {}
            for name in names:
                age = _age_of(max_age, name)
                values = on.get_dataframe(*_values_query(name, times, age), numeric=numeric)
                found[name] = times.newest_values(values, age).to_numpy()
            return _with_columns(made, found)

        result = self.run_snapshot(read)
        self._note_access(names, "training")
        return result

    # The access log.

    def _note_access(self, features: Sequence[str], operation: str) -> None:
        if self._access_log is not None:
            self._access_log.record(features, self._accessed_by or _this_process(), operation)

    def _write_access_batch(self, batch: AccessBatch) -> None:
        name, time, by, operation = batch.entries[0]

        def write(on: Statements) -> None:
            # The table has no key: after a COMMIT without an answer, look whether the entries came in.
            if batch.was_tried and on.fetch_one(
                "SELECT 1 FROM feature_access_log WHERE accessed_at = %s AND feature_name = %s AND accessed_by = %s "
                "AND operation = %s LIMIT 1", (time, name, by, operation),
            ):
                return
            batch.was_tried = True
            on.execute_values(
                "INSERT INTO feature_access_log (feature_name, accessed_at, accessed_by, operation) VALUES %s", batch.entries
            )

        self.run_transaction(write, idempotent=True)


def _age_of(max_age: MaxAge, feature: str) -> dt.timedelta | None:
    return max_age.get(feature) if isinstance(max_age, Mapping) else max_age


def _this_process() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}:{os.getpid()}"


def _nothing(numeric: Numeric) -> Any:
    import pandas
    return pandas.Series([], dtype="float64" if numeric == "float" else "object")


def _with_columns(frame: pandas.DataFrame, columns: Mapping[str, Any]) -> pandas.DataFrame:
    import pandas
    return pandas.concat([frame, pandas.DataFrame(columns, index=frame.index)], axis=1)


def _values_query(feature: str, times: LabelTimes, max_age: dt.timedelta | None) -> tuple[str, dict[str, Any]]:
    """The values that any label can see: those between the labels, and of each symbol the newest one before them."""
    values = {"feature": feature, "symbols": list(times.symbols), "first": times.first, "last": times.last}
    oldest = ""
    if max_age is not None:
        oldest = "AND timestamp >= %(oldest)s"
        # Ages may have nanoseconds in pandas; one microsecond more is harmless here.
        values["oldest"] = times.first - dt.timedelta(microseconds=max_age // dt.timedelta(microseconds=1) + 1)
    text = f"""(SELECT DISTINCT ON (symbol) symbol, timestamp, value FROM feature_timeseries
          WHERE feature_name = %(feature)s AND symbol = ANY(%(symbols)s::text[]) AND timestamp <= %(first)s {oldest}
          ORDER BY symbol, timestamp DESC)
        UNION ALL
        (SELECT symbol, timestamp, value FROM feature_timeseries
          WHERE feature_name = %(feature)s AND symbol = ANY(%(symbols)s::text[]) AND timestamp > %(first)s
            AND timestamp <= %(last)s)"""
    return text, values
