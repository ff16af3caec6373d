#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows one schema to psql and SQLAlchemy on PostgreSQL 15 and on Tickstone, and compares what they see.

    catalog_clients.py 'postgresql://...postgres...' 'postgresql://...tickstone...'

Both databases must be empty of the names below; they are dropped at the end.
"""
import difflib
import re
import subprocess
import sys

import psycopg2
import sqlalchemy

SCHEMA = """
CREATE TABLE instruments (symbol TEXT PRIMARY KEY, name VARCHAR(40) DEFAULT 'unknown', kind CHAR(3),
  active BOOLEAN DEFAULT TRUE, updated TIMESTAMPTZ DEFAULT NOW(), metadata JSONB, tags TEXT[]);
CREATE TABLE orders (id SERIAL PRIMARY KEY, symbol TEXT NOT NULL,
  price NUMERIC(12,4) NOT NULL CHECK (price > 0), size NUMERIC, flag SMALLINT, total BIGINT, ratio REAL,
  score DOUBLE PRECISION, day DATE, at TIME, placed TIMESTAMP, wait INTERVAL, token UUID, raw BYTEA,
  UNIQUE (symbol, placed));
CREATE INDEX ON orders (day DESC);
CREATE INDEX orders_partial ON orders (symbol, price DESC NULLS LAST);
CREATE INDEX ON instruments USING gin (tags);
CREATE SCHEMA research;
CREATE TABLE research.signals (name TEXT NOT NULL, at TIMESTAMPTZ NOT NULL, value DOUBLE PRECISION,
  PRIMARY KEY (name, at));
CREATE SEQUENCE tickets START 100 INCREMENT 5;
CREATE VIEW open_orders AS SELECT id, symbol FROM orders;
COMMENT ON TABLE orders IS 'What was sent';
COMMENT ON COLUMN orders.price IS 'In the currency of the instrument';
"""
CLEAN_UP = """
DROP VIEW IF EXISTS open_orders;
DROP SEQUENCE IF EXISTS tickets;
DROP TABLE IF EXISTS research.signals;
DROP SCHEMA IF EXISTS research;
DROP TABLE IF EXISTS orders;
DROP TABLE IF EXISTS instruments;
"""
COMMANDS = [
    r"\d",
    r"\d instruments",
    r"\d orders",
    r"\d orders_id_seq",
    r"\d orders_pkey",
    r"\d open_orders",
    r"\d research.signals",
    r"\d research.*",
    r"\d nothing",
    r"\dt",
    r"\dt *.signals",
    r"\dt research.",
    r"\di",
    r"\ds",
    r"\dv",
    r"\dm",
    r"\dn",
    r"\dE",
    r"\dp orders",
    r"\dT text",
    r"\do nothing",
    r"\dy",
    r"\des",
    r"\dRp",
    r"\dX",
    r"\drds",
    r"\d+ orders",
    r"\d+ instruments",
    r"\dA",
    r"\dL",
    r"\df now",
    r"\df pg_get_viewdef",
    r"\dd nothing",
    r"\ddp",
    r"\dF nothing",
    r"\dc nothing",
    r"\dO nothing",
    r"\sv open_orders",
]
QUERIES = [
    # Views with expressions among their columns cannot be written to, so is_insertable_into differs for them.
    "SELECT table_schema, table_name, table_type, CASE table_type WHEN 'BASE TABLE' THEN is_insertable_into END "
    "FROM information_schema.tables WHERE table_schema IN ('public', 'research') ORDER BY 1, 2",
    "SELECT table_name, column_name, ordinal_position, column_default, is_nullable, data_type, character_maximum_length, "
    "character_octet_length, numeric_precision, numeric_precision_radix, numeric_scale, datetime_precision, udt_name, "
    "is_identity, is_generated, is_updatable FROM information_schema.columns WHERE table_schema IN ('public', 'research') "
    "AND table_name <> 'open_orders' ORDER BY 1, 3",
    "SELECT constraint_name, table_name, constraint_type FROM information_schema.table_constraints "
    "WHERE table_schema = 'public' AND constraint_name NOT LIKE '%not_null' ORDER BY 1",
    "SELECT constraint_name, column_name, ordinal_position, position_in_unique_constraint "
    "FROM information_schema.key_column_usage WHERE table_schema = 'public' ORDER BY 1, 3",
    "SELECT constraint_name, unique_constraint_name, match_option, update_rule, delete_rule "
    "FROM information_schema.referential_constraints ORDER BY 1",
    "SELECT table_name, column_name, constraint_name FROM information_schema.constraint_column_usage "
    "WHERE table_schema = 'public' AND constraint_name NOT LIKE '%check' ORDER BY 3, 2",
    "SELECT sequence_name, data_type, start_value, minimum_value, maximum_value, increment, cycle_option "
    "FROM information_schema.sequences ORDER BY 1",
    "SELECT relname, relkind, relnatts, relchecks, relhasindex, relpersistence, relreplident, relispopulated, "
    "relam FROM pg_class WHERE relnamespace = 2200 ORDER BY 1",
    "SELECT c.relname, a.attname, a.atttypid, a.attlen, a.attnum, a.attndims, a.atttypmod, a.attbyval, a.attalign, "
    "a.attstorage, a.attnotnull, a.atthasdef, a.attidentity, a.attgenerated, a.attisdropped, a.attislocal, a.attcollation "
    "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname IN ('public', 'research') AND attnum > 0 ORDER BY 1, 5",
    "SELECT c.relname, i.indnatts, i.indnkeyatts, i.indisunique, i.indisprimary, i.indisvalid, i.indkey, i.indcollation, "
    "i.indclass, i.indoption FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = 2200 ORDER BY 1",
    "SELECT conname, contype, convalidated, confupdtype, confdeltype, confmatchtype, conislocal, connoinherit, conkey, confkey "
    "FROM pg_constraint WHERE connamespace = 2200 ORDER BY 1",
    "SELECT schemaname, tablename, hasindexes FROM pg_tables WHERE schemaname IN ('public', 'research') ORDER BY 2",
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname IN ('public', 'research') ORDER BY 1",
    "SELECT sequencename, data_type, start_value, min_value, max_value, increment_by, cycle, cache_size, last_value "
    "FROM pg_sequences ORDER BY 1",
    "SELECT 'orders'::regclass, 'research.signals'::regclass::text, 'int4'::regtype, to_regclass('nothing'), "
    "'orders'::regclass::oid = (SELECT oid FROM pg_class WHERE relname = 'orders')",
    "SELECT format_type(1700, 655366), format_type(1043, 14), format_type(1184, NULL), pg_get_serial_sequence('orders', 'id')",
    "SELECT typname, typlen, typtype, typcategory, typelem, typarray FROM pg_type WHERE typname IN "
    "('int4', '_int4', 'text', 'numeric', 'timestamptz', '_timestamptz', 'jsonb', 'bool') ORDER BY 1",
    "SELECT has_table_privilege('orders', 'SELECT'), has_schema_privilege('public', 'USAGE'), current_schemas(true)",
    "SELECT count(*) FROM pg_catalog.pg_type WHERE typname = 'hstore'",
    "SELECT word, catcode FROM pg_get_keywords() ORDER BY 1 LIMIT 5",
]


# What differs, and why.
KNOWN = {
    r"\dn": "schemas of TimescaleDB's names; their owner is the user",
    r"\dT text": "types have no descriptions",
    r"\dL": "no procedural language",
    r"\sv open_orders": "a view shows its query as it was written",
}


def run_psql(url, command):
    done = subprocess.run(["psql", "-X", url, "-c", command], capture_output=True, text=True)
    return done.stdout + done.stderr


def query_text(connection, query):
    with connection.cursor() as cursor:
        try:
            cursor.execute(query)
            names = [(c.name, c.type_code) for c in cursor.description]
            return "\n".join([str(names), *map(str, cursor.fetchall())])
        except psycopg2.Error as error:
            connection.rollback()
            return f"{error.pgcode} {error}"


def reflection_text(url):
    engine = sqlalchemy.create_engine(url)
    inspector = sqlalchemy.inspect(engine)
    lines = [f"schemas with ours: {[s for s in inspector.get_schema_names() if s in ('public', 'research')]}"]
    for schema in (None, "research"):
        lines += [f"tables {inspector.get_table_names(schema)}", f"views {inspector.get_view_names(schema)}"]
        for table in inspector.get_table_names(schema):
            lines += [f"{table} {column}" for column in inspector.get_columns(table, schema)]
            lines.append(f"{table} key {inspector.get_pk_constraint(table, schema)}")
            lines.append(f"{table} foreign {inspector.get_foreign_keys(table, schema)}")
            lines.append(f"{table} indexes {sorted(inspector.get_indexes(table, schema), key=lambda i: i['name'])}")
            lines.append(f"{table} unique {inspector.get_unique_constraints(table, schema)}")
            lines.append(f"{table} checks {[c['name'] for c in inspector.get_check_constraints(table, schema)]}")
            lines.append(f"{table} comment {inspector.get_table_comment(table, schema)}")
    engine.dispose()
    return re.sub(r" at 0x[0-9a-f]+", "", "\n".join(lines))


def normalized(text, owner):
    """What may differ: who owns, sizes, PostgreSQL's casts of constants, and the roles of the catalogs."""
    text = re.sub(rf"\b{re.escape(owner)}\b", "owner", text)
    text = re.sub(r"\b\d+ (bytes|kB|MB)\b", "size", text)
    text = re.sub(r"\((-?\d+)\)::\w+|(?<=[ (])(-?\d+)::\w+", lambda m: m.group(1) or m.group(2), text)
    return "\n".join(re.sub(r" +", " ", re.sub(r"-{2,}", "--", line)).rstrip() for line in text.splitlines())


def run_statements(connection, statements):
    with connection.cursor() as cursor:
        for statement in statements.split(";"):
            if statement.strip():
                cursor.execute(statement)


def observations(url):
    connection = psycopg2.connect(url)
    connection.autocommit = True
    run_statements(connection, CLEAN_UP + SCHEMA)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        owner = cursor.fetchone()[0]
    seen = {command: run_psql(url, command) for command in COMMANDS}
    seen.update((query, query_text(connection, query)) for query in QUERIES)
    try:
        seen["SQLAlchemy"] = reflection_text(url)
    except sqlalchemy.exc.SQLAlchemyError as error:
        seen["SQLAlchemy"] = str(error)
    run_statements(connection, CLEAN_UP)
    connection.close()
    return {what: normalized(text, owner) for what, text in seen.items()}


def main(postgres_url, tickstone_url):
    expected = observations(postgres_url)
    actual = observations(tickstone_url)
    different = 0
    for what, text in expected.items():
        if (text != actual[what]) == (what in KNOWN):
            continue
        different += 1
        if what in KNOWN:
            print(f"== listed as different, yet alike: {what}")
            continue
        print(f"== {what}")
        print("\n".join(list(difflib.unified_diff(text.splitlines(), actual[what].splitlines(), lineterm="", n=0))[2:]))
    print(f"catalog: {len(expected)} looks, {len(KNOWN)} known to differ, {different} not as listed")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
