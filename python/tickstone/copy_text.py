# SPDX-License-Identifier: Apache-2.0
"""Values in the text format of COPY."""
from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _array_item(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, (list, tuple)):
        return _array(value)
    return '"' + _plain(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _array(values: Sequence[Any]) -> str:
    return "{" + ",".join(map(_array_item, values)) + "}"


def _plain(value: Any) -> str:
    """A value as PostgreSQL's input functions read it, without COPY's escapes."""
    if isinstance(value, str):
        return value
    if value is True or value is False:
        return "t" if value else "f"
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return f"{value.days} days {value.seconds}.{value.microseconds:06d} seconds"
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else str(value)
    if isinstance(value, dict):
        return json.dumps(value, allow_nan=False)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "\\x" + bytes(value).hex()
    if hasattr(value, "adapted"):  # psycopg2.extras.Json
        return value.dumps(value.adapted)
    if hasattr(value, "tolist"):  # numpy
        value = value.tolist()
        return _array(value) if isinstance(value, list) else str(value)
    if isinstance(value, (list, tuple)):
        return _array(value)
    return str(value)


def field(value: Any) -> str:
    return "\\N" if value is None else _plain(value).translate(_ESCAPES)


def line(row: Sequence[Any]) -> str:
    return "\t".join(map(field, row)) + "\n"
