# SPDX-License-Identifier: Apache-2.0
"""`serve` with a configuration file: what it takes, what it refuses, and what SIGHUP does."""
import signal
import time

import psycopg2

from cli_case import LIMIT_SECONDS, CliCase


class Configuration(CliCase):
    def query(self, server, sql, **how):
        connection = psycopg2.connect(host="127.0.0.1", port=server.port, user="inavvi_user", password="postgres",
                                      dbname="inavvi", **how)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else None
        finally:
            connection.close()

    def until(self, condition):
        end = time.monotonic() + LIMIT_SECONDS
        while not condition():
            self.assertLess(time.monotonic(), end, "in vain waited")
            time.sleep(0.05)

    def test_a_file_is_followed(self):
        file = self.file("server.conf", f"""
            max_connections = 7
            work_mem = 64MB            # of each
            tickstone.memory = 512MB
            shared_buffers = 128MB
            timezone = 'Asia/Tokyo'
            unix_socket_directories = '{self.scratch}'
            bgwriter_delay = 200ms
            wal_level = replica
            log_connections = on
            """)
        server = self.serve("--config", str(file))
        self.assertIn("configured and without effect here: bgwriter_delay, wal_level\n", server.errors())
        self.assertIn(f", {self.scratch}/.s.PGSQL.{server.port}\n", server.line)
        self.assertEqual(self.query(server, "SELECT current_setting('max_connections'), current_setting('shared_buffers'), "
                                            "current_setting('tickstone.memory'), current_setting('TimeZone'), current_setting('port')"),
                         [("7", "128MB", "512MB", "Asia/Tokyo", str(server.port))])
        self.assertEqual(self.query(server, "SELECT setting, unit, source, sourcefile, sourceline FROM pg_settings WHERE name = 'work_mem'"),
                         [("65536", "kB", "configuration file", str(file), 3)])
        self.assertEqual(self.query(server, "SELECT source FROM pg_settings WHERE name = 'port'"), [("command line",)])
        self.assertIn("connection authorized: user=inavvi_user database=inavvi host=127.0.0.1 port=", server.errors())

    def test_sighup_has_it_read_again(self):
        file = self.file("server.conf", "timezone = 'Asia/Tokyo'\nmax_connections = 7\n")
        server = self.serve("--config", str(file))
        connection = psycopg2.connect(host="127.0.0.1", port=server.port, user="inavvi_user", password="postgres", dbname="inavvi")
        file.write_text("timezone = 'Europe/Berlin'\nmax_connections = 8\n")
        server.process.send_signal(signal.SIGHUP)
        self.until(lambda: 'parameter "timezone" changed to "Europe/Berlin"' in server.errors())
        self.assertIn("received SIGHUP, reloading configuration files", server.errors())
        self.assertIn('parameter "max_connections" cannot be changed without restarting the server', server.errors())
        with connection, connection.cursor() as cursor:  # an open session as well
            cursor.execute("SELECT current_setting('timezone'), current_setting('max_connections')")
            self.assertEqual(cursor.fetchone(), ("Europe/Berlin", "7"))
        connection.close()
        file.write_text("timezone 'Europe\n")
        server.process.send_signal(signal.SIGHUP)
        self.until(lambda: "no changes were applied" in server.errors())
        self.assertIn(f'syntax error in file "{file}" line 1', server.errors())
        self.assertEqual(self.query(server, "SHOW timezone"), [("Europe/Berlin",)])
        self.assertEqual(server.stop()[0], 0)

    def test_options_win_over_the_file_and_alter_system(self):
        file = self.file("server.conf", "max_connections = 7\nlock_timeout = 1s\n")
        server = self.serve("--config", str(file), "--max-connections", "9", "-c", "statement_timeout=1min")
        self.query(server, "ALTER SYSTEM SET max_connections = 11")
        self.query(server, "ALTER SYSTEM SET lock_timeout = '2s'")
        self.assertEqual(self.query(server, "SHOW lock_timeout"), [("1s",)])
        server.stop()
        server = self.serve("--config", str(file), "--max-connections", "9", "-c", "statement_timeout=1min")
        self.assertEqual(self.query(server, "SELECT current_setting('max_connections'), current_setting('lock_timeout'), "
                                            "current_setting('statement_timeout')"), [("9", "2s", "1min")])
        server.stop()
        server = self.serve("--config", str(file))
        self.assertEqual(self.query(server, "SHOW max_connections"), [("11",)])

    def test_what_is_wrong_is_named_and_nothing_is_made(self):
        def refused(text, says):
            file = self.file("server.conf", text)
            return self.fails("serve", "--data", self.store, "--port", "0", "--config", file, sqlstate="22023", says=says)
        refused("port = 1\nwork_mem = much\n", f'"much" in file "{self.scratch}/server.conf" line 2')
        refused("shared_bufers = 1GB\n", f'unrecognized configuration parameter "shared_bufers" in file "{self.scratch}/server.conf" line 1')
        refused("a = 1\nb = 2\n", ("contains errors", '"a" in file', '"b" in file'))
        refused("listen_addresses = *\n", 'near token "*"')
        self.fails("serve", "--data", self.store, "--config", self.scratch / "none", sqlstate="22023", says="could not open configuration file")
        self.fails("serve", "--data", self.store, "-c", "nothing", says='"nothing" is not of the form name=value')
        self.assertFalse(self.store.exists())

    def test_the_file_can_name_the_directory_and_lie_in_it(self):
        file = self.file("server.conf", f"data_directory = '{self.store}'\nport = 0\n")
        server = self.server_without_data("--config", str(file))
        self.assertTrue((self.store / "MANIFEST").exists())
        server.stop()
        (self.store / "postgresql.conf").write_text("max_connections = 12\n")
        server = self.serve()
        self.assertEqual(self.query(server, "SHOW max_connections"), [("12",)])

    def server_without_data(self, *arguments):
        import subprocess
        from cli_case import PROGRAM, Server, environment
        server = Server.__new__(Server)
        server.log = open(self.scratch / "other.log", "w+")
        server.process = subprocess.Popen([PROGRAM, "serve", *arguments], stdout=subprocess.PIPE, stderr=server.log, text=True,
                                          env=environment())
        self.addCleanup(server.close)
        server.line = server.process.stdout.readline()
        self.assertIn("ready", server.line, server.errors())
        return server

    def test_other_addresses_of_the_file_need_a_password_too(self):
        file = self.file("server.conf", "listen_addresses = '*'\n")
        self.fails("serve", "--data", self.store, "--port", "0", "--config", file, sqlstate="28000",
                   says='cannot listen on "*" while user "inavvi_user" has the default password')
        server = self.serve("--config", str(file), "-c", "tickstone.allow_default_password=on")
        self.assertIn("has the default password", server.errors())

    def test_the_service_manager_is_told(self):
        import socket
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.bind(str(self.scratch / "notify"))
            told.settimeout(LIMIT_SECONDS)
            server = self.serve(variables={"NOTIFY_SOCKET": str(self.scratch / "notify")})
            self.assertEqual(told.recv(100), b"READY=1")
            server.stop()
            self.assertEqual(told.recv(100), b"STOPPING=1")
