# SPDX-License-Identifier: Apache-2.0
"""Commits that do not wait for the disk: after a crash the last of them may be missing, in commit order and whole, never
one that waited, nor one that had been there for longer than the time within which all is written."""
import random
import time

from writers import until_the_crash

SCHEMA = "CREATE TABLE unwaited (writer INTEGER NOT NULL, number INTEGER NOT NULL, half INTEGER NOT NULL, PRIMARY KEY (writer, number, half));"
# The store says 150 ms; the rest is for a machine that does other things too.
MOST_SECONDS_LATE = 2.0


class Ledger:
    def __init__(self):
        self.next_number = {}     # writer: number
        self.commits = []         # (writer, number, sent, acknowledged or None, waited)


@until_the_crash
def asynchronous_loop(server, ledger, writer, seed, stop):
    rng = random.Random(seed)
    conn = server.connect()
    conn.autocommit = False
    cur = conn.cursor()
    cur.execute("SET synchronous_commit = off")
    conn.commit()
    mine = ledger.unwaited
    while not stop.is_set():
        number = mine.next_number.get(writer, 0)
        mine.next_number[writer] = number + 1
        waits = rng.random() < 0.05
        if waits:
            cur.execute("SET LOCAL synchronous_commit = on")
        for half in (0, 1):
            cur.execute("INSERT INTO unwaited VALUES (%s, %s, %s)", (writer, number, half))
        commit = [writer, number, time.monotonic(), None, waits]
        mine.commits.append(commit)
        conn.commit()
        commit[3] = time.monotonic()


def check_asynchronous(cur, ledger):
    mine = ledger.unwaited
    cur.execute("SELECT writer, number, count(*) FROM unwaited GROUP BY 1, 2")
    found = {}
    for writer, number, halves in cur.fetchall():
        found[writer, number] = halves
        if halves != 2:
            yield f"half of transaction {number} of writer {writer}, which did not wait, is there"
    crashed = ledger.crashed_at
    lost = [commit for commit in mine.commits if commit[3] is not None and tuple(commit[:2]) not in found]
    for writer, number, _, acknowledged, waits in lost:
        if waits:
            yield f"transaction {number} of writer {writer} waited, was acknowledged and is gone"
        elif crashed - acknowledged > MOST_SECONDS_LATE:
            yield f"transaction {number} of writer {writer} is gone {crashed - acknowledged:.1f} s after it was acknowledged"
    first_lost = min((commit[3] for commit in lost), default=float("inf"))
    for writer, number, sent, _, _ in mine.commits:
        if sent > first_lost and (writer, number) in found:
            yield f"transaction {number} of writer {writer} is there, and one that was acknowledged before it was sent is not"
    for writer, number in set(found) - {tuple(commit[:2]) for commit in mine.commits}:
        yield f"transaction {number} of writer {writer} was never sent"
    # What is there now stays.
    mine.commits = [[*commit[:2], 0.0, 0.0, True] for commit in mine.commits if tuple(commit[:2]) in found]
