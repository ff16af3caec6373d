# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL 15 to compare with and to copy from and to."""
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

from cli_case import environment

POSTGRESQL = pathlib.Path("/usr/lib/postgresql/15/bin")


class PostgreSql:
    """A cluster of PostgreSQL 15 of the test's own."""

    def __init__(self, options=""):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tickstone_copy_"))
        self.directory.chmod(0o755)
        home = self.directory / "peer"
        home.mkdir()
        if os.geteuid() == 0:
            shutil.chown(home, "postgres")
        (self.directory / "password").write_text("postgres\n")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.run("initdb", "-D", home / "data", "-U", "inavvi_user", f"--pwfile={self.directory}/password", "-A", "scram-sha-256", "-E", "UTF8",
                 "--locale=C.UTF-8")
        self.run("pg_ctl", "-D", home / "data", "-l", home / "log", "-w", "start", "-o",
                 f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c timezone=Asia/Tokyo -c fsync=off {options}")

    def run(self, program, *arguments):
        command = [str(POSTGRESQL / program), *map(str, arguments)]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        with open(self.directory / "out", "a") as out:
            subprocess.run(command, check=True, stdout=out, stderr=out, cwd="/", env=environment())

    def make_database(self, name):
        subprocess.run(["createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "inavvi_user", name], check=True, env=environment(PGPASSWORD="postgres"))
        return f"postgresql://inavvi_user:postgres@127.0.0.1:{self.port}/{name}"

    def close(self):
        self.run("pg_ctl", "-D", self.directory / "peer" / "data", "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.directory, ignore_errors=True)
