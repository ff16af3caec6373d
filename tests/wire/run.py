#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs *.pgtest scripts against a server: what is sent, and every message that must come back.

    run.py [--host 127.0.0.1] [--port 5433] [--user ...] [--peer] [--rewrite] [FILE...]

A script has blocks, with blank lines between:

    # a comment
    send [on NAME]              each line a message: Query("SELECT 1"), Bind(params=["1"], results=[1]), Sync()
    until TYPE [on NAME]        the messages that come, up to the first of TYPE, one a line: `DataRow '1' None`;
                                of ErrorResponse and NoticeResponse only the fields that the line names
    cancel NAME [once]          cancel requests with that connection's key, until it is answered
    close NAME                  drops the connection without a word
    not peer: REASON            the rest of the file is not for PostgreSQL itself

NAME is a connection of the script's, opened at first use; `raw NAME` ones are not logged in. --peer says that the
server is PostgreSQL, which proves what the scripts expect; --rewrite puts into the files what came.
"""
import argparse
import ast
import os
import pathlib
import re
import sys

from wire_connection import SENDERS, Connection, fields_of, render


class Mismatch(Exception):
    pass


class Target:
    def __init__(self, options):
        self.host, self.port = options.host, options.port
        self.user, self.database, self.password = options.user, options.database, options.password
        self.timeout = options.timeout


def sent_bytes(line):
    call = ast.parse(line, mode="eval").body
    if not isinstance(call, ast.Call) or call.func.id not in SENDERS:
        raise Mismatch(f"cannot send: {line}")
    arguments = [ast.literal_eval(a) for a in call.args]
    named = {k.arg: ast.literal_eval(k.value) for k in call.keywords}
    return SENDERS[call.func.id](*arguments, **named)


def expected_fields(line):
    return {code: ast.literal_eval(text) for code, text in re.findall(r"(\w)=('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")", line)}


def matches(expected, kind, body):
    actual = render(kind, body)
    if expected == actual:
        return True
    if kind not in ("E", "N") or expected.split(" ")[0] != actual.split(" ")[0]:
        return False
    wanted = expected_fields(expected)
    fields = fields_of(body)
    return bool(wanted) and all(fields.get(code) == text for code, text in wanted.items())


def shortened(expected_line, kind, body):
    """For --rewrite: of an error the fields that the old line named, else the ones that matter most."""
    if kind not in ("E", "N"):
        return render(kind, body)
    fields = fields_of(body)
    codes = list(expected_fields(expected_line)) or [code for code in "SCMP" if code in fields]
    return " ".join([render(kind, body).split(" ")[0]] + [f"{code}={fields[code]!r}" for code in codes if code in fields])


class Script:
    def __init__(self, path, target):
        self.path, self.target = path, target
        self.connections = {}
        self.raw = set()

    def connection(self, name):
        if name not in self.connections:
            self.connections[name] = Connection(self.target)
            if name not in self.raw:
                self.connections[name].log_in()
        return self.connections[name]

    def receive(self, connection, until, expected):
        """Messages to the first of type `until`; ParameterStatus only where the script expects some."""
        wants_status = any(line.startswith("ParameterStatus") for line in expected)
        while True:
            kind, body = connection.receive()
            name = render(kind, body).split(" ")[0]
            if kind != "S" or wants_status:
                yield kind, body
            if name == until or kind is None:
                return

    def run_block(self, head, lines):
        """Does what a block says; returns what the lines of an `until` should have been."""
        words = head.split()
        name = words[words.index("on") + 1] if "on" in words else "main"
        if words[0] == "send":
            for line in lines:
                self.connection(name).send(sent_bytes(line))
        elif words[0] == "until":
            came = list(self.receive(self.connection(name), words[1], lines))
            actual = []
            for index, (kind, body) in enumerate(came):
                line = lines[index] if index < len(lines) else ""
                actual.append(line if matches(line, kind, body) else shortened(line, kind, body))
            return actual
        elif words[0] == "cancel":
            connection = self.connection(words[1])
            connection.cancel_request() if words[2:] == ["once"] else connection.cancel_until_answered()
        elif words[0] == "close":
            self.connections.pop(words[1]).close()
        elif words[0] == "raw":
            self.raw.add(words[1])
        else:
            raise Mismatch(f"unknown block: {head}")
        return lines

    def run(self, is_peer, rewrite):
        blocks = re.split(r"\n(?:[ \t]*\n)+", self.path.read_text().strip("\n"))
        problems, written, is_over = [], [], False
        for block in blocks:
            lines = block.split("\n")
            comments = [line for line in lines if line.startswith("#")]
            lines = [line for line in lines if not line.startswith("#")]
            if not lines or is_over:
                written.append(block)
                continue
            if lines[0].startswith("not peer:"):
                is_over = is_peer
                written.append(block)
                continue
            actual = self.run_block(lines[0], lines[1:])
            if actual != lines[1:]:
                problems.append((lines[0], lines[1:], actual))
                if not rewrite and "Closed" in actual:
                    break
            written.append("\n".join(comments + [lines[0]] + actual))
        for connection in self.connections.values():
            connection.close()
        if rewrite:
            self.path.write_text("\n\n".join(written) + "\n")
            return []
        return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5433)
    parser.add_argument("--user", default="inavvi_user")
    parser.add_argument("--database", default="inavvi")
    parser.add_argument("--password", default=os.environ.get("PGPASSWORD", "postgres"))
    parser.add_argument("--timeout", type=float, default=60, help="seconds to wait for one message")
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--rewrite", action="store_true")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    options = parser.parse_args()
    files = options.files or sorted(pathlib.Path(__file__).parent.glob("*.pgtest"))
    failed = 0
    for path in files:
        try:
            problems = Script(path, Target(options)).run(options.peer, options.rewrite)
        except (Mismatch, OSError, RuntimeError) as error:
            problems = [(f"{type(error).__name__}: {error}", [], [])]
        print(f"{'FAIL' if problems else 'ok':4} {path.name}", flush=True)
        failed += bool(problems)
        for head, expected, actual in problems:
            print(f"     {head}")
            for line in expected:
                print(f"       {' ' if line in actual else '-'} {line}")
            for line in actual:
                if line not in expected:
                    print(f"       + {line}")
    print(f"{len(files) - failed} of {len(files)} scripts as expected")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
