# SPDX-License-Identifier: Apache-2.0
"""What the scripts of this directory share: the connection option, tables and JSON, failures."""
from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

import psycopg2

from . import settings
from .database_manager import DatabaseManager

CONNECTION_HELP = (
    'where the database is: "host:port/database?user=xxx&password=yyy" or a postgresql:// URL; else TICKSTONE_URL, DATABASE_URL, '
    "DB_*, PG*, and localhost:5433 (database inavvi, user inavvi_user)"
)
CELL_CHARACTERS_MAX = 80


def add_connection_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-c", "--connection", metavar="URL", help=CONNECTION_HELP)


def url_of(connection: str | None) -> str | None:
    """The connection option as a URL; its short form takes no escapes, and the guide's port if it has none."""
    if connection is None or connection.startswith(settings.URL_SCHEMES) or "/" not in connection:
        return connection
    place, rest = connection.split("/", 1)
    if ":" not in place:
        place = f"{place}:{settings.DEFAULT_PORT}"
    return f"postgresql://{place}/{rest.replace('%', '%25')}"


def connect(arguments: argparse.Namespace) -> DatabaseManager:
    return DatabaseManager(url_of(arguments.connection), log_feature_access=False)


def _cell(value: Any) -> str:
    text = json.dumps(value, default=str) if isinstance(value, (dict, list)) else "" if value is None else str(value)
    text = text.replace("\n", " ")
    return text if len(text) <= CELL_CHARACTERS_MAX else text[:CELL_CHARACTERS_MAX - 3] + "..."


def text_table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Rows under their headers; long values are cut."""
    lines = [list(map(str, headers)), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(headers))]
    made = [" | ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in lines]
    return "\n".join([made[0], "-+-".join("-" * width for width in widths), *made[1:]])


def json_text(value: Any) -> str:
    """JSON, with what it does not know (times, decimals) as text, so that no digit is lost."""
    return json.dumps(value, default=str, indent=2)


def run(main: Callable[[], int]) -> None:
    """Runs a script's main: exit status 0 or what it returns; 1, with the server's words, if the database fails."""
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has seen enough.
        sys.stderr.close()
        status = 0
    except (psycopg2.Error, settings.SettingsError, OSError) as error:
        print(f"error: {str(error).strip()}", file=sys.stderr)
        hint = getattr(getattr(error, "diag", None), "message_hint", None)
        if hint and hint not in str(error):
            print(f"hint: {hint}", file=sys.stderr)
        status = 1
    raise SystemExit(status)
