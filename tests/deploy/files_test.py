# SPDX-License-Identifier: Apache-2.0
"""Dockerfile, compose files and service unit, as far as they can be checked without what reads them."""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
PROGRAM = pathlib.Path(os.environ.get("TICKSTONE_BINARY", ROOT / "build/tickstone")).resolve()
GUIDE = ROOT.parent / "shared/guide"


def instructions(path):
    """(instruction, rest) of each, continued lines joined, comments left out."""
    text = re.sub(r"(?m)^\s*#.*\n", "", path.read_text())
    text = text.replace("\\\n", " ")
    return [tuple(line.strip().split(None, 1)) for line in text.splitlines() if line.strip()]


class Dockerfile(unittest.TestCase):
    def setUp(self):
        self.steps = instructions(DEPLOY / "Dockerfile")
        self.runtime = self.steps[[i for i, step in enumerate(self.steps) if step[0] == "FROM"][-1]:]

    def test_instructions_and_what_they_copy(self):
        known = {"FROM", "ENV", "WORKDIR", "RUN", "COPY", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
        self.assertEqual({name for name, _ in self.steps} - known, set())
        stages = {words[-1] for name, rest in self.steps if name == "FROM" and " AS " in rest for words in [rest.split()]}
        for name, rest in self.steps:
            if name == "COPY":
                *sources, _ = [word for word in rest.split() if not word.startswith("--")]
                of_stage = re.search(r"--from=(\S+)", rest)
                if of_stage:
                    self.assertIn(of_stage.group(1), stages)
                    continue
                for source in sources:
                    self.assertTrue((ROOT / source).exists(), source)
            if name == "RUN":
                subprocess.run(["bash", "-n", "-c", rest], check=True)
            if name in ("ENTRYPOINT", "CMD"):
                self.assertTrue(rest.startswith('["'), rest)

    def test_the_image_has_the_libraries_that_the_program_needs(self):
        installed = set(next(rest for name, rest in self.runtime if name == "RUN").replace("&&", " ").split())
        needed = re.findall(r"NEEDED.*\[(.*)\]", subprocess.run(["readelf", "-d", PROGRAM], capture_output=True, text=True, check=True).stdout)
        self.assertIn("libduckdb.so", needed)
        self.assertTrue(any("libduckdb.so" in rest for name, rest in self.runtime if name == "COPY"))
        of_every_image = {"libc6", "libgcc-s1"}
        for library in set(needed) - {"libduckdb.so", "ld-linux-x86-64.so.2"}:
            found = subprocess.run(["dpkg-query", "-S", f"*/{library}"], capture_output=True, text=True).stdout
            packages = {line.split(":")[0] for line in found.splitlines()} - {"libc6-i386", "libx32gcc-s1", "lib32gcc-s1"}
            self.assertTrue(packages & (installed | of_every_image), f"{library}: of {packages}, none is installed")

    def test_the_build_finds_duckdb_where_the_image_has_it(self):
        deps = next(rest for name, rest in self.steps if name == "ENV" and rest.startswith("TICKSTONE_DEPS=")).split("=")[1]
        self.assertTrue(any(rest.split()[-1] == f"{deps}/duckdb/lib/" for name, rest in self.runtime if name == "COPY"))


class Compose(unittest.TestCase):
    def load(self, name):
        text = (DEPLOY / name).read_text()
        # As compose replaces them where the variable is not set.
        return yaml.safe_load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text))

    def test_both_are_the_guides_service(self):
        wanted = yaml.safe_load((GUIDE / "docker-compose.yml").read_text()) if GUIDE.exists() else None
        for name in ("docker-compose.yml", "docker-compose.timescaledb.yml"):
            with self.subTest(name):
                document = self.load(name)
                self.assertEqual(list(document["services"]), ["timescaledb"])
                service = document["services"]["timescaledb"]
                self.assertEqual(service["container_name"], "timescaledb")
                self.assertEqual(service["ports"], ["5433:5432"])
                self.assertTrue(service["command"].startswith("postgres -c config_file=/etc/postgresql/postgresql.conf"))
                self.assertEqual(sorted(service["environment"]), ["POSTGRES_DB=inavvi", "POSTGRES_PASSWORD=postgres", "POSTGRES_USER=inavvi_user"])
                targets = [volume.split(":")[1] for volume in service["volumes"]]
                self.assertEqual(targets, ["/var/lib/postgresql/data", "/etc/postgresql/postgresql.conf", "/docker-entrypoint-initdb.d"])
                self.assertIn(service["volumes"][0].split(":")[0], document["volumes"])
                for volume in service["volumes"][1:]:
                    self.assertTrue((DEPLOY / volume.split(":")[0]).exists(), volume)
                if wanted is None:
                    continue
                theirs = wanted["services"]["timescaledb"]
                for key in ("container_name", "ports", "restart", "healthcheck"):
                    self.assertEqual(service[key], theirs[key], key)
                self.assertEqual(sorted(service["environment"]), sorted(theirs["environment"]))
                self.assertEqual(targets, [volume.split(":")[1] for volume in theirs["volumes"]])

    def test_the_configuration_file_says_what_the_guides_says(self):
        if not GUIDE.exists():
            self.skipTest("the guide is not at hand")
        def settings(path):
            return dict(re.findall(r"(?m)^([a-z_.]+) = (\S+)", path.read_text()))
        self.assertEqual(settings(DEPLOY / "postgresql.conf"), settings(GUIDE / "postgresql.conf"))


class Systemd(unittest.TestCase):
    def setUp(self):
        if shutil.which("systemd-analyze") is None:
            self.skipTest("there is no systemd-analyze")
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="tickstone_systemd_"))
        self.addCleanup(shutil.rmtree, self.scratch)

    def test_the_unit(self):
        unit = self.scratch / "tickstone.service"
        text = (DEPLOY / "systemd/tickstone.service").read_text()
        # The program has to be there, and any user's unit will do.
        unit.write_text(text.replace("/usr/local/bin/tickstone", str(PROGRAM)))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
        complaints = [line for line in done.stderr.splitlines() if "tickstone.service" in line]
        self.assertEqual((done.returncode, complaints), (0, []), done.stderr)
        command = shlex.split(re.search(r"(?m)^ExecStart=(.*)$", text).group(1))
        self.assertEqual(command[:2], ["/usr/local/bin/tickstone", "serve"])
        options = subprocess.run([PROGRAM, "serve", "--help"], capture_output=True, text=True, check=True).stdout
        for option in command[2:]:
            if option.startswith("--"):
                self.assertIn(option, options)

    def test_its_configuration_is_one_that_the_server_takes(self):
        done = subprocess.run([PROGRAM, "serve", "--config", DEPLOY / "systemd/tickstone.conf"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("no data directory", done.stderr)

    def test_the_user_is_one_that_systemd_makes(self):
        if shutil.which("systemd-sysusers") is None:
            self.skipTest("there is no systemd-sysusers")
        done = subprocess.run(["systemd-sysusers", "--dry-run", f"--root={self.scratch}", DEPLOY / "systemd/tickstone.sysusers"],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("tickstone", done.stdout + done.stderr)
