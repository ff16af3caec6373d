# SPDX-License-Identifier: Apache-2.0
"""Every piece of Python in the guide, and every command for its tool, as written there, on every home."""
import datetime as dt
import json
import logging
import os
import pathlib
import re
import tempfile
import unittest
from decimal import Decimal

import psycopg2
import psycopg2.extras

from homes import PACKAGE, ROOT, on_every_home
from programs import ok

GUIDE = ROOT.parent / "shared/guide/guide.md"
START = dt.datetime(2026, 1, 5, tzinfo=dt.timezone.utc)


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE.read_text(), re.M | re.S)


def is_script(block):
    return block.startswith("#!")


def is_function(block):
    return block.startswith("def ")


@on_every_home(globals())
class Guide:
    @classmethod
    def setUpClass(cls):
        if not GUIDE.exists():
            raise unittest.SkipTest(f"guide not at hand: there is no {os.path.relpath(GUIDE, ROOT)}")
        super().setUpClass()

    def setUp(self):
        super().setUp()
        self.db.store_symbols([{"symbol": "AAPL", "name": "Apple"}, {"symbol": "OLD", "name": "Gone", "active": False}])
        self.db.store_trades_data([("AAPL", START, "100.25", 3, 4, None, 1)])
        self.db.store_ohlcv_data("MSFT", START, 1, 2, 1, "1.125", 10)
        self.db.open_position("AAPL", 100, 1)

    def test_programs(self):
        programs = [block for block in python_blocks() if not is_script(block) and not is_function(block)]
        self.assertEqual(len(programs), 2)
        for program in programs:
            with self.subTest(program.splitlines()[0]):
                text = ok(self, ["python", "-"], given=program)
                self.assertIn("AAPL", text)
                self.assertEqual("OLD" in text, "active = true" not in program)

    def test_functions(self):
        functions = [block for block in python_blocks() if is_function(block)]
        self.assertEqual(len(functions), 2)
        names = {"psycopg2": psycopg2, "logger": logging.getLogger("guide")}
        for function in functions:
            exec(function, names)
        with self.db.connection() as connection:
            names["store_ohlcv_data"](connection, "AAPL", START, 1, 2, 1, Decimal("1.5"), 10)
            names["batch_store_ohlcv_data"](connection, [("AAPL", START + n * dt.timedelta(days=1), 1, 2, 1, n, 10, "x", "day") for n in range(3)])
            names["batch_store_ohlcv_data"](connection, [])
            with self.assertLogs("guide"), self.assertRaises(psycopg2.Error):
                names["store_ohlcv_data"](connection, None, START, 1, 2, 1, 1, 10)
        self.assertEqual(self.db.fetch_all("SELECT close, source FROM ohlcv WHERE symbol = 'AAPL' ORDER BY timestamp"), [(0, "x"), (1, "x"), (2, "x")])

    def test_all_of_the_guides_python_is_run(self):
        known = [block for block in python_blocks() if is_script(block) or is_function(block) or "connect(" in block or "DatabaseManager" in block]
        self.assertEqual(len(known), len(python_blocks()))
        self.assertEqual(len([block for block in python_blocks() if is_script(block)]), 1)

    def commands(self):
        lines = [line for block in blocks("bash") for line in block.splitlines() if line.startswith("python ")]
        self.assertEqual(len(lines), 7)
        self.assertTrue(all(line.startswith("python query_db.py ") for line in lines))
        return lines

    def run_commands(self, directory):
        pathlib.Path(directory, "my_query.sql").write_text("SELECT symbol FROM symbols ORDER BY symbol;\n")
        outputs = [ok(self, line, cwd=directory) for line in self.commands()]
        self.assertIn("100.25", pathlib.Path(directory, "trades_output.txt").read_text())
        wanted = {" -l": "recent_ohlcv", " recent_ohlcv": "1.125", "FROM symbols": "Apple", " -f": "OLD", " -o": "100.25", " -j": "ticker",
                  " -c": "symbol_groups"}
        for line, output in zip(self.commands(), outputs):
            with self.subTest(line):
                self.assertIn(next(text for part, text in wanted.items() if part in line), output)
        return outputs

    def test_commands_with_the_guides_tool(self):
        script = next(block for block in python_blocks() if is_script(block))
        with tempfile.TemporaryDirectory() as directory:
            pathlib.Path(directory, "query_db.py").write_text(script)
            self.run_commands(directory)

    def test_commands_with_ours(self):
        with tempfile.TemporaryDirectory() as directory:
            pathlib.Path(directory, "query_db.py").symlink_to(PACKAGE / "query_db.py")
            outputs = self.run_commands(directory)
        shown = next(output for line, output in zip(self.commands(), outputs) if " -j " in line)
        self.assertEqual([(row["ticker"], row["shares"]) for row in json.loads(shown)], [("AAPL", 1)])

    def test_the_names_of_examples_are_the_guides(self):
        script = next(block for block in python_blocks() if is_script(block))
        with tempfile.TemporaryDirectory() as directory:
            pathlib.Path(directory, "query_db.py").write_text(script)
            theirs = ok(self, ["python", "query_db.py", "-l"], cwd=directory)
        self.assertEqual(ok(self, ["python", "query_db.py", "-l"]).split(), theirs.split())


def python_blocks():
    return blocks("python")
