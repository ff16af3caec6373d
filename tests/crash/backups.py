# SPDX-License-Identifier: Apache-2.0
"""Backups of the server that is killed: the last one that was acknowledged, or the one that was being written, can be restored
and has all that was committed when it began, at one moment."""
import os
import shutil
import subprocess
import threading

import schema_changes
from checks import transfer_problems
from server import PROGRAM, Server
from writers import until_the_crash


class Ledger:
    def __init__(self):
        self.target = None        # the directory of all backups
        self.transfers = None     # acknowledged before the last whole backup began; None: there is none
        self.steps = 0            # the same, of ALTER TABLE
        self.restored = 0
        self.made = threading.Event()


@until_the_crash
def backup_loop(server, ledger, stop):
    cur = server.connect().cursor()
    while not stop.is_set():
        transfers = {number for number, transfer in list(ledger.transfers.items()) if transfer[3]}
        steps = ledger.changes.steps
        cur.execute("SELECT * FROM tickstone_backup(%s)", (ledger.backups.target,))
        ledger.backups.transfers = transfers
        ledger.backups.steps = steps
        ledger.backups.made.set()
        stop.wait(0.05)


def check_backup(ledger, scratch):
    """By a server of its own on what is restored."""
    mine = ledger.backups
    if mine.transfers is None:
        return
    # Killed while one took the other's place.
    whole = [path for path in (mine.target, mine.target + ".previous") if os.path.exists(os.path.join(path, "BACKUP"))]
    if not whole:
        yield "a backup was acknowledged and is gone"
        return
    restored = os.path.join(scratch, "restored")
    done = subprocess.run([PROGRAM, "restore", whole[0], restored], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        yield "restore: " + done.stdout[-2000:] + done.stderr[-2000:]
        return
    mine.restored += 1
    server = Server(restored, 256)
    server.start()
    try:
        conn = server.connect()
        cur = conn.cursor()
        transfers, problems = transfer_problems(cur)
        yield from (f"in a backup {problem}" for problem in problems)
        # A transfer that was in flight at a crash before may have come to nothing: the ledger knows by now.
        missing = {number for number in mine.transfers if number in ledger.transfers} - set(transfers)
        if missing:
            yield f"a backup lacks {len(missing)} transfers that were acknowledged before it began"
        cur.execute("SELECT count(*) FROM shape_log")
        steps = cur.fetchone()[0]
        if not mine.steps <= steps <= ledger.changes.sent_steps:
            yield f"a backup has {steps} steps of ALTER TABLE; {mine.steps} were acknowledged before it began"
        seen = schema_changes.Ledger()
        seen.steps = seen.sent_steps = steps
        yield from (f"in a backup {problem}" for problem in schema_changes.check_shape(cur, _Of(seen)))
        conn.close()
    finally:
        server.kill()
        shutil.rmtree(restored)
        os.remove(restored + ".log")


class _Of:
    """A ledger that knows of ALTER TABLE alone."""

    def __init__(self, changes):
        self.changes = changes
