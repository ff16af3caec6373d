# SPDX-License-Identifier: Apache-2.0
"""What the tests of the command line share: the program, a directory that goes with the test, and servers."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.path.abspath(os.environ.get("TICKSTONE_BINARY", ROOT / "build/tickstone"))
LIMIT_SECONDS = 120

TRADES = """CREATE TABLE trades (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, price NUMERIC NOT NULL, size NUMERIC,
  exchange INTEGER, conditions TEXT[], id BIGINT NOT NULL, source TEXT, PRIMARY KEY (symbol, timestamp, id));
SELECT create_hypertable('trades', 'timestamp');"""


def environment(**changes):
    """Without what the machine's own PostgreSQL settings would change."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "POSTGRES"))}
    kept.update({k: v for k, v in changes.items() if v is not None})
    return kept


class Server:
    """`tickstone serve` on a free port."""

    def __init__(self, directory, *arguments, variables=None):
        self.log = open(str(directory) + ".log", "w+")
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--data", str(directory), "--port", "0", *arguments],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment(**(variables or {})))
        self.line = self.process.stdout.readline()
        if "ready" not in self.line:
            self.process.wait(LIMIT_SECONDS)
            raise AssertionError(f"the server did not start: {self.errors()}")
        self.port = int(self.line.rsplit(":", 1)[1].split(",")[0].split()[0])

    def url(self, user="inavvi_user", password="postgres", database="inavvi"):
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def errors(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(LIMIT_SECONDS)
        rest = self.process.stdout.read()
        self.process.stdout.close()
        return status, rest

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()


class CliCase(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="tickstone_cli_"))
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        self.store = self.scratch / "store"

    def run_program(self, *arguments, given="", variables=None, cwd=None):
        return subprocess.run([PROGRAM, *map(str, arguments)], input=given, capture_output=True, text=True,
                              timeout=LIMIT_SECONDS, env=environment(**(variables or {})), cwd=cwd)

    def ok(self, *arguments, **how):
        """Runs what must succeed and returns its output."""
        done = self.run_program(*arguments, **how)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def fails(self, *arguments, status=1, sqlstate=None, says=(), **how):
        """Runs what must fail, with this status, and returns what it says about it."""
        done = self.run_program(*arguments, **how)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        if sqlstate:
            self.assertIn(f"ERROR:  {sqlstate}: ", done.stderr)
        for text in (says,) if isinstance(says, str) else says:
            self.assertIn(text, done.stderr)
        return done.stderr

    def sql(self, text, *arguments):
        """Runs SQL on the test's store."""
        return self.ok("query", "--data", self.store, *arguments, text)

    def lines(self, text):
        """Rows of a query on the test's store, as CSV without the header."""
        return self.sql(text, "--csv").splitlines()[1:]

    def make_store(self, schema=TRADES):
        self.ok("init", "--data", self.store)
        self.sql(schema)

    def serve(self, *arguments, directory=None, **how):
        server = Server(directory or self.store, *arguments, **how)
        self.addCleanup(server.close)
        return server

    def file(self, name, content):
        path = self.scratch / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path
