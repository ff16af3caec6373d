# SPDX-License-Identifier: Apache-2.0
import csv
import gzip
import os
import pty
import signal
import subprocess
import time

from cli_case import PROGRAM, CliCase, environment

HEADER = "symbol,timestamp,price,size,id,source\n"


def rows(first, count, price="150.25"):
    return "".join(f"AAPL,2026-01-05 14:{n // 60 % 60:02}:{n % 60:02}+00,{price},{n % 900},{n},csv\n" for n in range(first, first + count))


class Import(CliCase):
    def setUp(self):
        super().setUp()
        self.make_store()

    def load(self, *arguments, **how):
        return self.run_program("import", "--data", self.store, "--table", "trades", *arguments, **how)

    def count(self):
        return int(self.lines("SELECT count(*) FROM trades")[0])

    def rejected(self, path):
        with open(path, newline="") as file:
            return [(int(row["line"]), row["reason"], row["row"]) for row in csv.DictReader(file)]

    def test_plain_gzip_and_zstd_files_load_alike(self):
        text = HEADER + rows(0, 2500)
        plain = self.file("plain.csv", text)
        zipped = self.file("zipped.csv.gz", gzip.compress(text.encode()))
        subprocess.run(["zstd", "-q", "-k", str(plain)], check=True)
        answers = []
        for path in (plain, zipped, self.scratch / "plain.csv.zst"):
            self.sql("TRUNCATE trades")
            done = self.load(path)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stdout, f"{path}: 2500 rows into trades\n")
            answers.append(self.sql("SELECT * FROM trades ORDER BY id", "--csv"))
        self.assertEqual(answers[0].count("\n"), 2501)
        self.assertEqual(answers[0], answers[1])
        self.assertEqual(answers[0], answers[2])

    def test_two_archives_in_one_file_and_standard_input(self):
        both = gzip.compress((HEADER + rows(0, 10)).encode()) + gzip.compress(rows(10, 10).encode())
        self.assertEqual(self.load(self.file("both.gz", both)).returncode, 0)
        self.assertEqual(self.count(), 20)
        done = self.load("-", given=HEADER + rows(20, 5))
        self.assertEqual((done.returncode, done.stdout), (0, "-: 5 rows into trades\n"))
        self.assertEqual(self.count(), 25)

    def test_good_rows_load_and_each_bad_one_is_rejected_with_line_and_reason(self):
        bad = {
            3: ("AAPL,2026-01-05 14:30:01+00,abc,100,2,csv", 'invalid input syntax for type numeric: "abc" (column price: "abc")'),
            5: ("AAPL,2026-01-05 14:30:00+00,150.25,100,1,csv", "duplicate key value violates unique constraint"),
            6: (",2026-01-05 14:30:00+00,150.25,100,4,csv", 'null value in column "symbol" of relation "trades" violates not-null'),
            7: ("AAPL,2026-13-05 14:30:00+00,1.5,100,5,csv", "date/time field value out of range"),
            8: ("AAPL,2026-01-05 14:30:05+00,150.25,100,6", 'missing data for column "source"'),
            9: ("AAPL,2026-01-05 14:30:06+00," + "1234567890" * 5 + ",1,7,csv", "value overflows numeric format"),
            10: ("AAPL,2026-01-05 14:30:06+00,1,1,7,csv,more", "extra data after last expected column"),
            # A text with a line break: the row after it is counted by lines, not by rows.
            13: ("AAPL,2026-01-05 14:30:00+00,150.25,100,1,again", "already exists"),
            14: ("AAPL,294277-01-01 00:00:00+00,150.25,100,8,csv", "out of range"),
        }
        lines = HEADER.splitlines() + [""] * 13
        good = {2: "AAPL,2026-01-05 14:30:00+00,150.25,100,1,csv", 4: "AAPL,2026-01-05 14:30:02+00,150.27,100,3,csv",
                11: 'AAPL,2026-01-05 14:30:07+00,150.3,100,8,"two', 12: 'lines"'}
        for number, line in good.items():
            lines[number - 1] = line
        for number, (line, _) in bad.items():
            lines[number - 1] = line
        path = self.file("mixed.csv", "\n".join(lines) + "\n")
        done = self.load(path)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual(done.stdout, f"{path}: 3 rows into trades\n")
        self.assertIn(f"WARNING:  {len(bad)} rows were rejected: see {path}.rejects.csv", done.stderr)
        self.assertEqual(self.lines("SELECT id FROM trades ORDER BY id"), ["1", "3", "8"])
        self.assertEqual(self.lines("SELECT source FROM trades WHERE id = 8"), ['"two', 'lines"'])
        found = {line: (reason, row) for line, reason, row in self.rejected(f"{path}.rejects.csv")}
        self.assertEqual(sorted(found), sorted(bad))
        for line, (row, reason) in bad.items():
            self.assertIn(reason, found[line][0])
            self.assertEqual(found[line][1], row, line)

    def test_rejected_rows_load_again_once_they_are_mended(self):
        path = self.file("bad.csv", HEADER + rows(0, 5) + rows(5, 1, "x") + rows(6, 4))
        self.assertEqual(self.load(path, "--reject-file", self.scratch / "bad.out").returncode, 3)
        self.assertEqual(self.count(), 9)
        mended = HEADER + "".join(row.replace(",x,", ",7.5,") + "\n" for _, _, row in self.rejected(self.scratch / "bad.out"))
        self.assertEqual(self.load(self.file("mended.csv", mended)).returncode, 0)
        self.assertEqual(self.lines("SELECT count(*), sum(price) FROM trades"), ["10,1359.75"])
        self.assertFalse((self.scratch / "mended.csv.rejects.csv").exists())

    def test_fields_go_to_the_columns_that_the_header_names(self):
        path = self.file("other.csv", '\ufeffID,Symbol,"When",Price,Note\n1,AAPL,2026-01-05 14:30:00Z,1.5,x\n')
        done = self.load("--map", "When=timestamp", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('NOTICE:  field "Note" is no column of trades, left out', done.stderr)
        self.assertEqual(self.lines("SELECT symbol, id, price, size, source FROM trades"), ["AAPL,1,1.5,,"])
        for arguments, sqlstate, says in (
                (["--map", "When=nosuch"], "42703", 'column "nosuch" of relation "trades" does not exist'),
                (["--map", "When=timestamp", "--map", "Note=price"], "42701", 'two fields of the file go to column "price"'),
                (["--map", "When"], "22023", '"When" is no mapping')):
            self.fails("import", "--data", self.store, "--table", "trades", "--again", *arguments, path, sqlstate=sqlstate, says=says)

    def test_files_without_header_other_delimiters_and_null_texts(self):
        path = self.file("plain.txt", "7|AAPL|2026-01-05 14:30:00Z|n/a\n8|MSFT|2026-01-05 14:30:00Z|2.5\n")
        done = self.load("--no-header", "--columns", "id,symbol,timestamp,size", "--delimiter", "|", "--null", "n/a", path)
        # Not the columns' fault: price is NOT NULL.
        self.assertEqual(done.returncode, 3, done.stderr)
        self.sql("ALTER TABLE trades ALTER COLUMN price DROP NOT NULL")
        done = self.load("--no-header", "--columns", "id,symbol,timestamp,size", "--delimiter", "|", "--null", "n/a", "--again", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.lines("SELECT id, symbol, size FROM trades ORDER BY id"), ["7,AAPL,", "8,MSFT,2.5"])

    def test_what_is_no_file_of_the_table_fails_and_loads_nothing(self):
        good = self.file("good.csv", HEADER + rows(0, 3))
        archive = gzip.compress((HEADER + rows(0, 3000)).encode())
        for arguments, sqlstate, says in (
                (["--table", "nosuch", good], "42P01", 'relation "nosuch" does not exist'),
                (["--table", "trades", self.scratch / "none.csv"], "58P01", "could not open file"),
                (["--table", "trades", self.file("empty.csv", "")], "22P04", "is empty"),
                (["--table", "trades", self.file("cut.gz", archive[:-9])], "XX001", "damaged or cut short"),
                (["--table", "trades", self.file("strange.csv", "a,b\n1,2\n")], "42703", "no field of the file's header"),
                (["--table", "trades", self.file("quote.csv", HEADER + '"AAPL,2026-01-05 14:30:00+00,1,1,1,x\n')], "22P04",
                 "unterminated CSV quoted field")):
            self.fails("import", "--data", self.store, *arguments, sqlstate=sqlstate, says=says)
        self.assertEqual(self.count(), 0)
        self.fails("import", "--table", "trades", good, sqlstate="22023", says="neither a data directory nor a server")

    def test_into_a_server(self):
        server = self.serve()
        path = self.file("some.csv", HEADER + rows(0, 300) + rows(300, 1, "x"))
        done = self.run_program("import", "-c", server.url(), "-t", "trades", path)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual(self.ok("query", "-c", server.url(), "--csv", "SELECT count(*) FROM trades"), "count\n300\n")

    def test_progress_is_for_terminals_only(self):
        path = self.file("many.csv", HEADER + rows(0, 60_000))
        done = self.load(path)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.sql("TRUNCATE trades")
        leader, follower = pty.openpty()
        program = subprocess.Popen([PROGRAM, "import", "--again", "--data", str(self.store), "--table", "trades", str(path)],
                                   stderr=follower, stdout=subprocess.PIPE, env=environment())
        os.close(follower)
        shown = b""
        while True:
            try:
                part = os.read(leader, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
        self.assertEqual(program.wait(120), 0)
        program.stdout.close()
        os.close(leader)
        self.assertIn(b"% ", shown)
        self.assertIn(b"60000 rows", shown)

    def test_an_import_that_was_killed_is_taken_up_again(self):
        count = 1_000_000
        path = self.file("long.csv", HEADER + rows(0, count))
        program = subprocess.Popen([PROGRAM, "import", "--data", str(self.store), "--table", "trades", str(path)],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        # Killed once some of it is in the log.
        before = self.directory_bytes()
        while program.poll() is None and self.directory_bytes() - before < 80_000_000:
            time.sleep(0.01)
        program.send_signal(signal.SIGKILL)
        program.communicate()
        loaded = self.count()
        self.assertGreater(loaded, 0)
        self.assertEqual(self.lines("SELECT rows_new, is_complete FROM tickstone_imports"), [f"{loaded},f"])
        done = self.load(path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, f"{path}: {count - loaded} rows into trades (taken up where it was cut short)\n")
        self.assertEqual(self.lines("SELECT count(*), count(DISTINCT id), sum(id) FROM trades"),
                         [f"{count},{count},{count * (count - 1) // 2}"])

    def directory_bytes(self):
        total = 0
        for folder, _, names in os.walk(self.store):
            for name in names:
                try:
                    total += os.stat(os.path.join(folder, name)).st_blocks * 512
                except FileNotFoundError:
                    pass
        return total

    def test_skipping_existing_rows_still_rejects_bad_ones(self):
        self.assertEqual(self.load(self.file("first.csv", HEADER + rows(0, 10))).returncode, 0)
        path = self.file("second.csv", HEADER + rows(5, 10, "9.5") + ",2026-01-05 14:30:00+00,1,1,77,csv\n")
        done = self.load("--skip-existing", path)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual(done.stdout, f"{path}: 5 rows into trades, 5 were there already\n")
        self.assertEqual(self.lines("SELECT count(*), sum(price) FROM trades"), ["15,1550"])
        self.assertEqual([line for line, _, _ in self.rejected(f"{path}.rejects.csv")], [12])
