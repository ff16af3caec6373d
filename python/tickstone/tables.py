# SPDX-License-Identifier: Apache-2.0
"""The tables that rows are stored in, and what each column takes."""
from __future__ import annotations

import datetime as dt
import enum
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from psycopg2.extras import Json


class Kind(enum.Enum):
    """What a column holds; the value is its SQL type."""

    TEXT = "text"
    NUMERIC = "numeric"
    INTEGER = "integer"
    BIGINT = "bigint"
    BOOLEAN = "boolean"
    TIME = "timestamptz"
    DATE = "date"
    TEXTS = "text[]"
    JSON = "jsonb"


@dataclass(frozen=True)
class Column:
    """default stands where a row does not name the column; without one the table's own default does."""

    name: str
    kind: Kind
    is_required: bool = False
    default: Any = None

    @cached_property
    def convert(self) -> Callable[[Any], Any]:
        return CONVERSIONS[self.kind]


@dataclass(frozen=True)
class Table:
    """series: the columns of the key beside the time by which rows belong together."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    series: tuple[str, ...] = ()
    time: str | None = None

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    def column(self, name: str) -> Column:
        return self._by_name[name]

    def has_column(self, name: str) -> bool:
        return name in self._by_name


def _columns(**kinds: Any) -> tuple[Column, ...]:
    made = []
    for name, what in kinds.items():
        kind, *more = what if isinstance(what, tuple) else (what,)
        made.append(Column(name, kind, *more))
    return tuple(made)


_TEXT = (Kind.TEXT, True)
_NUMBER = (Kind.NUMERIC, True)
_INTEGER = (Kind.INTEGER, True)
_TIME = (Kind.TIME, True)
_SOURCE = (Kind.TEXT, True, "polygon_api")

OHLCV = Table(
    "ohlcv",
    _columns(symbol=_TEXT, timestamp=_TIME, open=_NUMBER, high=_NUMBER, low=_NUMBER, close=_NUMBER, volume=_NUMBER,
             source=_SOURCE, timeframe=(Kind.TEXT, True, "day")),
    ("symbol", "timestamp", "timeframe"), ("symbol", "timeframe"), "timestamp",
)
TRADES = Table(
    "trades",
    _columns(symbol=_TEXT, timestamp=_TIME, price=_NUMBER, size=_NUMBER, exchange=Kind.INTEGER, conditions=Kind.TEXTS,
             id=(Kind.BIGINT, True), source=_SOURCE),
    ("symbol", "timestamp", "id"), ("symbol",), "timestamp",
)
QUOTES = Table(
    "quotes",
    _columns(symbol=_TEXT, timestamp=_TIME, bid_price=_NUMBER, bid_size=_NUMBER, ask_price=_NUMBER, ask_size=_NUMBER,
             exchange=Kind.INTEGER, conditions=Kind.TEXTS, id=(Kind.BIGINT, True), source=_SOURCE),
    ("symbol", "timestamp", "id"), ("symbol",), "timestamp",
)
OPTIONS_FLOW = Table(
    "options_flow",
    _columns(symbol=_TEXT, timestamp=_TIME, expiration_date=(Kind.DATE, True), strike_price=_NUMBER, option_type=_TEXT,
             contract_symbol=_TEXT, premium=Kind.NUMERIC, volume=Kind.NUMERIC, open_interest=Kind.NUMERIC,
             implied_volatility=Kind.NUMERIC, delta=Kind.NUMERIC, gamma=Kind.NUMERIC, theta=Kind.NUMERIC, vega=Kind.NUMERIC,
             underlying_price=Kind.NUMERIC, sentiment_score=Kind.NUMERIC, sentiment_source=Kind.TEXT, source=_SOURCE,
             batch_id=Kind.TEXT, processed_by_feature_store=Kind.BOOLEAN),
    ("contract_symbol", "timestamp"), ("contract_symbol",), "timestamp",
)
SYMBOLS = Table(
    "symbols",
    _columns(symbol=_TEXT, name=Kind.TEXT, type=Kind.TEXT, market=Kind.TEXT, currency=Kind.TEXT, active=Kind.BOOLEAN,
             last_updated=Kind.TIME, metadata=Kind.JSON),
    ("symbol",),
)
SYMBOL_GROUPS = Table("symbol_groups", _columns(group_name=_TEXT, symbol=_TEXT, added_at=Kind.TIME), ("group_name", "symbol"))
COLLECTION_STATUS = Table(
    "data_collection_status",
    _columns(symbol=_TEXT, data_type=_TEXT, date_range=Kind.TEXT, collection_time=Kind.TIME, status=Kind.TEXT,
             num_records=Kind.INTEGER, details=Kind.JSON),
    ("symbol", "data_type"),
)
MODEL_PERFORMANCE = Table(
    "model_performance",
    _columns(model_id=_TEXT, model_type=_TEXT, timestamp=_TIME, metrics=(Kind.JSON, True), parameters=Kind.JSON),
    ("model_id", "timestamp"), ("model_id",), "timestamp",
)
FEATURE_IMPORTANCE = Table(
    "feature_importance",
    _columns(model_id=_TEXT, timestamp=_TIME, feature_name=_TEXT, importance=_NUMBER),
    ("model_id", "timestamp", "feature_name"), ("model_id", "feature_name"), "timestamp",
)
SYSTEM_METRICS = Table(
    "system_metrics",
    _columns(timestamp=_TIME, metric_name=_TEXT, metric_value=_NUMBER, labels=Kind.JSON),
    ("timestamp", "metric_name"), ("metric_name",), "timestamp",
)
CACHE_METRICS = Table(
    "cache_metrics",
    _columns(timestamp=_TIME, cache_name=_TEXT, hit_count=_INTEGER, miss_count=_INTEGER, size_bytes=Kind.BIGINT,
             eviction_count=Kind.INTEGER),
    ("timestamp", "cache_name"), ("cache_name",), "timestamp",
)
FEATURE_METADATA = Table(
    "feature_metadata",
    _columns(feature_name=_TEXT, description=Kind.TEXT, tags=Kind.TEXTS, parameters=Kind.JSON, source=Kind.TEXT,
             created_at=Kind.TIME, updated_at=Kind.TIME),
    ("feature_name",),
)
FEATURE_TIMESERIES = Table(
    "feature_timeseries",
    _columns(feature_name=_TEXT, symbol=_TEXT, timestamp=_TIME, value=_NUMBER, tags=Kind.JSON),
    ("feature_name", "symbol", "timestamp"), ("feature_name", "symbol"), "timestamp",
)
# One wide row for the features that were computed together.
FEATURE_DATA = Table(
    "feature_data",
    _columns(symbol=_TEXT, timestamp=_TIME, feature_set=_TEXT, features=(Kind.JSON, True), version=Kind.TEXT, source=Kind.TEXT),
    ("symbol", "timestamp", "feature_set"), ("symbol", "feature_set"), "timestamp",
)
FEATURE_RELATIONSHIPS = Table(
    "feature_relationships",
    _columns(source_feature=_TEXT, target_feature=_TEXT, relationship_type=_TEXT, metadata=Kind.JSON),
    ("source_feature", "target_feature", "relationship_type"),
)
FEATURE_ACCESS_LOG = Table(
    "feature_access_log",
    _columns(feature_name=_TEXT, accessed_at=_TIME, accessed_by=_TEXT, operation=_TEXT),
    (), ("feature_name",), "accessed_at",
)
POSITIONS = Table(
    "positions",
    _columns(id=_INTEGER, ticker=_TEXT, timestamp=_TIME, entry_price=_NUMBER, stop_price=Kind.NUMERIC, shares=_INTEGER,
             position_value=_NUMBER, risk_amount=Kind.NUMERIC, stop_percentage=Kind.NUMERIC, metadata=Kind.JSON,
             is_focus_ticker=Kind.BOOLEAN),
    ("id",),
)


class Unsuitable(ValueError):
    """A value that a column does not take."""


def is_missing(value: Any) -> bool:
    """None, NaN, and what pandas has for them."""
    if value is None:
        return True
    if isinstance(value, (str, int)):
        return False
    if isinstance(value, (float, Decimal)):
        return value != value
    return type(value).__name__ in ("NAType", "NaTType")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Unsuitable(f"{value!r} is not text")
    if "\0" in value:
        raise Unsuitable("text cannot hold the character of code zero")
    return str(value)


def decimal(value: Any) -> Decimal:
    """A number exactly as it is written: a float is the shortest decimal that gives it."""
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        raise Unsuitable(f"{value!r} is not a number")
    try:
        made = value if isinstance(value, Decimal) else Decimal(repr(value) if type(value) is float else str(value).strip())
    except InvalidOperation:
        raise Unsuitable(f"{value!r} is not a number") from None
    if not made.is_finite():
        raise Unsuitable(f"{value!r} is not a finite number")
    return made


def _integer(bits: int) -> Callable[[Any], int]:
    def convert(value: Any) -> int:
        number = decimal(value)
        if number != number.to_integral_value():
            raise Unsuitable(f"{value!r} is not a whole number")
        if not -(1 << (bits - 1)) <= number < 1 << (bits - 1):
            raise Unsuitable(f"{value!r} does not fit into {bits} bits")
        return int(number)

    return convert


def _boolean(value: Any) -> bool:
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return bool(value)
    raise Unsuitable(f"{value!r} is neither true nor false")


def time(value: Any) -> dt.datetime:
    """A moment, in UTC. Without a zone it is taken as UTC's; text is ISO 8601's."""
    if isinstance(value, str):
        text = value.strip()
        try:
            value = dt.datetime.fromisoformat(text[:-1] + "+00:00" if text[-1:] in "Zz" and text else text)
        except ValueError:
            raise Unsuitable(f"{value!r} is not a time as 2026-01-05T14:30:00+00:00") from None
    elif type(value).__name__ == "datetime64":
        nanoseconds = int(value.astype("datetime64[ns]").astype("int64"))
        if nanoseconds % 1000:
            raise Unsuitable(f"{value} has nanoseconds, and the column keeps microseconds")
        value = dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=nanoseconds // 1000)
    if getattr(value, "nanosecond", 0):
        raise Unsuitable(f"{value} has nanoseconds, and the column keeps microseconds")
    if hasattr(value, "to_pydatetime"):
        value = value.to_pydatetime()
    if not isinstance(value, dt.datetime):
        raise Unsuitable(f"{value!r} is not a time")
    return (value if value.tzinfo is not None else value.replace(tzinfo=dt.timezone.utc)).astimezone(dt.timezone.utc)


def _date(value: Any) -> dt.date:
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value.strip())
        except ValueError:
            raise Unsuitable(f"{value!r} is not a date as 2026-01-05") from None
    if isinstance(value, dt.datetime):
        if value.time() != dt.time():
            raise Unsuitable(f"{value} is a time, not a date")
        return value.date()
    if not isinstance(value, dt.date):
        raise Unsuitable(f"{value!r} is not a date")
    return value


def _texts(value: Any) -> list[str | None]:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if not isinstance(value, (list, tuple)):
        raise Unsuitable(f"{value!r} is not a list of texts")
    # Vendors number their conditions.
    return [None if item is None else str(item) if type(item) is int else _text(item) for item in value]


def _json_value(value: Any) -> Any:
    """What json does not know itself."""
    if isinstance(value, Decimal):
        if value == value.to_integral_value():
            return int(value)
        if Decimal(repr(float(value))) == value:
            return float(value)
        raise Unsuitable(f"{value} has more digits than JSON's numbers keep here: give it as text")
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    if hasattr(value, "tolist"):
        return value.tolist()
    raise Unsuitable(f"{value!r} has no form in JSON")


class Document(Json):
    """A JSON value that knows how it reads back."""

    def __init__(self, value: Any):
        try:
            self.text = json.dumps(value, allow_nan=False, default=_json_value)
        except (TypeError, ValueError, RecursionError) as error:
            raise Unsuitable(str(error)) from None
        if "\\u0000" in self.text:
            raise Unsuitable("JSON's text cannot hold the character of code zero")
        super().__init__(json.loads(self.text))

    def dumps(self, _: Any) -> str:
        return self.text


CONVERSIONS: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _text,
    Kind.NUMERIC: decimal,
    Kind.INTEGER: _integer(32),
    Kind.BIGINT: _integer(64),
    Kind.BOOLEAN: _boolean,
    Kind.TIME: time,
    Kind.DATE: _date,
    Kind.TEXTS: _texts,
    Kind.JSON: Document,
}


def converted(column: Column, value: Any) -> Any:
    """The value as the column takes it; raises Unsuitable with the reason."""
    if is_missing(value):
        if column.is_required:
            raise Unsuitable(f"{column.name} is missing")
        return None
    try:
        return column.convert(value)
    except Unsuitable as error:
        raise Unsuitable(f"{column.name}: {error}") from None
