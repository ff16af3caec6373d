#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests the database as the application uses it: connecting, the tables, writing and reading, how old the data is.

  python db_test.py
  python db_test.py --json --max-age-minutes 15

Exit status 0 if all is well, 1 if something failed. `tickstone check` tests more.
"""
from __future__ import annotations

import argparse
import datetime as dt
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import psycopg2

from tickstone import DatabaseManager, Statements, command_line, tables
from tickstone.tables import Table

TABLES = [made for made in vars(tables).values() if isinstance(made, Table) and made is not tables.FEATURE_DATA]
FRESH_TABLES = ("ohlcv", "trades", "quotes")


class Undo(Exception):
    """Ends a transaction that must leave nothing."""


@dataclass
class Finding:
    name: str
    is_good: bool
    what: str
    remedy: str = ""


def test_connection(db: DatabaseManager) -> Finding:
    start = time.monotonic()
    version = db.server_version
    first_ms = (time.monotonic() - start) * 1000
    start = time.monotonic()
    db.fetch_one("SELECT 1")
    return Finding("connection", True, f"{version}; connected in {first_ms:.1f} ms, "
                                       f"a query takes {(time.monotonic() - start) * 1000:.1f} ms")


def test_tables(db: DatabaseManager) -> Finding:
    found: dict[str, set[str]] = {}
    query = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
    for table, column in db.fetch_all(query):
        found.setdefault(table, set()).add(column)
    missing = [table.name for table in TABLES if table.name not in found]
    missing += [
        f"{table.name}.{column.name}" for table in TABLES if table.name in found
        for column in table.columns if column.name not in found[table.name]
    ]
    if missing:
        return Finding("tables", False, f"missing: {', '.join(missing)}", "run update_database_schema.sh")
    # The guide names it, and only the migrations make it.
    wide = "" if tables.FEATURE_DATA.name in found else f"; {tables.FEATURE_DATA.name} is not: update_database_schema.sh makes it"
    return Finding("tables", True, f"all {len(TABLES)} tables with their columns are there{wide}")


def test_writing(db: DatabaseManager) -> Finding:
    """Writes a row, reads it, undoes it, and sees that it is gone."""
    probe = f"probe-{uuid.uuid4()}"
    row = (probe, dt.datetime.now(dt.timezone.utc), 1, 1, 1, 1, 1, "db_test", "1m")
    query = "SELECT count(*) FROM ohlcv WHERE symbol = %s"

    def write(on: Statements) -> None:
        on.execute_values("INSERT INTO ohlcv VALUES %s", [row])
        seen = on.fetch_one(query, (probe,))
        if seen != (1,):
            raise AssertionError(f"a row that was written is read as {seen}")
        raise Undo

    try:
        db.run_transaction(write)
    except Undo:
        pass
    except AssertionError as error:
        return Finding("writing", False, str(error), "look at the server's log, and run tickstone verify on the store")
    if db.fetch_one(query, (probe,)) != (0,):
        return Finding("writing", False, "a row that was rolled back is still there", "run tickstone verify on the store")
    return Finding("writing", True, "a row was written, read and rolled back")


def freshness_test(max_age: dt.timedelta | None) -> Callable[[DatabaseManager], Finding]:
    def test_freshness(db: DatabaseManager) -> Finding:
        now = dt.datetime.now(dt.timezone.utc)
        parts, is_good = [], True
        for table in FRESH_TABLES:
            row = db.fetch_one(f"SELECT timestamp FROM {table} ORDER BY timestamp DESC LIMIT 1")
            parts.append(f"{table}: {'no rows' if row is None else row[0].isoformat()}")
            is_good &= max_age is None or (row is not None and now - row[0] <= max_age)
        remedy = "" if is_good else "see whether collection runs: SELECT * FROM data_collection_status"
        return Finding("newest rows", is_good, ", ".join(parts), remedy)

    return test_freshness


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    command_line.add_connection_option(parser)
    parser.add_argument("-j", "--json", action="store_true", help="print findings as JSON")
    parser.add_argument("--max-age-minutes", type=float, help="fail if bars, trades or quotes are older")
    arguments = parser.parse_args()
    max_age = None if arguments.max_age_minutes is None else dt.timedelta(minutes=arguments.max_age_minutes)
    findings = []
    with command_line.connect(arguments) as db:
        findings.append(test_connection(db))
        for test in (test_tables, test_writing, freshness_test(max_age)):
            try:
                findings.append(test(db))
            except psycopg2.Error as error:
                name = {"test_tables": "tables", "test_writing": "writing"}.get(test.__name__, "newest rows")
                findings.append(Finding(name, False, str(error).strip(), "run update_database_schema.sh if a table is missing"))
    is_good = all(finding.is_good for finding in findings)
    if arguments.json:
        shown: dict[str, Any] = {"ok": is_good, "findings": [asdict(finding) for finding in findings]}
        print(command_line.json_text(shown))
    else:
        for finding in findings:
            print(f"{'ok    ' if finding.is_good else 'FAILED'} {finding.name}: {finding.what}")
            if finding.remedy:
                print(f"       {finding.remedy}")
    return 0 if is_good else 1


if __name__ == "__main__":
    command_line.run(main)
