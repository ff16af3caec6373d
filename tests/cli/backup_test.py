# SPDX-License-Identifier: Apache-2.0
import json
import shutil
import signal
import subprocess
import threading

import psycopg2

from cli_case import PROGRAM, CliCase, environment


class BackupCase(CliCase):
    def setUp(self):
        super().setUp()
        self.backup = self.scratch / "backup"
        self.restored = self.scratch / "restored"

    def add(self, first, count):
        self.sql(f"""INSERT INTO trades SELECT 'S' || (n % 5), '2026-01-05 14:30:00+00'::timestamptz + n * INTERVAL '1 second',
          100 + n / 8.0, n % 900, 1, ARRAY['A', 'B'], n, 'test' FROM generate_series({first}, {first + count - 1}) AS n""")

    def content(self, directory):
        return self.ok("query", "--data", directory, "--csv", """SELECT * FROM trades ORDER BY id;
          SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1""")

    def restored_content(self, backup=None):
        shutil.rmtree(self.restored, ignore_errors=True)
        self.ok("restore", backup or self.backup, self.restored)
        return self.content(self.restored)

    def segments(self, directory):
        return sorted((directory / "segments").iterdir())


class Verify(BackupCase):
    def setUp(self):
        super().setUp()
        self.make_store()
        self.add(0, 20_000)

    def test_a_whole_store(self):
        said = self.ok("verify", self.store)
        self.assertRegex(said, rf"^{self.store}: store at commit \d+: \d+ tables, \d+ segments with \d+ rows, \d+ log records; "
                               r"[\d.]+ \w+ in \d+ files, no damage\n$")
        report = json.loads(self.ok("verify", "--json", self.store))
        self.assertEqual((report["is_whole"], report["is_backup"], report["findings"]), (True, False, []))
        self.assertGreater(report["sealed_rows"], 19_999)

    def test_all_damage_is_named_in_one_run(self):
        damaged = []
        for segment in self.segments(self.store):
            content = bytearray(segment.read_bytes())
            content[34] ^= 4
            segment.write_bytes(content)
            damaged.append(f"segments/{segment.name}")
        said = self.run_program("verify", self.store)
        self.assertEqual(said.returncode, 1)
        for name in damaged:
            self.assertIn(f"DAMAGE  {name} at offset 32, table ", said.stdout)
        self.assertIn("the checksum does not match", said.stdout)
        self.assertIn(f"damage in {len(damaged)} places", said.stdout)
        self.assertIn('table "trades" (', said.stdout)
        report = self.run_program("verify", "-j", self.store)
        self.assertEqual(report.returncode, 1)
        report = json.loads(report.stdout)
        self.assertFalse(report["is_whole"])
        self.assertEqual(sorted(entry["file"] for entry in report["findings"]), damaged)
        self.assertEqual({entry["kind"] for entry in report["findings"]}, {"damage"})
        self.assertIn("trades", {entry["table"] for entry in report["findings"]})

    def test_a_stray_file_is_told_and_no_damage(self):
        (self.store / "segments" / "0000009999.seg").write_bytes(b"left over")
        (self.store / "notes.txt").write_bytes(b"mine")
        said = self.ok("verify", self.store)
        self.assertIn("NOTE    segments/0000009999.seg: left over", said)
        self.assertIn("NOTE    notes.txt: no file of a store", said)
        self.assertIn("no damage", said)

    def test_a_missing_segment(self):
        gone = self.segments(self.store)[0]
        gone.unlink()
        said = self.run_program("verify", self.store)
        self.assertEqual(said.returncode, 1)
        self.assertIn(f"DAMAGE  segments/{gone.name} at offset 0", said.stdout)

    def test_what_cannot_be_verified(self):
        server = self.serve()
        self.fails("verify", self.store, sqlstate="55006", says="is in use by another process")
        server.stop()
        self.fails("verify", self.scratch / "none", sqlstate="58P01", says="does not exist")
        (self.scratch / "empty").mkdir()
        self.fails("verify", self.scratch / "empty", sqlstate="58P01", says="is no data directory")
        self.fails("verify", status=2)


class Backup(BackupCase):
    def setUp(self):
        super().setUp()
        self.make_store()
        self.add(0, 5000)

    def test_of_a_directory(self):
        said = self.ok("backup", "--data", self.store, self.backup)
        self.assertRegex(said, rf"^{self.backup}: commit \d+, \d+ files, .*; 0 bytes copied, 0 files kept from before\n$")
        self.assertIn("no damage", self.ok("verify", self.backup))
        self.assertTrue(json.loads(self.ok("verify", "--json", self.backup))["is_backup"])
        self.assertEqual(self.restored_content(), self.content(self.store))
        # A restored store is one like any other.
        self.ok("query", "--data", self.restored, "INSERT INTO trades SELECT symbol, timestamp, price, size, exchange, conditions, "
                                                  "id + 100000, source FROM trades")
        self.assertIn("no damage", self.ok("verify", self.restored))
        self.assertIn("no damage", self.ok("verify", self.backup))

    def test_roles_and_passwords_come_back(self):
        server = self.serve(variables={"POSTGRES_PASSWORD": "changed"})
        self.ok("backup", "-c", server.url(password="changed"), self.backup)
        self.ok("restore", self.backup, self.restored)
        other = self.serve(directory=self.restored)
        psycopg2.connect(other.url(password="changed")).close()
        with self.assertRaises(psycopg2.OperationalError):
            psycopg2.connect(other.url())

    def test_roles_rights_and_jobs_come_back(self):
        server = self.serve()
        connection = psycopg2.connect(server.url())
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("""CREATE ROLE readers; CREATE USER alice PASSWORD 'a' CONNECTION LIMIT 7; CREATE USER bob PASSWORD 'b'; GRANT readers TO alice;
          GRANT SELECT ON trades TO readers; CREATE TABLE notes (a int); ALTER TABLE notes OWNER TO bob; GRANT INSERT ON notes TO alice WITH GRANT OPTION;
          CREATE FUNCTION total() RETURNS bigint LANGUAGE SQL AS 'SELECT count(*) FROM trades'; REVOKE EXECUTE ON FUNCTION total() FROM PUBLIC;
          CREATE PROCEDURE tidy(job_id int, config jsonb) LANGUAGE SQL AS 'DELETE FROM notes';
          SELECT add_retention_policy('trades', INTERVAL '9 years');
          SELECT add_job('tidy', INTERVAL '3 hours', config => '{"a": 1}', scheduled => FALSE, job_name => 'tidy up')""")
        questions = ("SELECT rolname, rolsuper, rolcanlogin, rolconnlimit FROM pg_roles ORDER BY 1", "SELECT * FROM pg_auth_members ORDER BY 1, 2",
                     "SELECT relname, relowner, relacl FROM pg_class WHERE relname IN ('trades', 'notes') ORDER BY 1",
                     "SELECT proname, proacl FROM pg_proc WHERE proname IN ('total', 'tidy') ORDER BY 1",
                     "SELECT job_id, application_name, schedule_interval, proc_name, owner, scheduled, config, hypertable_name, max_retries FROM "
                     "timescaledb_information.jobs ORDER BY 1")

        def answers(to):
            with psycopg2.connect(to) as asking, asking.cursor() as ask:
                told = []
                for question in questions:
                    ask.execute(question)
                    told.append(ask.fetchall())
                return told

        before = answers(server.url())
        self.assertIn("alice", [row[0] for row in before[0]])
        self.assertEqual([len(rows) for rows in before[1:]], [1, 2, 2, 3], "the third job is the upkeep of jobs' own history")
        connection.close()
        self.ok("backup", "-c", server.url(), self.backup)
        self.ok("restore", self.backup, self.restored)
        other = self.serve(directory=self.restored)
        self.assertEqual(answers(other.url()), before)
        with psycopg2.connect(other.url(user="alice", password="a")) as alice, alice.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM trades")
            self.assertEqual(cursor.fetchone(), (5000,))
            with self.assertRaises(psycopg2.Error) as caught:
                cursor.execute("SELECT total()")
            self.assertEqual(caught.exception.pgcode, "42501")

    def configure(self):
        (self.store / "conf.d").mkdir()
        (self.store / "conf.d" / "memory.conf").write_text("work_mem = 7MB\n")
        (self.store / "conf.d" / "old").write_text("not read\n")
        (self.store / "postgresql.conf").write_text("include_dir 'conf.d'\nlock_timeout = 3s  # ours\ninclude_if_exists '../outside.conf'\n")
        (self.scratch / "outside.conf").write_text("statement_timeout = 11s\n")

    def settings(self, url):
        with psycopg2.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('work_mem'), current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout')")
            return cursor.fetchone()

    def test_of_a_server_holds_what_it_is_configured_with(self):
        self.configure()
        server = self.serve()
        connection = psycopg2.connect(server.url())
        connection.autocommit = True
        connection.cursor().execute("ALTER SYSTEM SET idle_in_transaction_session_timeout = '77s'")
        connection.cursor().execute("SELECT pg_reload_conf()")
        connection.close()
        self.ok("backup", "-c", server.url(), self.backup)
        self.assertEqual(sorted(str(p.relative_to(self.backup)) for p in self.backup.rglob("*.conf")),
                         ["conf.d/memory.conf", "postgresql.auto.conf", "postgresql.conf"])
        self.assertFalse((self.backup / "conf.d" / "old").exists())
        self.assertNotIn("NOTE", self.ok("verify", self.backup))
        self.ok("restore", self.backup, self.restored)
        for name in ("conf.d/memory.conf", "postgresql.auto.conf", "postgresql.conf"):
            self.assertEqual((self.restored / name).read_bytes(), (self.store / name).read_bytes())
        other = self.serve(directory=self.restored)
        self.assertEqual(self.settings(other.url()), ("7MB", "3s", "77s"))
        self.assertEqual(self.settings(server.url()), ("7MB", "3s", "77s"))

    def test_of_a_directory_holds_what_it_is_configured_with_and_replaces_it(self):
        self.configure()
        self.ok("backup", "--data", self.store, self.backup)
        (self.store / "conf.d" / "memory.conf").unlink()
        (self.store / "postgresql.conf").write_text("lock_timeout = 5s\n")
        self.ok("backup", "--data", self.store, self.backup)
        self.assertFalse((self.backup / "conf.d").exists())
        self.ok("restore", self.backup, self.restored)
        self.assertEqual((self.restored / "postgresql.conf").read_text(), "lock_timeout = 5s\n")
        self.assertEqual(sorted(p.name for p in self.scratch.iterdir()), ["backup", "outside.conf", "restored", "store"])
        # What is there already is not written over.
        third = self.scratch / "third"
        third.mkdir()
        (third / "postgresql.conf").write_text("mine\n")
        self.fails("restore", self.backup, third, sqlstate="55006", says="is not empty")
        self.assertEqual((third / "postgresql.conf").read_text(), "mine\n")

    def test_a_configuration_file_elsewhere_is_not_taken_and_told(self):
        elsewhere = self.scratch / "elsewhere.conf"
        elsewhere.write_text("lock_timeout = 4s\n")
        server = self.serve("--config", str(elsewhere))
        done = self.run_program("backup", "-c", server.url(), self.backup)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("elsewhere.conf\" lies outside of the data directory: it is not in the backup", done.stderr)
        self.assertEqual([p.name for p in self.backup.rglob("*.conf")], [])

    def test_a_second_one_into_the_same_directory_copies_only_what_is_new(self):
        self.ok("backup", "--data", self.store, self.backup)
        old = {path.name: path.stat().st_ino for path in self.segments(self.backup)}
        self.add(10_000, 50)
        said = self.ok("backup", "--data", self.store, self.backup)
        kept = int(said.rsplit("copied, ", 1)[1].split()[0])
        new = {path.name: path.stat().st_ino for path in self.segments(self.backup)}
        self.assertEqual(kept, sum(old.get(name) == inode for name, inode in new.items()))
        self.assertGreater(kept, 0)
        self.assertEqual(self.restored_content(), self.content(self.store))
        self.assertEqual(sorted(p.name for p in self.scratch.iterdir()), ["backup", "restored", "store"])

    def test_with_a_base(self):
        self.ok("backup", "--data", self.store, self.scratch / "monday")
        self.add(10_000, 50)
        said = self.ok("backup", "--data", self.store, "--base", self.scratch / "monday", self.backup)
        self.assertNotIn(" 0 files kept", said)
        shutil.rmtree(self.scratch / "monday")
        self.assertEqual(self.restored_content(), self.content(self.store))
        self.fails("backup", "--data", self.store, "--base", self.store, self.scratch / "x", sqlstate="58P01", says="is no backup")

    def test_what_a_base_shares_is_read_again_unless_trusted(self):
        self.ok("backup", "--data", self.store, self.scratch / "monday")
        damaged = max(self.segments(self.store), key=lambda path: path.stat().st_size)
        self.assertTrue(damaged.samefile(self.scratch / "monday" / "segments" / damaged.name))
        content = bytearray(damaged.read_bytes())
        content[40] ^= 1  # in a block: the footer is read when the store is opened
        damaged.write_bytes(content)
        self.fails("backup", "--data", self.store, "--base", self.scratch / "monday", self.backup, sqlstate="XX001", says=damaged.name)
        self.assertFalse(self.backup.exists())
        self.ok("backup", "--data", self.store, "--base", self.scratch / "monday", "--trust", self.backup)
        self.fails("restore", self.backup, self.restored, sqlstate="XX001", says=damaged.name)
        server = self.serve()
        self.fails("backup", "-c", server.url(), "--base", self.scratch / "monday", self.scratch / "x", sqlstate="XX001",
                   says=damaged.name)
        self.ok("backup", "-c", server.url(), "--base", self.scratch / "monday", "--trust", self.scratch / "x")

    def test_of_a_server_while_it_writes(self):
        server = self.serve()
        stop = threading.Event()
        acknowledged = [0]

        def write():
            connection = psycopg2.connect(server.url())
            with connection.cursor() as cursor:
                number = 0
                while not stop.is_set():
                    number += 1
                    cursor.execute("""INSERT INTO trades SELECT 'W', '2026-02-01'::timestamptz + n * INTERVAL '1 second', 1, 1, 1, NULL,
                      1000000 + %s * 10 + n, 'w' FROM generate_series(0, 9) AS n""", (number,))
                    connection.commit()
                    acknowledged[0] = number
            connection.close()

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(3):
                before = acknowledged[0]
                said = self.ok("backup", "-c", server.url(), self.backup)
                self.assertIn("commit ", said)
                self.restored_content()
                got = self.ok("query", "--data", self.restored, "--csv",
                              "SELECT count(*), count(DISTINCT (id - 1000000) / 10) FROM trades WHERE symbol = 'W'").splitlines()[1]
                rows, transactions = map(int, got.split(","))
                self.assertEqual(rows, transactions * 10, "a part of a transaction")
                self.assertGreaterEqual(transactions, before, "an acknowledged transaction is missing")
        finally:
            stop.set()
            writer.join()

    def test_by_sql_it_is_for_superusers_and_absolute_paths(self):
        server = self.serve()
        connection = psycopg2.connect(server.url())
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("SELECT * FROM tickstone_backup(%s)", (str(self.backup),))
        names = [column.name for column in cursor.description]
        row = dict(zip(names, cursor.fetchone()))
        self.assertGreater(row["files"], 3)
        self.assertGreater(row["bytes"], 1000)
        self.assertEqual(row["kept_files"], 0)
        for sql, code in ((f"SELECT tickstone_backup('relative/path')", "22023"), ("SELECT tickstone_backup(NULL)", "22004"),
                          (f"SELECT tickstone_backup('{self.store}/inside')", "22023"),
                          (f"SELECT tickstone_backup('{self.scratch}/no/folder')", "58030"),
                          (f"SELECT tickstone_backup('{self.scratch}')", "55006"),
                          (f"BEGIN; DELETE FROM trades WHERE id = 1; SELECT tickstone_backup('{self.backup}')", "25001")):
            with self.assertRaises(psycopg2.Error, msg=sql) as caught:
                cursor.execute(sql)
            self.assertEqual(caught.exception.pgcode, code, caught.exception)
            cursor.execute("ROLLBACK")
        cursor.execute("CREATE ROLE reader LOGIN PASSWORD 'r'")
        reader = psycopg2.connect(server.url(user="reader", password="r"))
        with reader.cursor() as cursor, self.assertRaises(psycopg2.Error) as caught:
            cursor.execute("SELECT tickstone_backup(%s)", (str(self.scratch / "stolen"),))
        self.assertEqual(caught.exception.pgcode, "42501")
        self.assertFalse((self.scratch / "stolen").exists())
        reader.close()
        connection.close()

    def test_a_damaged_backup_is_refused(self):
        self.ok("backup", "--data", self.store, self.backup)
        for path in sorted(p for p in self.backup.rglob("*") if p.is_file()):
            whole = path.read_bytes()
            broken = bytearray(whole)
            broken[len(broken) // 2] ^= 16
            # A file of its own: the store has the old one.
            path.unlink()
            path.write_bytes(broken)
            error = self.fails("restore", self.backup, self.restored, sqlstate="XX001", says=path.name)
            self.assertIn("is damaged", error)
            self.assertFalse(self.restored.exists())
            self.assertEqual(self.run_program("verify", self.backup).returncode, 1)
            path.write_bytes(whole)
        self.assertEqual(self.restored_content(), self.content(self.store))

    def test_restore_into_what_is_not_empty_and_of_what_is_no_backup(self):
        self.ok("backup", "--data", self.store, self.backup)
        self.fails("restore", self.backup, self.store, sqlstate="55006", says="is not empty")
        self.fails("restore", self.store, self.restored, sqlstate="58P01", says="is no backup")
        self.fails("restore", self.scratch / "none", self.restored, sqlstate="58P01", says="is no backup")
        self.assertFalse(self.restored.exists())
        self.fails("query", "--data", self.backup, "SELECT 1", sqlstate="55000", says=("is a backup", "tickstone restore"))

    def test_a_backup_that_was_killed_is_none_and_the_old_one_stays(self):
        self.ok("backup", "--data", self.store, self.backup)
        before = self.restored_content()
        self.add(100_000, 200_000)
        after = self.content(self.store)
        moments = 0
        for delay_ms in (0, 1, 2, 4, 8, 15, 30, 60, 120, 240):
            program = subprocess.Popen([PROGRAM, "backup", "--data", str(self.store), str(self.backup)],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
            # Not a wait for something to happen: the moment is what varies.
            try:
                program.wait(delay_ms / 1000)
            except subprocess.TimeoutExpired:
                program.send_signal(signal.SIGKILL)
                program.wait()
                moments += 1
            whole = self.backup if (self.backup / "BACKUP").exists() else self.scratch / "backup.previous"
            self.assertIn(self.restored_content(whole), (before, after))
            unfinished = self.scratch / "backup.incomplete"
            if unfinished.exists() and not (unfinished / "BACKUP").exists():
                self.fails("restore", unfinished, self.scratch / "y", sqlstate="58P01", says="is no backup")
        self.assertGreater(moments, 2)
        self.ok("backup", "--data", self.store, self.backup)
        self.assertEqual(self.restored_content(), after)
        self.assertFalse((self.scratch / "backup.incomplete").exists())
        self.assertFalse((self.scratch / "backup.previous").exists())

    def test_command_lines_that_are_wrong(self):
        self.fails("backup", self.backup, sqlstate="22023", says="neither a data directory nor a server")
        self.fails("backup", "--data", self.store, status=2)
        self.fails("backup", "--data", self.scratch / "none", self.backup, sqlstate="58P01", says="does not exist")
        server = self.serve()
        self.fails("backup", "--data", self.store, self.backup, sqlstate="55006", says="is in use by another process")
        server.stop()
        self.assertFalse(self.backup.exists())
