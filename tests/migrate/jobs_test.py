# SPDX-License-Identifier: Apache-2.0
"""tickstone jobs run, on PostgreSQL without TimescaleDB and where there is nothing to do: jobs_test.py POSTGRESQL_PORT [TEST...]"""
import json
import signal
import subprocess
import sys

import psycopg2

import homes
from homes import TICKSTONE, run
from migrate_test import check


def once(home, expect=0):
    """What ran, by name, and whether it succeeded."""
    lines = run("jobs", "run", "--once", "--json", home.target, expect=expect).stdout.splitlines()
    return {line["job_id"]: line for line in map(json.loads, lines)}


def pause_all(home):
    home.rows("SELECT alter_job(job_id, scheduled => FALSE) FROM timescaledb_information.jobs")


def start(home):
    return subprocess.Popen([TICKSTONE, "jobs", "run", "--json", home.target], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until(home, sql, process=None):
    while not home.rows(sql):
        check(process is None or process.poll() is None, "the process ended while the test waited")


def test_policies_do_their_work(home):
    home.rows("INSERT INTO ohlcv SELECT 'AAPL', now() - n * INTERVAL '1 hour', n, n, n, n, 1, 'x', '1h' FROM generate_series(1, 24 * 30) n")
    home.rows("INSERT INTO system_metrics SELECT now() - n * INTERVAL '1 day', 'cpu', n, NULL FROM generate_series(0, 200) n")
    home.rows("INSERT INTO quotes SELECT 'AAPL', now() - n * INTERVAL '100 days', 1, 1, 2, 1, NULL, NULL, n, 'x' FROM generate_series(0, 9) n")
    ran = once(home)
    check(all(one["succeeded"] for one in ran.values()), ran)
    names = {one["name"].split(" [")[0] for one in ran.values()}
    check(names == {"Partition Upkeep", "Refresh Continuous Aggregate Policy", "Retention Policy"}, names)
    # Retention: of metrics what is in chunks wholly older than 90 days; of quotes nothing, for that policy is paused.
    oldest = home.rows("SELECT max(metric_value)::int FROM system_metrics")[0][0]
    check(90 <= oldest <= 97, oldest)
    check(home.rows("SELECT count(*)::int FROM quotes") == [(10,)])
    # Upkeep: no row is in a default partition.
    for (table,) in home.rows("SELECT default_chunk::text FROM _tickstone.hypertable"):
        check(home.rows(f"SELECT 1 FROM {table} LIMIT 1") == [], "rows left in", table)
    # Refresh: finished days are materialized, and with today's raw rows the view is whole.
    check(home.rows("SELECT sum(n)::int FROM (SELECT sample_count AS n FROM daily_ohlcv_agg) q") == [(720,)])
    check(home.rows("SELECT count(*) > 25 FROM _timescaledb_internal._materialized_hypertable_1") == [(True,)])
    check(once(home) == {}, "a second time at once")
    stats = home.rows("SELECT total_runs, total_successes, last_run_status FROM timescaledb_information.job_stats WHERE job_id = 1")
    check(stats == [(1, 1, "Success")], stats)
    check(home.rows("SELECT count(*)::int FROM timescaledb_information.job_history WHERE succeeded") == [(len(ran),)])


def test_failures_are_recorded_and_wait_longer_each_time(home):
    pause_all(home)
    home.rows("CREATE PROCEDURE broken(job_id INT, config JSONB) LANGUAGE plpgsql AS $$ BEGIN PERFORM 1 / 0; END $$")
    job = home.rows("SELECT add_job('broken', INTERVAL '1 hour', config => '{\"a\": 1}')")[0][0]
    waits = []
    for attempt in range(1, 4):
        failed = once(home, expect=1)
        check(failed[job]["error"].startswith("22012: division by zero"), failed)
        waits.append(home.rows(f"SELECT extract(epoch FROM next_start - last_run_started_at)::int / 60 FROM timescaledb_information.job_stats "
                               f"JOIN timescaledb_information.jobs USING (job_id, next_start) WHERE job_id = {job}")[0][0])
        home.rows(f"SELECT alter_job({job}, next_start => now())")
    check(waits == [5, 10, 20], waits)
    errors = home.rows(f"SELECT sqlerrcode, err_message FROM timescaledb_information.job_errors WHERE job_id = {job}")
    check(errors == [("22012", "division by zero")] * 3, errors)
    home.rows(f"SELECT alter_job({job}, max_retries => 3)")
    once(home, expect=1)
    check(home.rows(f"SELECT scheduled FROM timescaledb_information.jobs WHERE job_id = {job}") == [(False,)], "retried without end")
    home.rows("CREATE OR REPLACE PROCEDURE broken(job_id INT, config JSONB) LANGUAGE plpgsql AS $$ BEGIN PERFORM 1; END $$")
    home.rows(f"SELECT alter_job({job}, scheduled => TRUE, next_start => now())")
    check(once(home)[job]["succeeded"])
    left = home.rows(f"SELECT next_start > now() + INTERVAL '50 minutes' FROM timescaledb_information.jobs WHERE job_id = {job}")
    check(left == [(True,)], "back to its schedule")


def test_a_job_runs_once_at_a_time(home):
    """Each run says when it begins that nobody else is in it; many processes find it due at once."""
    pause_all(home)
    home.rows("CREATE TABLE inside (n INT PRIMARY KEY)")
    home.rows("CREATE TABLE runs (n SERIAL)")
    home.rows("CREATE PROCEDURE alone(job_id INT, config JSONB) LANGUAGE plpgsql AS $$ BEGIN INSERT INTO inside VALUES (1); COMMIT; "
              "PERFORM pg_sleep(0.05); INSERT INTO runs DEFAULT VALUES; DELETE FROM inside; COMMIT; END $$")
    job = home.rows("SELECT add_job('alone', INTERVAL '1 microsecond', fixed_schedule => FALSE)")[0][0]
    processes = [start(home) for _ in range(3)]
    until(home, "SELECT 1 FROM runs HAVING count(*) >= 12", processes[0])
    for process in processes:
        process.send_signal(signal.SIGTERM)
    lines = []
    for process in processes:
        out, err = process.communicate(timeout=120)
        check(process.returncode == 0, process.returncode, err)
        lines += [json.loads(line) for line in out.splitlines()]
    errors = home.rows(f"SELECT DISTINCT sqlerrcode FROM timescaledb_information.job_errors WHERE job_id = {job}")
    # What SIGTERM cancels is recorded as that; two at once would be a duplicate key.
    check(errors in ([], [("57014",)]), errors, lines)


def test_sigterm_cancels_and_a_crash_is_written_down(home):
    pause_all(home)
    home.rows("CREATE PROCEDURE long(job_id INT, config JSONB) LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(3600); END $$")
    job = home.rows("SELECT add_job('long', INTERVAL '1 hour')")[0][0]
    sleeping = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
    process = start(home)
    until(home, sleeping, process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    check(process.returncode == 0, process.returncode)
    errors = home.rows(f"SELECT sqlerrcode, err_message FROM timescaledb_information.job_errors WHERE job_id = {job}")
    check([code for code, _ in errors] == ["57014"], errors)
    # Killed hard: PostgreSQL ends the session, and the next run says that the one before had no end.
    home.rows(f"SELECT alter_job({job}, next_start => now())")
    process = start(home)
    until(home, sleeping, process)
    process.kill()
    process.communicate()
    home.rows(f"SELECT pg_terminate_backend(pid) FROM ({sleeping}) s")
    until(home, "SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory')")
    home.rows("CREATE OR REPLACE PROCEDURE long(job_id INT, config JSONB) LANGUAGE plpgsql AS $$ BEGIN PERFORM 1; END $$")
    once(home)
    crash = home.rows(f"SELECT err_message FROM timescaledb_information.job_errors WHERE job_id = {job} ORDER BY start_time DESC LIMIT 1")
    check("crash" in crash[0][0], crash)
    # A limit on its time.
    home.rows("CREATE OR REPLACE PROCEDURE long(job_id INT, config JSONB) LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(3600); END $$")
    home.rows(f"SELECT alter_job({job}, next_start => now(), max_runtime => INTERVAL '50 milliseconds')")
    ran = once(home, expect=1)
    check(ran[job]["error"].startswith("57014"), ran)


def test_survives_a_lost_connection(home):
    pause_all(home)
    home.rows("CREATE TABLE ticks (n SERIAL)")
    home.rows("CREATE PROCEDURE tick(job_id INT, config JSONB) LANGUAGE plpgsql AS $$ BEGIN INSERT INTO ticks DEFAULT VALUES; END $$")
    home.rows("SELECT add_job('tick', INTERVAL '10 milliseconds')")
    process = start(home)
    for wanted in (2, 5):
        until(home, f"SELECT 1 FROM ticks HAVING max(n) >= {wanted}", process)
        home.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tickstone jobs' "
                  "AND datname = current_database()")
    until(home, "SELECT 1 FROM ticks HAVING max(n) >= 9", process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    check(process.returncode == 0 and "connecting again" in err, process.returncode, err)


def main():
    port, wanted = int(sys.argv[1]), sys.argv[2:]
    failed = passed = 0
    for name, test in [(name, test) for name, test in globals().items() if name.startswith("test_") and (not wanted or name in wanted)]:
        home = homes.PostgreSql(port)
        try:
            refused = run("jobs", "run", "--once", home.target, expect=1)
            check("tickstone migrate" in refused.stderr, refused.stderr)
            home.migrate()
            test(home)
            passed += 1
        except (AssertionError, psycopg2.Error) as error:
            failed += 1
            print(f"FAIL {name}: {error}", flush=True)
    server = homes.TickstoneServer()
    said = run("jobs", "run", server.target).stdout
    server.close()
    if "by itself" not in said or "nothing to do" not in run("jobs", "run", "./some-directory").stdout:
        failed += 1
        print(f"FAIL homes with jobs of their own: {said}")
    run("jobs", expect=2)
    print(f"jobs_test.py: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
