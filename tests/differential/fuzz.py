#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random statements over the guide's tables on PostgreSQL 15 and on Tickstone: the same rows, types and SQLSTATEs.

    fuzz.py --peer-port N --port N [--seconds 20] [--seed N] [--rounds N]

A round has its own seed, schema, rows and time zone; the same seed makes the same round. Queries, and transactions that change
rows and are committed or not; what was committed is compared as whole tables. Between statements ours seals what is in memory,
now and then. What differs is printed with its round's seed and made smaller; what we refuse as not supported is counted.
"""
import argparse
import collections
import decimal
import math
import random
import sys
import time

import fuzz_expressions
import fuzz_tables
import smaller
from fuzz_changes import Changes
from run import comparable, connect, run

STATEMENTS = 250  # a round
TELLS_AFTER_S = 60
CANCELED = ("57014", "53200", "54001")  # by a limit of either: says nothing
FAULT = "XX000"  # of PostgreSQL itself: "failed to build any 5-way joins"
MAY_COME_FIRST = ("22", "23")  # of two errors of rows either may be met first


def is_alike(left, right, oid):
    """Sums of doubles depend on their order, and the last digits of quotients on zeros that NUMERIC does not keep here."""
    if left == right or left[0] or right[0]:
        return left == right
    if oid in (700, 701):
        return math.isclose(float(left[1]), float(right[1]), rel_tol=1e-9, abs_tol=1e-9)
    if oid == 1700 and "NaN" not in (left[1], right[1]):
        a, b = decimal.Decimal(left[1]), decimal.Decimal(right[1])
        return abs(a - b) <= max(abs(a), abs(b)) * decimal.Decimal("1e-14")
    return False


def in_some_order(row, oids):
    return [(is_null, f"{float(text):.6e}" if oid in (700, 701, 1700) and not is_null else text) for (is_null, text), oid in zip(row, oids)]


def difference(theirs, ours, is_ordered):
    """Why two answers differ; "" where they do not, "refused" where we say that we cannot."""
    if theirs.error or ours.error:
        if theirs.error in (*CANCELED, FAULT) or ours.error in CANCELED or theirs.error == ours.error:
            return ""
        if ours.error == "0A000":
            return "refused"
        if theirs.error[:2] in MAY_COME_FIRST and ours.error[:2] in MAY_COME_FIRST:
            return ""
        return "error"
    oids = [oid for _, oid in theirs.columns]
    if theirs.columns != ours.columns:
        return "columns"
    if theirs.tag != ours.tag:
        return "tag"
    if len(theirs.rows) != len(ours.rows):
        return "rows"
    both = [[[comparable(value, oid) for value, oid in zip(row, oids)] for row in answer.rows] for answer in (theirs, ours)]
    if not is_ordered:
        if sorted(both[0]) == sorted(both[1]):
            return ""
        for rows in both:
            rows.sort(key=lambda row: in_some_order(row, oids))
    for left, right in zip(*both):
        if not all(is_alike(a, b, oid) for a, b, oid in zip(left, right, oids)):
            return "values"
    return ""


class Fuzz:
    def __init__(self, options):
        self.options = options
        self.counts, self.refused, self.found = collections.Counter(), collections.Counter(), 0

    def both(self, sql):
        return run(self.peer, sql), run(self.ours, sql)

    def must(self, connection, sql):
        answer = run(connection, sql)
        if answer.error:
            raise SystemExit(f"fuzz: {answer.shown()}: {sql[:300]}")

    def prepare(self, seed, rng):
        self.peer, self.ours, self.sealer = connect(self.options.peer_port), connect(self.options.port), connect(self.options.port)
        self.schema = f"r{seed}"
        zone = rng.choice(fuzz_expressions.ZONES)
        changes = Changes(rng)
        made = [fuzz_tables.insert(table, fuzz_tables.rows(rng, table, rng.choice((3, 10, 20, 35)))) for table in changes.tables.values()]
        for connection in (self.peer, self.ours):
            run(connection, f"DROP SCHEMA IF EXISTS {self.schema} CASCADE")
            for sql in (f"CREATE SCHEMA {self.schema}", f"SET search_path = {self.schema}, public", "SET statement_timeout = '5s'", f"SET TimeZone = '{zone}'"):
                self.must(connection, sql)
            for statement, is_ours in fuzz_tables.statements():
                if not is_ours or connection is self.ours:
                    self.must(connection, statement)
            for statement in made:
                self.must(connection, statement)
        return changes

    def report(self, seed, number, why, sql, theirs, ours, is_ordered):
        self.found += 1
        print(f"== {why}: seed {seed}, statement {number}: {sql};\n   PostgreSQL: {theirs.shown()[:600]}\n   Tickstone:  {ours.shown()[:600]}", flush=True)
        if not self.options.whole:
            def still(candidate):
                answers = self.both(f"BEGIN; {candidate}; ROLLBACK" if not candidate.startswith(("SELECT", "WITH", "(")) else candidate)
                if answers[0].error or answers[1].error:
                    self.both("ROLLBACK")
                return theirs.error == answers[0].error and ours.error == answers[1].error and difference(*answers, is_ordered and why == "values") == why
            print(f"   smaller: {smaller.smaller(sql, still)}", flush=True)

    def compare(self, seed, number, sql, is_ordered=False):
        """Whether both did it."""
        theirs, ours = self.both(sql)
        self.counts["statements"] += 1
        self.counts["errors"] += bool(theirs.error)
        why = difference(theirs, ours, is_ordered)
        if why == "refused":
            self.counts["refused"] += 1
            self.refused[ours.text[:90]] += 1
        elif why:
            self.report(seed, number, why, sql, theirs, ours, is_ordered)
        return not theirs.error and not ours.error

    def transaction(self, seed, number, rng, changes):
        """A block of changes, and a query of what they did; then whole tables where it is committed."""
        changes.touched = set()
        self.both("BEGIN")
        is_well = True
        for _ in range(rng.choice((1, 1, 2, 4))):
            is_well = is_well and self.compare(seed, number, changes.change())
            if is_well and rng.random() < 0.4:
                is_well = self.compare(seed, number, *changes.select())
        is_kept = is_well and rng.random() < 0.4
        self.both("COMMIT" if is_kept else "ROLLBACK")
        for name in sorted(changes.touched) if is_kept else ():
            self.compare(seed, number, f"SELECT * FROM {name}")

    def round(self, seed, ends):
        rng = random.Random(seed)
        changes = self.prepare(seed, rng)
        for number in range(STATEMENTS):
            if time.monotonic() > ends:
                break
            style = rng.random()
            if rng.random() < 0.03:
                self.must(self.sealer, "CHECKPOINT")
            if style < 0.2:
                self.transaction(seed, number, rng, changes)
            elif style < 0.28:
                self.compare(seed, number, changes.wrong())
            else:
                self.compare(seed, number, *changes.select())
        for connection in (self.peer, self.ours):
            self.must(connection, f"DROP SCHEMA {self.schema} CASCADE")
        for connection in (self.peer, self.ours, self.sealer):
            connection.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer-port", type=int, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0, help="0 takes a new one")
    parser.add_argument("--found", type=int, default=20, help="how many differences end it")
    parser.add_argument("--whole", action="store_true", help="make nothing smaller")
    options = parser.parse_args()
    options.seed = options.seed or random.SystemRandom().randrange(1, 1 << 31)
    fuzz = Fuzz(options)
    ends = time.monotonic() + options.seconds
    rounds, told = 0, time.monotonic()
    while rounds < options.rounds and time.monotonic() < ends and fuzz.found < options.found:
        fuzz.round(options.seed + rounds, ends)
        rounds += 1
        if time.monotonic() > told + TELLS_AFTER_S:
            told = time.monotonic()
            print(f"-- seed {options.seed + rounds - 1}, {fuzz.counts['statements']} statements, {fuzz.found} different", flush=True)
    for text, times in fuzz.refused.most_common(8):
        print(f"-- refused {times} times: {text}")
    counts = fuzz.counts
    print(f"sql fuzz: seeds {options.seed} to {options.seed + rounds - 1}, {counts['statements']} statements, {counts['errors']} of them errors of PostgreSQL, "
          f"{counts['refused']} refused, {fuzz.found} different")
    return 1 if fuzz.found else 0


if __name__ == "__main__":
    sys.exit(main())
