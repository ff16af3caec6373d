# SPDX-License-Identifier: Apache-2.0
import re
import subprocess

from client_case import ClientCase, PeerCase, environment

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


class PgBenchTests:
    def run_pgbench(self, *arguments):
        done = subprocess.run(["pgbench", *arguments, self.url], capture_output=True, text=True, timeout=240, env=environment())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done

    def bench(self, script, mode, clients=4, transactions=60, *more):
        path = self.scratch / "script.sql"
        path.write_text(script)
        return self.measured(mode, clients, transactions, "-f", str(path), *more)

    def measured(self, mode, clients, transactions, *what):
        done = self.run_pgbench("-n", "-M", mode, "-c", str(clients), "-j", "2", "-t", str(transactions), *what)
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

    def test_its_own_tables_and_scripts(self):
        """TPC-B's balances agree after every script in every mode, whatever waited for what."""
        done = self.run_pgbench("-i", "-s", "1", "--foreign-keys", "-q")
        self.assertIn("done in", done.stderr)
        self.assertEqual(self.rows("SELECT count(*), sum(abalance) FROM pgbench_accounts"), [(100_000, 0)])
        written = 0
        for script in ("tpcb-like", "simple-update", "select-only"):
            for mode in ("simple", "extended", "prepared"):
                with self.subTest(script, mode=mode):
                    self.measured(mode, 4, 25, "-b", script, "--max-tries=100")
                    written += 0 if script == "select-only" else 100
        self.assertEqual(self.rows("SELECT count(*) FROM pgbench_history"), [(written,)])
        # simple-update leaves the sums of tellers and branches alone.
        self.assertEqual(self.rows("SELECT (SELECT sum(abalance) FROM pgbench_accounts) - (SELECT sum(delta) FROM pgbench_history)"), [(0,)])
        self.assertEqual(self.rows("SELECT (SELECT sum(tbalance) FROM pgbench_tellers) - (SELECT sum(bbalance) FROM pgbench_branches)"), [(0,)])
        of_tellers = self.rows("SELECT count(*) FROM pgbench_tellers AS t WHERE tbalance <> 0")[0][0]
        self.assertGreater(of_tellers, 0)
        # All of them in one run, by weight; and without options, which empties its history and vacuums.
        done = self.run_pgbench("-n", "-c", "4", "-j", "2", "-t", "10", "-b", "tpcb-like@2", "-b", "simple-update", "-b", "select-only@3", "--max-tries=100")
        self.assertIn("number of failed transactions: 0", done.stdout)
        self.assertEqual(self.rows("SELECT (SELECT sum(abalance) FROM pgbench_accounts) - (SELECT sum(delta) FROM pgbench_history)"), [(0,)])
        self.run_pgbench("-t", "5")
        self.assertEqual(self.rows("SELECT count(*) FROM pgbench_history"), [(5,)])
        # Its other ways to fill and empty its tables.
        self.run_pgbench("-i", "-I", "dtGvp", "-q")
        self.assertEqual(self.rows("SELECT count(*), min(aid), max(aid) FROM pgbench_accounts"), [(100_000, 1, 100_000)])
        self.run_pgbench("-i", "-I", "d")
        self.assertEqual(self.rows("SELECT to_regclass('pgbench_accounts')"), [(None,)])

    def test_a_pipeline(self):
        # Of statements whose answers nobody waits for.
        self.bench("""\\startpipeline
SELECT 1;
SELECT count(*) FROM symbols;
INSERT INTO symbols (symbol) VALUES ('P' || :client_id) ON CONFLICT DO NOTHING;
\\endpipeline
""", "extended", 3, 20)
        self.assertEqual(self.rows("SELECT count(*) FROM symbols WHERE symbol LIKE 'P%'"), [(3,)])


class PgBench(PgBenchTests, ClientCase):
    pass


class PgBenchOnPostgreSql(PgBenchTests, PeerCase):
    pass
