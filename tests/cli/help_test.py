# SPDX-License-Identifier: Apache-2.0
"""Every --help: of one form, with no option in an example that there is not, and examples that run as they are written."""
import gzip
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import unittest
import zipfile

from cli_case import LIMIT_SECONDS, PROGRAM, CliCase, environment
from import_formats_test import POLYGON_BARS, bars
from postgresql import POSTGRESQL, PostgreSql

OPTION = re.compile(r"(?<![\w-])(?:-[A-Za-z]|--[a-z][a-z-]*)(?![\w-])")
# What is run otherwise than it is written, and why.
INSTEAD = (
    (r"0\.0\.0\.0", "127.0.0.1"),  # a test listens on loopback alone
    (r"--symbols \d+", "--symbols 2"),  # less of the same
    (r"--days \d+", "--days 1"),
    (r"--trades-per-day \d+", "--trades-per-day 20"),
    (r"\bserve (?!.*--port)", "serve --port 5433 "),  # the port is below
    (r"(?<= )(/mnt)?/backups/", "{directory}/backups/"),  # the root is not ours
    (r"\bpostgresql://inavvi_user(:postgres)?@db\.example\.com(:\d+)?/inavvi|postgresql:///inavvi", "{postgresql}"),  # nor is another machine
    (r"inavvi_user@127", "inavvi_user:postgres@127"),  # nobody is there to type it
)
TRADE = b"symbol,timestamp,price,size,id,source\nX,2026-01-05 14:30:00,1,1,1,csv\n"
BARS = "symbol,Date,open,high,low,close,volume,source,timeframe\nX,2026-01-05 14:30:00,1,1,1,1,1,csv,1m\n"
MAPPING = json.dumps({"columns": {"source": {"constant": "mine"}}})


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Help(CliCase):
    def setUp(self):
        super().setUp()
        self.subcommands = re.findall(r"^  ([a-z]+) {2,}\S", self.section(self.help(), "Help of all", "tickstone SUBCOMMAND"), re.M)

    def help(self, *of):
        return self.ok(*of, "--help")

    def section(self, text, start, end):
        return text[text.index(start):text.index(end)]

    def all_commands(self):
        """Each subcommand's words, and those below it."""
        for name in self.subcommands:
            yield (name,)
            for below in re.findall(r"^  ([a-z]+) {2,}\S", self.help(name).partition("\nSubcommands:")[2].partition("\n\n")[0], re.M):
                yield name, below

    def examples(self, text):
        """Indented lines after the word, up to one that is empty, without what is said of them behind wide space."""
        body = text.split("Examples:\n", 1)[1].split("\n\n", 1)[0]
        return [re.split(r" {3,}(?=\w)", line.strip())[0] for line in body.splitlines()]

    def test_the_list_is_whole_and_grouped(self):
        text = self.help()
        self.assertGreaterEqual(set(self.subcommands), {"backup", "check", "copy", "explore", "export", "import", "init", "jobs", "migrate", "query", "restore",
                                                        "serve", "simulate", "verify", "version"})
        for line in self.section(text, "Help of all", "tickstone SUBCOMMAND").splitlines():
            self.assertLessEqual(len(line), 120, line)
        self.assertNotIn("Subcommands:", text)  # the heading of what is in no group

    def test_each_has_examples_and_exit_status_in_one_form(self):
        for command in [(), *self.all_commands()]:
            with self.subTest(command):
                text = self.help(*command)
                self.assertRegex(text, r"(?s)Usage: tickstone .*\n\nOptions:\n.*\n\n.*Examples:\n  \S.*\n\nExit status: [0t].*\.\n$")
                self.assertEqual(text.count("Exit status"), 1)
                self.assertNotIn("\t", text)
                for line in text.splitlines():
                    self.assertEqual(line, line.rstrip())
                    if not line.startswith("  tickstone ") and not re.match(r" +-", line):
                        self.assertLessEqual(len(line), 140, line)

    def test_examples_name_options_that_there_are(self):
        for command in [(), *self.all_commands()]:
            for example in self.examples(self.help(*command)):
                for part in re.split(r"&&|\|", example):
                    words = shlex.split(part)
                    if words[0] != "tickstone":
                        continue
                    name = [word for word in words[1:3] if re.fullmatch("[a-z]+", word)]
                    name = name[:2] if tuple(name) in list(self.all_commands()) else name[:1]
                    known = set(OPTION.findall(self.help(*name)))
                    for word in words[1:]:
                        if word.startswith("-") and word != "-" and " " not in word:
                            self.assertIn(word.split("=")[0], known, example)

    def test_the_same_thing_has_the_same_name_everywhere(self):
        meanings = {"-d,--data": "DIR", "-c,--connect": None, "-j,--json": None, "-o,--output": None, "-t,--table": None}
        for command in self.all_commands():
            text = self.help(*command)
            for names in meanings:
                short, long = names.split(",")
                for line in text.splitlines():
                    if re.match(rf" +(\S+,)?{long}\b", line):
                        self.assertIn(names, line, command)

    def make_files(self, directory):
        """What the examples name."""
        (directory / "backups").mkdir()
        minute = directory / "minute_aggs_v1/2026/01"
        minute.mkdir(parents=True)
        (minute / "2026-01-05.csv.gz").write_bytes(gzip.compress((POLYGON_BARS + bars("AAPL", 0, 3)).encode()))
        with zipfile.ZipFile(directory / "BTCUSDT-1m-2026-01.zip", "w") as archive:
            archive.writestr("x.csv", "1735603200000,1,1,1,1,1,1735603259999,1,1,1,1,0\n")
        for name, content in (("trades.csv.gz", gzip.compress(TRADE)), ("trades-2026-01-05.csv.gz", gzip.compress(TRADE)), ("bars.csv", BARS.encode()),
                              ("my_query.sql", b"SELECT 1;"), ("secret", b"word"), ("bars.json", MAPPING.encode()),
                              ("postgresql.conf", b"shared_buffers = 256MB\n")):
            (directory / name).write_bytes(content)

    def rewritten(self, example, directory, postgresql):
        for pattern, text in INSTEAD:
            example = re.sub(pattern, text.format(directory=directory, postgresql=postgresql) if "{" in text else text, example)
        return re.sub(r"(?<=[ :])543[23]\b(?!\d)", str(self.port), example)

    def run_server(self, example, directory, variables):
        """Until it serves; then it is asked to stop."""
        program = subprocess.Popen(["bash", "-c", f"trap : TERM\n{example}"], cwd=directory, env=environment(**variables), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, start_new_session=True)
        try:
            for line in program.stdout:
                if "ready" in line or line.endswith(" ms)\n"):
                    break
            os.killpg(program.pid, signal.SIGTERM)
            said = program.communicate(timeout=LIMIT_SECONDS)[0]
            self.assertEqual(program.returncode, 0, said)
        finally:
            if program.poll() is None:
                os.killpg(program.pid, signal.SIGKILL)
            program.stdout.close()

    @unittest.skipUnless(POSTGRESQL.exists(), "no PostgreSQL 15, which some examples speak of")
    def test_every_example_runs_as_it_is_written(self):
        template, directory = self.scratch / "template", self.scratch / "work"
        self.ok("simulate", "--data", template, "--symbols", 2, "--days", 1, "--trades-per-day", 20)
        self.ok("migrate", template)
        self.ok("query", "--data", template, "-o", self.scratch / "bars.parquet", "SELECT * FROM ohlcv LIMIT 10")
        server = self.serve(directory=shutil.copytree(template, self.scratch / "served"))
        peer = PostgreSql()
        self.addCleanup(peer.close)
        names = self.scratch / "bin"
        names.mkdir()
        (names / "tickstone").symlink_to(PROGRAM)
        count = 0
        for command in [(), *self.all_commands()]:
            postgresql = peer.make_database("_".join(command) or "none")
            if command in (("migrate",), ("jobs", "run"), ("jobs",)):
                self.ok("migrate", postgresql)
            directory.mkdir()
            self.make_files(directory)
            if command == ("import",):
                shutil.copy(self.scratch / "bars.parquet", directory)
            if command[0:1] not in ((), ("init",), ("simulate",)):
                shutil.copytree(template, directory / "store")
                self.ok("backup", "--data", directory / "store", directory / "backups/monday")
            variables = {"PATH": f"{names}:{os.environ['PATH']}", "TICKSTONE_URL": server.url(), "PGPASSWORD": "postgres", "COLUMNS": "80", "LINES": "24"}
            for example in self.examples(self.help(*command)):
                with self.subTest(example):
                    count += 1
                    self.port = free_port() if " serve " in example else server.port
                    if example.startswith("tickstone init") or (command == ("copy",) and " ./store --tables" in example):
                        shutil.rmtree(directory / "store", ignore_errors=True)
                    written = self.rewritten(example, directory, postgresql)
                    if " serve " in written or ("jobs run" in written and "--once" not in written):
                        self.run_server(written, directory, variables)
                        continue
                    done = subprocess.run(["bash", "-c", written], cwd=directory, env=environment(**variables), input="SELECT 1;", capture_output=True, text=True,
                                          timeout=LIMIT_SECONDS)
                    # What a store of made-up days is like is for check to say.
                    statuses = (0, 1, 2, 3) if command == ("check",) or written.startswith("tickstone check") else (0,)
                    self.assertIn(done.returncode, statuses, f"{written}\n{done.stdout}{done.stderr}")
            shutil.rmtree(directory)
        self.assertGreater(count, 40)
