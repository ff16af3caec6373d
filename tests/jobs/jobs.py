#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Jobs by the server's own clock. Each check waits for a condition, not for a time."""
import os
import shutil
import signal
import sys
import tempfile
import threading
import time

import psycopg2

from server import Server

PATIENCE_S = 120
SCHEMA = """
CREATE TABLE runs (job int, began timestamptz, ended timestamptz);
CREATE PROCEDURE note(job_id int, config jsonb) LANGUAGE SQL AS $$
  INSERT INTO runs SELECT job_id, clock_timestamp(), NULL;
  SELECT pg_sleep((config->>'seconds')::float8);
  UPDATE runs SET ended = clock_timestamp() WHERE job = note.job_id AND ended IS NULL
$$;
"""


class Failed(Exception):
    pass


def expect(is_met, what):
    if not is_met:
        raise Failed(what)


def rows(cur, query, *arguments):
    cur.execute(query, arguments)
    return cur.fetchall()


def value(cur, query, *arguments):
    return rows(cur, query, *arguments)[0][0]


def wait_for(cur, what, query, *arguments):
    """Until the query gives true."""
    until = time.monotonic() + PATIENCE_S
    while not value(cur, query, *arguments):
        if time.monotonic() > until:
            raise Failed(f"{what}: not within {PATIENCE_S} s; history {rows(cur, 'SELECT * FROM timescaledb_information.job_history')}")
        time.sleep(0.05)


def policies_do_their_work(server):
    """All policies of a table at once: none may trip over what another one drops, and each does its part."""
    cur = server.connect().cursor()
    cur.execute("CREATE TABLE bars (ts timestamptz NOT NULL, symbol text, close float8, PRIMARY KEY (symbol, ts))")
    cur.execute("SELECT create_hypertable('bars', 'ts', chunk_time_interval => INTERVAL '1 day')")
    cur.execute("ALTER TABLE bars SET (timescaledb.compress, timescaledb.compress_segmentby = 'symbol')")
    cur.execute("INSERT INTO bars SELECT date_trunc('day', now()) - g * INTERVAL '6 hours', 'S' || s, g "
                "FROM generate_series(0, 159) g, generate_series(1, 3) s")
    cur.execute("CREATE MATERIALIZED VIEW daily WITH (timescaledb.continuous) AS "
                "SELECT time_bucket('1 day', ts) AS day, symbol, max(close) AS high FROM bars GROUP BY 1, 2 WITH NO DATA")
    cur.execute("ALTER MATERIALIZED VIEW daily SET (timescaledb.enable_columnstore = true)")
    raw = rows(cur, "SELECT date_trunc('day', ts), symbol, max(close) FROM bars WHERE ts < date_trunc('day', now()) "
                    "AND ts >= date_trunc('day', now()) - INTERVAL '9 days' GROUP BY 1, 2 ORDER BY 1, 2")
    refresh = value(cur, "SELECT add_continuous_aggregate_policy('daily', INTERVAL '12 days', INTERVAL '1 minute', INTERVAL '1 hour')")
    others = [value(cur, "SELECT add_retention_policy('bars', INTERVAL '20 days')"),
              value(cur, "SELECT add_compression_policy('bars', INTERVAL '4 days')"),
              value(cur, "SELECT add_reorder_policy('bars', 'bars_pkey')")]
    wait_for(cur, "every policy has run", "SELECT count(DISTINCT job_id) = 4 FROM timescaledb_information.job_history "
                                          "WHERE job_id = ANY (%s)", [refresh, *others])
    wait_for(cur, "nothing runs", "SELECT bool_and(job_status <> 'Running') FROM timescaledb_information.job_stats")
    failures = rows(cur, "SELECT * FROM timescaledb_information.job_errors")
    expect(not failures, f"policies failed: {failures}")
    expect(value(cur, "SELECT min(range_end) >= now() - INTERVAL '20 days' FROM timescaledb_information.chunks WHERE hypertable_name = 'bars'"),
           "retention left old chunks")
    expect(value(cur, "SELECT bool_and(is_compressed = (range_end <= now() - INTERVAL '4 days')) FROM timescaledb_information.chunks "
                      "WHERE hypertable_name = 'bars'"), "the columnstore policy converted other chunks than the old ones")
    refreshed = rows(cur, "SELECT * FROM daily WHERE day < date_trunc('day', now()) "
                          "AND day >= date_trunc('day', now()) - INTERVAL '9 days' ORDER BY 1, 2")
    expect(refreshed == raw, f"the aggregate has {refreshed}, the rows {raw}")
    cur.execute("SELECT add_compression_policy('daily', compress_after => INTERVAL '13 days')")
    cur.execute("DROP TABLE bars CASCADE")
    expect(value(cur, "SELECT count(*) FROM timescaledb_information.jobs WHERE job_id >= 1000") == 0, "jobs outlived their table")


def chunks_dropped_under_policies(server):
    """Policies that chose a chunk which is dropped before they get to it go on with the others."""
    cur = server.connect().cursor()
    cur.execute("CREATE TABLE ticks (ts timestamptz NOT NULL, symbol text, bid float8, PRIMARY KEY (symbol, ts))")
    cur.execute("SELECT create_hypertable('ticks', 'ts', chunk_time_interval => INTERVAL '1 hour')")
    cur.execute("ALTER TABLE ticks SET (timescaledb.compress, timescaledb.compress_segmentby = 'symbol')")
    jobs = [value(cur, "SELECT add_reorder_policy('ticks', 'ticks_pkey')"),
            value(cur, "SELECT add_compression_policy('ticks', INTERVAL '1 hour')")]
    for job in jobs:
        cur.execute("SELECT alter_job(%s, scheduled => false)", (job,))
    is_over = threading.Event()
    failures = []

    def run_it(job):
        mine = server.connect().cursor()
        while not is_over.is_set():
            try:
                mine.execute("CALL run_job(%s)", (job,))
            except psycopg2.Error as error:
                failures.append((job, error.pgcode, str(error)))
                return

    threads = [threading.Thread(target=run_it, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for _ in range(40):
        cur.execute("INSERT INTO ticks SELECT TIMESTAMPTZ '2025-01-01 00:00+00' + g * INTERVAL '1 hour', 'AAPL', g FROM generate_series(0, 15) g")
        cur.execute("SELECT drop_chunks('ticks', older_than => TIMESTAMPTZ '2025-01-02 00:00+00')")
    is_over.set()
    for thread in threads:
        thread.join()
    expect(not failures, f"policies failed: {failures}")
    cur.execute("DROP TABLE ticks")


def a_run_that_is_too_long_is_cancelled(server):
    cur = server.connect().cursor()
    job = value(cur, "SELECT add_job('note', INTERVAL '1 hour', config => '{\"seconds\": 300}', scheduled => false)")
    cur.execute("SELECT alter_job(%s, max_runtime => INTERVAL '500 ms', max_retries => 1, scheduled => true, next_start => now())", (job,))
    wait_for(cur, "the run ends", "SELECT count(*) > 0 FROM timescaledb_information.job_errors WHERE job_id = %s", job)
    found = rows(cur, "SELECT sqlerrcode, err_message LIKE '%%max_runtime%%', finish_time - start_time < INTERVAL '60 s' "
                      "FROM timescaledb_information.job_errors WHERE job_id = %s", job)
    expect(found == [("57014", True, True)], f"job_errors has {found}")
    wait_for(cur, "max_retries stops it", "SELECT NOT scheduled FROM timescaledb_information.jobs WHERE job_id = %s", job)
    expect(value(cur, "SELECT count(*) FROM runs") == 0, "a cancelled run left rows")
    cur.execute("SELECT delete_job(%s)", (job,))


def a_deleted_job_ends(server):
    conn = server.connect()
    cur = conn.cursor()
    job = value(cur, "SELECT add_job('note', INTERVAL '1 hour', config => '{\"seconds\": 300}')")
    wait_for(cur, "it runs", "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'User-Defined Action [' || %s || ']' "
                             "AND state = 'active'", job)
    cur.execute("SELECT delete_job(%s)", (job,))
    expect(any("cancelling the background worker" in notice for notice in conn.notices), f"notices {conn.notices}")
    wait_for(cur, "its session ends", "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name LIKE 'User-Defined%%'")
    expect(value(cur, "SELECT count(*) FROM runs") == 0, "a deleted job's run left rows")


def runs_of_a_job_never_overlap(server):
    cur = server.connect().cursor()
    job = value(cur, "SELECT add_job('note', INTERVAL '200 ms', config => '{\"seconds\": 0.05}', fixed_schedule => false)")

    def run_it():
        mine = server.connect().cursor()
        for _ in range(5):
            mine.execute("CALL run_job(%s)", (job,))

    threads = [threading.Thread(target=run_it) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_for(cur, "the scheduler runs it too", "SELECT count(*) > 15 FROM runs")
    cur.execute("SELECT delete_job(%s)", (job,))
    overlaps = rows(cur, "SELECT a.* FROM runs a JOIN runs b ON a.began < b.began AND a.ended > b.began")
    expect(not overlaps, f"runs overlap: {overlaps}")
    cur.execute("TRUNCATE runs")


def what_a_kill_leaves(server):
    cur = server.connect().cursor()
    job = value(cur, "SELECT add_job('note', INTERVAL '1 hour', config => '{\"seconds\": 300}')")
    wait_for(cur, "it runs", "SELECT job_status = 'Running' FROM timescaledb_information.job_stats WHERE job_id = %s "
                             "UNION ALL SELECT false LIMIT 1", job)
    wait_for(cur, "its body runs", "SELECT count(*) > 0 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'CALL public.note%%'")
    server.kill()
    server.start()
    cur = server.connect().cursor()
    expect(value(cur, "SELECT count(*) FROM runs") == 0, "half of a run is there")
    found = rows(cur, "SELECT last_run_status, job_status, total_runs, total_successes, next_start > now() + INTERVAL '2 minutes' "
                      "FROM timescaledb_information.job_stats WHERE job_id = %s", job)
    expect(found == [("Failed", "Scheduled", 1, 0, True)], f"job_stats has {found}")
    found = rows(cur, "SELECT err_message FROM timescaledb_information.job_errors WHERE job_id = %s", job)
    expect(found == [("job crash detected, see server logs",)], f"job_errors has {found}")
    cur.execute("SELECT alter_job(%s, config => '{\"seconds\": 0}', next_start => now())", (job,))
    wait_for(cur, "it runs again", "SELECT count(*) = 1 FROM runs")
    wait_for(cur, "that counts", "SELECT total_runs = 2 AND total_successes = 1 FROM timescaledb_information.job_stats WHERE job_id = %s", job)
    return job


def what_an_orderly_end_leaves(server, job):
    cur = server.connect().cursor()
    cur.execute("TRUNCATE runs")
    cur.execute("SELECT alter_job(%s, config => '{\"seconds\": 300}', next_start => now())", (job,))
    wait_for(cur, "its body runs", "SELECT count(*) > 0 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'CALL public.note%%'")
    server.process.send_signal(signal.SIGTERM)
    expect(server.process.wait(60) == 0, "the server did not end in order")
    server.process.stdout.close()
    server.start()
    cur = server.connect().cursor()
    # Due at once: what was cut off counts as not begun.
    wait_for(cur, "it runs at once", "SELECT count(*) > 0 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'CALL public.note%%'")
    expect(value(cur, "SELECT total_runs FROM timescaledb_information.job_stats WHERE job_id = %s", job) == 3, "a run that was cut off counts")
    cur.execute("SELECT delete_job(%s)", (job,))


def main():
    scratch = tempfile.mkdtemp(prefix="tickstone-jobs-")
    server = Server(os.path.join(scratch, "store"), 256)
    server.start()
    try:
        server.connect().cursor().execute(SCHEMA)
        for check in (policies_do_their_work, chunks_dropped_under_policies, a_run_that_is_too_long_is_cancelled, a_deleted_job_ends, runs_of_a_job_never_overlap):
            check(server)
            print(f"jobs: {check.__name__}", flush=True)
        job = what_a_kill_leaves(server)
        print("jobs: what_a_kill_leaves", flush=True)
        what_an_orderly_end_leaves(server, job)
        print("jobs: what_an_orderly_end_leaves", flush=True)
    except (Failed, psycopg2.Error) as error:
        print(f"jobs: {error}\n  the store is kept in {scratch}")
        return 1
    finally:
        server.kill()
    shutil.rmtree(scratch)
    return 0


if __name__ == "__main__":
    sys.exit(main())
