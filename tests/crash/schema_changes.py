# SPDX-License-Identifier: Apache-2.0
"""ALTER TABLE with and without rewriting, and chunks that come and go."""
import datetime as dt

from writers import BASE, until_the_crash

SCHEMA = """
CREATE TABLE shaped (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE shape_log (step INTEGER PRIMARY KEY);
CREATE TABLE ticks (at TIMESTAMPTZ NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (at, id));
SELECT create_hypertable('ticks', 'at', chunk_time_interval => INTERVAL '1 hour');
"""
ROWS_PER_STEP = 300
ROWS_PER_HOUR = 50
KEPT_HOURS = 4


class Ledger:
    def __init__(self):
        self.steps = 0            # of `shaped`, acknowledged
        self.sent_steps = 0
        self.first_hour = self.next_hour = 0  # of `ticks`, acknowledged
        self.sent_first_hour = self.sent_next_hour = 0


def statement(step):
    """Of four steps one adds a column, one gives it another type, one adds rows and one drops it again."""
    number = step // 4
    return (f"ALTER TABLE shaped ADD COLUMN c{number} INTEGER DEFAULT {number}",
            f"ALTER TABLE shaped ALTER COLUMN c{number} TYPE TEXT",
            f"INSERT INTO shaped (id, name) SELECT n, 'row ' || n FROM generate_series({number * ROWS_PER_STEP}, "
            f"{(number + 1) * ROWS_PER_STEP - 1}) AS n",
            f"ALTER TABLE shaped DROP COLUMN c{number}")[step % 4]


@until_the_crash
def alter_loop(server, ledger, stop):
    conn = server.connect()
    conn.autocommit = False
    cur = conn.cursor()
    changes = ledger.changes
    while not stop.is_set():
        step = changes.steps
        changes.sent_steps = step + 1
        cur.execute(statement(step))
        cur.execute("INSERT INTO shape_log VALUES (%s)", (step,))
        conn.commit()
        changes.steps = step + 1
        stop.wait(0.01)


@until_the_crash
def chunk_loop(server, ledger, stop):
    cur = server.connect().cursor()
    changes = ledger.changes
    while not stop.is_set():
        changes.sent_next_hour = changes.next_hour + 1
        cur.execute("INSERT INTO ticks SELECT %s::timestamptz + n * INTERVAL '1 minute', n FROM generate_series(0, %s) AS n",
                    (BASE + dt.timedelta(hours=changes.next_hour), ROWS_PER_HOUR - 1))
        changes.next_hour += 1
        if changes.next_hour - changes.first_hour > KEPT_HOURS:
            changes.sent_first_hour = changes.next_hour - KEPT_HOURS
            cur.execute("SELECT drop_chunks('ticks', older_than => %s::timestamptz)",
                        (BASE + dt.timedelta(hours=changes.sent_first_hour),))
            changes.first_hour = changes.sent_first_hour
        stop.wait(0.01)


def check_shape(cur, ledger):
    changes = ledger.changes
    cur.execute("SELECT count(*), coalesce(max(step) + 1, 0) FROM shape_log")
    count, steps = cur.fetchone()
    if count != steps or steps not in (changes.steps, changes.sent_steps):
        yield f"of steps that change a table {changes.steps} were acknowledged and {changes.sent_steps} sent, {count} are there up to {steps}"
    changes.steps = changes.sent_steps = steps
    number, done = divmod(steps, 4)
    columns = [("id", "integer"), ("name", "text")]
    if done:
        columns.append((f"c{number}", "integer" if done == 1 else "text"))
    cur.execute("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'shaped' ORDER BY ordinal_position")
    found = cur.fetchall()
    if found != columns:
        yield f"after {steps} steps a table has the columns {found} instead of {columns}"
        return
    rows = ROWS_PER_STEP * (number + (done == 3))
    wrong = f"OR c{number}::text IS DISTINCT FROM '{number}'" if done else ""
    cur.execute(f"SELECT count(*), coalesce(sum(id), 0), count(*) FILTER (WHERE name <> 'row ' || id {wrong}) FROM shaped")
    found = tuple(int(value) for value in cur.fetchone())
    if found != (rows, rows * (rows - 1) // 2, 0):
        yield f"after {steps} steps a table has (rows, sum, wrong ones) {found}, {rows} rows were expected"


def check_chunks(cur, ledger):
    changes = ledger.changes
    cur.execute("SELECT extract(epoch FROM time_bucket('1 hour', at) - %s::timestamptz)::integer / 3600, count(*) FROM ticks GROUP BY 1 ORDER BY 1",
                (BASE,))
    found = cur.fetchall()
    hours = [hour for hour, _ in found]
    first, end = (hours[0], hours[-1] + 1) if hours else (changes.first_hour, changes.next_hour)
    if (hours != list(range(first, end)) or any(count != ROWS_PER_HOUR for _, count in found)
            or first not in (changes.first_hour, changes.sent_first_hour)
            or end not in (changes.next_hour, changes.sent_next_hour)):
        yield (f"chunks: hours from {changes.first_hour} or {changes.sent_first_hour} to {changes.next_hour} or {changes.sent_next_hour} "
               f"were expected, (hour, rows) are {found}")
    changes.first_hour = changes.sent_first_hour = first
    changes.next_hour = changes.sent_next_hour = end
