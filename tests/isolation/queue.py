#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sessions that take jobs from one queue at the same time: none is taken twice, none is lost.

    queue.py [--host 127.0.0.1] [--port 5433] [--user ...] [--sessions 8] [--jobs 240]
"""
import argparse
import sys
import threading

from run import Session, Target

NEXT = "SELECT id FROM jobs WHERE status = 'new' ORDER BY id LIMIT {} FOR UPDATE SKIP LOCKED"
# How people write it. Each gives the jobs that were taken; some sessions use one, some another.
WAYS = [
    "UPDATE jobs SET status = 'done', times = times + 1 WHERE id = (" + NEXT.format(1) + ") RETURNING id",
    "WITH picked AS (" + NEXT.format(5) + ") UPDATE jobs SET status = 'done', times = times + 1 "
    "FROM picked WHERE jobs.id = picked.id RETURNING jobs.id",
    "UPDATE jobs SET status = 'done', times = times + 1 WHERE id IN (" + NEXT.format(3) + ") RETURNING id",
]


def main():
    parser = argparse.ArgumentParser(description="Takes jobs from many sessions at once.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=5433)
    parser.add_argument("--user", default="inavvi_user")
    parser.add_argument("--database", default="inavvi")
    parser.add_argument("--password", default="postgres")
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=240)
    options = parser.parse_args()
    target = Target(options)
    target.timeout = 120
    control = Session(target)
    control.run("DROP TABLE IF EXISTS jobs, work_done")
    control.run("CREATE TABLE jobs (id int PRIMARY KEY, status text, times int)")
    control.run("CREATE TABLE work_done (session int, job int)")
    control.run(f"INSERT INTO jobs SELECT i, 'new', 0 FROM generate_series(1, {options.jobs}) i")
    problems, taken = [], []

    def take(number):
        session = Session(target)
        turn = 0
        while not problems:
            turn += 1
            session.run("BEGIN")
            answer = session.run(WAYS[number % len(WAYS)])
            if not answer[-1].startswith("UPDATE"):
                return problems.append(answer)
            if answer[-1] == "UPDATE 0":
                session.run("COMMIT")
                # Nothing that nobody holds; who holds some may still give it back.
                if control_count() == 0:
                    return
                continue
            session.run("INSERT INTO work_done VALUES " + ", ".join(f"({number}, {job})" for job in answer[:-1]))
            if turn % 7 == 0:
                session.run("ROLLBACK")
                continue
            if session.run("COMMIT")[-1] != "COMMIT":
                return problems.append("not committed")
            taken.extend(answer[:-1])

    lock = threading.Lock()

    def control_count():
        with lock:
            return int(control.run("SELECT count(*) FROM jobs WHERE status = 'new'")[0])

    threads = [threading.Thread(target=take, args=(number,)) for number in range(options.sessions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stored = control.run("SELECT count(*), count(*) FILTER (WHERE times = 1 AND status = 'done') FROM jobs")[0]
    worked = control.run("SELECT count(*), count(DISTINCT job) FROM work_done")[0]
    control.run("DROP TABLE jobs, work_done")
    expected = f"{options.jobs}|{options.jobs}"
    if problems or stored != expected or worked != expected or len(set(taken)) != options.jobs or len(taken) != options.jobs:
        print(f"queue: expected {expected}, got {stored} and {worked}, {len(taken)} taken; {problems[:3]}")
        sys.exit(1)


if __name__ == "__main__":
    main()
