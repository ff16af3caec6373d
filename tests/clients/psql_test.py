# SPDX-License-Identifier: Apache-2.0
import signal
import socket
import subprocess
import time

from client_case import BARS, ClientCase, environment


class Psql(ClientCase):
    def run_psql(self, *arguments, given=None, limit=60):
        return subprocess.run(["psql", "-X", "-v", "ON_ERROR_STOP=1", self.url, *map(str, arguments)], input=given, capture_output=True,
                              text=True, timeout=limit, env=environment(PAGER="cat", LC_ALL="C.UTF-8"))

    def psql(self, *arguments, **how):
        done = self.run_psql(*arguments, **how)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def listed(self, command):
        """Names that a \\d command lists, with what kind they are."""
        rows = [line.split("|") for line in self.psql("-At", "-c", command).splitlines()]
        return {row[1]: row[2] for row in rows}

    def test_lists_of_relations(self):
        tables = self.listed(r"\dt")
        self.assertEqual(set(tables), {"ohlcv", "trades", "symbols", "feature_metadata", "positions", "options_flow"})
        self.assertEqual(set(tables.values()), {"table"})
        views = self.listed(r"\dv")
        self.assertIn("focus", views)
        self.assertEqual(set(views.values()), {"view"})
        everything = self.listed(r"\d")
        self.assertLess(set(tables) | {"positions_id_seq", "focus"}, set(everything) | {"nothing"})
        self.assertEqual(everything["positions_id_seq"], "sequence")
        indexes = self.listed(r"\di")
        self.assertLessEqual({"ohlcv_pkey", "ohlcv_symbol_timeframe_idx", "trades_symbol_id_idx", "symbols_active_idx",
                              "feature_metadata_tags_idx", "positions_ticker_idx"}, set(indexes))
        self.assertEqual(set(self.listed(r"\ds")), {"positions_id_seq"})
        self.assertEqual(set(self.listed(r"\dt o*")), {"ohlcv", "options_flow"})

    def test_a_table_described(self):
        shown = self.psql("-c", r"\d symbols")
        for line in ('                             Table "public.symbols"', "symbol", "last_updated | timestamp with time zone |           |          | now()",
                     "active       | boolean                  |           |          | true", '"symbols_pkey" PRIMARY KEY, btree (symbol)',
                     '"symbols_active_idx" btree (active)'):
            self.assertIn(line.strip(), shown)
        self.assertIn('"feature_metadata_tags_idx" gin (tags)', self.psql("-c", r"\d feature_metadata"))
        self.assertIn('"ohlcv_timestamp_idx" btree ("timestamp" DESC)', self.psql("-c", r"\d ohlcv"))
        self.assertIn("nextval('positions_id_seq'::regclass)", self.psql("-c", r"\d positions"))
        self.assertIn('View "public.focus"', self.psql("-c", r"\d focus"))
        done = self.run_psql("-c", r"\d nosuch")
        self.assertIn('Did not find any relation named "nosuch".', done.stderr)

    def test_other_lists(self):
        functions = self.psql("-At", "-c", r"\df time_bucket")
        self.assertGreater(functions.count("time_bucket"), 3)
        self.assertIn("inavvi", self.psql("-At", "-c", r"\l"))
        self.assertIn("inavvi_user", self.psql("-At", "-c", r"\du"))
        self.assertIn("public", self.psql("-At", "-c", r"\dn"))
        self.assertIn("timescaledb", self.psql("-At", "-c", r"\dx"))
        for command in (r"\d+ ohlcv", r"\dT", r"\db", r"\dp", r"\dm", r"\dC", r"\do", r"\dd", r"\sv focus", r"\conninfo", r"\encoding", r"\drds",
                        r"\df", r"\da", r"\des", r"\dE", r"\dF", r"\dL", r"\dO", r"\dP", r"\dRp", r"\dX", r"\dy", r"\z symbols"):
            done = self.run_psql("-c", command)
            self.assertEqual(done.returncode, 0, command + done.stderr)
            self.assertNotIn("ERROR", done.stderr, command)

    def test_copy_both_ways(self):
        path = self.scratch / "copied.csv"
        self.psql("-c", rf"\copy (SELECT * FROM ohlcv ORDER BY symbol, timestamp) TO '{path}' WITH (FORMAT csv, HEADER)")
        self.assertEqual(len(path.read_text().splitlines()), BARS + 1)
        self.psql("-c", "CREATE TABLE copied (LIKE ohlcv)")
        self.assertEqual(self.psql("-c", rf"\copy copied FROM '{path}' WITH (FORMAT csv, HEADER)"), f"COPY {BARS}\n")
        self.assertEqual(self.rows("SELECT count(*), sum(close) FROM copied"), self.rows("SELECT count(*), sum(close) FROM ohlcv"))
        self.assertEqual(self.psql("-c", r"COPY copied FROM STDIN", given="A\t2026-01-05 00:00:00Z\t1\t1\t1\t1\t1\tx\t1d\n\\.\n"), "COPY 1\n")
        done = self.run_psql("-c", rf"\copy copied FROM STDIN", given="A\tnever\t1\t1\t1\t1\t1\tx\t1d\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn('ERROR:  invalid input syntax for type timestamp with time zone: "never"', done.stderr)
        self.assertIn('CONTEXT:  COPY copied, line 1, column timestamp: "never"', done.stderr)
        self.psql("-c", "DROP TABLE copied")

    def test_a_script_with_variables_and_conditions(self):
        script = self.scratch / "script.sql"
        script.write_text(r"""\timing off
\set symbol S1
\pset format unaligned
\pset tuples_only on
BEGIN;
CREATE TEMPORARY TABLE seen AS SELECT * FROM ohlcv WHERE symbol = :'symbol';
SELECT count(*) AS n, count(*) > 0 AS any FROM seen \gset
\if :any
\echo :n rows
\else
\echo none
\endif
SAVEPOINT here;
DELETE FROM seen;
ROLLBACK TO SAVEPOINT here;
SELECT count(*) FROM seen;
COMMIT;
SELECT 'a' || i FROM generate_series(1, 3) AS i;
SELECT format('SELECT %s * 2', i) FROM generate_series(1, 2) AS i \gexec
SELECT symbol, timeframe, count(*) FROM ohlcv GROUP BY 1, 2 ORDER BY 1 \crosstabview
PREPARE bars (text, int) AS SELECT close FROM ohlcv WHERE symbol = $1 ORDER BY timestamp DESC LIMIT $2;
EXECUTE bars('S2', 1);
DEALLOCATE bars;
""")
        self.assertEqual(self.psql("-q", "-f", script), f"{BARS // 3} rows\n{BARS // 3}\na1\na2\na3\n2\n4\nS0|200\nS1|200\nS2|200\n160.4\n")

    def test_errors_stop_a_script_and_say_where(self):
        script = self.scratch / "broken.sql"
        script.write_text("SELECT 1;\nSELECT nosuch\n  FROM symbols;\nSELECT 2;\n")
        done = self.run_psql("-At", "-f", script)
        self.assertEqual((done.returncode, done.stdout), (3, "1\n"))
        self.assertEqual(done.stderr, f'psql:{script}:3: ERROR:  column "nosuch" does not exist\nLINE 1: SELECT nosuch\n               ^\n')
        done = self.run_psql("-c", r"\set VERBOSITY verbose", "-c", "INSERT INTO symbols (symbol) VALUES ('S0')")
        self.assertIn('ERROR:  23505: duplicate key value violates unique constraint "symbols_pkey"', done.stderr)
        self.assertIn("DETAIL:  Key (symbol)=(S0) already exists.", done.stderr)
        self.assertIn("CONSTRAINT NAME:  symbols_pkey", done.stderr)
        done = self.run_psql("-1", "-c", "INSERT INTO symbols (symbol) VALUES ('X')", "-c", "SELECT 1/0")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(self.rows("SELECT count(*) FROM symbols WHERE symbol = 'X'"), [(0,)])

    def test_interrupting_it_cancels_the_query(self):
        program = subprocess.Popen(["psql", "-X", "-At", self.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, env=environment(LC_ALL="C.UTF-8"))
        program.stdin.write("SELECT pg_backend_pid();\n")
        program.stdin.flush()
        pid = int(program.stdout.readline())
        program.stdin.write("SELECT count(*) FROM generate_series(1, 3000000) AS a, generate_series(1, 3000000) AS b;\n")
        program.stdin.flush()
        limit = time.monotonic() + 60
        while self.rows("SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND state = 'active'", (pid,)) != [(1,)]:
            self.assertLess(time.monotonic(), limit)
        # psql takes the signal once it waits for the answer.
        program.send_signal(signal.SIGINT)
        # A script ends there; its session goes.
        said, errors = program.communicate(timeout=60)
        self.assertIn("ERROR:  canceling statement due to user request", errors)
        self.assertEqual(said, "")

    def test_timing_and_expanded_output(self):
        self.assertEqual(self.psql("-x", "-c", r"\timing off", "-c", "SELECT 1 AS a, NULL AS b"),
                         "Timing is off.\n-[ RECORD 1 ]\na | 1\nb | \n\n")
        self.assertRegex(self.psql("-c", r"\timing on", "-c", "SELECT 1"), r"Time: \d+\.\d+ ms")

    def test_pg_isready(self):
        with socket.socket() as nobody:  # bound, and not listening
            nobody.bind(("127.0.0.1", 0))
            for arguments, code, said in ((["-p", str(self.server.port)], 0, f"127.0.0.1:{self.server.port} - accepting connections\n"),
                                          (["-p", str(self.server.port), "-U", "nobody", "-d", "nosuch"], 0, f"127.0.0.1:{self.server.port} - accepting connections\n"),
                                          (["-p", str(nobody.getsockname()[1])], 2, f"127.0.0.1:{nobody.getsockname()[1]} - no response\n"),
                                          (["-d", "nosuch=1"], 3, "")):
                done = subprocess.run(["pg_isready", "-h", "127.0.0.1", *arguments], capture_output=True, text=True, env=environment())
                self.assertEqual((done.returncode, done.stdout), (code, said), arguments)
