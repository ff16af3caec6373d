# SPDX-License-Identifier: Apache-2.0
"""The homes that `tickstone migrate` is tried on, each with fresh databases, and what the tests ask of them."""
import json
import os
import re
import shutil
import subprocess
import tempfile

import psycopg2

import timescaledb

TICKSTONE = os.environ.get("TICKSTONE_BINARY", "build/tickstone")


def run(*arguments, expect=0, **more):
    done = subprocess.run([TICKSTONE, *arguments], capture_output=True, text=True, timeout=300, **more)
    assert done.returncode == expect, f"{arguments}: status {done.returncode}, not {expect}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done


class Home:
    """A database of its own for each test. `target` is what the command line takes."""

    def migrate(self, *options, expect=0):
        return run("migrate", *options, self.target, expect=expect)

    def status(self, expect=0):
        return json.loads(run("migrate", "--status", "--json", self.target, expect=expect).stdout)

    def tables(self):
        return {row[0] for row in self.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")}


class Server(Home):
    def __init__(self, name, port, database):
        self.name, self.database = name, database
        self.dsn = dict(host="127.0.0.1", port=port, dbname=database, user="inavvi_user", password="postgres")
        self.target = f"postgresql://inavvi_user:postgres@127.0.0.1:{port}/{database}"

    def rows(self, sql):
        connection = psycopg2.connect(**self.dsn)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def close(self):
        pass


class PostgreSql(Server):
    number = 0

    def __init__(self, port):
        PostgreSql.number += 1
        admin = psycopg2.connect(host="127.0.0.1", port=port, dbname="inavvi", user="inavvi_user", password="postgres")
        admin.autocommit = True
        # An owner without privileges beyond the database, as managed PostgreSQL gives.
        cursor = admin.cursor()
        cursor.execute("DO $$ BEGIN CREATE ROLE plain_owner LOGIN PASSWORD 'postgres'; EXCEPTION WHEN duplicate_object THEN END $$")
        name = f"migrate_{os.getpid()}_{PostgreSql.number}"
        cursor.execute(f"CREATE DATABASE {name} OWNER plain_owner")
        admin.close()
        super().__init__("postgresql", port, name)
        self.dsn["user"] = "plain_owner"
        self.target = self.target.replace("inavvi_user:", "plain_owner:")


class TickstoneServer(Server):
    def __init__(self):
        self.directory = tempfile.mkdtemp()
        self.process = subprocess.Popen([TICKSTONE, "serve", "--data", self.directory, "--listen", "127.0.0.1", "--port", "0"],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        seen = []
        for line in self.process.stdout:
            seen.append(line)
            found = re.search(r"127\.0\.0\.1[: ]+(?:port )?(\d+)", line)
            if found:
                break
        else:
            raise AssertionError("the server did not start: " + "".join(seen))
        super().__init__("tickstone", int(found.group(1)), "inavvi")

    def close(self):
        self.process.terminate()
        self.process.communicate(timeout=60)
        shutil.rmtree(self.directory, ignore_errors=True)


class Embedded(Home):
    name = "embedded"

    def __init__(self):
        self.folder = tempfile.mkdtemp()
        self.target = os.path.join(self.folder, "store")

    def rows(self, sql):
        done = run("query", "--data", self.target, "--json", sql)
        text = done.stdout.strip()
        return [tuple(row.values()) for row in json.loads(text)] if text.startswith("[") else []

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class TimescaleDb(Server):
    def __init__(self, has_extension=True):
        self.target = timescaledb.make_database(timescaledb.OWNER, has_extension)
        self.name, self.dsn = "timescaledb", psycopg2.extensions.parse_dsn(self.target)

    def close(self):
        timescaledb.drop_database(self.target)


def makers(postgresql_port):
    """What makes a fresh home of each kind that is at hand."""
    found = {"embedded": Embedded, "tickstone": TickstoneServer, "postgresql": lambda: PostgreSql(postgresql_port)}
    if timescaledb.is_at_hand():
        found["timescaledb"] = TimescaleDb
    return found


def run_tests(file, tests, postgresql_port):
    """Each test, called with a home of its own, on every home; the exit status. Nothing is tried twice."""
    failed = passed = 0
    for home_name, make in makers(postgresql_port).items():
        for name, test in tests:
            home = make()
            try:
                test(home)
                passed += 1
            except (AssertionError, psycopg2.Error) as error:
                failed += 1
                print(f"FAIL {home_name} {name}: {error}", flush=True)
            finally:
                home.close()
    print(f"{file}: {passed} passed, {failed} failed")
    return 1 if failed else 0
