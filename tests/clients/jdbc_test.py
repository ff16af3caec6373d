# SPDX-License-Identifier: Apache-2.0
import pathlib
import re
import shutil
import subprocess
import unittest

from client_case import HERE, ClientCase, PeerCase, environment

DRIVER = pathlib.Path("/usr/share/java/postgresql.jar")
COMPILER = ["javac"] if shutil.which("javac") else ["ecj", "-17", "-proc:none", "-nowarn"]


@unittest.skipUnless(shutil.which(COMPILER[0]) and DRIVER.exists(), "no Java compiler or no driver on this machine")
class JdbcTests:
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        subprocess.run([*COMPILER, "-encoding", "UTF-8", "-cp", str(DRIVER), "-d", str(cls.scratch), str(HERE / "JdbcCheck.java")], check=True, timeout=120)

    def test_every_mode_of_the_driver(self):
        for mode in ("extended", "simple", "extendedForPrepared", "extendedCacheEverything"):
            with self.subTest(mode):
                done = subprocess.run(["java", "-cp", f"{self.scratch}:{DRIVER}", "-Dfile.encoding=UTF-8", "JdbcCheck",
                                       "jdbc:" + re.sub("//.*@", "//", self.url), mode],
                                      capture_output=True, text=True, timeout=120, env=environment())
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertGreaterEqual(done.stdout.count("ok "), 11)


class Jdbc(JdbcTests, ClientCase):
    pass


class JdbcOnPostgreSql(JdbcTests, PeerCase):
    pass
