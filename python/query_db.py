#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs SQL, given as text, from a file or by the name of an example, and prints the result as a table or JSON.

  python query_db.py -l
  python query_db.py recent_ohlcv
  python query_db.py "SELECT * FROM symbols WHERE active = true LIMIT 10;"
  python query_db.py -f my_query.sql -o results.txt
  python query_db.py -j "SELECT count(*) FROM trades"

`tickstone query` does more: CSV, Parquet, pictures, a prompt.
"""
from __future__ import annotations

import argparse
import pathlib
import sys
from typing import Any

from psycopg2 import errors

from tickstone import DatabaseManager, Statements, command_line
from tickstone.example_queries import CATEGORIES, QUERIES, query_for


def list_examples() -> str:
    lines = ["Available example queries:"]
    for category, queries in CATEGORIES.items():
        lines += ["", f"  {category}:", *(f"    - {name}" for name in queries)]
    return "\n".join(lines)


def execute(db: DatabaseManager, query: str) -> tuple[list[str] | None, list[Any], int]:
    """The result's columns (None if it has none), its rows, and how many rows were affected."""
    def work(on: Statements) -> tuple[list[str] | None, list[Any], int]:
        with on.cursor() as cursor:
            cursor.execute(query)
            if cursor.description is None:
                return None, [], max(cursor.rowcount, 0)
            return [column.name for column in cursor.description], cursor.fetchall(), cursor.rowcount

    try:
        return db.run_transaction(work)
    except errors.ActiveSqlTransaction:
        # What refuses to run inside a transaction has done nothing yet.
        with db.connection() as connection:
            connection.autocommit = True
            return work(Statements(connection))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("query", nargs="?", help="SQL, or the name of an example")
    parser.add_argument("-f", "--file", help="execute SQL from a file")
    parser.add_argument("-l", "--list", action="store_true", help="list the examples")
    parser.add_argument("-o", "--output", help="save the result to a file")
    parser.add_argument("-j", "--json", action="store_true", help="print the result as JSON")
    command_line.add_connection_option(parser)
    arguments = parser.parse_args()
    if arguments.list:
        print(list_examples())
        return 0
    if arguments.query and arguments.file:
        parser.error("give SQL or a file, not both")
    if arguments.query:
        query = arguments.query
    elif arguments.file:
        query = pathlib.Path(arguments.file).read_text()
    else:
        parser.print_help()
        print(f"\n{list_examples()}")
        return 2

    with command_line.connect(arguments) as db:
        if arguments.query in QUERIES:
            query = query_for(arguments.query, db.home)
            print(f"Executing example query '{arguments.query}':\n{query}\n", file=sys.stderr)
        headers, rows, affected = execute(db, query)
    if headers is None:
        print(f"Query executed successfully. {affected} rows affected.", file=sys.stderr if arguments.json else sys.stdout)
        return 0
    if arguments.json:
        text = command_line.json_text([dict(zip(headers, row)) for row in rows])
        print(text)
    else:
        text = command_line.text_table(headers, rows)
        print(f"{text}\n\n{len(rows)} rows returned.")
    if arguments.output:
        pathlib.Path(arguments.output).write_text(text + "\n")
        print(f"Results saved to {arguments.output}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    command_line.run(main)
