# SPDX-License-Identifier: Apache-2.0
import re
import subprocess

from client_case import ClientCase, environment

UPSERTS = r"""\set s random(0, 9)
\set minute random(0, 999)
\set volume random(1, 1000)
INSERT INTO ohlcv (symbol, timestamp, open, high, low, close, volume, source, timeframe)
  VALUES ('B' || :s, '2026-04-01 00:00:00+00'::timestamptz + :minute * INTERVAL '1 minute', 1.5, 2, 1, 1.75, :volume, 'pgbench', '1m')
  ON CONFLICT (symbol, timestamp, timeframe) DO UPDATE SET volume = EXCLUDED.volume;
SELECT close, volume FROM ohlcv WHERE symbol = 'B' || :s ORDER BY timestamp DESC LIMIT 1;
"""
TRANSFERS = r"""\set from random(1, 20)
\set to random(1, 20)
\set shares random(1, 5)
BEGIN;
UPDATE account SET shares = shares - :shares WHERE id = :from;
UPDATE account SET shares = shares + :shares WHERE id = :to;
END;
"""


class PgBench(ClientCase):
    def bench(self, script, mode, clients=4, transactions=60, *more):
        path = self.scratch / "script.sql"
        path.write_text(script)
        done = subprocess.run(["pgbench", "-n", "-M", mode, "-c", str(clients), "-j", "2", "-t", str(transactions), "-f", str(path), *more, self.url],
                              capture_output=True, text=True, timeout=120, env=environment())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("aborted", done.stderr)
        counted = re.search(r"number of transactions actually processed: (\d+)/(\d+)", done.stdout)
        self.assertEqual(counted.groups(), (str(clients * transactions),) * 2, done.stdout)
        return done.stdout

    def test_upserts_and_reads_in_every_mode_of_the_protocol(self):
        for mode in ("simple", "extended", "prepared"):
            with self.subTest(mode):
                self.bench(UPSERTS, mode)
        keys, rows = self.rows("SELECT count(DISTINCT (symbol, timestamp)), count(*) FROM ohlcv WHERE source = 'pgbench'")[0]
        self.assertGreater(rows, 100)
        self.assertEqual(keys, rows)

    def test_transfers_lose_nothing(self):
        connection = self.connect()
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE account (id INTEGER PRIMARY KEY, shares INTEGER NOT NULL); INSERT INTO account SELECT n, 1000 FROM "
                           "generate_series(1, 20) AS n")
        connection.close()
        for mode in ("simple", "extended", "prepared"):
            with self.subTest(mode):
                # Two that wait for each other: one of them is told so, and tries again.
                said = self.bench(TRANSFERS, mode, 4, 60, "--max-tries=100")
                self.assertIn("number of failed transactions: 0", said)
                self.assertEqual(self.rows("SELECT sum(shares), count(*) FROM account"), [(20_000, 20)])
