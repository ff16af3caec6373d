#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the same statements on PostgreSQL 15 and on Tickstone and compares what comes back.

    run.py --peer-port N --port N [--verbose] [FILE...]

Compared are the columns' names and types, the rows (in order where the statement has an ORDER BY), the command tag and
the SQLSTATE of an error. known.txt lists the statements that differ and why; one that is listed and does not differ
any more fails the run as much as one that differs and is not listed.
"""
import argparse
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
NUMERICS = (1700, 1231, 114, 3802)  # numeric, numeric[], json, jsonb


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


def run(connection, sql):
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
    if oid not in FLOATS or left[0] or right[0]:
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
    oids = [oid for _, oid in theirs.columns]
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


def compare(peer, ours, sql, counts, known, failures, verbose):
    theirs, mine = run(peer, sql), run(ours, sql)
    why = difference(sql, theirs, mine)
    counts["statements"] += 1
    if why:
        counts["different"] += 1
    if bool(why) != (sql in known):
        failures.append(sql)
        if why:
            print(f"== {why}: {sql}\n   PostgreSQL: {theirs.shown()}\n   Tickstone:  {mine.shown()}")
        else:
            print(f"== listed, yet alike: {sql}\n   ({known[sql]})")
    elif why and verbose:
        print(f"-- known ({known[sql]}): {sql}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer-port", type=int, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--random", type=int, default=400, help="how many random expressions")
    parser.add_argument("--seed", type=int, default=15)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    options = parser.parse_args()
    peer, ours = connect(options.peer_port), connect(options.port)
    for connection in (peer, ours):
        run(connection, "SET TimeZone = 'UTC'")
        for statement in data.statements():
            answer = run(connection, statement)
            if answer.error:
                raise SystemExit(f"the tables cannot be made: {answer.shown()}: {statement[:200]}")
    for table in data.HYPERTABLES:
        answer = run(ours, f"SELECT create_hypertable('{table}', 'timestamp', migrate_data => true)")
        if answer.error:
            raise SystemExit(f"no hypertable {table}: {answer.shown()}")
    known = known_differences()
    failures, asked = [], set()
    counts = {"statements": 0, "different": 0}
    for path in options.files or sorted((HERE / "queries").glob("*.sql")):
        for sql in statements_of(path):
            asked.add(sql)
            compare(peer, ours, sql, counts, known, failures, options.verbose)
    for sql in expressions.queries(options.seed, options.random):
        asked.add(sql)
        compare(peer, ours, sql, counts, known, failures, options.verbose)
    for sql in known if not options.files else ():
        if sql not in asked:
            failures.append(sql)
            print(f"== listed, yet not asked: {sql}")
    print(f"differential: {counts['statements']} statements, {counts['different']} different, {len(failures)} of them not as listed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
