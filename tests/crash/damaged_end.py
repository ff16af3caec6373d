#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A server that nobody wrote to for a moment is killed, and the last record that it acknowledged is damaged: that is no torn
write. Starting and verifying name file and offset; with the bit put right again all is there. Reads the log by docs/format/log.md."""
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

from server import PROGRAM, Server

HEADER_BYTES, RECORD_BYTES = 32, 41
COMMITS, MARK = (2, 7), 6
MOST_SECONDS = 30


def last_log(directory):
    return os.path.join(directory, "log", max(os.listdir(os.path.join(directory, "log"))))


def records(path):
    """Kind, offset and end of each."""
    with open(path, "rb") as log:
        content = log.read()
    found = []
    at = HEADER_BYTES
    while at + RECORD_BYTES <= len(content) and content[at + 8] != 0:
        end = at + RECORD_BYTES + struct.unpack_from("<I", content, at)[0]
        found.append((content[at + 8], at, end))
        at = end
    return found


def flip(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 4]))


def run(*arguments):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False, timeout=MOST_SECONDS)
    return done.returncode, done.stdout + done.stderr


def main():
    scratch = tempfile.mkdtemp(prefix="tickstone-crash-")
    store = os.path.join(scratch, "store")
    server = Server(store, 256)
    server.start()
    conn = server.connect()
    conn.cursor().execute("CREATE TABLE kept (id INTEGER PRIMARY KEY); INSERT INTO kept VALUES (1)")
    conn.cursor().execute("INSERT INTO kept VALUES (2)")
    log = last_log(store)
    patience = time.monotonic() + MOST_SECONDS
    while records(log)[-1][0] != MARK:
        if time.monotonic() > patience:
            raise SystemExit("crash: an idle log is not marked")
        time.sleep(0.02)
    server.kill()
    # A job may have committed since.
    found = records(log)
    last_mark = max(i for i, record in enumerate(found) if record[0] == MARK)
    kind, start, end = found[last_mark - 1]
    if kind not in COMMITS:
        raise SystemExit(f"crash: a record of kind {kind} stands before the mark")
    for offset in (start, start + 9, (start + RECORD_BYTES + end) // 2, end - 1):
        flip(log, offset)
        for command in (("serve", "--data", store, "--listen", "127.0.0.1", "--port", "0"), ("verify", store)):
            status, said = run(*command)
            if status == 0 or os.path.basename(log) not in said or f"offset {start}" not in said:
                raise SystemExit(f"crash: byte {offset} of the log is damaged, and {command[0]} says: {said}")
        flip(log, offset)
    server.start()
    cur = server.connect().cursor()
    cur.execute("SELECT array_agg(id ORDER BY id) FROM kept")
    if cur.fetchone()[0] != [1, 2]:
        raise SystemExit("crash: rows are missing")
    server.kill()
    shutil.rmtree(scratch)
    print("crash: damage to the last record of an idle log is named")


if __name__ == "__main__":
    sys.exit(main())
