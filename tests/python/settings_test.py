# SPDX-License-Identifier: Apache-2.0
"""Where a manager connects to, by arguments, URL and environment."""
import pathlib
import tempfile
import unittest

from tickstone import settings
from tickstone.settings import SettingsError, connection_parameters

GUIDE = {"host": "localhost", "port": "5433", "dbname": "inavvi", "user": "inavvi_user", "password": "postgres"}
NO_PASSWORD_FILE = {"PGPASSFILE": "nowhere/passwords"}


def parameters(url=None, variables=None, **given):
    return connection_parameters(url, {**NO_PASSWORD_FILE, **(variables or {})}, **given)


class Settings(unittest.TestCase):
    def test_defaults_are_the_guides(self):
        self.assertEqual(parameters(), GUIDE)

    def test_keywords_stand_before_the_url_and_the_url_before_the_environment(self):
        variables = {"DB_HOST": "env", "DB_USER": "env", "PGUSER": "pg", "PGDATABASE": "pg", "DB_PASSWORD": "env", "PGPORT": "1"}
        got = parameters("postgresql://url@db1:99/", variables, user="word")
        self.assertEqual(got, {"host": "db1", "port": "99", "dbname": "pg", "user": "word", "password": "env"})

    def test_environment(self):
        variables = {"DB_HOST": "db1", "DB_PORT": "6", "DB_NAME": "prices", "DB_USER": "me", "DB_PASSWORD": "p1", "PGPASSWORD": "p2"}
        expected = {"host": "db1", "port": "6", "dbname": "prices", "user": "me", "password": "p1"}
        self.assertEqual(parameters(None, variables), expected)
        expected = {**GUIDE, "host": "127.0.0.1", "password": "p2"}
        self.assertEqual(parameters(None, {"PGHOST": "127.0.0.1", "PGPASSWORD": "p2"}), expected)
        self.assertEqual(parameters(None, {"DATABASE_URL": "postgresql://a:b@c:1/d"}),
                         {"user": "a", "password": "b", "host": "c", "port": "1", "dbname": "d"})
        self.assertEqual(parameters(None, {"DATABASE_URL": "postgresql://a:b@c:1/d"}, host="localhost"), GUIDE)
        both = {"DATABASE_URL": "postgresql://x", "TICKSTONE_URL": "postgresql://y"}
        self.assertEqual(parameters(None, both)["host"], "y")

    def test_a_url_without_a_port_leaves_it_to_libpq(self):
        self.assertNotIn("port", parameters("postgresql://db1/inavvi", {"DB_PORT": "7"}))
        self.assertEqual(parameters("user=me")["port"], "5433")

    def test_the_guides_password_is_for_loopback_only(self):
        for host in ("localhost", "127.0.0.1", "::1", "/var/run/postgresql", "localhost,127.0.0.1"):
            self.assertEqual(parameters(host=host)["password"], "postgres", host)
        for host in ("db1", "10.0.0.1", "localhost,db1"):
            self.assertNotIn("password", parameters(host=host), host)
        self.assertNotIn("password", parameters(None, {"DB_HOST": "db1"}))

    def test_a_password_file_is_left_to_libpq(self):
        with tempfile.NamedTemporaryFile() as file:
            self.assertNotIn("password", parameters(None, {"PGPASSFILE": file.name}))
            self.assertEqual(parameters(None, {"PGPASSFILE": file.name, "PGPASSWORD": "x"})["password"], "x")
        self.assertFalse(pathlib.Path(file.name).exists())

    def test_of_several_hosts_the_one_that_writes(self):
        self.assertEqual(parameters("postgresql://a:1,b:2/x")["target_session_attrs"], "read-write")
        self.assertEqual(parameters("postgresql://a:1,b:2/x?target_session_attrs=any")["target_session_attrs"], "any")
        self.assertEqual(parameters(host="a,b", target_session_attrs="standby")["target_session_attrs"], "standby")
        self.assertNotIn("target_session_attrs", parameters("postgresql://a:1/x"))

    def test_what_is_no_server_is_refused(self):
        with self.assertRaisesRegex(SettingsError, "tickstone serve --data"):
            parameters("./store")
        with self.assertRaisesRegex(SettingsError, "cannot read the connection URL"):
            parameters("postgresql://a/b?nosuch=1")

    def test_descriptions_have_no_password(self):
        self.assertEqual(settings.description(GUIDE), "host=localhost port=5433 dbname=inavvi user=inavvi_user")


if __name__ == "__main__":
    unittest.main()
