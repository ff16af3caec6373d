#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows what the database holds: tables and views with their columns, keys, indexes, rows and samples; hypertables and jobs.

  python explore_db_schema.py
  python explore_db_schema.py ohlcv trades --samples 3
  python explore_db_schema.py --json > schema.json

`tickstone explore` shows more.
"""
from __future__ import annotations

import argparse
import sys
from typing import Any

import psycopg2
from psycopg2 import sql

from tickstone import DatabaseManager, command_line

RELATIONS = """SELECT c.relname AS name,
    CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'table' END AS kind,
    obj_description(c.oid, 'pg_class') AS comment
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition ORDER BY c.relname"""
COLUMNS = """SELECT c.relname AS relation, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
    a.attnotnull AS not_null, pg_get_expr(d.adbin, d.adrelid) AS default
  FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE n.nspname = 'public' AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum"""
CONSTRAINTS = """SELECT c.relname AS relation, k.conname AS name, pg_get_constraintdef(k.oid) AS definition
  FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = 'public' ORDER BY c.relname, k.conname"""
INDEXES = """SELECT tablename AS relation, indexname AS name, indexdef AS definition FROM pg_indexes
  WHERE schemaname = 'public' ORDER BY tablename, indexname"""
HYPERTABLES = """SELECT h.hypertable_name AS name, d.column_name AS time_column, d.time_interval::text AS chunk_interval,
    h.num_chunks, h.compression_enabled
  FROM timescaledb_information.hypertables AS h JOIN timescaledb_information.dimensions AS d
    ON d.hypertable_schema = h.hypertable_schema AND d.hypertable_name = h.hypertable_name AND d.dimension_number = 1
  WHERE h.hypertable_schema = 'public' ORDER BY h.hypertable_name"""
JOBS = """SELECT job_id, proc_name, hypertable_name, schedule_interval::text AS schedule_interval, config
  FROM timescaledb_information.jobs ORDER BY job_id"""


def rows_if_there(db: DatabaseManager, query: str) -> list[dict[str, Any]]:
    """Rows of a view that only some servers have."""
    try:
        return db.fetch_dicts(query)
    except (psycopg2.errors.UndefinedTable, psycopg2.errors.InvalidSchemaName):
        return []


def by_relation(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault(row.pop("relation"), []).append(row)
    return grouped


def explore(db: DatabaseManager, wanted: list[str], samples: int) -> dict[str, Any]:
    columns = by_relation(db.fetch_dicts(COLUMNS))
    constraints = by_relation(db.fetch_dicts(CONSTRAINTS))
    indexes = by_relation(db.fetch_dicts(INDEXES))
    hypertables = {row["name"]: row for row in rows_if_there(db, HYPERTABLES)}
    relations = []
    for relation in db.fetch_dicts(RELATIONS):
        name = relation["name"]
        if wanted and name not in wanted:
            continue
        relation.update(columns=columns.get(name, []), constraints=constraints.get(name, []), indexes=indexes.get(name, []))
        relation["hypertable"] = hypertables.get(name)
        table = sql.Identifier("public", name)
        counted = db.fetch_one(sql.SQL("SELECT count(*) FROM {}").format(table))
        relation["row_count"] = counted[0] if counted else 0
        if samples:
            query = sql.SQL("SELECT * FROM {} LIMIT {}").format(table, sql.Literal(samples))
            relation["samples"] = db.fetch_dicts(query)
        relations.append(relation)
    return {"relations": relations, "jobs": rows_if_there(db, JOBS)}


def print_text(found: dict[str, Any]) -> None:
    for relation in found["relations"]:
        print(f"\n{relation['name']} ({relation['kind']}, {relation['row_count']} rows)")
        if relation["comment"]:
            print(f"  {relation['comment']}")
        if relation["hypertable"]:
            hypertable = relation["hypertable"]
            print(f"  hypertable by {hypertable['time_column']}, a chunk for {hypertable['chunk_interval']}, "
                  f"{hypertable['num_chunks']} chunks{', compressed' if hypertable['compression_enabled'] else ''}")
        for column in relation["columns"]:
            default = f" DEFAULT {column['default']}" if column["default"] else ""
            print(f"  {column['name']:<28} {column['type']}{' NOT NULL' if column['not_null'] else ''}{default}")
        for constraint in relation["constraints"]:
            print(f"  {constraint['name']}: {constraint['definition']}")
        for index in relation["indexes"]:
            print(f"  {index['definition']}")
        if relation.get("samples"):
            headers = list(relation["samples"][0])
            table = command_line.text_table(headers, [list(row.values()) for row in relation["samples"]])
            print("\n" + "\n".join(f"    {line}" for line in table.split("\n")))
    if found["jobs"]:
        print("\njobs")
        headers = list(found["jobs"][0])
        print(command_line.text_table(headers, [list(job.values()) for job in found["jobs"]]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("relations", nargs="*", help="tables and views to show; all if none is named")
    command_line.add_connection_option(parser)
    parser.add_argument("-j", "--json", action="store_true", help="print as JSON")
    parser.add_argument("--samples", type=int, default=0, metavar="N", help="show up to N rows of each")
    arguments = parser.parse_args()
    with command_line.connect(arguments) as db:
        found = explore(db, arguments.relations, arguments.samples)
    missing = set(arguments.relations) - {relation["name"] for relation in found["relations"]}
    if missing:
        print(f"error: there is no table or view {', '.join(sorted(missing))}", file=sys.stderr)
        return 1
    if arguments.json:
        print(command_line.json_text(found))
    else:
        print_text(found)
    return 0


if __name__ == "__main__":
    command_line.run(main)
