#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Crash rounds: start the server with little memory, write from many connections, kill -9, start again (and kill it in
recovery now and then), compare with the ledger.

What must hold after every restart:
  - each acknowledged upsert, update, delete and transfer is there, once, with the last acknowledged value or the one
    that was in flight; a deleted row stays away;
  - a COPY is there in whole when it was acknowledged, and in whole or not at all when it was not, whatever its size;
  - a transaction is there in whole or not at all: one that made a table, a hypertable and rows; one that moved money
    between rows and wrote down that it did;
  - a sequence gives no number twice;
  - a continuous aggregate is after a refresh what its query gives, an eager one also without, whatever was killed: a change, a refresh, a
    policy's run (aggregates.py);
  - ALTER TABLE is there in whole or not at all, with and without a rewrite; chunks that were dropped stay away;
  - of commits that did not wait for the disk the last may be missing, in commit order (asynchronous.py);
  - a backup that was taken meanwhile can be restored and is of one moment (backups.py);
  - nothing else is there.
"""
import argparse
import itertools
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import aggregates
import asynchronous
import backups
import schema_changes
import writers
from checks import CHECKS
from server import PROGRAM, Server


def make_threads(server, ledger, rng, counters, takes_backups, stop):
    loops = [(writers.upsert_loop, (writer, rng.random())) for writer in range(writers.WRITERS)]
    loops += [(writers.fact_loop, (writer, rng.random())) for writer in range(3)]
    loops += [(writers.transfer_loop, (counters["transfers"], rng.random())) for _ in range(3)]
    loops += [(writers.number_loop, ())] * 2
    loops += [(writers.copy_loop, (counters["copies"],)), (writers.ddl_loop, (counters["tables"],)),
              (writers.upkeep_loop, (rng.random(),)), (schema_changes.alter_loop, ()), (schema_changes.chunk_loop, ())]
    loops += [(loop, (rng.random(),)) for loop in (aggregates.change_loop, aggregates.change_loop, aggregates.refresh_loop)]
    loops += [(asynchronous.asynchronous_loop, (writer, rng.random())) for writer in range(2)]
    if takes_backups:
        loops.append((backups.backup_loop, ()))
    return [threading.Thread(target=loop, args=(server, ledger, *arguments, stop)) for loop, arguments in loops]


def run_round(server, ledger, rng, counters, takes_backups, most_seconds):
    stop = threading.Event()
    threads = make_threads(server, ledger, rng, counters, takes_backups, stop)
    for thread in threads:
        thread.start()
    if takes_backups:
        ledger.backups.made.clear()
        ledger.backups.made.wait(30)
    time.sleep(rng.uniform(0.05, most_seconds))
    ledger.crashed_at = time.monotonic()
    server.kill()
    stop.set()
    for thread in threads:
        thread.join()
    kills = 0
    while rng.random() < 0.3:
        server.start_and_kill(rng.uniform(0.01, 0.4))
        kills += 1
    began = time.monotonic()
    server.start()
    return time.monotonic() - began, kills


def check(server, ledger):
    problems = list(ledger.errors)
    conn = server.connect()
    cur = conn.cursor()
    for check_one in CHECKS:
        problems += list(check_one(cur, ledger))
    conn.close()
    return problems


def set_up(server):
    server.start()
    conn = server.connect()
    cur = conn.cursor()
    cur.execute(writers.SCHEMA)
    cur.execute(writers.AGGREGATE)
    cur.execute(aggregates.SCHEMA)
    cur.execute(schema_changes.SCHEMA)
    cur.execute(asynchronous.SCHEMA)
    for account in range(writers.ACCOUNTS):
        cur.execute("INSERT INTO positions VALUES (%s, %s)", (account, writers.CASH))
    conn.close()


def verify(directory):
    """Every byte, by the program's own check."""
    done = subprocess.run([PROGRAM, "verify", directory], capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else ["verify: " + done.stdout[-2000:] + done.stderr[-2000:]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--memory", type=int, default=256, help="MiB; little, so that flushes and merges happen each second")
    parser.add_argument("--most-seconds", type=float, default=2.0, help="the longest time that a server lives")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="no new round after so long")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    print(f"crash: {args.rounds} rounds, seed {args.seed}", flush=True)
    scratch = tempfile.mkdtemp(prefix="tickstone-crash-")
    server = Server(os.path.join(scratch, "store"), args.memory)
    set_up(server)
    ledger = writers.Ledger()
    ledger.changes = schema_changes.Ledger()
    ledger.unwaited = asynchronous.Ledger()
    ledger.backups = backups.Ledger()
    ledger.backups.target = os.path.join(scratch, "backup")
    counters = {name: itertools.count() for name in ("copies", "tables", "transfers")}
    started = time.monotonic()
    done = kills = 0
    for round_number in range(1, args.rounds + 1):
        if time.monotonic() - started > args.seconds:
            break
        before = (ledger.upserts, ledger.commits)
        recovery, kills_in_recovery = run_round(server, ledger, rng, counters, round_number % 3 == 1, args.most_seconds)
        kills += 1 + kills_in_recovery
        problems = check(server, ledger)
        if not problems and (round_number % 3 == 2 or round_number == args.rounds):
            problems = list(backups.check_backup(ledger, scratch))
        if not problems and (round_number % 10 == 0 or round_number == args.rounds):
            server.kill()
            problems = verify(server.directory)
            server.start()
        print(f"crash: round {round_number}: {ledger.upserts - before[0]} upserts and {ledger.commits - before[1]} transactions "
              f"acknowledged, {len(ledger.copies)} COPYs and {len(ledger.tables)} tables there, restart {recovery:.2f} s"
              + (f" after {kills_in_recovery} kills in recovery" if kills_in_recovery else "")
              + ("" if not problems else " FAIL"), flush=True)
        done = round_number
        if problems:
            for problem in problems[:20]:
                print("  " + problem)
            print(f"  the store is kept in {scratch}")
            server.kill()
            return 1
    server.kill()
    shutil.rmtree(scratch)
    print(f"crash: {done} rounds, {kills} kills, {ledger.upserts} upserts, {ledger.commits} transactions, "
          f"{len(ledger.numbers)} numbers, {ledger.changes.steps} steps of ALTER TABLE, {len(ledger.unwaited.commits)} commits "
          f"without waiting, {ledger.backups.restored} backups restored, nothing lost", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
