# SPDX-License-Identifier: Apache-2.0
"""tickstone migrate, in every home that is at hand: migrate_test.py POSTGRESQL_PORT [TEST...]"""
import json
import subprocess
import sys

import psycopg2

import guide_queries
import homes
from homes import TICKSTONE, run

HYPERTABLES = {"ohlcv", "trades", "quotes", "options_flow", "model_performance", "feature_importance", "system_metrics", "feature_timeseries",
               "feature_data", "feature_access_log", "cache_metrics"}
TABLES = HYPERTABLES | {"symbols", "symbol_groups", "data_collection_status", "feature_metadata", "feature_relationships", "positions",
                        "tickstone_schema_version"}
VIEWS = {"daily_ohlcv_agg", "hourly_feature_agg", "options_flow_daily_summary", "bullish_options_sentiment"}

BY_HAND = """
CREATE TABLE ohlcv (symbol TEXT NOT NULL, timestamp TIMESTAMPTZ NOT NULL, open NUMERIC NOT NULL, high NUMERIC NOT NULL,
  low NUMERIC NOT NULL, close NUMERIC NOT NULL, volume NUMERIC NOT NULL, source TEXT NOT NULL, timeframe TEXT NOT NULL,
  PRIMARY KEY (symbol, timestamp, timeframe));
{hypertable}
CREATE INDEX ON ohlcv (timestamp DESC);
CREATE INDEX ON ohlcv (symbol, timeframe);
CREATE TABLE feature_metadata (feature_name TEXT PRIMARY KEY, description TEXT, created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW(), tags TEXT[], parameters JSONB, source TEXT);
CREATE TABLE system_metrics (timestamp TIMESTAMPTZ NOT NULL, metric_name TEXT NOT NULL, metric_value NUMERIC NOT NULL, labels JSONB,
  PRIMARY KEY (timestamp, metric_name));
{metrics}
CREATE TABLE mine (n INT PRIMARY KEY);
INSERT INTO mine VALUES (1);
INSERT INTO ohlcv SELECT 'AAPL', TIMESTAMPTZ '2024-01-01 00:00:00+00' + n * INTERVAL '1 hour', n, n + 1, n, n, 10, 'hand', '1h'
  FROM generate_series(0, 499) AS n;
INSERT INTO feature_metadata (feature_name) VALUES ('rsi_14');
INSERT INTO system_metrics VALUES ('2020-01-01 00:00:00+00', 'cpu', 0.5, NULL);
"""
AGGREGATE = """
CREATE MATERIALIZED VIEW daily_ohlcv_agg WITH (timescaledb.continuous) AS
SELECT symbol, time_bucket('1 day', timestamp) AS day, timeframe, first(open, timestamp) AS open, max(high) AS high, min(low) AS low,
  last(close, timestamp) AS close, sum(volume) AS volume, count(*) AS sample_count FROM ohlcv GROUP BY symbol, day, timeframe
"""


def check(condition, *what):
    if not condition:
        raise AssertionError(" ".join(str(one) for one in what))


def versions(home):
    return [row[0] for row in home.rows("SELECT version FROM tickstone_schema_version ORDER BY version")]


def test_fresh_has_all_and_the_guide_runs(home):
    status = home.status(expect=3)
    check(status["version"] == 0 and status["home"] == home.name and len(status["pending"]) == status["newest"], status)
    done = home.migrate()
    check(done.stdout.count("applied ") == status["newest"], done.stdout)
    check(TABLES | VIEWS <= home.tables(), "missing:", (TABLES | VIEWS) - home.tables())
    status = home.status()
    check(status["version"] == status["newest"] and not status["pending"], status)
    for kind in ("policy_compression", "policy_retention"):
        jobs = home.rows(f"SELECT hypertable_name FROM timescaledb_information.jobs WHERE proc_name = '{kind}'")
        check({row[0] for row in jobs} == HYPERTABLES, kind, jobs)
    deleting = home.rows("SELECT hypertable_name FROM timescaledb_information.jobs WHERE proc_name = 'policy_retention' AND scheduled")
    check({row[0] for row in deleting} == {"system_metrics", "feature_access_log", "cache_metrics"}, deleting)
    if home.name == "embedded":
        return  # The same SQL as a server's; its rows come here as JSON, not in their types.
    guide_queries.fill(home)
    # A view that TimescaleDB has not had since 1.x.
    wrong = list(guide_queries.failures(home, {"compressed_hypertable_stats"} if home.name == "timescaledb" else ()))
    check(not wrong, "\n".join(wrong))
    for name in ("daily_ohlcv_agg", "hourly_feature_agg", "options_flow_daily_summary"):
        home.rows(f"CALL refresh_continuous_aggregate('{name}', NULL, NULL)")
    wrong = list(guide_queries.failures(home, {"compressed_hypertable_stats"} if home.name == "timescaledb" else ()))
    check(not wrong, "after refreshes:", "\n".join(wrong))


def test_again_changes_nothing(home):
    home.migrate()
    home.rows("INSERT INTO symbols (symbol) VALUES ('AAPL')")
    before = home.rows("SELECT version, checksum, applied_at FROM tickstone_schema_version ORDER BY version")
    jobs = home.rows("SELECT job_id, proc_name, config FROM timescaledb_information.jobs ORDER BY job_id")
    check("applied" not in home.migrate().stdout)
    check(home.rows("SELECT version, checksum, applied_at FROM tickstone_schema_version ORDER BY version") == before)
    check(home.rows("SELECT job_id, proc_name, config FROM timescaledb_information.jobs ORDER BY job_id") == jobs)
    check(home.rows("SELECT symbol FROM symbols") == [("AAPL",)])


def test_dry_run_changes_nothing(home):
    done = home.migrate("--dry-run")
    check("CREATE TABLE IF NOT EXISTS ohlcv" in done.stdout and done.stdout.count("BEGIN;") >= 4, done.stdout[:300])
    check(home.status(expect=3)["version"] == 0)
    if home.name == "embedded":
        run("query", "--data", home.target, "SELECT 1", expect=1)  # Not even the directory.
    else:
        check("ohlcv" not in home.tables() and "tickstone_schema_version" not in home.tables(), home.tables())
    home.migrate()
    check(home.migrate("--dry-run").stdout.strip() == "", "a dry run when nothing is pending")


def test_stops_at_a_version_and_goes_on(home):
    home.migrate("--to", "2")
    check(versions(home) == [1, 2] and "ohlcv" in home.tables() and "daily_ohlcv_agg" not in home.tables(), home.tables())
    check(home.status(expect=3)["version"] == 2)
    check("there is no way back" in home.migrate("--to", "1", expect=1).stderr)
    home.migrate()
    check(home.status()["version"] == home.status()["newest"])
    check("there is no version 99" in home.migrate("--to", "99", expect=1).stderr)


def test_adopts_what_was_made_by_hand(home):
    """Tables of the guide's SQL; where the home has no hypertables of its own, ordinary ones with rows."""
    has_hypertables = home.name != "postgresql"
    if home.name == "embedded":
        run("init", "--data", home.target)
    home.rows("SELECT 1")
    for statement in BY_HAND.format(hypertable="SELECT create_hypertable('ohlcv', 'timestamp');" if has_hypertables else "",
                                    metrics="SELECT create_hypertable('system_metrics', 'timestamp');" if has_hypertables else "").split(";"):
        if statement.strip():
            home.rows(statement)
    if has_hypertables:
        home.rows(AGGREGATE)
        home.rows("SELECT add_retention_policy('ohlcv', INTERVAL '40 years')")
    # Which version of which row it is: what was written again would differ.
    rows = "SELECT xmin::text, symbol, timestamp, close FROM ohlcv ORDER BY timestamp" if home.name == "postgresql" else \
        "SELECT symbol, timestamp, close FROM ohlcv ORDER BY timestamp"
    before = home.rows(rows)
    check(len(before) == 500)
    home.migrate()
    check(home.rows(rows) == before, "rows of ohlcv changed")
    check(home.rows("SELECT n FROM mine") == [(1,)] and home.rows("SELECT feature_name FROM feature_metadata") == [("rsi_14",)])
    check({row[0] for row in home.rows("SELECT hypertable_name FROM timescaledb_information.hypertables")} >= HYPERTABLES)
    total = home.rows("SELECT sum(sample_count)::int FROM daily_ohlcv_agg")
    check(total == [(500,)], "the aggregate has", total)
    # Nothing that runs by itself may delete what was there.
    deleting = home.rows("SELECT hypertable_name FROM timescaledb_information.jobs WHERE proc_name = 'policy_retention' AND scheduled "
                         "AND hypertable_name IN ('ohlcv', 'system_metrics')")
    check(deleting == ([("ohlcv",)] if has_hypertables else []), "retention of adopted tables:", deleting)
    home.rows("INSERT INTO ohlcv SELECT 'AAPL', TIMESTAMPTZ '2024-01-01 00:00:00+00', 1, 1, 1, 1, 1, 'again', '1h' "
              "ON CONFLICT (symbol, timestamp, timeframe) DO UPDATE SET volume = EXCLUDED.volume")
    check(home.rows("SELECT count(*)::int, sum(volume)::int FROM ohlcv") == [(500, 4991)])
    if home.name == "postgresql":
        home.rows("CALL run_job(1)")
        check(home.rows("SELECT count(*)::int, sum(volume)::int FROM ohlcv") == [(500, 4991)], "after upkeep")
        check(home.rows("SELECT count(*)::int FROM show_chunks('ohlcv', older_than => TIMESTAMPTZ '2025-01-01')")[0][0] >= 3)


def test_newer_and_changed_schemas_are_refused(home):
    home.migrate()
    newest = home.status()["newest"]
    home.rows(f"INSERT INTO tickstone_schema_version (version, name, checksum, duration_ms) VALUES ({newest + 1}, 'future', 'x', 0)")
    for options in ((), ("--status",), ("--dry-run",)):
        refused = home.migrate(*options, expect=1)
        check(f"newer than version {newest}" in refused.stderr, refused.stderr)
    home.rows(f"DELETE FROM tickstone_schema_version WHERE version = {newest + 1}")
    home.migrate()
    home.rows("UPDATE tickstone_schema_version SET checksum = '0000' WHERE version = 2")
    refused = home.migrate(expect=1)
    check("version 2 of the schema (tables) was applied with other SQL" in refused.stderr, refused.stderr)
    home.rows("DELETE FROM tickstone_schema_version WHERE version = 2")
    check("version 2 of the schema is missing" in home.migrate(expect=1).stderr)


def test_two_at_once_apply_each_version_once(home):
    if home.name == "embedded":
        return  # One process opens a directory.
    both = [subprocess.Popen([TICKSTONE, "migrate", home.target], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    outputs = [one.communicate(timeout=300) for one in both]
    check(all(one.returncode == 0 for one in both), outputs)
    applied = sorted(line.split()[1] for out, _ in outputs for line in out.splitlines() if line.startswith("applied "))
    check(applied == [str(version) for version in versions(home)], applied)


def test_many_make_the_version_table_at_once(home):
    """CREATE TABLE IF NOT EXISTS fails in several ways where another session makes the same table."""
    if home.name == "embedded":
        return  # One process opens a directory.
    many = [subprocess.Popen([TICKSTONE, "migrate", home.target, "--to", "1"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(16)]
    outputs = [one.communicate(timeout=300)[0] for one in many]
    check(all(one.returncode == 0 for one in many), outputs)
    check(versions(home) == [1] and "".join(outputs).count("applied 1 foundation") == 1, outputs)


def test_killed_in_the_middle_leaves_whole_versions(home):
    # Killed after each line that it prints, while the next version is being applied.
    for lines in range(1, 4):
        process = subprocess.Popen([TICKSTONE, "migrate", home.target], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for _ in range(lines):
            process.stdout.readline()
        process.kill()
        process.communicate()
        done = versions(home)
        check(done == list(range(1, len(done) + 1)) and done, done)
        tables = home.tables()
        check(("positions" in tables) == (len(done) >= 2) and ("daily_ohlcv_agg" in tables) == (len(done) >= 3), done, tables)
    home.migrate()
    check(home.status()["version"] == home.status()["newest"] and TABLES | VIEWS <= home.tables())


def test_killed_while_it_waits_leaves_nothing(home):
    if home.name != "postgresql":
        return
    # Another session has made the last table of version 2 and not committed: the migration waits in the middle of the version.
    home.migrate("--to", "1")
    blocker = psycopg2.connect(**home.dsn)
    blocker.cursor().execute("CREATE TABLE cache_metrics (n INT)")
    process = subprocess.Popen([TICKSTONE, "migrate", home.target], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    waiting = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while not home.rows(waiting):
        check(process.poll() is None, "it ended and did not wait")
    process.kill()
    process.communicate()
    blocker.rollback()
    blocker.close()
    # Its server process finds out when the wait is over and it has nobody to answer.
    while home.rows("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'tickstone'"):
        pass
    check(versions(home) == [1] and "ohlcv" not in home.tables(), versions(home), home.tables())
    home.migrate()
    check(home.status()["version"] == home.status()["newest"])


def test_failure_says_where_and_leaves_nothing(home):
    """An object in the way: a table without the time column."""
    if home.name == "embedded":
        run("init", "--data", home.target)
    home.rows("CREATE TABLE cache_metrics (n INT)")
    failed = home.migrate(expect=1)
    check("In version 2 (tables) of the schema." in failed.stderr, failed.stderr)
    check(versions(home) == [1] and "ohlcv" not in home.tables(), home.tables())
    home.rows("DROP TABLE cache_metrics")
    home.migrate()


def test_command_line():
    run("migrate", "--no-such-option", expect=2)
    run("migrate", "--dry-run", "--status", "x", expect=2)
    check("neither a server nor a data directory" in run("migrate", expect=2, env={}).stderr)
    check("Exit status" in run("migrate", "--help").stdout)
    check(json.loads(run("migrate", "--status", "--json", "./no-such-directory", expect=3).stdout)["version"] == 0)


def main():
    port, wanted = int(sys.argv[1]), sys.argv[2:]
    test_command_line()
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_") and (not wanted or name in wanted)
             and test is not test_command_line]
    return homes.run_tests("migrate_test.py", tests, port)


if __name__ == "__main__":
    sys.exit(main())
