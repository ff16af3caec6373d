#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares what the catalog says of PostgreSQL with a PostgreSQL 15 that runs.

Columns of pg_catalog and information_schema, rows of pg_type, functions with PostgreSQL's numbers, keywords and
operator classes: each is a text in src/catalog, and each must say what the server says.

    catalog_columns.py 'host=... dbname=...'
"""
import pathlib
import re
import sys

import psycopg2

CATALOG = pathlib.Path(__file__).resolve().parents[2] / "src" / "catalog"
SHORT = {
    "boolean": "bool",
    "integer": "int4",
    "bigint": "int8",
    "smallint": "int2",
    "real": "float4",
    "double precision": "float8",
    "timestamp with time zone": "timestamptz",
    '"char"': "char",
}


def text_of(file, symbol):
    found = re.search(symbol + r' = R"\(\n(.*?)\n\)"', (CATALOG / file).read_text(), re.S)
    assert found, f"{symbol} is not in {file}"
    return found.group(1)


def short_type(name):
    base, array = (name[:-2], "[]") if name.endswith("[]") else (name, "")
    base = base.replace("information_schema.", "")
    return SHORT.get(base, base) + array


def our_columns():
    for schema, file, symbol in (
        ("pg_catalog", "pg_catalog_tables.cpp", "kPgCatalogTables"),
        ("pg_catalog", "pg_catalog_views.cpp", "kPgCatalogViews"),
        ("information_schema", "information_schema_columns.cpp", "kInformationSchema"),
    ):
        for line in re.sub(r"\n +", " ", text_of(file, symbol)).splitlines():
            head, columns = line.split(":")
            name, kind, *oid = head.split()
            yield (schema, name), (kind, int(oid[0]) if oid else None, [tuple(c.split()) for c in columns.split(",")])


def their_columns(cursor):
    # Of an extension there, which is at hand wherever it is made; always there here.
    cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    cursor.execute(
        """SELECT CASE n.nspname WHEN 'public' THEN 'pg_catalog' ELSE n.nspname END, c.relname, c.relkind::text, CASE WHEN c.oid < 12000 THEN c.oid::int END,
                  array_agg(a.attname::text ORDER BY attnum), array_agg(format_type(atttypid, atttypmod) ORDER BY attnum)
           FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = relnamespace
           WHERE relkind IN ('r', 'v') AND attnum > 0 AND (nspname IN ('pg_catalog', 'information_schema')
             OR relname IN ('pg_stat_statements', 'pg_stat_statements_info'))
           GROUP BY 1, 2, 3, 4"""
    )
    rows = cursor.fetchall()
    cursor.execute("DROP EXTENSION pg_stat_statements")
    for schema, name, kind, oid, columns, types in rows:
        yield (schema, name), (kind, oid, list(zip(columns, map(short_type, types))))


def our_types():
    for line in text_of("type_facts.cpp", "kTypes").splitlines():
        yield tuple(line.split())


def their_types(cursor):
    cursor.execute(
        """SELECT oid, typname, typlen, typbyval, typtype, typcategory, typispreferred, typalign, typstorage, typcollation,
                  typelem, typarray, typinput::text, typoutput::text, typreceive::text, typsend::text, typmodin::text,
                  typmodout::text FROM pg_type"""
    )
    for row in cursor:
        yield tuple({True: "t", False: "f"}.get(v, str(v)) if isinstance(v, bool) else str(v) for v in row)


def our_functions():
    for file, symbol in (
        ("builtin_functions.cpp", "kBuiltinFunctions"),
        ("builtin_functions.cpp", "kBuiltinAggregates"),
        ("system_functions.cpp", "kCatalogFunctions"),
        ("system_functions.cpp", "kTypeFunctions"),
    ):
        for entry in text_of(file, symbol).replace("\n", " ").split(";"):
            if not entry.strip():
                continue
            oid, name, arguments, result, flags = re.fullmatch(
                r"\s*(\d+) ([a-z0-9_]+)\((.*?)\) (.*) ([fawp][isv][sn])", entry
            ).groups()
            yield int(oid), (name, arguments.replace("variadic ", ""), result, flags)


def their_functions(cursor):
    cursor.execute(
        """SELECT p.oid::int, proname,
                  (SELECT coalesce(string_agg(CASE WHEN typname LIKE '\\_%%' THEN substr(typname, 2) || '[]' ELSE typname END,
                                              ', ' ORDER BY o), '')
                   FROM unnest(proargtypes) WITH ORDINALITY u (t, o) JOIN pg_type y ON y.oid = t),
                  (SELECT CASE WHEN proretset THEN 'setof ' ELSE '' END ||
                          CASE WHEN typname LIKE '\\_%%' THEN substr(typname, 2) || '[]'
                               WHEN typname LIKE '%%handler' THEN 'internal' ELSE typname END
                   FROM pg_type y WHERE y.oid = prorettype),
                  prokind::text || provolatile::text || CASE WHEN proisstrict THEN 's' ELSE 'n' END
           FROM pg_proc p""".replace("%%", "%")
    )
    return {row[0]: row[1:] for row in cursor}


def our_keywords():
    for letter, symbol in (("U", "kUnreserved"), ("C", "kColumnName"), ("T", "kTypeOrFunction"), ("R", "kReserved")):
        for word in text_of("keywords.cpp", symbol).split():
            yield word.rstrip("*"), letter, not word.endswith("*")


def our_operator_classes():
    text = (CATALOG / "operator_classes.cpp").read_text()
    for row in re.findall(r'\{(\d+), "(\w+)", "(\w+)", (\d+), "(\w+)", (true|false), (\d+)\}', text):
        yield row


def differences(cursor):
    theirs = dict(their_columns(cursor))
    ours = dict(our_columns())
    for key in sorted(theirs.keys() | ours.keys()):
        if theirs.get(key) != ours.get(key):
            yield f"columns of {'.'.join(key)}: {ours.get(key)}, PostgreSQL: {theirs.get(key)}"
    types = set(their_types(cursor))
    for row in our_types():
        if row[1] not in ("timestamp_ns", "candlestick") and row not in types:
            yield f"type {row}"
    functions = their_functions(cursor)
    for oid, function in our_functions():
        if functions.get(oid) != function:
            yield f"function {oid}: {function}, PostgreSQL: {functions.get(oid)}"
    cursor.execute("SELECT word, catcode::text, barelabel FROM pg_get_keywords()")
    for keyword in set(cursor.fetchall()) ^ set(our_keywords()):
        yield f"keyword {keyword}"
    cursor.execute(
        """SELECT o.oid::text, amname, opcname, opcfamily::text, typname, opcdefault::text, opckeytype::text
           FROM pg_opclass o JOIN pg_am a ON a.oid = opcmethod JOIN pg_type t ON t.oid = opcintype"""
    )
    classes = set(cursor.fetchall())
    for row in our_operator_classes():
        if row not in classes:
            yield f"operator class {row}"


def main(connection_string):
    with psycopg2.connect(connection_string) as connection, connection.cursor() as cursor:
        found = list(differences(cursor))
    print("\n".join(found) if found else "no differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
