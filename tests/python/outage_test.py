# SPDX-License-Identifier: Apache-2.0
"""A server that is killed and comes back while it is in use: what was acknowledged is there, once."""
import datetime as dt
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest

import psycopg2

import tickstone
from cli_case import LIMIT_SECONDS, PROGRAM, environment
from homes import make_tables
from tickstone.retry import RetryPolicy

START = dt.datetime(2026, 1, 5, 14, 30, tzinfo=dt.timezone.utc)
SECOND = dt.timedelta(seconds=1)
KILLS = 3
PATIENT = RetryPolicy(total_s=LIMIT_SECONDS)


class MortalServer:
    """`tickstone serve` that comes back at the port it had."""

    def __init__(self, directory):
        self.directory = directory
        self.port = 0
        self.log = (directory / "log").open("w+")
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--data", str(self.directory / "store"), "--listen", "127.0.0.1", "--port", str(self.port)],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment())
        line = self.process.stdout.readline()
        if "ready" not in line:
            self.process.wait(LIMIT_SECONDS)
            self.log.seek(0)
            raise AssertionError(f"the server did not start: {self.log.read()}")
        self.port = int(line.rsplit(":", 1)[1].split(",")[0].split()[0])
        self.url = f"postgresql://inavvi_user:postgres@127.0.0.1:{self.port}/inavvi"

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def close(self):
        if self.process.poll() is None:
            self.kill()
        self.log.close()


@unittest.skipUnless(os.path.exists(PROGRAM), "no server to kill")
class Outages(unittest.TestCase):
    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="tickstone_python_"))
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        self.server = MortalServer(self.scratch)
        self.addCleanup(self.server.close)
        make_tables(self.server.url, "tickstone")
        self.db = tickstone.DatabaseManager(self.server.url, retry=PATIENT)
        self.addCleanup(self.db.close)

    def work_through_outages(self, *works):
        """Runs each work(step) over and over in a thread of its own, while the server is killed and started again; each gets
        on between the outages and after the last."""
        failures, is_over = [], threading.Event()
        steps = [0] * len(works)
        changed = threading.Condition()

        def run(number):
            try:
                while not is_over.is_set():
                    works[number](steps[number])
                    with changed:
                        steps[number] += 1
                        changed.notify_all()
            except BaseException as error:
                failures.append(error)
                with changed:
                    changed.notify_all()

        threads = [threading.Thread(target=run, args=(n,)) for n in range(len(works))]
        for thread in threads:
            thread.start()
        try:
            for outage in range(KILLS + 1):
                with changed:
                    goal = [step + 5 for step in steps]
                    got_on = changed.wait_for(
                        lambda goal=goal: failures or all(s >= g for s, g in zip(steps, goal)), LIMIT_SECONDS)
                self.assertTrue(got_on, "the work does not get on")
                if failures:
                    break
                if outage < KILLS:
                    self.server.kill()
                    self.server.start()
        finally:
            is_over.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])
        return steps

    def test_batches_reads_and_transactions_go_on_by_themselves(self):
        def store(step):
            result = self.db.batch_store_ohlcv_data([("AAPL", START + (step * 10 + n) * SECOND, 1, 1, 1, 1, 1) for n in range(10)])
            self.assertEqual(result.stored + result.unchanged, 10)

        def add(step):
            # Not idempotent by itself: made so by looking.
            def once(t):
                if t.fetch_one("SELECT 1 FROM symbols WHERE symbol = %s", (f"S{step}",)) is None:
                    t.execute("INSERT INTO symbols (symbol) VALUES (%s)", (f"S{step}",))
                    t.execute("INSERT INTO positions (ticker, timestamp, entry_price, shares, position_value) VALUES (%s, %s, 1, 1, 1)",
                              (f"S{step}", START))
            self.db.run_transaction(once, idempotent=True)

        def read(step):
            count = self.db.fetch_one("SELECT count(*) FROM ohlcv")[0]
            self.assertEqual(count % 10, 0)
            self.assertEqual(len(self.db.get_dataframe("SELECT * FROM symbols LIMIT 1").columns), 8)

        def open_and_close(step):
            number = self.db.open_position("TSLA", 100, 1)
            self.assertEqual(self.db.close_position(number)["id"], number)

        stored, added, _, _ = self.work_through_outages(store, add, read, open_and_close)
        self.assertEqual(self.db.fetch_one("SELECT count(*), count(DISTINCT timestamp) FROM ohlcv"), (stored * 10, stored * 10))
        self.assertEqual(self.db.fetch_one("SELECT count(*) FROM symbols"), (added,))
        self.assertEqual(self.db.fetch_all("SELECT ticker FROM positions GROUP BY ticker HAVING count(*) <> 1"), [])
        self.assertEqual(self.db.fetch_one("SELECT count(*) FROM positions"), (added,))

    def test_a_commit_without_an_answer_is_said_and_never_repeated(self):
        acknowledged, unknown = set(), set()

        def add(step):
            try:
                self.db.execute("INSERT INTO positions (ticker, timestamp, entry_price, shares, position_value) VALUES (%s, %s, 1, 1, 1)",
                                (f"T{step}", START))
                acknowledged.add(f"T{step}")
            except tickstone.CommitOutcomeUnknown:
                unknown.add(f"T{step}")

        self.work_through_outages(add)
        found = [ticker for ticker, in self.db.fetch_all("SELECT ticker FROM positions")]
        self.assertEqual(len(found), len(set(found)))
        self.assertEqual(acknowledged - set(found), set())
        self.assertEqual(set(found) - acknowledged - unknown, set())

    def test_an_unknown_commit(self):
        """The server goes between COMMIT's being sent and its answer: seen from the client, at a moment of the test's."""
        for is_idempotent, expected in ((False, 1), (True, 2)):
            calls, killed = [], []
            original = self.db._commit

            def commit_and_die(connection, may_repeat, killed=killed, original=original):
                if not killed:
                    killed.append(1)
                    self.server.kill()
                    self.server.start()
                original(connection, may_repeat)

            self.db._commit = commit_and_die

            def add(t, calls=calls):
                calls.append(1)
                t.execute("INSERT INTO symbols (symbol) VALUES ('A') ON CONFLICT DO NOTHING")

            if is_idempotent:
                self.db.run_transaction(add, idempotent=True)
            else:
                with self.assertRaisesRegex(tickstone.CommitOutcomeUnknown, "may have happened or not"):
                    self.db.run_transaction(add)
            self.db._commit = original
            self.assertEqual(len(calls), expected)
            self.assertEqual(self.db.fetch_one("SELECT count(*) FROM symbols"), (expected - 1,))

    def test_a_block_is_not_repeated_and_the_next_one_works(self):
        with self.assertRaises(psycopg2.Error), self.db.transaction() as t:
            t.execute("INSERT INTO symbols (symbol) VALUES ('A')")
            self.server.kill()
            self.server.start()
            t.execute("INSERT INTO symbols (symbol) VALUES ('B')")
        with self.db.transaction() as t:
            t.execute("INSERT INTO symbols (symbol) VALUES ('C')")
        self.assertEqual(self.db.fetch_all("SELECT symbol FROM symbols"), [("C",)])

    def test_giving_up(self):
        with tickstone.DatabaseManager(self.server.url, retry=RetryPolicy(total_s=0.05)) as db:
            self.assertEqual(db.fetch_one("SELECT 1"), (1,))
            self.server.kill()
            with self.assertRaises(psycopg2.OperationalError):
                db.fetch_one("SELECT 1")
            self.server.start()
            self.assertEqual(db.fetch_one("SELECT 1"), (1,))
