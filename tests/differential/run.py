#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the same statements on PostgreSQL 15 and on Tickstone and compares what comes back.

    run.py --peer-port N --port N [--verbose] [AREA...]

Compared are the columns' names and types, the rows (in order where the statement has an ORDER BY), the command tag and
the SQLSTATE of an error. known.txt lists the statements that differ and why; one that is listed and does not differ
any more fails the run as much as one that differs and is not listed.

Each file of queries/ is an area, run on a connection of its own. There must be enough of them and of statements, few of
one template, and few that differ.
"""
import argparse
import collections
import math
import pathlib
import re
import struct
import sys
import types

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "wire"))

import data  # noqa: E402
import expressions  # noqa: E402
from wire_connection import Connection, fields_of, message  # noqa: E402

FLOATS = {700: 1e-6, 701: 1e-12}
FLOAT_ARRAYS = {1021: 700, 1022: 701}
NUMERICS = (1700, 1231, 114, 3802)  # numeric, numeric[], json, jsonb
LEAST_AREAS, LEAST_STATEMENTS, MOST_OF_A_TEMPLATE, MOST_DIFFERENT = 30, 1500, 10, 0.03


def connect(port):
    connection = Connection(types.SimpleNamespace(host="127.0.0.1", port=port, timeout=60, user="inavvi_user",
                                                  database="inavvi", password="postgres"))
    connection.log_in()
    return connection


def columns_of(body):
    at, columns = 2, []
    for _ in range(struct.unpack(">H", body[:2])[0]):
        end = body.index(b"\0", at)
        columns.append((body[at:end].decode(), struct.unpack(">I", body[end + 7 : end + 11])[0]))
        at = end + 19
    return columns


def values_of(body):
    at, values = 2, []
    for _ in range(struct.unpack(">H", body[:2])[0]):
        size = struct.unpack(">i", body[at : at + 4])[0]
        at += 4
        values.append(None if size < 0 else body[at : at + size].decode())
        at += max(size, 0)
    return values


class Answer:
    def __init__(self):
        self.columns, self.rows, self.tag, self.error, self.text = [], [], "", "", ""

    def shown(self):
        if self.error:
            return f"{self.error} {self.text}"
        rows = self.rows[:3]
        return f"{self.tag} {self.columns} {rows}" + (f" ... {len(self.rows)} rows" if len(self.rows) > 3 else "")


def run(connection, statement):
    """What comes back. What COPY reads stands after <<<, with the escapes of a Python string."""
    sql, _, data = statement.partition(" <<< ")
    connection.send(message("Q", sql.encode() + b"\0"))
    answer = Answer()
    while True:
        kind, body = connection.receive()
        if kind is None:
            raise RuntimeError(f"the server closed the connection at: {sql}")
        if kind == "T":
            answer.columns = columns_of(body)
        elif kind == "D":
            answer.rows.append(values_of(body))
        elif kind == "G":
            connection.send(message("d", data.encode().decode("unicode_escape").encode()) + message("c"))
        elif kind == "d":
            answer.rows.append([body.decode()])
        elif kind == "C":
            answer.tag = body[:-1].decode()
        elif kind == "E":
            fields = fields_of(body)
            answer.error, answer.text = fields["C"], fields["M"]
        elif kind == "Z":
            return answer


def without_zeros(match):
    text = match.group().rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def comparable(value, oid):
    """What a value is compared by. NUMERIC keeps no trailing zeros here, nor do numbers in arrays and JSON made of it."""
    if value is None:
        return (True, "")
    if oid in NUMERICS:
        value = re.sub(r"-?\d+\.\d+", without_zeros, value)
    return (False, value)


def is_close(left, right, oid):
    if left == right:
        return True
    if left[0] or right[0]:
        return False
    if oid in FLOAT_ARRAYS:
        both = [text[1].strip("{}").split(",") for text in (left, right)]
        return len(both[0]) == len(both[1]) and all(is_close((False, a), (False, b), FLOAT_ARRAYS[oid]) for a, b in zip(*both))
    if oid not in FLOATS or "NULL" in (left[1], right[1]):
        return False
    a, b = float(left[1]), float(right[1])
    return a == b or (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=FLOATS[oid], abs_tol=0.0)


def has_order(sql):
    depth, text = 0, re.sub(r"'[^']*'", "''", sql.upper())
    for at, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0 and text.startswith("ORDER BY", at):
            return True
    return False


def difference(sql, theirs, ours):
    """Why two answers differ; nothing when they do not."""
    if theirs.error or ours.error:
        return None if theirs.error == ours.error else "error"
    if [c[0] for c in theirs.columns] != [c[0] for c in ours.columns]:
        return "names"
    if [c[1] for c in theirs.columns] != [c[1] for c in ours.columns]:
        return "types"
    if theirs.tag != ours.tag:
        return "tag"
    oids = [oid for _, oid in theirs.columns] or [25]  # of COPY the lines
    both = []
    for answer in (theirs, ours):
        rows = [[comparable(v, oid) for v, oid in zip(row, oids)] for row in answer.rows]
        both.append(rows if has_order(sql) else sorted(rows))
    if len(both[0]) != len(both[1]):
        return "rows"
    for left, right in zip(*both):
        if not all(is_close(a, b, oid) for a, b, oid in zip(left, right, oids)):
            return "values"
    return None


def statements_of(path):
    """A statement a line; lines that begin with -- are headings."""
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("--"):
            yield line.rstrip(";").strip()


def known_differences():
    """{statement: reason}. In the file a reason stands after # above the statements that it is for."""
    known, reason = {}, ""
    for line in (HERE / "known.txt").read_text().splitlines():
        if line.startswith("#"):
            reason = line[1:].strip()
        elif line.strip():
            known[line.strip()] = reason
    return known


def template_of(sql):
    """A statement without its constants."""
    return re.sub(r"\s+", " ", re.sub(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b", "?", sql)).lower()


class Comparison:
    def __init__(self, options):
        self.options = options
        self.known = known_differences()
        self.asked, self.failures = set(), []
        self.statements, self.different = collections.Counter(), collections.Counter()

    def connections(self):
        both = connect(self.options.peer_port), connect(self.options.port)
        for connection in both:
            run(connection, "SET TimeZone = 'UTC'; SET statement_timeout = '20s'")
        return both

    def make_tables(self):
        both = self.connections()
        for connection in both:
            for statement in data.statements():
                answer = run(connection, statement)
                if answer.error:
                    raise SystemExit(f"the tables cannot be made: {answer.shown()}: {statement[:200]}")
        for table in data.HYPERTABLES:
            answer = run(both[1], f"SELECT create_hypertable('{table}', 'timestamp', migrate_data => true)")
            if answer.error:
                raise SystemExit(f"no hypertable {table}: {answer.shown()}")

    def compare(self, area, statements):
        """Both servers answer the statements of one area, on connections of their own."""
        both = self.connections()
        for sql in statements:
            theirs, mine = (run(connection, sql) for connection in both)
            why = difference(sql, theirs, mine)
            self.asked.add(sql)
            self.statements[area] += 1
            self.different[area] += bool(why)
            if bool(why) != (sql in self.known):
                self.failures.append(sql)
                if why:
                    print(f"== {area}: {why}: {sql}\n   PostgreSQL: {theirs.shown()}\n   Tickstone:  {mine.shown()}")
                else:
                    print(f"== {area}: listed, yet alike: {sql}\n   ({self.known[sql]})")
            elif why and self.options.verbose:
                print(f"-- {area}: known ({self.known[sql]}): {sql}\n   PostgreSQL: {theirs.shown()}\n   Tickstone:  {mine.shown()}")
        for connection in both:
            connection.close()

    def judge(self, templates):
        """What the whole must be: enough statements of enough areas, and few that differ."""
        areas, count, different = len(self.statements), self.statements.total(), self.different.total()
        for sql in self.known:
            if sql not in self.asked:
                self.fail(f"listed, yet not asked: {sql}")
        for template, times in templates.items():
            if times > MOST_OF_A_TEMPLATE:
                self.fail(f"{times} statements of one template: {template}")
        if areas < LEAST_AREAS or count < LEAST_STATEMENTS:
            self.fail(f"{count} statements of {areas} areas are too few")
        if different > MOST_DIFFERENT * count:
            self.fail(f"{different} of {count} differ")

    def fail(self, why):
        self.failures.append(why)
        print(f"== {why}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer-port", type=int, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--random", type=int, default=400, help="how many random expressions")
    parser.add_argument("--seed", type=int, default=15)
    parser.add_argument("areas", nargs="*", help="names of queries/*.sql; all of them without")
    options = parser.parse_args()
    comparison = Comparison(options)
    comparison.make_tables()
    paths = sorted((HERE / "queries").glob("*.sql"))
    templates = collections.Counter()
    for path in paths:
        if not options.areas or path.stem in options.areas:
            statements = list(statements_of(path))
            templates.update(map(template_of, set(statements)))
            comparison.compare(path.stem, statements)
    if not options.areas:
        comparison.judge(templates)
    print(", ".join(f"{area} {count}" + (f" ({comparison.different[area]} differ)" if comparison.different[area] else "")
                    for area, count in comparison.statements.items()))
    print(f"differential: {comparison.statements.total()} statements of {len(comparison.statements)} areas, "
          f"{comparison.different.total()} different, {len(comparison.failures)} not as listed")
    written = len(comparison.failures)
    if not options.areas:
        comparison.compare("random expressions", expressions.queries(options.seed, options.random))
        print(f"differential: {options.random} random expressions, {len(comparison.failures) - written} not as listed")
    return 1 if comparison.failures else 0


if __name__ == "__main__":
    sys.exit(main())
