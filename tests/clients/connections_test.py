# SPDX-License-Identifier: Apache-2.0
"""Who may connect, and how it is kept from others: TLS, certificates, pg_hba.conf, limits."""
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import unittest

import psycopg2

from client_case import HERE  # noqa: F401  (puts the command line's tests on the path)
from cli_case import PROGRAM, Server, environment  # noqa: E402


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


class Authority:
    """Makes certificates, as the administrator of a small network does."""

    def __init__(self, directory, name):
        self.directory, self.name = directory, name
        self.certificate, self.key = directory / f"{name}.crt", directory / f"{name}.key"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", self.key, "-out",
                self.certificate)

    def make(self, common_name, extensions="", serial=None):
        """A certificate and its key; the files' paths."""
        stem = self.directory / f"{self.name}-{common_name}{serial or ''}"
        request, key, certificate, more = (stem.with_name(stem.name + end) for end in (".csr", ".key", ".crt", ".ext"))
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={common_name}", "-keyout", key, "-out", request)
        more.write_text(extensions)
        openssl("x509", "-req", "-days", "2", "-in", request, "-CA", self.certificate, "-CAkey", self.key, *(("-set_serial", serial) if serial else ("-CAcreateserial",)),
                "-out", certificate, "-extfile", more)
        os.chmod(key, 0o600)
        return certificate, key


class Connections(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="tickstone_connections_"))
        self.addCleanup(shutil.rmtree, self.scratch, ignore_errors=True)
        self.store = self.scratch / "store"

    def serve(self, *arguments):
        self.server = Server(self.store, *arguments)
        self.addCleanup(self.server.close)
        return self.server

    def connect(self, **how):
        how = {"user": "inavvi_user", "password": "postgres", "host": "127.0.0.1", **how}
        connection = psycopg2.connect(port=self.server.port, dbname=how.pop("dbname", "inavvi"), connect_timeout=60, **how)
        self.addCleanup(connection.close)
        connection.autocommit = True
        return connection

    def query(self, sql, **how):
        with self.connect(**how).cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else None

    def refused(self, message, **how):
        with self.assertRaises(psycopg2.OperationalError) as raised:
            self.connect(**how)
        self.assertIn(message, str(raised.exception))

    def uses_tls(self, **how):
        return self.connect(**how).info.ssl_in_use

    def rules(self, *lines):
        self.store.mkdir(exist_ok=True)
        (self.store / "pg_hba.conf").write_text("\n".join(lines) + "\n")

    def reload(self):
        """Waits for the log to say that it was done."""
        before = self.server.errors().count("reloading configuration files")
        self.server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 60
        while self.server.errors().count("reloading configuration files") == before:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        # The reload that pg_reload_conf asks for comes after it.
        self.query("SELECT pg_reload_conf()")

    # TLS

    def test_a_certificate_is_made_where_none_is_given(self):
        self.serve("-c", "ssl=on")
        certificate, key = self.store / "server.crt", self.store / "server.key"
        self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o600)
        self.assertIn("made a certificate", self.server.errors())
        for host in ("localhost", "127.0.0.1"):
            self.assertTrue(self.uses_tls(host=host, sslmode="verify-full", sslrootcert=str(certificate)))
        self.assertTrue(self.uses_tls(sslmode="require"))
        self.assertFalse(self.uses_tls(sslmode="disable"))
        other = Authority(self.scratch, "other")
        self.refused("certificate verify failed", host="localhost", sslmode="verify-full", sslrootcert=str(other.certificate))
        # The same one the next time: clients know it.
        made = certificate.read_text()
        self.server.stop()
        self.serve("-c", "ssl=on")
        self.assertEqual(certificate.read_text(), made)
        self.assertTrue(self.uses_tls(host="localhost", sslmode="verify-full", sslrootcert=str(certificate)))

    def test_a_certificate_of_an_authority_is_verified_in_full(self):
        authority = Authority(self.scratch, "authority")
        certificate, key = authority.make("localhost", "subjectAltName=DNS:localhost")
        self.serve("--tls-certificate", str(certificate), "--tls-key", str(key))
        root = str(authority.certificate)
        self.assertTrue(self.uses_tls(host="localhost", sslmode="verify-full", sslrootcert=root))
        self.refused("does not match host name", host="127.0.0.1", sslmode="verify-full", sslrootcert=root)
        self.assertTrue(self.uses_tls(host="127.0.0.1", sslmode="verify-ca", sslrootcert=root))

    def test_logins_are_bound_to_the_connection(self):
        """SCRAM-SHA-256-PLUS: libpq refuses a server that does not prove that it saw this certificate."""
        for kind, options, is_bound in (("rsa", ("-newkey", "rsa:2048", "-sha256"), True), ("sha384", ("-newkey", "rsa:2048", "-sha384"), True),
                                        ("ec", ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-sha512"), True),
                                        ("ed25519", ("-newkey", "ed25519"), False)):
            with self.subTest(kind):
                certificate, key = self.scratch / f"{kind}.crt", self.scratch / f"{kind}.key"
                openssl("req", "-x509", *options, "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", certificate)
                os.chmod(key, 0o600)
                self.serve("--tls-certificate", str(certificate), "--tls-key", str(key))
                if is_bound:
                    self.assertEqual(self.query("SELECT 1", sslmode="require", channel_binding="require"), [(1,)])
                    self.refused("password authentication failed", sslmode="require", channel_binding="require", password="wrong")
                else:  # there is no hash to bind to (RFC 5929); PostgreSQL 15 cannot log anyone in here
                    self.refused("channel binding is required, but server did not offer", sslmode="require", channel_binding="require")
                for how in ("prefer", "disable"):
                    self.assertEqual(self.query("SELECT 1", sslmode="require", channel_binding=how), [(1,)])
                self.refused("channel binding required, but SSL not in use", sslmode="disable", channel_binding="require")
                self.server.stop()

    def test_what_is_wrong_with_certificates_ends_the_start(self):
        authority = Authority(self.scratch, "authority")
        certificate, key = authority.make("localhost")
        for settings, message in (
            ({"ssl_cert_file": "nosuch.crt"}, 'could not load server certificate file "'),
            ({"ssl_cert_file": certificate, "ssl_key_file": authority.key}, "does not belong to the certificate"),
            ({"ssl_cert_file": certificate, "ssl_key_file": key, "ssl_ca_file": "nosuch.crt"}, "could not load root certificate file"),
        ):
            done = self.start_fails("ssl=on", *[f"{name}={value}" for name, value in settings.items()])
            self.assertIn(message, done.stderr)
        os.chmod(key, 0o644)
        done = self.start_fails("ssl=on", f"ssl_cert_file={certificate}", f"ssl_key_file={key}")
        self.assertIn("has group or world access", done.stderr)

    def start_fails(self, *settings):
        options = [word for setting in settings for word in ("-c", setting)]
        done = subprocess.run([PROGRAM, "serve", "--data", str(self.store), "--port", "0", *options], capture_output=True, text=True,
                              timeout=60, env=environment())
        self.assertNotEqual(done.returncode, 0)
        return done

    def test_client_certificates(self):
        servers, clients = Authority(self.scratch, "servers"), Authority(self.scratch, "clients")
        certificate, key = servers.make("localhost", "subjectAltName=DNS:localhost")
        self.rules("hostssl all ann all cert", "hostssl all bob all scram-sha-256 clientcert=verify-ca", "host all all all scram-sha-256")
        self.serve("-c", "ssl=on", "-c", f"ssl_cert_file={certificate}", "-c", f"ssl_key_file={key}", "-c", f"ssl_ca_file={clients.certificate}")
        self.query("CREATE ROLE ann LOGIN; CREATE ROLE bob LOGIN PASSWORD 'b'; CREATE ROLE group_only")
        ann, ann_key = clients.make("ann", serial="4711")
        with_ann = {"sslmode": "require", "sslcert": str(ann), "sslkey": str(ann_key)}
        self.assertEqual(self.query("SELECT current_user", user="ann", password="", **with_ann), [("ann",)])
        of_tls = """SELECT ssl, version LIKE 'TLSv1.%', cipher <> '', bits >= 128, client_dn, client_serial, issuer_dn LIKE '%clients%'
                    FROM pg_stat_ssl WHERE pid = pg_backend_pid()"""
        self.assertEqual(self.query(of_tls, user="ann", password="", **with_ann), [(True, True, True, True, "/CN=ann", 4711, True)])
        with_long_serial = dict(zip(("sslcert", "sslkey"), map(str, clients.make("ann", serial=str(10**45)))), sslmode="require")
        self.assertEqual(self.query(of_tls, user="ann", password="", **with_long_serial), [(True, True, True, True, "/CN=ann", None, True)])
        self.assertEqual(self.query(of_tls, sslmode="disable"), [(False, None, None, None, None, None, None)])
        self.refused("connection requires a valid client certificate", user="ann", password="", sslmode="require")
        # Without TLS the next rule decides, and she has no password.
        self.refused("password authentication failed", user="ann", password="x", sslmode="disable")
        carl, carl_key = clients.make("carl")
        self.refused('certificate authentication failed for user "ann"', user="ann", password="", sslmode="require", sslcert=str(carl),
                     sslkey=str(carl_key))
        stranger, stranger_key = Authority(self.scratch, "strangers").make("ann")
        with self.assertRaises(psycopg2.OperationalError):
            self.connect(user="ann", password="", sslmode="require", sslcert=str(stranger), sslkey=str(stranger_key))
        # Any certificate of the authority, and the password.
        self.assertEqual(self.query("SELECT current_user", user="bob", password="b", **with_ann), [("bob",)])
        self.refused("password authentication failed", user="bob", password="wrong", **with_ann)
        self.refused("connection requires a valid client certificate", user="bob", password="b", sslmode="require")

    def test_rules_that_ask_for_certificates_need_an_authority(self):
        self.rules("hostssl all all all cert")
        self.assertIn("asks for client certificates, which cannot be verified", self.start_fails("ssl=on").stderr)

    # pg_hba.conf

    def test_rules_decide_who_may_log_in(self):
        self.rules("# TYPE DATABASE USER ADDRESS METHOD", "host all banned 0.0.0.0/0 reject", "host all +trusted 127.0.0.1/32 trust",
                   "hostssl all careful all scram-sha-256", "host all inavvi_user samehost scram-sha-256", "host other all all trust")
        self.serve("-c", "ssl=on")
        self.query("""CREATE ROLE trusted; CREATE ROLE guest LOGIN; GRANT trusted TO guest; CREATE ROLE banned LOGIN PASSWORD 'x';
                      CREATE ROLE careful LOGIN PASSWORD 'x'; CREATE ROLE nobody LOGIN PASSWORD 'x'""")
        self.assertEqual(self.query("SELECT session_user", user="guest", password=""), [("guest",)])
        self.refused('pg_hba.conf rejects connection for host "127.0.0.1", user "banned", database "inavvi", no encryption', user="banned",
                     password="x", sslmode="disable")
        self.refused('no pg_hba.conf entry for host "127.0.0.1", user "nobody", database "inavvi", no encryption', user="nobody", password="x",
                     sslmode="disable")
        self.refused('user "careful", database "inavvi", no encryption', user="careful", password="x", sslmode="disable")
        self.assertTrue(self.uses_tls(user="careful", password="x", sslmode="require"))
        self.refused("password authentication failed", user="careful", password="wrong", sslmode="require")
        self.refused('role "trusted" is not permitted to log in', user="trusted", password="")
        self.refused('no pg_hba.conf entry for host "127.0.0.1", user "unknown"', user="unknown", password="")
        self.refused('database "other" does not exist', user="guest", password="", dbname="other")
        self.assertIn("login refused: pg_hba.conf rejects", self.server.errors())

    def test_a_password_in_the_clear_where_a_rule_wants_it(self):
        self.rules("host all all all password")
        self.serve()
        self.assertEqual(self.query("SELECT 1"), [(1,)])
        self.refused("password authentication failed", password="wrong")
        self.refused("password authentication failed", user="unknown", password="wrong")

    def test_a_reload_takes_new_rules_and_keeps_the_old_where_they_are_wrong(self):
        self.rules("host all all all scram-sha-256")
        self.serve()
        self.query("CREATE ROLE guest LOGIN PASSWORD 'g'")
        self.assertEqual(self.query("SELECT 1", user="guest", password="g"), [(1,)])
        self.rules("host all guest all reject", "host all all all scram-sha-256")
        self.reload()
        self.refused("pg_hba.conf rejects connection", user="guest", password="g")
        self.rules("host all all nonsense/8 trust", "host all all all ldap")
        self.reload()
        self.refused("pg_hba.conf rejects connection", user="guest", password="g")
        for problem in ('invalid IP address "nonsense" (line 1)', 'authentication method "ldap" is not supported (line 2)'):
            self.assertIn(problem, self.server.errors())

    def test_wrong_rules_end_the_start(self):
        self.rules("host all all all", "hosts all all all trust")
        done = self.start_fails("port=0")
        self.assertIn("end-of-line before authentication method (line 1)", done.stderr)
        self.assertIn('invalid connection type "hosts" (line 2)', done.stderr)

    # Limits

    def test_failed_logins_do_not_lock_the_right_password_out(self):
        self.serve()
        for _ in range(5):
            self.refused("password authentication failed", password="wrong")
        self.assertEqual(self.query("SELECT 1"), [(1,)])

    def test_a_role_has_a_limit_of_connections(self):
        self.serve()
        self.query("CREATE ROLE few LOGIN PASSWORD 'f' CONNECTION LIMIT 2")
        first, _ = self.connect(user="few", password="f"), self.connect(user="few", password="f")
        self.refused('too many connections for role "few"', user="few", password="f")
        first.close()
        deadline = time.monotonic() + 60
        while self.query("SELECT count(*) FROM pg_stat_activity WHERE usename = 'few'") != [(1,)]:
            self.assertLess(time.monotonic(), deadline)
        self.assertEqual(self.query("SELECT 1", user="few", password="f"), [(1,)])

    def test_connecting_is_a_right(self):
        self.serve()
        self.query("CREATE ROLE guest LOGIN PASSWORD 'g'; CREATE ROLE friend LOGIN PASSWORD 'f'")
        self.assertEqual(self.query("SELECT 1", user="guest", password="g"), [(1,)])
        self.query("REVOKE CONNECT ON DATABASE inavvi FROM PUBLIC; GRANT CONNECT ON DATABASE inavvi TO friend")
        self.refused('permission denied for database "inavvi"', user="guest", password="g")
        self.assertEqual(self.query("SELECT 1", user="friend", password="f"), [(1,)])
        self.assertEqual(self.query("SELECT datacl::text FROM pg_database"),
                         [("{=T/inavvi_user,inavvi_user=CTc/inavvi_user,friend=c/inavvi_user}",)])
        self.query("GRANT CONNECT ON DATABASE inavvi TO PUBLIC")
        self.assertEqual(self.query("SELECT 1", user="guest", password="g"), [(1,)])

    def test_a_password_is_valid_until_its_time(self):
        self.serve()
        self.query("CREATE ROLE past LOGIN PASSWORD 'p' VALID UNTIL '2020-01-01 00:00:00+00'")
        self.refused('password authentication failed for user "past"', user="past", password="p")
        self.assertEqual(self.query("SELECT rolvaliduntil::text FROM pg_roles WHERE rolname = 'past'"), [("2020-01-01 00:00:00+00",)])
        for until in ("2200-01-01", "infinity"):
            self.query(f"ALTER ROLE past VALID UNTIL '{until}'")
            self.assertEqual(self.query("SELECT 1", user="past", password="p"), [(1,)])


if __name__ == "__main__":
    unittest.main()
