#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Messages that are random, mutated, cut or out of order, over sockets of a server that runs.

    fuzz.py --port N --pid N [--seconds 20] [--seed N]

Each connection sends some: before the login or after it, as a client would or with bytes changed. The server may answer or close; it must
not crash or hang, must not keep sessions that are gone, and must not grow. Another connection asks it all the while.
"""
import argparse
import pathlib
import random
import select
import socket
import struct
import sys
import time
import types

from wire_connection import SENDERS, Connection, codes, cstring, message, parameter

STATEMENTS = (
    "SELECT 1", "SELECT $1::int + 1, $2::text", "SELECT * FROM fuzzed WHERE id = $1", "INSERT INTO fuzzed VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", "",
    "SELECT generate_series(1, 500), repeat('x', 100)", "BEGIN", "COMMIT", "ROLLBACK", "SELECT 1 / 0", "SELEC", "COPY fuzzed FROM STDIN", "COPY fuzzed TO STDOUT",
    "COPY fuzzed FROM STDIN WITH (FORMAT binary)", "COPY fuzzed FROM STDIN WITH (FORMAT csv)", "LISTEN f", "NOTIFY f, 'x'", "DECLARE c CURSOR WITH HOLD FOR SELECT 1", "FETCH ALL FROM c",
    "SET statement_timeout = '2s'", "PREPARE p AS SELECT 1", "EXECUTE p", "DISCARD ALL", "SELECT 1; SELECT 2; SELECT x", "DELETE FROM fuzzed WHERE id > 50", "SAVEPOINT s", "ROLLBACK TO s",
    "SELECT pg_sleep(0.01)", "SELECT $1::numeric, $2::timestamptz, $3::text[]", "SELECT $1::jsonb -> 'a', $2::uuid, $3::bytea", "SHOW ALL", "SELECT '\u00e4' || $1",
)
NAMES = ("", "", "a", "b", "p", "\u00fc" * 40)
VALUES = (None, b"", b"1", b"-7", b"x", b"NaN", b"2025-01-01 00:00:00+00", b"{1,2,NULL}", b'{"a": [1]}', b"\x00\x00\x00\x01", b"\x00" * 8, b"\xff" * 16, b"\x80\x00\x00\x00",
          b"\x00\x01\x00\x00\x00\x00\x00\x02\x00\x05", b"a" * 5000, b"\\x00ff", b"1e400", b"\xc3\x28")
BINARY = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0"


class Hang(Exception):
    pass


class Fuzzer:
    def __init__(self, options):
        self.options, self.random = options, random.Random(options.seed)
        self.target = types.SimpleNamespace(host="127.0.0.1", port=options.port, timeout=30, user="inavvi_user", database="inavvi", password="postgres")
        self.counts = {"connections": 0, "messages": 0, "answers": 0, "closed": 0}
        self.log = []

    def one_message(self):
        rng = self.random
        kind = rng.choice(("Query", "Query", "Parse", "Parse", "Bind", "Bind", "Describe", "Execute", "Execute", "Sync", "Sync", "Flush", "Close", "CopyData", "CopyDone", "CopyFail", "Raw"))
        if kind == "Query":
            return SENDERS["Query"](rng.choice(STATEMENTS))
        if kind == "Parse":
            return SENDERS["Parse"](rng.choice(STATEMENTS), rng.choice(NAMES), [rng.choice((0, 23, 25, 1700, 1184, 3802, 1009, 2950, 17, 705, 99999)) for _ in range(rng.choice((0, 0, 1, 3)))])
        if kind == "Bind":
            count = rng.randint(0, 4)
            values = [rng.choice(VALUES) for _ in range(count)]
            body = cstring(rng.choice(NAMES)) + cstring(rng.choice(NAMES)) + codes([rng.randint(0, 2) for _ in range(rng.choice((0, 1, count)))])
            return message("B", body + struct.pack(">H", count) + b"".join(map(parameter, values)) + codes([rng.randint(0, 1) for _ in range(rng.choice((0, 1, 2)))]))
        if kind in ("Describe", "Close"):
            return SENDERS[kind](rng.choice("SPx"), rng.choice(NAMES))
        if kind == "Execute":
            return SENDERS["Execute"](rng.choice(NAMES), rng.choice((0, 1, 7, -1, 2147483647)))
        if kind == "CopyData":
            return SENDERS["CopyData"](rng.choice((b"1\ta\t2\n", b"x\n", b"\\.\n", b'1,"a', BINARY, BINARY + b"\0\3\0\0\0\4\0\0\0\1", b"", b"\xff" * 50, b"7\t\\N\t\\N\n" * 200)))
        if kind == "CopyFail":
            return SENDERS["CopyFail"]("no more")
        if kind == "Raw":
            return message(chr(rng.randint(1, 127)), bytes(rng.randrange(256) for _ in range(rng.choice((0, 1, 5, 40)))))
        return SENDERS[kind]()

    def mutated(self, data):
        rng, data = self.random, bytearray(data)
        for _ in range(rng.choice((1, 1, 2, 5))):
            at = rng.randrange(len(data)) if data else 0
            style = rng.randrange(6)
            if style == 0 and data:
                data[at] ^= 1 << rng.randrange(8)
            elif style == 1 and data:
                data[at] = rng.choice((0, 255, 127, 128, rng.randrange(256)))
            elif style == 2:
                data[at:at] = bytes(rng.randrange(256) for _ in range(rng.choice((1, 4, 20))))
            elif style == 3:
                del data[at : at + rng.choice((1, 4, 20))]
            elif style == 4 and len(data) > 5:  # the length says something else
                data[1:5] = struct.pack(">I", rng.choice((0, 3, 4, 5, len(data), len(data) + 1, 1 << 20, 1 << 30, (1 << 32) - 1)))
            elif data:
                data += data[at:]
        return bytes(data)

    def read(self, connection, wait):
        """What has come; whether the server closed."""
        ends = time.monotonic() + wait
        while time.monotonic() < ends:
            if not select.select([connection.socket], [], [], max(0, ends - time.monotonic()))[0]:
                return False
            try:
                data = connection.socket.recv(1 << 16)
            except (ConnectionResetError, BrokenPipeError):
                return True
            if not data:
                return True
            self.counts["answers"] += len(data)
            connection.received = (connection.received + data)[-6:]
            if wait > 1 and connection.received.endswith((b"Z\0\0\0\5I", b"Z\0\0\0\5T", b"Z\0\0\0\5E")):
                return False
        if wait > 1:
            raise Hang("no answer to Sync")
        return False

    def send(self, connection, data):
        """In pieces, now and then; False once it is closed."""
        self.log.append(data)
        try:
            if self.random.random() < 0.2 and len(data) > 1:
                at = self.random.randrange(1, len(data))
                connection.socket.sendall(data[:at])
                connection.socket.sendall(data[at:])
            else:
                connection.socket.sendall(data)
        except (ConnectionResetError, BrokenPipeError):
            return False
        return True

    def before_login(self):
        rng = self.random
        connection = Connection(self.target)
        packet = rng.choice((struct.pack(">II", 8, 80877103), struct.pack(">II", 8, 80877104), struct.pack(">IIII", 16, 80877102, 1, 2),
                             struct.pack(">II", 9, 196608) + b"\0", struct.pack(">I", 36) + struct.pack(">I", 196608) + b"user\0me\0database\0inavvi\0\0\0",
                             struct.pack(">II", 8, 131072), b"GET / HTTP/1.0\r\n\r\n", bytes(rng.randrange(256) for _ in range(rng.choice((1, 8, 200))))))
        for _ in range(rng.choice((1, 2, 3))):
            packet = self.mutated(packet) if rng.random() < 0.6 else packet
            self.counts["messages"] += 1
            if not self.send(connection, packet) or self.read(connection, 0.02):
                self.counts["closed"] += 1
                break
            packet = rng.choice((message("p", bytes(rng.randrange(256) for _ in range(30))), message("p", b"SCRAM-SHA-256\0\0\0\0\7n,,n=,r"), SENDERS["Query"]("SELECT 1")))
        connection.close()

    def after_login(self):
        rng = self.random
        connection = Connection(self.target)
        connection.log_in()
        connection.received = b""
        is_whole, is_closed = True, False
        for _ in range(rng.randint(1, 12)):
            data = self.one_message()
            if rng.random() < 0.15:
                data, is_whole = self.mutated(data), False
            self.counts["messages"] += 1
            is_closed = not self.send(connection, data) or self.read(connection, rng.choice((0, 0, 0, 0.005)))
            if is_closed:
                break
        if is_whole and not is_closed:
            # Out of whatever it is in, and to the end of the error.
            is_closed = not self.send(connection, SENDERS["CopyFail"]("over") + SENDERS["Sync"]())
            is_closed = is_closed or self.read(connection, 20)
        if not is_closed and rng.random() < 0.5:
            self.send(connection, SENDERS["Terminate"]())
        self.counts["closed"] += is_closed
        connection.close()

    def go(self):
        control = Connection(self.target)
        control.log_in()
        ask(control, "CREATE TABLE IF NOT EXISTS fuzzed (id int PRIMARY KEY, name text, amount numeric)")
        began, sizes = time.monotonic(), []
        checked = began
        while time.monotonic() - began < self.options.seconds:
            self.log = []
            self.counts["connections"] += 1
            try:
                (self.before_login if self.random.random() < 0.25 else self.after_login)()
            except (Hang, RuntimeError, socket.timeout, ConnectionError) as error:
                raise SystemExit(f"wire fuzz: seed {self.options.seed}, connection {self.counts['connections']}: {error!r}; sent {self.log!r}")
            if time.monotonic() - checked > 2:
                checked = time.monotonic()
                ask(control, "SELECT 1")
                sizes.append(resident_mib(self.options.pid))
        # What is gone is gone for the server, too, once it has seen it.
        for _ in range(200):
            sessions = ask(control, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
            if sessions == b"1":
                break
            time.sleep(0.1)
        else:
            raise SystemExit(f"wire fuzz: seed {self.options.seed}: {sessions.decode()} sessions are left")
        sizes.append(resident_mib(self.options.pid))
        third = sizes[len(sizes) // 3]
        if sizes[-1] > third + max(64, third // 4):
            raise SystemExit(f"wire fuzz: seed {self.options.seed}: resident {sizes} MiB")
        print(f"wire fuzz: seed {self.options.seed}, {self.counts['connections']} connections, {self.counts['messages']} messages, {self.counts['answers'] >> 20} MiB of answers, "
              f"{self.counts['closed']} closed by the server, {third} to {sizes[-1]} MiB resident")


def ask(connection, sql):
    """The first value of an answer."""
    connection.send(SENDERS["Query"](sql))
    value = None
    while True:
        kind, body = connection.receive()
        if kind is None:
            raise SystemExit("wire fuzz: the server is gone")
        if kind == "D":
            value = body[6:]
        elif kind == "Z":
            return value


def resident_mib(pid):
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        raise SystemExit("wire fuzz: the server is gone") from None
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))) >> 10


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=0, help="0 takes a new one")
    options = parser.parse_args()
    options.seed = options.seed or random.SystemRandom().randrange(1, 1 << 31)
    Fuzzer(options).go()


if __name__ == "__main__":
    sys.exit(main())
