# SPDX-License-Identifier: Apache-2.0
"""The layer for PostgreSQL without TimescaleDB, function by function: layer_test.py POSTGRESQL_PORT [TEST...]"""
import io
import sys
import threading

import psycopg2

import homes
from migrate_test import check


def refused(home, sql, code, word=""):
    try:
        home.rows(sql)
    except psycopg2.Error as error:
        check(error.pgcode == code and word in str(error), sql, "gave", error.pgcode, error)
        return
    raise AssertionError(f"{sql} was not refused")


def session(home, **more):
    connection = psycopg2.connect(**{**home.dsn, **more})
    connection.autocommit = True
    return connection


def test_a_table_keeps_what_it_had(home):
    home.rows("""
        CREATE TABLE venues (id INT PRIMARY KEY);
        INSERT INTO venues VALUES (1), (2);
        CREATE TABLE fills (id SERIAL, at TIMESTAMPTZ, venue INT REFERENCES venues, price NUMERIC CHECK (price > 0),
          doubled NUMERIC GENERATED ALWAYS AS (price * 2) STORED, number INT GENERATED ALWAYS AS IDENTITY, note TEXT DEFAULT 'none',
          PRIMARY KEY (id, at), CONSTRAINT one_a_time UNIQUE (at, venue));
        CREATE INDEX dear_fills ON fills (price) WHERE price > 100;
        CREATE TABLE changes (n INT);
        CREATE FUNCTION count_change() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN INSERT INTO changes VALUES (NEW.id); RETURN NEW; END $$;
        CREATE TRIGGER counted AFTER INSERT ON fills FOR EACH ROW EXECUTE FUNCTION count_change();
        COMMENT ON TABLE fills IS 'what was filled';
        COMMENT ON COLUMN fills.price IS 'in dollars';
        GRANT SELECT ON fills TO PUBLIC;
        GRANT UPDATE (note) ON fills TO PUBLIC;
        INSERT INTO fills (at, venue, price) SELECT TIMESTAMPTZ '2024-01-01 00:00:00+00' + n * INTERVAL '1 day', 1, n FROM generate_series(1, 200) n""")
    refused(home, "SELECT create_hypertable('fills', 'at')", "0A000", "is not empty")
    before = home.rows("SELECT xmin::text, * FROM fills ORDER BY id")
    home.rows("SELECT create_hypertable('fills', by_range('at', INTERVAL '30 days'), migrate_data => TRUE)")
    check(home.rows("SELECT xmin::text, * FROM fills ORDER BY id") == before, "rows were written again")
    home.rows("CALL run_job(1)")
    check(home.rows("SELECT id, at, doubled, number FROM fills ORDER BY id") == [(row[1], row[2], row[5], row[6]) for row in before])
    check(len(home.rows("SELECT show_chunks('fills', older_than => TIMESTAMPTZ '2025-01-01')")) >= 7)
    check(home.rows("SELECT indexname FROM pg_indexes WHERE tablename = 'fills' ORDER BY 1")
          == [("dear_fills",), ("fills_at_idx",), ("fills_pkey",), ("one_a_time",)])
    check(home.rows("SELECT obj_description('fills'::regclass), col_description('fills'::regclass, 4)") == [("what was filled", "in dollars")])
    check(home.rows("SELECT has_table_privilege('public', 'fills', 'SELECT'), has_column_privilege('public', 'fills', 'note', 'UPDATE'), "
                    "has_table_privilege('public', 'fills', 'INSERT')") == [(True, True, False)])
    home.rows("INSERT INTO fills (at, venue, price) VALUES (now(), 2, 5), ('1815-06-18', 1, 7), ('2400-01-01', 1, 9)")
    check(home.rows("SELECT id, number, note, doubled::int FROM fills WHERE id > 200 ORDER BY id")
          == [(201, 201, "none", 10), (202, 202, "none", 14), (203, 203, "none", 18)])
    check(home.rows("SELECT count(*)::int FROM changes") == [(203,)], "the trigger")
    refused(home, "INSERT INTO fills (at, venue, price) VALUES (now(), 3, 5)", "23503")
    refused(home, "INSERT INTO fills (at, venue, price) VALUES (now(), 1, -5)", "23514")
    refused(home, "INSERT INTO fills (at, venue, price) VALUES ('1815-06-18', 1, 5)", "23505")
    home.rows("DROP TABLE fills")
    home.rows("CALL run_job(1)")
    check(home.rows("SELECT 1 FROM timescaledb_information.hypertables WHERE hypertable_name = 'fills'") == [])


def test_what_cannot_be_a_hypertable_is_refused(home):
    home.rows("CREATE TABLE t (id INT PRIMARY KEY, at TIMESTAMPTZ, name TEXT); CREATE TABLE read (at TIMESTAMPTZ); "
              "CREATE VIEW reads AS SELECT * FROM read; CREATE TABLE target (at TIMESTAMPTZ PRIMARY KEY); "
              "CREATE TABLE source (at TIMESTAMPTZ REFERENCES target); CREATE TEMP TABLE gone (at TIMESTAMPTZ)")
    refused(home, "SELECT create_hypertable('t', 'at')", "42P16", "without the column")
    refused(home, "SELECT create_hypertable('t', 'nothing')", "42703")
    refused(home, "SELECT create_hypertable('t', 'name')", "22023", "invalid type")
    refused(home, "SELECT create_hypertable('t', 'id')", "22023", "explicit interval")
    refused(home, "SELECT create_hypertable('read', 'at')", "2BP01", "reads")
    refused(home, "SELECT create_hypertable('target', 'at')", "0A000", "FOREIGN KEY")
    refused(home, "SELECT create_hypertable('ohlcv', 'timestamp')", "42710", "already a hypertable")
    refused(home, "SELECT create_hypertable('source', 'at', 'at', 4)", "0A000")
    refused(home, "SELECT create_hypertable('source', 'at', chunk_time_interval => INTERVAL '-1 day')", "22023")
    check(home.rows("SELECT count(*)::int FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid WHERE relname IN "
                    "('t', 'read', 'target', 'source')") == [(0,)])


def test_integer_times(home):
    home.rows("CREATE TABLE steps (n BIGINT NOT NULL, v INT); SELECT create_hypertable('steps', 'n', chunk_time_interval => 100); "
              "INSERT INTO steps SELECT n, n % 7 FROM generate_series(-250, 449) n")
    refused(home, "SELECT add_retention_policy('steps', INTERVAL '1 day'), _tickstone.before_now(h, '1') FROM _tickstone.hypertable h "
                  "WHERE relation = 'steps'::regclass", "22023", "integer_now")
    home.rows("CREATE FUNCTION latest() RETURNS BIGINT LANGUAGE sql STABLE AS 'SELECT 450::bigint'; SELECT set_integer_now_func('steps', 'latest')")
    home.rows("CALL run_job(1)")
    check(home.rows("SELECT range_start_integer, range_end_integer FROM timescaledb_information.chunks WHERE hypertable_name = 'steps' ORDER BY 1")
          == [(start, start + 100) for start in range(-300, 700, 100)])
    home.rows("SELECT _tickstone.create_continuous_aggregate('fifties', 'steps', 'bucket', 50, 'time_bucket(50::bigint, n) AS bucket, sum(v) AS v', "
              "'bucket', materialized_only => FALSE)")
    home.rows("CALL refresh_continuous_aggregate('fifties', -100, 225)")
    home.rows("UPDATE steps SET v = 1 WHERE n IN (0, 430)")
    whole = "SELECT time_bucket(50::bigint, n) AS bucket, sum(v) AS v FROM steps GROUP BY 1 ORDER BY 1"
    stale = home.rows("SELECT bucket FROM (TABLE fifties EXCEPT ({})) q".format(whole))
    check(stale == [(0,)], stale)
    home.rows("CALL refresh_continuous_aggregate('fifties', NULL, NULL)")
    check(home.rows("SELECT * FROM fifties ORDER BY 1") == home.rows(whole))
    check(len(home.rows("SELECT drop_chunks('steps', older_than => 0)")) == 3)
    check(home.rows("SELECT min(n)::int FROM steps") == [(0,)])
    job = home.rows("SELECT add_retention_policy('steps', 200)")[0][0]
    home.rows(f"CALL run_job({job})")
    check(home.rows("SELECT min(n)::int FROM steps") == [(200,)], "450 - 200, in whole chunks")


def test_bounds_of_chunks(home):
    home.rows("CREATE TABLE days (at TIMESTAMPTZ NOT NULL); SELECT create_hypertable('days', 'at', chunk_time_interval => INTERVAL '1 day'); "
              "INSERT INTO days SELECT TIMESTAMPTZ '2024-01-01 12:00:00+00' + n * INTERVAL '1 day' FROM generate_series(0, 9) n")
    home.rows("CALL run_job(1)")
    names = [row[0] for row in home.rows("SELECT chunk_name FROM timescaledb_information.chunks WHERE hypertable_name = 'days' "
                                         "AND range_start < '2025-01-01' ORDER BY range_start")]
    check(len(names) == 10)

    def shown(arguments):
        return [row[0].split(".")[1] for row in home.rows(f"SELECT c::text FROM show_chunks('days', {arguments}) c")]
    check(shown("older_than => TIMESTAMPTZ '2024-01-03 00:00:00+00'") == names[:2])
    check(shown("older_than => '2024-01-03 23:00:00+00'") == names[:2])
    check(shown("older_than => DATE '2024-01-05', newer_than => DATE '2024-01-02'") == names[1:4])
    check(shown("newer_than => TIMESTAMPTZ '2024-01-08 00:00:01+00', older_than => TIMESTAMPTZ '2025-01-01'") == names[8:])
    check(shown("older_than => INTERVAL '3 months'") == names and shown("older_than => '3 months'") == names)
    refused(home, "SELECT drop_chunks('days')", "22023", "time range")
    refused(home, "SELECT show_chunks('symbols')", "42P01", "not a hypertable")
    dropped = home.rows("SELECT drop_chunks('days', '2024-01-04 00:00:00+00')")
    check([row[0].split(".")[1] for row in dropped] == names[:3])
    # A row that waits in the default partition goes, too, when its chunk would; its neighbour stays.
    home.rows("INSERT INTO days VALUES ('2023-12-31 05:00:00+00'), ('2024-01-02 05:00:00+00')")
    home.rows("SELECT drop_chunks('days', '2024-01-02 12:00:00+00')")
    check(home.rows("SELECT count(*)::int, min(at) = '2024-01-02 05:00:00+00' FROM days") == [(8, True)])
    home.rows("SELECT set_chunk_time_interval('days', INTERVAL '3 days')")
    home.rows("INSERT INTO days SELECT TIMESTAMPTZ '2024-01-20' + n * INTERVAL '1 day' FROM generate_series(0, 5) n")
    home.rows("CALL run_job(1)")
    overlaps = home.rows("SELECT 1 FROM _tickstone.chunk a JOIN _tickstone.chunk b USING (hypertable_id) WHERE a.id < b.id "
                         "AND a.range_start < b.range_end AND b.range_start < a.range_end")
    check(overlaps == [] and home.rows("SELECT count(*)::int FROM days") == [(14,)])


def test_every_way_of_writing_is_seen(home):
    connection = session(home)
    cursor = connection.cursor()
    home.rows("SELECT _tickstone.make_chunks_between('system_metrics', '2024-01-01', '2024-02-01')")
    home.rows("SELECT _tickstone.create_continuous_aggregate('metrics', 'system_metrics', 'day', INTERVAL '1 day', "
              "'time_bucket(''1 day'', timestamp) AS day, sum(metric_value) AS total', 'day')")
    check(home.rows("SELECT 1 FROM metrics") == [])
    chunk = home.rows("SELECT show_chunks('system_metrics', older_than => DATE '2024-01-15')::text LIMIT 1")[0][0]

    def follows(what):
        home.rows("CALL refresh_continuous_aggregate('metrics', NULL, NULL)")
        check(home.rows("SELECT * FROM metrics ORDER BY 1") == home.rows(
            "SELECT time_bucket('1 day', timestamp), sum(metric_value) FROM system_metrics GROUP BY 1 ORDER BY 1"), what)
    cursor.copy_expert("COPY system_metrics FROM STDIN", io.StringIO("".join(f"2024-01-{d:02} 10:00:00+00\tcpu\t{d}\t\\N\n" for d in range(1, 29))))
    follows("COPY")
    for statement in ("INSERT INTO system_metrics VALUES ('2024-01-03 10:00:00+00', 'cpu', 7, NULL) ON CONFLICT (timestamp, metric_name) "
                      "DO UPDATE SET metric_value = EXCLUDED.metric_value",
                      "UPDATE system_metrics SET timestamp = timestamp + INTERVAL '40 days' WHERE timestamp < '2024-01-05'",
                      "DELETE FROM system_metrics WHERE timestamp > '2024-02-01' AND metric_value > 2",
                      f"INSERT INTO {chunk} SELECT '2024-01-01 11:00:00+00', 'disk', 3, NULL", f"UPDATE {chunk} SET metric_value = metric_value + 1",
                      f"DELETE FROM {chunk} WHERE metric_name = 'disk'", f"TRUNCATE {chunk}",
                      "MERGE INTO system_metrics m USING (VALUES (TIMESTAMPTZ '2024-01-09 10:00:00+00'), (TIMESTAMPTZ '2024-01-09 11:00:00+00')) v(at) "
                      "ON m.timestamp = v.at WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (v.at, 'cpu', 100, NULL)",
                      "SELECT drop_chunks('system_metrics', '2024-01-20')", "TRUNCATE system_metrics"):
        cursor.execute(statement)
        follows(statement)
    # In one transaction with what it follows, and in one that fails.
    connection.autocommit = False
    cursor.execute("INSERT INTO system_metrics VALUES ('2024-01-03 10:00:00+00', 'cpu', 7, NULL)")
    cursor.execute("CALL refresh_continuous_aggregate('metrics', NULL, NULL)")
    cursor.execute("SELECT total::int FROM metrics")
    check(cursor.fetchall() == [(7,)])
    connection.rollback()
    follows("ROLLBACK")
    refused(home, "CALL refresh_continuous_aggregate('metrics', '2024-01-01 01:00:00+00', '2024-01-01 02:00:00+00')", "22023", "too small")
    refused(home, "CALL refresh_continuous_aggregate('symbols', NULL, NULL)", "42809", "not a continuous aggregate")
    refused(home, "SELECT add_continuous_aggregate_policy('metrics', INTERVAL '1 day', INTERVAL '1 hour', INTERVAL '1 hour')", "22023", "too small")
    home.rows("SELECT _tickstone.drop_continuous_aggregate('metrics')")
    home.rows("INSERT INTO system_metrics VALUES ('2024-01-03 10:00:00+00', 'cpu', 7, NULL)")


def test_roles_that_own_nothing_write_and_read(home):
    admin = session(home, user="inavvi_user").cursor()
    admin.execute("DO $$ BEGIN CREATE ROLE plain_writer LOGIN PASSWORD 'postgres'; EXCEPTION WHEN duplicate_object THEN END $$")
    home.rows("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO plain_writer")
    cursor = session(home, user="plain_writer").cursor()
    cursor.execute("INSERT INTO ohlcv SELECT 'A', now() - n * INTERVAL '1 hour', n, n, n, n, n, 'x', '1h' FROM generate_series(1, 100) n")
    cursor.execute("DELETE FROM ohlcv WHERE volume > 90")
    home.rows("CALL refresh_continuous_aggregate('daily_ohlcv_agg', NULL, now() - INTERVAL '1 day')")
    cursor.execute("UPDATE ohlcv SET volume = 1")
    cursor.execute("SELECT sum(sample_count)::int FROM daily_ohlcv_agg")
    check(cursor.fetchall() == [(90,)])
    cursor.execute("SELECT count(*)::int FROM timescaledb_information.hypertables")
    check(cursor.fetchall() == [(11,)])
    try:
        cursor.execute("SELECT drop_chunks('ohlcv', now())")
        raise AssertionError("a writer dropped chunks")
    except psycopg2.errors.InsufficientPrivilege:
        pass


def test_upkeep_under_writers_loses_no_row_and_fails_none(home):
    failures = []

    def write(which):
        cursor = session(home).cursor()
        try:
            for n in range(150):
                cursor.execute("BEGIN")
                # Reads before it writes, as applications do: that is what deadlocks are made of.
                cursor.execute("SELECT count(*) FROM trades WHERE symbol = 'A' AND timestamp > '2024-01-01'")
                cursor.execute("INSERT INTO trades VALUES (%s, TIMESTAMPTZ '2024-01-01' + %s * INTERVAL '7 hours', 1, 1, NULL, NULL, %s, 'x') "
                               "ON CONFLICT (symbol, timestamp, id) DO UPDATE SET price = EXCLUDED.price", (f"S{which}", n, n))
                cursor.execute("COMMIT")
        except psycopg2.Error as error:
            failures.append(str(error))
    writers = [threading.Thread(target=write, args=(which,)) for which in range(3)]
    for writer in writers:
        writer.start()
    cursor = session(home).cursor()
    while any(writer.is_alive() for writer in writers):
        cursor.execute("CALL run_job(1)")
    for writer in writers:
        writer.join()
    check(not failures, failures)
    cursor.execute("CALL run_job(1)")
    cursor.execute("SELECT count(*)::int, count(DISTINCT (symbol, id))::int FROM trades")
    check(cursor.fetchall() == [(450, 450)])


def test_what_is_not_there_says_so(home):
    refused(home, "SELECT time_bucket_gapfill('1 day', now(), now(), now())", "0A000", "generate_series")
    refused(home, "SELECT add_retention_policy('symbols', INTERVAL '1 day')", "42P01")
    refused(home, "SELECT add_retention_policy('ohlcv', now())", "22023", "offset")
    refused(home, "SELECT add_retention_policy('quotes', INTERVAL '1 day')", "42710", "already exists")
    check(home.rows("SELECT add_retention_policy('quotes', INTERVAL '1 day', if_not_exists => TRUE)") == [(-1,)])
    home.rows("SELECT remove_retention_policy('quotes')")
    refused(home, "SELECT remove_retention_policy('quotes')", "42704")
    home.rows("SELECT remove_retention_policy('quotes', if_exists => TRUE)")
    refused(home, "SELECT delete_job(99999)", "42704")
    check(home.rows("SELECT count(*)::int FROM timescaledb_information.jobs WHERE proc_name = 'policy_compression' AND scheduled") == [(0,)])


def main():
    port, wanted = int(sys.argv[1]), sys.argv[2:]
    failed = passed = 0
    for name, test in [(name, test) for name, test in globals().items() if name.startswith("test_") and (not wanted or name in wanted)]:
        home = homes.PostgreSql(port)
        try:
            home.migrate()
            test(home)
            passed += 1
        except (AssertionError, psycopg2.Error) as error:
            failed += 1
            print(f"FAIL {name}: {error}", flush=True)
    print(f"layer_test.py: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
