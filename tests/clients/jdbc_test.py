# SPDX-License-Identifier: Apache-2.0
import pathlib
import shutil
import subprocess
import unittest

from client_case import HERE, ClientCase, environment

DRIVER = pathlib.Path("/usr/share/java/postgresql.jar")


@unittest.skipUnless(shutil.which("javac") and DRIVER.exists(), "no Java compiler or no driver on this machine")
class Jdbc(ClientCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        subprocess.run(["javac", "-encoding", "UTF-8", "-cp", str(DRIVER), "-d", str(cls.scratch), str(HERE / "JdbcCheck.java")], check=True, timeout=120)

    def test_every_mode_of_the_driver(self):
        for mode in ("extended", "simple", "extendedForPrepared", "extendedCacheEverything"):
            with self.subTest(mode):
                done = subprocess.run(["java", "-cp", f"{self.scratch}:{DRIVER}", "-Dfile.encoding=UTF-8", "JdbcCheck",
                                       f"jdbc:postgresql://127.0.0.1:{self.server.port}/inavvi", mode],
                                      capture_output=True, text=True, timeout=120, env=environment())
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertGreaterEqual(done.stdout.count("ok "), 7)
