# SPDX-License-Identifier: Apache-2.0
"""/metrics, /health and /ready of a server."""
import http.client
import io
import json
import re
import select
import time
import unittest
import urllib.error
import urllib.request

import psycopg2

import exposition
from cli_case import CliCase, ROOT

PATIENCE_S = 60
SCHEMA = """
CREATE TABLE trades (ts timestamptz NOT NULL, symbol text NOT NULL, price float8, PRIMARY KEY (symbol, ts));
SELECT create_hypertable('trades', 'ts');
CREATE TABLE "odd ""name""\\" (id int PRIMARY KEY);
CREATE MATERIALIZED VIEW hourly WITH (timescaledb.continuous) AS
  SELECT time_bucket('1 hour', ts) AS hour, symbol, max(price) FROM trades GROUP BY 1, 2 WITH NO DATA;
"""


class Metrics(CliCase):
    def start(self, *arguments):
        server = self.serve("--http-port", "0", *arguments)
        self.http_port = int(re.search(r"http://127\.0\.0\.1:(\d+)/metrics", server.process.stdout.readline())[1])
        self.connection = psycopg2.connect(server.url())
        self.addCleanup(self.connection.close)
        self.connection.autocommit = True
        self.cur = self.connection.cursor()
        return server

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}{path}", timeout=60) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def scrape(self):
        status, headers, text = self.get("/metrics")
        self.assertEqual(status, 200, text)
        self.assertEqual(headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        self.families = exposition.parse(text)
        return self.families

    def value(self, name, **labels):
        """Of the one sample with these labels among its own."""
        family = next(f for f in (name, re.sub("_(count|sum|bucket)$", "", name)) if f in self.families)
        found = [value for (sample, of), value in self.families[family][2].items()
                 if sample == name and labels.items() <= dict(of).items()]
        self.assertEqual(len(found), 1, f"{name} {labels}: {found}")
        return found[0]

    def wait_for(self, what, is_so):
        until = time.monotonic() + PATIENCE_S
        while True:
            self.scrape()
            if is_so():
                return
            self.assertLess(time.monotonic(), until, f"{what}: not within {PATIENCE_S} s")
            time.sleep(0.05)

    def test_every_line_can_be_read_and_counts(self):
        self.start()
        self.cur.execute(SCHEMA)
        self.scrape()
        before = {kind: self.value("tickstone_statement_duration_seconds_count", kind=kind)
                  for kind in ("select", "insert", "update", "delete", "copy")}
        written = self.value("tickstone_rows_written_total", operation="insert")
        commits = self.value("tickstone_commit_duration_seconds_count")
        for i in range(7):
            self.cur.execute("INSERT INTO trades VALUES (%s, 'A', 1), (%s, 'B', 2)", (f"2026-01-05 00:0{i}Z",) * 2)
        self.cur.execute("UPDATE trades SET price = 5 WHERE symbol = 'A'")
        self.cur.execute("DELETE FROM trades WHERE symbol = 'B'")
        self.cur.execute("SELECT * FROM trades")
        self.cur.copy_expert("COPY trades FROM STDIN", io.StringIO("2026-01-05 01:30:00+00\tC\t1\n"))
        with self.assertRaises(psycopg2.errors.DivisionByZero):
            self.cur.execute("SELECT 1 / 0")
        self.scrape()
        after = {kind: self.value("tickstone_statement_duration_seconds_count", kind=kind) - before[kind] for kind in before}
        self.assertEqual(after, {"select": 1, "insert": 7, "update": 1, "delete": 1, "copy": 1})
        self.assertEqual(self.value("tickstone_rows_written_total", operation="insert") - written, 15)
        self.assertEqual(self.value("tickstone_rows_written_total", operation="update"), 7)
        self.assertEqual(self.value("tickstone_rows_written_total", operation="delete"), 7)
        self.assertGreaterEqual(self.value("tickstone_commit_duration_seconds_count") - commits, 10)
        self.assertGreaterEqual(self.value("tickstone_rows_returned_total"), 7)
        self.assertEqual(self.value("tickstone_errors_total"), 1)
        self.assertEqual(self.value("tickstone_connections", state="idle"), 1)
        self.assertEqual(self.value("tickstone_accepts_writes"), 1)
        self.assertEqual(self.value("tickstone_hypertable_newest_timestamp_seconds", table="trades"), 1767576600)
        self.assertEqual(self.value("tickstone_aggregate_lag_seconds", view="hourly"), 5400)
        self.assertEqual(self.value("tickstone_table_rows", table='odd "name"\\'), 0)
        self.assertGreater(self.value("tickstone_log_sync_duration_seconds_count"), 0)
        self.assertGreater(self.value("tickstone_disk_total_bytes"), self.value("tickstone_disk_free_bytes"))
        self.assertGreater(self.value("process_resident_memory_bytes"), 1 << 20)
        self.cur.execute("CALL refresh_continuous_aggregate('hourly', NULL, NULL)")
        self.scrape()
        self.assertEqual(self.value("tickstone_aggregate_lag_seconds", view="hourly"), 0)
        self.assertEqual(self.value("tickstone_aggregate_watermark_timestamp_seconds", view="hourly"), 1767578400)

    def test_all_that_is_shown_is_documented(self):
        self.start()
        self.cur.execute(SCHEMA)
        self.cur.execute("INSERT INTO trades VALUES ('2026-01-05', 'A', 1)")
        self.cur.execute("CALL refresh_continuous_aggregate('hourly', NULL, NULL)")
        self.cur.execute("CREATE PROCEDURE works(job_id int, config jsonb) LANGUAGE SQL AS 'SELECT 1'; SELECT add_job('works', '1 day')")
        self.wait_for("a run", lambda: "tickstone_job_last_success_age_seconds" in self.families)
        documented = set(re.findall(r"`((?:tickstone|process)_[a-z_]+)`", (ROOT / "docs/monitoring.md").read_text()))
        self.assertEqual(set(self.families) - documented, set())
        self.assertEqual(documented - set(self.families), set())

    def test_sealed_rows_leave_memory_for_disk(self):
        self.start()
        self.cur.execute(SCHEMA)
        self.cur.execute("INSERT INTO trades SELECT '2026-01-05'::timestamptz + g * INTERVAL '1 second', 'A', g FROM generate_series(1, 20000) g")
        self.scrape()
        self.assertGreater(self.value("tickstone_table_memory_bytes", table="trades"), 0)
        self.cur.execute("CHECKPOINT")
        self.wait_for("rows in segments", lambda: self.value("tickstone_table_disk_bytes", table="trades") > 0)
        self.assertEqual(self.value("tickstone_table_rows", table="trades"), 20000)
        self.assertGreater(self.value("tickstone_written_bytes_total", by="checkpoint"), 0)
        self.cur.execute("SELECT sum(price) FROM trades")
        self.cur.execute("SELECT sum(price) FROM trades")
        self.scrape()
        self.assertGreater(self.value("tickstone_block_cache_misses_total"), 0)
        self.assertGreater(self.value("tickstone_block_cache_read_bytes_total"), self.value("tickstone_block_cache_misses_total"))
        self.assertGreater(self.value("tickstone_block_cache_hit_bytes_total"), self.value("tickstone_block_cache_hits_total"))
        self.assertGreater(self.value("tickstone_block_cache_hits_total"), 0)

    def test_jobs(self):
        self.start()
        self.cur.execute("CREATE PROCEDURE fails(job_id int, config jsonb) LANGUAGE SQL AS 'SELECT 1 / 0'")
        self.cur.execute("CREATE PROCEDURE works(job_id int, config jsonb) LANGUAGE SQL AS 'SELECT 1'")
        self.cur.execute("SELECT add_job('fails', '1 day')")
        fails = str(self.cur.fetchone()[0])
        self.cur.execute("SELECT add_job('works', '1 day')")
        works = str(self.cur.fetchone()[0])
        self.wait_for("a run of each", lambda: self.value("tickstone_job_runs_total", job_id=fails, outcome="failure") == 1
                      and self.value("tickstone_job_runs_total", job_id=works, outcome="success") == 1)
        self.assertEqual(self.value("tickstone_job_consecutive_failures", job_id=fails), 1)
        self.assertEqual(self.value("tickstone_job_consecutive_failures", job_id=works), 0)
        self.assertGreaterEqual(self.value("tickstone_job_last_success_age_seconds", job_id=works), 0)
        self.assertFalse([of for _, of in self.families["tickstone_job_last_success_age_seconds"][2] if ("job_id", fails) in of])
        self.cur.execute("SELECT alter_job(%s, scheduled => false)", (works,))
        self.scrape()
        self.assertEqual(self.value("tickstone_job_scheduled", job_id=works), 0)

    def test_open_transactions_and_locks(self):
        server = self.start()
        self.cur.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
        holder, waiter = psycopg2.connect(server.url()), psycopg2.connect(server.url(), async_=True)
        self.addCleanup(holder.close)
        holder.cursor().execute("UPDATE t SET id = 1")
        wait_async(waiter)
        waiting = waiter.cursor()
        waiting.execute("UPDATE t SET id = 1")
        self.wait_for("who waits", lambda: self.value("tickstone_waiting_locks") == 1)
        self.assertEqual(self.value("tickstone_connections", state="idle in transaction"), 1)
        self.assertEqual(self.value("tickstone_connections", state="active"), 1)
        self.assertGreater(self.value("tickstone_longest_transaction_seconds"), 0)
        holder.rollback()
        wait_async(waiter)
        waiter.close()
        self.wait_for("nobody waits", lambda: self.value("tickstone_waiting_locks") == 0)

    def test_health_and_readiness(self):
        server = self.start()
        self.assertEqual(self.get("/health")[0], 200)
        self.assertEqual(self.get("/ready")[0], 200)
        self.assertEqual(self.get("/elsewhere")[0], 404)
        client = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=60)
        client.request("DELETE", "/metrics")
        answer = client.getresponse()
        self.assertEqual((answer.status, answer.headers["Allow"]), (405, "GET, HEAD"))
        client.close()
        self.connection.close()
        self.assertEqual(server.stop()[0], 0)
        with self.assertRaises(urllib.error.URLError):
            urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/health", timeout=60)

    def test_port_that_is_taken(self):
        self.start()
        self.fails("serve", "--data", self.scratch / "other", "--port", "0", "--http-port", str(self.http_port),
                   sqlstate="58030", says="--http-port")

    def test_port_of_the_configuration(self):
        server = self.serve("-c", "tickstone.http_port=0")
        self.http_port = int(re.search(r":(\d+)/metrics", server.process.stdout.readline())[1])
        self.assertEqual(self.get("/ready")[0], 200)

    def test_off_by_default(self):
        server = self.serve()
        self.assertNotIn("http", server.line)
        self.assertEqual(server.stop(), (0, ""))


class Files(unittest.TestCase):
    """What deploy/monitoring asks for is there."""

    def test_names_are_known(self):
        documented = set(re.findall(r"`((?:tickstone|process)_[a-z_]+)`", (ROOT / "docs/monitoring.md").read_text()))
        for file in ("alerts.yml", "grafana-dashboard.json"):
            text = (ROOT / "deploy/monitoring" / file).read_text()
            used = set(re.findall(r"\b((?:tickstone|process)_[a-z_]+)\b", text))
            used = {re.sub("_(bucket|sum|count)$", "", name) if name not in documented else name for name in used}
            self.assertEqual(used - documented, set(), file)

    def test_dashboard_is_json(self):
        board = json.loads((ROOT / "deploy/monitoring/grafana-dashboard.json").read_text())
        self.assertEqual(board["title"], "Tickstone")

    def test_alarms_are_in_the_runbook(self):
        alarms = re.findall(r"- alert: (\w+)", (ROOT / "deploy/monitoring/alerts.yml").read_text())
        runbook = (ROOT / "docs/runbook.md").read_text()
        self.assertEqual([alarm for alarm in alarms if alarm not in runbook], [])
        self.assertGreater(len(alarms), 10)


def wait_async(connection):
    while True:
        state = connection.poll()
        if state == psycopg2.extensions.POLL_OK:
            return
        wanted = ([connection], [], []) if state == psycopg2.extensions.POLL_READ else ([], [connection], [])
        select.select(*wanted, 60)


if __name__ == "__main__":
    unittest.main()
