# SPDX-License-Identifier: Apache-2.0
import re
import signal
import socket
import struct
import subprocess

import psycopg2

from cli_case import PROGRAM, CliCase, Server, environment


class Serve(CliCase):
    def connect(self, server, password="postgres", **how):
        return psycopg2.connect(host="127.0.0.1", port=server.port, user="inavvi_user", password=password,
                                dbname=how.pop("dbname", "inavvi"), **how)

    def refused(self, *arguments, **how):
        """`serve` that must not start: what it says."""
        return self.fails("serve", "--data", self.store, "--port", "0", *arguments, **how)

    def test_one_line_when_ready_and_a_clean_end_at_sigterm(self):
        server = self.serve()
        self.assertRegex(server.line, r"^tickstone: ready, database inavvi on 127\.0\.0\.1:\d+\n$")
        with self.connect(server) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
            self.assertEqual(cursor.fetchone(), (0,))  # a new store is empty
            cursor.execute("CREATE TABLE t (a INT); INSERT INTO t VALUES (7)")
            connection.commit()
            # A client that stays does not hold up the end.
            status, rest = server.stop()
        self.assertEqual((status, rest), (0, ""))
        self.assertIn("asked to end, shutting down", server.errors())
        self.assertEqual(self.lines("SELECT * FROM t"), ["7"])
        self.assertIn('"is_whole": true', self.ok("verify", "--json", self.store))

    def test_interrupting_it_ends_it_too(self):
        server = self.serve()
        self.assertEqual(server.stop(signal.SIGINT)[0], 0)
        self.assertIn("interrupted", server.errors())

    def test_other_addresses_need_a_password(self):
        for listen in ("0.0.0.0", "127.0.0.1,0.0.0.0", "::"):
            error = self.refused("--listen", listen, sqlstate="28000", says="has the default password")
            self.assertIn("--password-file or POSTGRES_PASSWORD", error)
        # The default password given by hand is no better.
        self.refused("--listen", "0.0.0.0", variables={"POSTGRES_PASSWORD": "postgres"}, sqlstate="28000")
        server = self.serve("--listen", "0.0.0.0", variables={"POSTGRES_PASSWORD": "s3cret"})
        self.connect(server, "s3cret").close()
        with self.assertRaisesRegex(psycopg2.OperationalError, "password authentication failed"):
            self.connect(server, "postgres")
        server.stop()
        # It is kept: from now on nothing need be given.
        server = self.serve("--listen", "0.0.0.0")
        self.connect(server, "s3cret").close()

    def test_a_password_file_sets_the_password_also_of_an_old_store(self):
        self.serve().stop()
        secret = self.file("secret", "from a file\n")
        server = self.serve("--listen", "0.0.0.0", "--password-file", str(secret))
        self.connect(server, "from a file").close()
        with self.assertRaisesRegex(psycopg2.OperationalError, 'password authentication failed for user "inavvi_user"'):
            self.connect(server, "postgres")
        server.stop()
        self.refused("--password-file", self.scratch / "none", sqlstate="58P01", says="could not open password file")
        self.refused("--password-file", self.file("empty", "\n"), sqlstate="28P01", says="is empty")

    def test_a_password_set_by_alter_user_opens_other_addresses(self):
        server = self.serve()
        with self.connect(server) as connection, connection.cursor() as cursor:
            cursor.execute("ALTER USER inavvi_user PASSWORD 'by sql'")
        connection.close()
        server.stop()
        server = self.serve("--listen", "0.0.0.0")
        self.connect(server, "by sql").close()

    def test_a_directory_in_use_is_named_and_left_alone(self):
        server = self.serve()
        self.refused(sqlstate="55006", says=f'data directory "{self.store}" is in use by another process')
        with self.connect(server) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        connection.close()
        server.stop()
        self.serve().stop()

    def test_a_killed_server_does_not_leave_its_directory_in_use(self):
        server = self.serve()
        connection = self.connect(server)
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE t (a INT); INSERT INTO t VALUES (1)")
        connection.commit()
        server.stop(signal.SIGKILL)
        self.assertEqual(self.lines("SELECT * FROM t"), ["1"])

    def test_a_port_in_use_is_named(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            done = self.run_program("serve", "--data", self.store, "--port", port)
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(port), done.stderr)
        self.assertIn("ddress already in use", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_a_unix_socket(self):
        server = self.serve("--socket-directory", str(self.scratch))
        with psycopg2.connect(host=str(self.scratch), port=server.port, user="inavvi_user", password="postgres",
                              dbname="inavvi") as connection, connection.cursor() as cursor:
            cursor.execute("SELECT current_database()")
            self.assertEqual(cursor.fetchone(), ("inavvi",))
        connection.close()
        server.stop()
        self.assertEqual([p.name for p in self.scratch.iterdir() if p.name.startswith(".s.PGSQL")], [])

    def test_names_of_a_new_store_are_its_own_from_then_on(self):
        server = self.serve("--database", "market", "--user", "trader")
        self.assertIn("database market on", server.line)
        server.stop()
        server = self.serve()
        self.assertIn("database market on", server.line)
        with self.assertRaisesRegex(psycopg2.OperationalError, 'database "inavvi" does not exist|role "inavvi_user" does not exist'
                                    '|password authentication failed'):
            self.connect(server)
        psycopg2.connect(host="127.0.0.1", port=server.port, user="trader", password="postgres", dbname="market").close()

    def test_more_clients_than_allowed_are_told(self):
        server = self.serve("--max-connections", "2")
        kept = [self.connect(server) for _ in range(2)]
        with self.assertRaises(psycopg2.OperationalError) as caught:
            for _ in range(4):
                kept.append(self.connect(server))
        self.assertIn("too many clients", str(caught.exception))
        for connection in kept:
            connection.close()

    def test_a_store_of_another_version_is_refused_and_not_touched(self):
        self.make_store()
        manifest = self.store / "MANIFEST"
        whole = manifest.read_bytes()
        newer = bytearray(whole)
        newer[8:12] = struct.pack("<I", 99)
        manifest.write_bytes(self.with_checksum(newer))
        for arguments in (("serve", "--port", "0"), ("query", "SELECT 1")):
            self.fails(arguments[0], "--data", self.store, *arguments[1:], sqlstate="0A000",
                       says=("has format version 99, this program reads up to 3", "newer program"))
        self.fails("verify", self.store, sqlstate="0A000", says="format version 99")
        manifest.write_bytes(whole)
        self.assertEqual(self.lines("SELECT count(*) FROM trades"), ["0"])
        # Damage is told from a version.
        whole = manifest.read_bytes()
        broken = bytearray(whole)
        broken[len(broken) // 2] ^= 1
        manifest.write_bytes(broken)
        self.refused(sqlstate="XX001", says=f'manifest "{manifest}" is damaged at offset 32')
        manifest.write_bytes(whole)
        self.assertEqual(self.lines("SELECT count(*) FROM trades"), ["0"])

    def with_checksum(self, manifest):
        """XXH3 comes from the library that the program uses."""
        import ctypes
        import ctypes.util
        library = ctypes.CDLL(ctypes.util.find_library("xxhash") or "libxxhash.so.0")
        function = library.XXH3_64bits_withSeed
        function.restype = ctypes.c_uint64
        function.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]
        seed = function(bytes(manifest[:24]), 24, 0)
        manifest[24:32] = struct.pack("<Q", function(bytes(manifest[32:]), len(manifest) - 32, seed))
        return bytes(manifest)

    def test_what_cannot_be_a_data_directory(self):
        path = self.file("plain", "text")
        self.fails("serve", "--data", path, "--port", "0", says=str(path))
        self.assertEqual(path.read_text(), "text")
        self.fails("serve", "--port", "0", status=2, says="--data")
        self.fails("serve", "--data", self.store, "--port", "70000", status=2)
        self.assertFalse(self.store.exists())


class Init(CliCase):
    def test_makes_a_store_once(self):
        said = self.ok("init", "--data", self.store, "--database", "market", "--user", "trader")
        self.assertEqual(said, f"made {self.store}: database market, user trader\n")
        self.assertEqual(self.lines("SELECT current_database(), current_user"), ["market,trader"])
        before = sorted(path.name for path in self.store.iterdir())
        self.fails("init", "--data", self.store, sqlstate="55006", says="is not empty")
        self.assertEqual(sorted(path.name for path in self.store.iterdir()), before)
        (self.scratch / "empty").mkdir()
        self.ok("init", "--data", self.scratch / "empty")

    def test_takes_a_password(self):
        self.ok("init", "--data", self.store, variables={"POSTGRES_PASSWORD": "at once"})
        server = self.serve("--listen", "0.0.0.0")
        psycopg2.connect(host="127.0.0.1", port=server.port, user="inavvi_user", password="at once", dbname="inavvi").close()


class Help(CliCase):
    SUBCOMMANDS = ("serve", "init", "query", "explore", "check", "import", "export", "copy", "simulate", "migrate", "jobs", "verify", "backup", "restore",
                   "version")

    def test_every_subcommand_has_help_with_an_example(self):
        every = self.ok("--help")
        for name in self.SUBCOMMANDS:
            self.assertRegex(every, rf"(?m)^  {name} +\w")
            said = self.ok(name, "--help")
            self.assertRegex(said, rf"(?s)Examples?:\n.*tickstone {name}")
            self.assertIn(f"Usage: tickstone {name}", said)
        self.assertIn("Examples:", every)

    def test_options_in_examples_exist(self):
        """An example that does not parse helps nobody."""
        for name in self.SUBCOMMANDS:
            said = self.ok(name, "--help")
            options = set(re.findall(r"(?m)^  (?:-\w,)?(--[a-z-]+)", said)) | set(re.findall(r"(?m)^  (-\w),--", said))
            for line in re.findall(rf"(?m)^  (?:.*&& |.*\| )?tickstone {name}\b(.*)$", said.split("Example", 1)[1]):
                for used in re.findall(r"(?<!\S)(--?[a-zA-Z][a-z-]*)", line.split("&&")[0]):
                    self.assertIn(used, options, f"{name}: {line}")

    def test_version(self):
        self.assertRegex(self.ok("version"), r"^tickstone \d+\.\d+\.\d+ \(speaks PostgreSQL 15\.\d+\)\n$")
        self.fails("version", "more", status=2)

    def test_no_or_an_unknown_subcommand(self):
        self.fails(status=2, says="A subcommand is required")
        self.fails("frobnicate", status=2, says=('"frobnicate" is no subcommand', "tickstone --help"))
