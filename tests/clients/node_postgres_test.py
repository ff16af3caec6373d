# SPDX-License-Identifier: Apache-2.0
import os
import subprocess

from client_case import HERE, ClientCase, PeerCase, environment

ROOT = HERE.parents[1]
PACKAGES = os.path.join(os.environ.get("TICKSTONE_DEPS", ROOT / ".deps"), "node_modules")


class NodePostgresTests:
    def test_what_programs_do(self):
        done = subprocess.run(["node", str(HERE / "node_postgres.js")], capture_output=True, text=True, timeout=120,
                              env=environment(NODE_PATH=PACKAGES, TICKSTONE_TEST_URL=self.url, TZ="UTC"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertGreaterEqual(done.stdout.count("\nok "), 15, done.stdout)


class NodePostgres(NodePostgresTests, ClientCase):
    pass


class NodePostgresOnPostgreSql(NodePostgresTests, PeerCase):
    pass
