#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sessions that add to the same row at the same time lose nothing.

    counter.py [--host 127.0.0.1] [--port 5433] [--user ...] [--sessions 16] [--rounds 200]
"""
import argparse
import sys
import threading

from run import Session, Target


def main():
    parser = argparse.ArgumentParser(description="Adds one from many sessions at once.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5433)
    parser.add_argument("--user", default="inavvi_user")
    parser.add_argument("--database", default="inavvi")
    parser.add_argument("--password", default="postgres")
    parser.add_argument("--sessions", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    target = Target(options)
    target.timeout = 120
    control = Session(target)
    control.run("DROP TABLE IF EXISTS counted")
    control.run("CREATE TABLE counted (symbol text PRIMARY KEY, quantity int, touched int)")
    control.run("INSERT INTO counted VALUES ('A', 0, 0)")
    problems = []

    def add(number):
        session = Session(target)
        for _ in range(options.rounds):
            # Half by UPDATE, half by upsert: both read the row that they change.
            answer = session.run(
                "UPDATE counted SET quantity = quantity + 1, touched = touched + 1 WHERE symbol = 'A'"
                if number % 2
                else "INSERT INTO counted VALUES ('A', 1, 1) ON CONFLICT (symbol) DO UPDATE "
                "SET quantity = counted.quantity + excluded.quantity, touched = counted.touched + 1"
            )
            if answer[-1] not in ("UPDATE 1", "INSERT 0 1"):
                problems.append(answer)
                return

    threads = [threading.Thread(target=add, args=(number,)) for number in range(options.sessions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = options.sessions * options.rounds
    actual = control.run("SELECT quantity, touched FROM counted")
    control.run("DROP TABLE counted")
    if problems or actual[0] != f"{expected}|{expected}":
        print(f"counter: expected {expected}, got {actual[0]}; {problems[:3]}")
        sys.exit(1)


if __name__ == "__main__":
    main()
