#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs *.spec scripts of interleaved sessions against a server: each step's answer, and which steps have to wait.

    run.py [--host 127.0.0.1] [--port 5433] [--user ...] [--peer] [--rewrite] [FILE...]

A script has tests, each in a schema of its own, on sessions that are opened at first use:

    # a comment
    test NAME                   a new test; `test NAME, not peer: REASON` is not for PostgreSQL itself
    setup: SQL                  by a session that does nothing else
    NAME: SQL                   a step of session NAME; what it answers follows, indented: rows with | between the
                                values, the command tag, or ERROR SQLSTATE message; `waits` where it waits for a lock
    NAME!: SQL                  a step that is over by itself; whether it waits meanwhile does not matter
    NAME&: SQL                  a step whose answer is asked for later, by one of these
    NAME:                       the answer of the step that waited
    settle NAME, NAME           all of their answers, in any order (of two that deadlock either may be the victim)
    cancel NAME                 cancels what the session runs
    vanish NAME                 drops the connection without a word
    until SQL                   asks again until the answer is `t`

Whether a step waits is what pg_stat_activity says of its session. --peer says that the server is PostgreSQL, which
proves what the scripts expect; --rewrite puts into the files what came.
"""
import argparse
import pathlib
import re
import select
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "wire"))
from wire_connection import Connection, SENDERS, fields_of  # noqa: E402

GIVE_UP_SECONDS = 20


class Target:
    def __init__(self, options):
        self.host, self.port = options.host, options.port
        self.user, self.database, self.password = options.user, options.database, options.password
        self.timeout = GIVE_UP_SECONDS


def row_text(body):
    count = struct.unpack(">H", body[:2])[0]
    at, values = 2, []
    for _ in range(count):
        size = struct.unpack(">i", body[at : at + 4])[0]
        at += 4
        values.append("NULL" if size < 0 else body[at : at + size].decode())
        at += max(size, 0)
    return "|".join(values)


class Session:
    def __init__(self, target):
        self.connection = Connection(target)
        self.connection.log_in()
        self.is_running = False

    def start(self, sql):
        self.connection.send(SENDERS["Query"](sql))
        self.is_running = True

    def has_answer(self):
        return bool(self.connection.received) or bool(select.select([self.connection.socket], [], [], 0)[0])

    def answer(self):
        lines = []
        while True:
            kind, body = self.connection.receive()
            if kind is None:
                self.is_running = False
                return lines + ["closed"]
            if kind == "D":
                lines.append(row_text(body))
            elif kind == "C":
                lines.append(body[:-1].decode())
            elif kind == "E":
                fields = fields_of(body)
                lines.append(f"ERROR {fields['C']} {fields['M']}")
            elif kind == "Z":
                self.is_running = False
                return lines

    def run(self, sql):
        self.start(sql)
        return self.answer()


class Test:
    def __init__(self, target, control):
        self.target, self.control = target, control
        self.sessions = {}

    def session(self, name):
        if name not in self.sessions:
            self.sessions[name] = Session(self.target)
            self.sessions[name].run("SET search_path = iso")
        return self.sessions[name]

    def waits(self, session):
        sql = f"SELECT wait_event_type FROM pg_stat_activity WHERE pid = {session.connection.key[0]}"
        return self.control.run(sql)[:1] == ["Lock"]

    def step(self, name, sql):
        session = self.session(name)
        if session.is_running:
            raise RuntimeError(f"{name} still waits")
        session.start(sql)
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            if select.select([session.connection.socket], [], [], 0.005)[0] or session.has_answer():
                return session.answer()
            if self.waits(session) and not session.has_answer():
                return ["waits"]
        raise RuntimeError(f"{name} neither answers nor waits")

    def until(self, sql):
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            answer = self.control.run(sql)
            if answer[:1] == ["t"]:
                return
            if answer[-1].startswith("ERROR"):
                raise RuntimeError(answer[-1])
            time.sleep(0.01)
        raise RuntimeError(f"never true: {sql}")

    def run(self, line):
        """What the line answers; nothing where there is nothing to expect."""
        if line.startswith("setup: "):
            answer = self.control.run(line[len("setup: ") :])
            if answer[-1].startswith("ERROR"):
                raise RuntimeError(f"{line}: {answer[-1]}")
            return []
        if line.startswith("settle "):
            answers = ["; ".join(self.session(n.strip()).answer()) for n in line[len("settle ") :].split(",")]
            return sorted(answers)
        if line.startswith("cancel "):
            self.session(line[len("cancel ") :]).connection.cancel_until_answered()
            return []
        if line.startswith("vanish "):
            self.sessions.pop(line[len("vanish ") :]).connection.close()
            return []
        if line.startswith("until "):
            self.until(line[len("until ") :])
            return []
        name, way, sql = re.fullmatch(r"(\w+)([!&]?):\s*(.*)", line).groups()
        if way == "!":
            return self.session(name).run(sql)
        if way == "&":
            return self.session(name).start(sql) or []
        return self.step(name, sql) if sql else self.session(name).answer()

    def close(self):
        pids = [str(session.connection.key[0]) for session in self.sessions.values()]
        for session in self.sessions.values():
            session.connection.close()
        if pids:
            self.until(f"SELECT count(*) = 0 FROM pg_stat_activity WHERE pid IN ({', '.join(pids)})")


def tests_of(path):
    """[(name, only for us, [(line number, line, [expected])])], and the file's lines."""
    tests = []
    for number, line in enumerate(path.read_text().splitlines()):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("test "):
            name, _, reason = line[len("test ") :].partition(", not peer")
            tests.append((name, bool(reason), []))
        elif line.startswith("  "):
            tests[-1][2][-1][2].append(line[2:])
        else:
            tests[-1][2].append((number, line, []))
    return tests


def run_file(path, target, options):
    failures, answers = 0, {}
    for name, is_ours, steps in tests_of(path):
        if is_ours and options.peer:
            continue
        control = Session(target)
        control.run("SET client_min_messages = warning")
        control.run("DROP SCHEMA IF EXISTS iso CASCADE")
        control.run("CREATE SCHEMA iso")
        control.run("SET search_path = iso")
        test = Test(target, control)
        try:
            for number, line, expected in steps:
                actual = test.run(line)
                answers[number] = actual
                if actual != expected and not options.rewrite:
                    print(f"{path}:{number + 1}: {name}: {line}\n  expected {expected}\n  got      {actual}")
                    failures += 1
                    break
            test.close()
        except (RuntimeError, OSError) as error:
            print(f"{path}: {name}: {error}")
            failures += 1
        control.connection.close()
    if options.rewrite:
        out = []
        for number, line in enumerate(path.read_text().splitlines()):
            if line.startswith("  ") and not line.startswith("#"):
                continue
            out.append(line)
            out += [f"  {answer}" for answer in answers.get(number, [])]
        path.write_text("\n".join(out) + "\n")
    return failures


def main():
    here = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description="Runs scripts of interleaved sessions.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5433)
    parser.add_argument("--user", default="inavvi_user")
    parser.add_argument("--database", default="inavvi")
    parser.add_argument("--password", default="postgres")
    parser.add_argument("--peer", action="store_true", help="the server is PostgreSQL")
    parser.add_argument("--rewrite", action="store_true", help="put into the files what came")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    options = parser.parse_args()
    target = Target(options)
    failures = sum(run_file(path, target, options) for path in options.files or sorted(here.glob("*.spec")))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
