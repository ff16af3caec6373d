# SPDX-License-Identifier: Apache-2.0
"""The prompt of `tickstone query`, on a terminal as people have it."""
import os
import pty
import re
import select
import signal
import stat
import time
import unittest

from cli_case import LIMIT_SECONDS, PROGRAM, CliCase, environment
from duckdb_reader import DuckDb

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r")


class Terminal:
    def __init__(self, arguments, state):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            variables = environment(XDG_STATE_HOME=str(state), TERM="xterm", PAGER="cat", LC_ALL="C.UTF-8")
            os.execve(PROGRAM, [PROGRAM, "query", *arguments], variables)
        self.seen = ""

    def type(self, text):
        os.write(self.fd, text.encode())

    def until(self, wanted):
        """What came up to and with `wanted`, without what moves the cursor."""
        end = time.monotonic() + LIMIT_SECONDS
        while wanted not in self.seen:
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"no {wanted!r} came: {self.seen!r}")
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""
            if not data:
                raise AssertionError(f"the program ended before {wanted!r}: {self.seen!r}")
            self.seen = ESCAPES.sub("", self.seen + data.decode(errors="replace"))
        at = self.seen.index(wanted) + len(wanted)
        got, self.seen = self.seen[:at], self.seen[at:]
        return got

    def end(self):
        """Leaves by \\q; a program that does not is killed."""
        self.type("\\q\n")
        end = time.monotonic() + 20
        while True:
            try:
                if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                    os.kill(self.pid, signal.SIGKILL)
                if not os.read(self.fd, 65536):
                    break
            except OSError:
                break
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.fd)
        return status


class Shell(CliCase):
    def setUp(self):
        super().setUp()
        self.make_store("CREATE TABLE marigold (symbol TEXT PRIMARY KEY, price NUMERIC); INSERT INTO marigold VALUES ('A', 1.5), ('B', 2);")
        self.terminal = Terminal(["--data", str(self.store)], self.scratch / "state")
        self.terminal.until("inavvi=> ")

    def tearDown(self):
        self.assertEqual(self.terminal.end(), 0)
        super().tearDown()

    def run_line(self, line):
        self.terminal.type(line + "\n")
        return self.terminal.until("inavvi=> ")

    def test_statements_span_lines_and_errors_do_not_end_it(self):
        self.terminal.type("SELECT symbol\n")
        self.terminal.until("inavvi-> ")
        self.assertIn(" B\n(1 row)", self.run_line("FROM marigold WHERE price = 2;"))
        self.assertIn('relation "nothing" does not exist', self.run_line("SELECT * FROM nothing;"))
        self.assertIn("(2 rows)", self.run_line("SELECT 'a;b', symbol FROM marigold;"))

    def test_the_prompt_tells_of_a_transaction(self):
        self.terminal.type("BEGIN; DELETE FROM marigold;\n")
        self.terminal.until("inavvi=*> ")
        self.assertIn("ROLLBACK", self.run_line("ROLLBACK;"))
        self.assertIn("(2 rows)", self.run_line("SELECT * FROM marigold;"))

    def test_commands(self):
        self.assertIn("marigold", self.run_line("\\d"))
        self.assertIn("numeric", self.run_line("\\d marigold"))
        self.assertIn("recent_ohlcv", self.run_line("\\e"))
        self.assertIn("there is no command \\nonsense", self.run_line("\\nonsense"))
        self.run_line("\\x")
        self.assertIn("-[ RECORD 2 ]", self.run_line("SELECT * FROM marigold ORDER BY 1;"))
        self.run_line("\\x")
        self.run_line("\\format json")
        self.assertIn('{"symbol": "A", "price": 1.5}', self.run_line("SELECT * FROM marigold ORDER BY 1;"))
        self.assertIn("Timing is on", self.run_line("\\timing"))
        self.assertRegex(self.run_line("SELECT 1;"), r"Time: [0-9.]+ ms")
        target = self.scratch / "out.txt"
        self.run_line(f"\\o {target}")
        self.run_line("SELECT 42 AS answer;")
        self.run_line("\\o")
        self.assertEqual(target.read_text(), '[\n  {"answer": 42}\n]\n')

    def test_parquet_goes_to_a_file_for_each_result(self):
        self.run_line("\\format parquet")
        self.assertIn("Parquet goes to a file, and none is named", self.run_line("SELECT * FROM marigold;"))
        target = self.scratch / "out.parquet"
        self.run_line(f"\\o {target}")
        self.assertIn("Results saved to", self.run_line("SELECT * FROM marigold ORDER BY 1;"))
        self.assertIn("holds a result already", self.run_line("SELECT 3;"))
        self.run_line("\\o")
        self.run_line("\\format table")
        self.assertIn("(1 row)", self.run_line("SELECT 3;"))
        duckdb = DuckDb()
        self.addCleanup(duckdb.close)
        self.assertEqual(duckdb.rows(target), [["A", "1.5"], ["B", "2.0"]])

    def test_a_plot_of_what_cannot_be_drawn_undoes_nothing(self):
        self.run_line("\\plot")
        self.assertIn("nothing to plot", self.run_line("INSERT INTO marigold VALUES ('C', 3) RETURNING symbol;"))
        self.run_line("\\plot")
        self.assertIn("(3 rows)", self.run_line("SELECT * FROM marigold;"))

    def test_tab_completes_tables_and_columns(self):
        self.terminal.type("SELECT pric\t FROM mari\t ORDER BY 1;\n")
        self.assertIn("1.5", self.terminal.until("(2 rows)"))
        self.terminal.until("inavvi=> ")

    def test_ctrl_c_cancels_what_runs_and_gives_a_line_up(self):
        self.terminal.type("SELECT pg_sleep(100);\n")
        time.sleep(0.5)
        self.terminal.type("\x03")
        self.assertIn("canceling statement due to user request", self.terminal.until("inavvi=> "))
        self.terminal.type("SELECT nonsense")
        time.sleep(0.2)
        self.terminal.type("\x03")
        self.terminal.until("inavvi=> ")
        self.assertIn("(1 row)", self.run_line("SELECT 1;"))

    def test_history_keeps_no_password_and_is_its_owners_alone(self):
        self.run_line("SELECT 4711;")
        self.run_line("SELECT 'my PassWord';")
        self.assertEqual(self.terminal.end(), 0)
        history = self.scratch / "state/tickstone/history"
        self.assertIn("4711", history.read_text())
        self.assertNotIn("PassWord", history.read_text())
        self.assertEqual(stat.S_IMODE(history.stat().st_mode), 0o600)
        self.terminal = Terminal(["--data", str(self.store)], self.scratch / "state")
        self.terminal.until("inavvi=> ")
        self.terminal.type("\x1b[A\x1b[A\n")  # up twice: the line before \q
        self.assertIn("4711", self.terminal.until("(1 row)"))
        self.terminal.until("inavvi=> ")


if __name__ == "__main__":
    unittest.main()
