# SPDX-License-Identifier: Apache-2.0
"""The server that is killed."""
import os
import pathlib
import select
import signal
import socket
import subprocess

import psycopg2

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.path.abspath(os.environ.get("TICKSTONE_BINARY", ROOT / "build/tickstone"))


class Server:
    def __init__(self, directory, memory_mb):
        self.directory = directory
        self.memory_mb = memory_mb
        self.process = None
        self.port = None
        self.is_killed = False

    def launch(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        with open(self.directory + ".log", "ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "serve", "--data", self.directory, "--listen", "127.0.0.1",
                 "--port", str(self.port), "--memory", str(self.memory_mb)],
                stdout=subprocess.PIPE, stderr=log)

    def start(self):
        self.launch()
        lines = []
        while not lines or (lines[-1] and b"ready" not in lines[-1]):  # after what it may have to say of the crash
            lines.append(self.process.stdout.readline())
        if not lines[-1]:
            raise SystemExit(f"crash: the server did not start: {lines!r}, see {self.directory}.log")
        self.is_killed = False

    def start_and_kill(self, after_s):
        """Kills it while it recovers, or soon after."""
        self.launch()
        select.select([self.process.stdout], [], [], after_s)
        self.kill()

    def connect(self):
        conn = psycopg2.connect(host="127.0.0.1", port=self.port, dbname="inavvi", user="inavvi_user",
                                password="postgres")
        conn.autocommit = True
        return conn

    def kill(self):
        self.is_killed = True
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
