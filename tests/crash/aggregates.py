# SPDX-License-Identifier: Apache-2.0
"""Continuous aggregates of a table in which everything happens: an eager one, a real-time one that a policy refreshes, one on top of it."""
import datetime as dt
import random

from writers import BASE, RETRY, until_the_crash

HOURS = 72
SERIES = 3
SCHEMA = """
CREATE TABLE measured (at TIMESTAMPTZ NOT NULL, s INTEGER NOT NULL, v BIGINT NOT NULL, PRIMARY KEY (s, at));
SELECT create_hypertable('measured', 'at', chunk_time_interval => INTERVAL '6 hours');
CREATE MATERIALIZED VIEW measured_now WITH (timescaledb.continuous, tickstone.eager) AS
  SELECT time_bucket('10 minutes', at) AS bucket, s, count(*) AS n, sum(v) AS total, last(v, at) AS newest FROM measured GROUP BY 1, 2 WITH NO DATA;
CREATE MATERIALIZED VIEW measured_hourly WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
  SELECT time_bucket('1 hour', at) AS bucket, count(*) AS n, sum(v) AS total, max(v) AS high FROM measured GROUP BY 1 WITH NO DATA;
CREATE MATERIALIZED VIEW measured_daily WITH (timescaledb.continuous) AS
  SELECT time_bucket('1 day', bucket) AS bucket, sum(n) AS n, sum(total) AS total FROM measured_hourly GROUP BY 1 WITH NO DATA;
SELECT add_continuous_aggregate_policy('measured_hourly', NULL, INTERVAL '1 hour', INTERVAL '1 second', buckets_per_batch => 3);
"""
NOW = ("SELECT bucket, s, n, total, newest FROM measured_now ORDER BY 1, 2",
       "SELECT time_bucket('10 minutes', at), s, count(*), sum(v), last(v, at) FROM measured GROUP BY 1, 2 ORDER BY 1, 2")
HOURLY = ("SELECT bucket, n, total, high FROM measured_hourly ORDER BY 1",
          "SELECT time_bucket('1 hour', at), count(*), sum(v), max(v) FROM measured GROUP BY 1 ORDER BY 1")
DAILY = ("SELECT bucket, n, total FROM measured_daily ORDER BY 1",
         "SELECT time_bucket('1 day', at), count(*), sum(v) FROM measured GROUP BY 1 ORDER BY 1")


def hour(rng):
    return BASE + dt.timedelta(hours=rng.randrange(HOURS))


def change(cur, rng):
    """One statement: rows in order and late ones, corrections, deletes, chunks that go."""
    kind = rng.random()
    start = hour(rng)
    if kind < 0.5:
        cur.execute("INSERT INTO measured VALUES (%s, %s, %s) ON CONFLICT (s, at) DO UPDATE SET v = EXCLUDED.v",
                    (start + dt.timedelta(minutes=rng.randrange(60)), rng.randrange(SERIES), rng.randrange(1000)))
    elif kind < 0.7:
        cur.execute("INSERT INTO measured SELECT %s::timestamptz + n * INTERVAL '1 minute', n %% %s, n FROM generate_series(0, %s) AS n "
                    "ON CONFLICT DO NOTHING", (start, SERIES, rng.randrange(1, 150)))
    elif kind < 0.85:
        cur.execute("UPDATE measured SET v = v + 1 WHERE at >= %s AND at < %s", (start, start + dt.timedelta(minutes=rng.randrange(1, 200))))
    elif kind < 0.97:
        cur.execute("DELETE FROM measured WHERE at >= %s AND at < %s", (start, start + dt.timedelta(minutes=rng.randrange(1, 300))))
    elif kind < 0.99:
        cur.execute("SELECT drop_chunks('measured', older_than => %s::timestamptz, newer_than => %s::timestamptz)",
                    (start, start - dt.timedelta(hours=12)))
    else:
        cur.execute("TRUNCATE measured")


@until_the_crash
def change_loop(server, ledger, seed, stop):
    rng = random.Random(seed)
    conn = server.connect()
    conn.autocommit = False
    cur = conn.cursor()
    while not stop.is_set():
        try:
            for _ in range(rng.choice((1, 1, 1, 4))):
                change(cur, rng)
            if rng.random() < 0.1:
                conn.rollback()
                continue
            conn.commit()
        except RETRY:
            conn.rollback()
            continue
        ledger.commits += 1
        stop.wait(0.002)


@until_the_crash
def refresh_loop(server, ledger, seed, stop):
    """Windows of its own beside the policy's."""
    rng = random.Random(seed)
    cur = server.connect().cursor()
    while not stop.is_set():
        start = BASE + dt.timedelta(days=rng.randrange(3))
        window = rng.choice(((None, None), (start, start + dt.timedelta(days=1)), (None, start + dt.timedelta(days=1))))
        name = rng.choice(("measured_hourly", "measured_daily", "measured_now"))
        cur.execute(f"CALL refresh_continuous_aggregate('{name}', %s::timestamptz, %s::timestamptz, force => {rng.random() < 0.3})", window)
        stop.wait(rng.uniform(0, 0.05))


def check_aggregates(cur, _):
    """What is eager is right as it is; of the others no change has been forgotten, however often a refresh was killed."""
    for name, (aggregated, direct) in (("measured_now", NOW), ("measured_hourly", HOURLY), ("measured_daily", DAILY)):
        if name != "measured_now":
            cur.execute(f"CALL refresh_continuous_aggregate('{name}', NULL, NULL)")
        cur.execute(aggregated)
        found = cur.fetchall()
        cur.execute(direct)
        expected = cur.fetchall()
        if found != expected:
            yield (f"{name} has {len(found)} rows of {len(expected)}; wrong: {sorted(set(found) - set(expected))[:3]}, "
                   f"missing: {sorted(set(expected) - set(found))[:3]}")
