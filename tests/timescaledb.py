#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Databases for tests on the server that TICKSTONE_TEST_TIMESCALEDB names; the user there may create databases and roles.

    timescaledb.py make          prints the URL of a fresh database with the extension
    timescaledb.py drop URL      drops it again

tests/with_timescaledb.sh starts such a server where PostgreSQL 15 has the extension."""
import os
import sys
import urllib.parse
import uuid

import psycopg2

VARIABLE = "TICKSTONE_TEST_TIMESCALEDB"
# As managed servers give: it owns the database and has no privilege beyond it.
OWNER = "timescale_owner"


def is_at_hand():
    return bool(os.environ.get(VARIABLE))


def connect(url):
    connection = psycopg2.connect(url)
    connection.autocommit = True
    return connection


def with_parts(url, database, user=None, password=None):
    parts = urllib.parse.urlsplit(url)
    place = parts.netloc if user is None else f"{user}:{password}@{parts.netloc.rpartition('@')[2]}"
    return urllib.parse.urlunsplit(parts._replace(netloc=place, path="/" + database))


def make_database(owner=None, has_extension=True):
    """The URL of a fresh database, of that owner."""
    server = os.environ[VARIABLE]
    name = f"tickstone_test_{uuid.uuid4().hex[:12]}"
    admin = connect(server)
    cursor = admin.cursor()
    if owner:
        cursor.execute(f"DO $$ BEGIN CREATE ROLE {owner} LOGIN PASSWORD 'postgres'; EXCEPTION WHEN duplicate_object OR unique_violation THEN END $$")
    cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0" + (f" OWNER {owner}" if owner else ""))
    admin.close()
    url = with_parts(server, name)
    if has_extension:
        inside = connect(url)
        inside.cursor().execute("CREATE EXTENSION timescaledb")
        inside.close()
    return with_parts(server, name, owner, "postgres") if owner else url


def drop_database(url):
    admin = connect(os.environ[VARIABLE])
    admin.cursor().execute(f"DROP DATABASE IF EXISTS {urllib.parse.urlsplit(url).path[1:]} WITH (FORCE)")
    admin.close()


if __name__ == "__main__":
    if sys.argv[1:] == ["make"]:
        print(make_database())
    elif len(sys.argv) == 3 and sys.argv[1] == "drop":
        drop_database(sys.argv[2])
    else:
        sys.exit(__doc__)
