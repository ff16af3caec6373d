# SPDX-License-Identifier: Apache-2.0
"""Every command of docs/runbook.md runs, on a store like the guide's."""
import re
import subprocess
import unittest

import psycopg2

from cli_case import CliCase, LIMIT_SECONDS, PROGRAM, ROOT, TRADES, environment

# Only where systemd runs the server.
NOT_HERE = ("journalctl",)
SCHEMA = TRADES + """
INSERT INTO trades SELECT 'AAPL', '2020-01-05'::timestamptz + g * INTERVAL '1 minute', 100 + g, 5, 1, NULL, g, 'x' FROM generate_series(1, 100) g;
INSERT INTO trades SELECT 'AAPL', now() - g * INTERVAL '1 minute', 100 + g, 5, 1, NULL, g, 'x' FROM generate_series(1, 5000) g;
CREATE MATERIALIZED VIEW hourly WITH (timescaledb.continuous) AS
  SELECT time_bucket('1 hour', timestamp) AS hour, symbol, max(price) AS high FROM trades GROUP BY 1, 2 WITH NO DATA;
CREATE PROCEDURE upkeep(job_id int, config jsonb) LANGUAGE SQL AS 'SELECT 1';
"""


def commands():
    for block in re.findall(r"^```\n(.*?)^```", (ROOT / "docs/runbook.md").read_text(), re.S | re.M):
        yield from (line for line in block.splitlines() if line and not line.startswith(("export", *NOT_HERE)))


class Runbook(CliCase):
    def test_every_command(self):
        server = self.serve("--http-port", "0")
        http_port = re.search(r":(\d+)/metrics", server.process.stdout.readline())[1]
        connection = psycopg2.connect(server.url())
        connection.autocommit = True
        cur = connection.cursor()
        cur.execute(SCHEMA)
        cur.execute("SELECT add_job('upkeep', '1 day')")
        job = str(cur.fetchone()[0])
        connection.close()
        (self.scratch / "backup").mkdir()
        (self.scratch / "restored").mkdir()
        (self.scratch / "bin").mkdir()
        (self.scratch / "bin/tickstone").symlink_to(PROGRAM)
        variables = environment(PGHOST="127.0.0.1", PGPORT=str(server.port), PGUSER="inavvi_user", PGPASSWORD="postgres", PGDATABASE="inavvi")
        variables["PATH"] = f"{self.scratch / 'bin'}:{variables['PATH']}"
        count = 0
        for command in commands():
            here = command.replace("9187", http_port).replace("1000", job).replace("pg_cancel_backend(12)", "pg_cancel_backend(999)")
            here = here.replace(" /backup/", f" {self.scratch}/backup/").replace(" /restored/", f" {self.scratch}/restored/")
            if "--data ./store" in here and "backup" in here:
                # The server has it open: of another store.
                self.ok("init", "--data", self.scratch / "other")
                here = here.replace("./store", "./other").replace("2026-03-02", "of-other")
            with self.subTest(command):
                done = subprocess.run(["bash", "-c", here], cwd=self.scratch, env=variables, capture_output=True, text=True, timeout=LIMIT_SECONDS)
                self.assertEqual((done.returncode, "ERROR" in done.stderr), (0, False), done.stdout + done.stderr)
                count += 1
        self.assertGreater(count, 40)


if __name__ == "__main__":
    unittest.main()
