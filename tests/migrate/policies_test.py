# SPDX-License-Identifier: Apache-2.0
"""What docs/schema.md says of chunks, compression and retention, beside what each home has; and TimescaleDB's own scheduler at work on it:
policies_test.py POSTGRESQL_PORT [TEST...]"""
import pathlib
import re
import sys
import time

import homes
from migrate_test import HYPERTABLES, check

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/schema.md"
PATIENCE_S = 120
STATE = ("SELECT hypertable_name, (SELECT string_agg(attname, ', ' ORDER BY segmentby_column_index) FROM timescaledb_information.compression_settings s "
         "WHERE s.hypertable_name = h.hypertable_name AND segmentby_column_index IS NOT NULL) AS segment_by, "
         "(SELECT string_agg(attname, ', ' ORDER BY orderby_column_index) FROM timescaledb_information.compression_settings s "
         "WHERE s.hypertable_name = h.hypertable_name AND orderby_column_index IS NOT NULL) AS order_by, "
         "(SELECT string_agg(orderby_asc::text, ', ' ORDER BY orderby_column_index) FROM timescaledb_information.compression_settings s "
         "WHERE s.hypertable_name = h.hypertable_name AND orderby_column_index IS NOT NULL) AS ascending "
         "FROM timescaledb_information.hypertables h ORDER BY 1")


def documented():
    """(name, chunk, compressed after, segment by, further order, retention, is paused) for each row of the table of hypertables."""
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 6 and re.fullmatch(r"`\w+`", cells[0]):
            segment_by, _, order = cells[3].partition(";")
            check(order.startswith(" newest first"), line)
            retention, _, paused = cells[4].partition(", ")
            yield (cells[0].strip("`"), cells[1], cells[2], segment_by.strip("`"), re.findall(r"`(\w+)`", order), retention, paused == "paused")


def test_policies_are_those_documented(home):
    home.migrate()
    rows = list(documented())
    check({row[0] for row in rows} == HYPERTABLES, rows)
    for name, chunk, compressed_after, _, _, retention, is_paused in rows:
        found = home.rows(f"SELECT time_interval = INTERVAL '{chunk}' FROM timescaledb_information.dimensions WHERE hypertable_name = '{name}'")
        check(found == [(True,)], name, "chunk", found)
        found = home.rows(f"SELECT (config->>'compress_after')::interval = INTERVAL '{compressed_after}' FROM timescaledb_information.jobs "
                          f"WHERE proc_name = 'policy_compression' AND hypertable_name = '{name}'")
        check(found == [(True,)], name, "compressed after", found)
        found = home.rows(f"SELECT (config->>'drop_after')::interval = INTERVAL '{retention}' AS is_same, scheduled FROM timescaledb_information.jobs "
                          f"WHERE proc_name = 'policy_retention' AND hypertable_name = '{name}'")
        check(found == [(True, not is_paused)], name, "retention", found)
    if home.name == "postgresql":
        return  # Without a columnstore no layout.
    times = {"feature_access_log": "accessed_at"}
    wanted = [(row[0], row[3], [times.get(row[0], "timestamp"), *row[4]]) for row in sorted(rows)]
    found = home.rows(STATE)
    check([(name, by, order.split(", ")) for name, by, order, _ in found] == wanted, found)
    check(all(ascending.split(", ")[0] == "false" for _, _, _, ascending in found), "newest first", found)


def wait_for(home, what, sql):
    until = time.monotonic() + PATIENCE_S
    while home.rows(sql) != [(True,)]:
        check(time.monotonic() < until, f"{what}: not within {PATIENCE_S} s;",
              home.rows("SELECT job_id, succeeded, err_message FROM timescaledb_information.job_history ORDER BY start_time"))
        time.sleep(0.1)


def test_timescaledb_runs_the_policies(home):
    """By its own scheduler, as whoever owns the database and nothing beyond it."""
    if home.name != "timescaledb":
        return
    home.migrate()
    home.rows("INSERT INTO ohlcv SELECT 'AAPL', date_trunc('hour', now()) - n * INTERVAL '1 hour', n, n, n, n, 1, 'x', '1h' FROM generate_series(1, 24 * 60) n")
    home.rows("INSERT INTO system_metrics SELECT now() - n * INTERVAL '1 day', 'cpu', n, NULL FROM generate_series(0, 200) n")
    home.rows("INSERT INTO quotes SELECT 'AAPL', now() - n * INTERVAL '100 days', 1, 1, 2, 1, NULL, NULL, n, 'x' FROM generate_series(0, 9) n")
    home.rows("INSERT INTO feature_data (symbol, timestamp, feature_set, features) SELECT 'AAPL', now() - n * INTERVAL '1 day', 'ta', '{\"rsi_14\": 55.5}' "
              "FROM generate_series(0, 60) n")
    home.rows("INSERT INTO options_flow (symbol, timestamp, expiration_date, strike_price, option_type, contract_symbol, premium, volume, source) "
              "SELECT 'AAPL', date_trunc('day', now()) - n * INTERVAL '12 hours', '2030-01-18', 190, CASE n % 2 WHEN 0 THEN 'call' ELSE 'put' END, "
              "'C' || n % 2, 100, 10, 'x' FROM generate_series(1, 80) n")
    raw = home.rows("SELECT symbol, close FROM ohlcv ORDER BY timestamp")
    summary = "SELECT day, call_volume, put_volume, put_call_ratio, trade_count FROM options_flow_daily_summary ORDER BY day"
    before = home.rows(summary)
    # Time in TimescaleDB's jobs is theirs: what is due now is run soon.
    home.rows("SELECT alter_job(job_id, next_start => now()) FROM timescaledb_information.jobs WHERE proc_name LIKE 'policy\\_%' "
              "AND scheduled AND hypertable_schema IS NOT NULL AND application_name NOT LIKE '%Telemetry%'")
    wait_for(home, "bars are compressed", "SELECT count(*) >= 5 FROM timescaledb_information.chunks WHERE hypertable_name = 'ohlcv' AND is_compressed")
    wait_for(home, "features are compressed", "SELECT count(*) >= 5 FROM timescaledb_information.chunks WHERE hypertable_name = 'feature_data' AND is_compressed")
    wait_for(home, "metrics are dropped", "SELECT max(metric_value) BETWEEN 90 AND 97 FROM system_metrics")
    for view in ("daily_ohlcv_agg", "options_flow_daily_summary"):
        # What is materialized, without the rest that a real-time aggregate computes when it is read.
        table = home.rows(f"SELECT format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name) "
                          f"FROM timescaledb_information.continuous_aggregates WHERE view_name = '{view}'")[0][0]
        wait_for(home, f"{view} is refreshed", f"SELECT count(*) > 35 FROM {table}")
    wait_for(home, "nothing runs", "SELECT bool_and(job_status <> 'Running') FROM timescaledb_information.job_stats")
    failures = home.rows("SELECT proc_name, err_message FROM timescaledb_information.job_errors")
    check(not failures, "policies failed:", failures)
    check(home.rows("SELECT symbol, close FROM ohlcv ORDER BY timestamp") == raw, "compression changed the bars")
    check(home.rows(summary) == before and len(before) >= 40, "the summary changed when it was materialized")
    check(home.rows("SELECT count(*)::int FROM quotes") == [(10,)], "a paused policy dropped quotes")
    # Rows go into compressed chunks, and are replaced there.
    home.rows("INSERT INTO ohlcv SELECT symbol, timestamp, open, high, low, close, 7, 'again', timeframe FROM ohlcv WHERE timestamp < now() - INTERVAL '40 days' "
              "ON CONFLICT (symbol, timestamp, timeframe) DO UPDATE SET volume = EXCLUDED.volume")
    check(home.rows("SELECT count(*)::int, count(*) FILTER (WHERE volume = 7) > 400 FROM ohlcv") == [(1440, True)])
    check(home.rows("SELECT sum(sample_count)::int FROM daily_ohlcv_agg") == [(1440,)])


def test_a_server_with_timescaledb_and_a_database_without(home):
    """The schema for PostgreSQL alone is not taken by accident: there is no way from it to the extension."""
    if home.name != "timescaledb":
        return
    bare = homes.TimescaleDb(has_extension=False)
    try:
        refused = bare.migrate(expect=1)
        check("ERROR:  55000: the server has TimescaleDB, and this database does not" in refused.stderr, refused.stderr)
        check("CREATE EXTENSION timescaledb" in refused.stderr and "--without-timescaledb" in refused.stderr, refused.stderr)
        check(bare.tables() == set(), bare.tables())
        status = bare.status(expect=3)
        check((status["home"], status["version"]) == ("postgresql", 0), status)
        bare.migrate("--to", "2", "--without-timescaledb")
        # What has been decided is not asked again.
        bare.migrate()
        check(bare.status()["home"] == "postgresql" and HYPERTABLES <= bare.tables())
        bare.rows("INSERT INTO system_metrics VALUES (now(), 'cpu', 1, NULL)")
    finally:
        bare.close()


def main():
    port, wanted = int(sys.argv[1]), sys.argv[2:]
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_") and (not wanted or name in wanted)]
    return homes.run_tests("policies_test.py", tests, port)


if __name__ == "__main__":
    sys.exit(main())
