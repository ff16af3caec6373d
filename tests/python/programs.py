# SPDX-License-Identifier: Apache-2.0
"""Python programs as users start them, connected to a test's server in place of localhost:5433."""
import os
import pathlib
import subprocess
import tempfile

from cli_case import LIMIT_SECONDS, environment
from homes import HERE, PACKAGE
from tickstone.settings import URL_VARIABLES


def bin_directory(case):
    """A directory whose `python` is the Python of these tests."""
    directory = tempfile.TemporaryDirectory(prefix="tickstone_python_")
    case.addCleanup(directory.cleanup)
    (pathlib.Path(directory.name) / "python").symlink_to("/usr/bin/python3")
    return directory.name


def run(case, command, *, given="", cwd=PACKAGE, **variables):
    """Runs a program, or a line for the shell; how it ended."""
    variables = {"PYTHONPATH": str(HERE / "redirected"), "PYTHONDONTWRITEBYTECODE": "1", "TICKSTONE_TEST_REDIRECTED": case.url,
                 "PATH": f"{bin_directory(case)}:{os.environ['PATH']}", **variables}
    kept = {name: value for name, value in environment().items() if not name.startswith("DB_") and name not in URL_VARIABLES}
    return subprocess.run(command, input=given, capture_output=True, text=True, timeout=LIMIT_SECONDS, cwd=cwd,
                          check=False, shell=isinstance(command, str), env={**kept, **variables})


def ok(case, command, **how):
    done = run(case, command, **how)
    case.assertEqual(done.returncode, 0, done.stdout + done.stderr)
    return done.stdout
