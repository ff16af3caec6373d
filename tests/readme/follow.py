# SPDX-License-Identifier: Apache-2.0
"""follow.py PAGE: runs every fenced block of a page in one fresh directory, as who reads it would, and compares the outputs that it shows.

sh: a command a line, or over lines within quotes; one that serves stays until the end. text: what the block before has printed last;
a line `...` stands for any lines. cpp: the program that the build has made of it. python: with python/ on PYTHONPATH. sql: psql.
Two things are not as written: ports, since others of this machine may have them, and what NOT_AS_WRITTEN names, with the reason.
"""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from readme_blocks import blocks_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 120
NOT_AS_WRITTEN = {
    # Installing and building is what came before this test; the rest of `make run` is this script.
    "make run": "tools/run.sh",
}
# Not run, and why.
LEFT_OUT = {}
SERVES = re.compile(r"\bserve\b|tools/run\.sh")
PORT = re.compile(r"(?<=[ :])5[0-9]{3}\b")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def commands_of(text):
    """Lines, joined while a quote is open, without comments."""
    commands, command = [], ""
    for line in text.splitlines():
        command += ("\n" if command else "") + line
        if command.count('"') % 2 == 0 and not command.endswith("\\"):
            commands.append(command)
            command = ""
    if command:
        raise AssertionError(f"a quote stays open: {command}")
    return [one for one in (re.sub(r"(^|\s+)#[^\"]*$", "", command) for command in commands) if one]


def agrees(shown, printed):
    """`...` stands for any lines; space at the ends of lines and of all is no matter."""
    text = "\n".join(line.rstrip() for line in printed.splitlines()).rstrip() + "\n"
    wanted = "\n".join(line.rstrip() for line in shown.splitlines()).rstrip() + "\n"
    parts = re.split(r"^\.\.\.\n", wanted, flags=re.M)
    return re.fullmatch("(?:.*\n)*".join(re.escape(part) for part in parts), text) is not None


class Reader:
    """Who follows a page."""

    def __init__(self, directory):
        self.directory = directory
        self.ports = {}
        self.servers = []
        self.printed = None
        for name in ("build", "tools", "python", "examples"):
            (directory / name).symlink_to(ROOT / name)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "POSTGRES", "DB_", "TICKSTONE_", "DATABASE_URL"))}
        # The password is typed at psql's prompt; a terminal has a size.
        self.environment = {**kept, "PGPASSWORD": "postgres", "COLUMNS": "76", "LINES": "14", "LC_ALL": "C.UTF-8", "PAGER": "cat",
                            "TICKSTONE_DEPS": os.environ.get("TICKSTONE_DEPS", str(ROOT / ".deps")), "PYTHONPATH": str(ROOT / "python"),
                            "PYTHONDONTWRITEBYTECODE": "1", "TICKSTONE_PORT": str(self.port("5433")), "DB_PORT": str(self.port("5433"))}

    def port(self, written):
        return self.ports.setdefault(written, free_port())

    def run(self, command, given=""):
        done = subprocess.run(command, cwd=self.directory, env=self.environment, input=given, capture_output=True, text=True,
                              shell=isinstance(command, str), timeout=LIMIT_SECONDS)
        if done.returncode != 0:
            raise AssertionError(f"status {done.returncode}\n{done.stdout}{done.stderr}")
        self.printed = done.stdout

    def start(self, command, port):
        log = open(self.directory / f"server{len(self.servers)}.log", "w+")
        server = subprocess.Popen("exec " + command, shell=True, cwd=self.directory, env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                                  stderr=log, start_new_session=True)
        self.servers.append(server)
        end = time.monotonic() + LIMIT_SECONDS
        while subprocess.run(["pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]).returncode != 0:
            if server.poll() is not None or time.monotonic() > end:
                log.seek(0)
                raise AssertionError(f"it does not serve\n{log.read()}")
            time.sleep(0.1)
        log.close()
        self.printed = ""

    def follow_command(self, written):
        command = NOT_AS_WRITTEN.get(written, written)
        used = PORT.findall(command)
        command = PORT.sub(lambda match: str(self.port(match[0])), command)
        if SERVES.search(command):
            return self.start(command, self.port(used[0] if used else "5433"))
        return self.run(["bash", "-c", command])

    def follow(self, block):
        if block.language == "sh":
            for command in commands_of(block.text):
                if command in LEFT_OUT:
                    print(f"readme:   left out ({LEFT_OUT[command]}): {command}")
                    continue
                print("readme:   " + command.replace("\n", "\n          "))
                self.follow_command(command)
        elif block.language == "text":
            if self.printed is None or not agrees(block.text, self.printed):
                raise AssertionError(f"it shows\n{block.text}and there was\n{self.printed}")
            self.printed = None
        elif block.language == "cpp":
            self.run([str(ROOT / "build/release/tests/readme/readme_program")])
        elif block.language == "python":
            self.run(["/usr/bin/python3", "-"], given=block.text)
        elif block.language == "sql":
            self.run(["psql", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port("5433")), "-U", "inavvi_user", "inavvi"], given=block.text)
        else:
            raise AssertionError(f"a block of \"{block.language}\", which nobody knows how to follow")

    def end(self):
        """Every server that was started stops when it is asked to, in order."""
        for server in self.servers:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGTERM)
            status = server.wait(LIMIT_SECONDS)
            if status != 0:
                raise AssertionError(f"a server ended with status {status}")

    def kill(self):
        for server in self.servers:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def check_targets(page):
    """What the text names of make is there."""
    listed = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = re.findall(r"^  make (\w+)", listed, re.M)
    for target in re.findall(r"`make (\w+)`", page):
        assert target in targets, f"there is no make {target}"


def main(path):
    page = (ROOT / path).read_text()
    blocks = blocks_of(page)
    assert page.count("\n```") == 2 * len(blocks), f"{path}: a fence is not closed, or stands inside of a line"
    check_targets(page)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="tickstone_readme_"))
    reader = Reader(directory)
    try:
        for block in blocks:
            try:
                reader.follow(block)
            except (AssertionError, subprocess.TimeoutExpired) as problem:
                sys.exit(f"{path}:{block.line}: {problem}")
        reader.end()
    finally:
        reader.kill()
        shutil.rmtree(directory, ignore_errors=True)
    print(f"readme: {len(blocks)} blocks, all as written")


main(*sys.argv[1:])
