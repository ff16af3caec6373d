# SPDX-License-Identifier: Apache-2.0
"""The transactions that sessions run at the same time: each is a function of (work, cursor), run inside a block.

Each leaves an invariant of checks.py as it was, or tells the ledger, after its commit, what must be there.
"""
import decimal
import itertools

ACCOUNTS = 12
LISTS = 6
SLOTS = 40
SYMBOLS = ("AAPL", "MSFT", "NVDA", "TSLA")
MINUTES = 50

SCHEMA = """
CREATE TABLE accounts (id int PRIMARY KEY, balance numeric NOT NULL, version int NOT NULL DEFAULT 0);
CREATE TABLE entries (transfer bigint, account int, amount numeric);
CREATE TABLE counters (name text PRIMARY KEY, n int NOT NULL);
CREATE TABLE slots (slot int PRIMARY KEY, k int UNIQUE, owner int);
CREATE TABLE parents (id int PRIMARY KEY, v int);
CREATE TABLE children (id serial PRIMARY KEY, parent int REFERENCES parents ON DELETE CASCADE);
CREATE TABLE strict_children (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent int NOT NULL REFERENCES parents);
CREATE TABLE lists (k int PRIMARY KEY, v text NOT NULL);
CREATE TABLE numbers (n bigint, worker int);
CREATE SEQUENCE number_source CACHE 3;
CREATE TABLE ticks (time timestamptz NOT NULL, symbol text NOT NULL, price numeric, stamp bigint, PRIMARY KEY (symbol, time));
"""

stamps = itertools.count(1)


class Rollback(Exception):
    """The transaction gives up on its own."""


def fill(cursor):
    cursor.execute("INSERT INTO accounts SELECT i, 1000 FROM generate_series(1, %s) AS g(i)", (ACCOUNTS,))
    cursor.execute("INSERT INTO lists SELECT i, '' FROM generate_series(1, %s) AS g(i)", (LISTS,))
    cursor.execute("INSERT INTO parents SELECT i, 0 FROM generate_series(1, 10) AS g(i)")


def amount(random):
    """From whole numbers to many digits, so that the columns have to widen."""
    scale = random.choice((0, 0, 2, 4, 8, 12))
    return decimal.Decimal(random.randint(1, 10 ** min(scale + 1, 10))).scaleb(-scale)


def transfer(work, cursor):
    random = work.random
    source, target = random.sample(range(1, ACCOUNTS + 1), 2)
    moved, stamp = amount(random), next(stamps)
    style = random.randrange(3)
    if style == 0:
        changes = [(source, -moved), (target, moved)]
        if random.random() < 0.8:
            changes.sort()  # else two of them may deadlock
        for account, by in changes:
            cursor.execute("UPDATE accounts SET balance = balance + %s, version = version + 1 WHERE id = %s", (by, account))
            work.ledger.check(cursor.rowcount == 1, f"account {account}: {cursor.rowcount} rows changed")
    elif style == 1:
        cursor.execute("SELECT id, balance FROM accounts WHERE id IN (%s, %s) ORDER BY id FOR UPDATE", (source, target))
        balances = dict(cursor.fetchall())
        work.ledger.check(len(balances) == 2, f"locked {balances} of {source}, {target}")
        work.pause()
        for account, by in ((source, -moved), (target, moved)):
            cursor.execute("UPDATE accounts SET balance = %s, version = version + 1 WHERE id = %s",
                           (balances[account] + by, account))
    else:
        cursor.execute(
            "INSERT INTO accounts (id, balance) VALUES (%s, %s), (%s, %s) ON CONFLICT (id) DO UPDATE "
            "SET balance = accounts.balance + excluded.balance, version = accounts.version + 1",
            (source, -moved, target, moved))
    if random.random() < 0.3:
        cursor.execute("SAVEPOINT mistake")
        cursor.execute("UPDATE accounts SET balance = balance + 1000000 WHERE id IN (%s, %s)", (source, target))
        cursor.execute("INSERT INTO entries VALUES (%s, %s, 1000000)", (stamp, source))
        cursor.execute("ROLLBACK TO mistake")
    cursor.execute("INSERT INTO entries VALUES (%s, %s, %s), (%s, %s, %s)",
                   (stamp, source, -moved, stamp, target, moved))
    if random.random() < 0.1:
        raise Rollback
    return ("transfers", stamp)


def count(work, cursor):
    name = work.random.choice("abc")
    style = work.random.randrange(3)
    if style == 0:
        cursor.execute("INSERT INTO counters VALUES (%s, 1) ON CONFLICT (name) DO UPDATE SET n = counters.n + 1", (name,))
    elif style == 1:
        cursor.execute("UPDATE counters SET n = n + 1 WHERE name = %s", (name,))
        if cursor.rowcount == 0:
            raise Rollback
    else:
        cursor.execute("SELECT n FROM counters WHERE name = %s FOR UPDATE", (name,))
        row = cursor.fetchone()
        if row is None:
            raise Rollback
        work.pause()
        cursor.execute("UPDATE counters SET n = %s WHERE name = %s", (row[0] + 1, name))
    return ("counts", name)


def move_slots(work, cursor):
    random = work.random
    for _ in range(random.randint(1, 4)):
        slot, key = random.randrange(SLOTS), random.randrange(SLOTS)
        style = random.randrange(5)
        cursor.execute("SAVEPOINT step")
        try:
            if style == 0:
                cursor.execute("INSERT INTO slots VALUES (%s, %s, %s)", (slot, key, work.number))
            elif style == 1:
                cursor.execute("UPDATE slots SET k = %s, owner = %s WHERE slot = %s", (key, work.number, slot))
            elif style == 2:
                cursor.execute("DELETE FROM slots WHERE slot = %s OR k = %s", (slot, key))
            elif style == 3:
                cursor.execute("INSERT INTO slots VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", (slot, key, work.number))
            else:
                cursor.execute("INSERT INTO slots VALUES (%s, %s, %s) ON CONFLICT (k) DO UPDATE SET owner = excluded.owner",
                               (slot, key, work.number))
            cursor.execute("RELEASE step")
        except work.error as error:
            if error.pgcode != "23505":
                raise
            cursor.execute("ROLLBACK TO step")


def families(work, cursor):
    random = work.random
    parent, style = random.randint(1, 20), random.randrange(6)
    try:
        if style == 0:
            cursor.execute("INSERT INTO parents VALUES (%s, 0) ON CONFLICT DO NOTHING", (parent,))
        elif style == 1:
            cursor.execute("DELETE FROM parents WHERE id = %s", (parent,))
        elif style == 2:
            cursor.execute("UPDATE parents SET v = v + 1 WHERE id = %s", (parent,))
        elif style == 3:
            cursor.execute("INSERT INTO children (parent) VALUES (%s), (%s)", (parent, random.randint(1, 20)))
        elif style == 4:
            cursor.execute("INSERT INTO strict_children (parent) VALUES (%s)", (parent,))
        else:
            cursor.execute("DELETE FROM strict_children WHERE parent = %s", (parent,))
            cursor.execute("UPDATE children SET parent = %s WHERE parent = %s", (random.randint(1, 20), parent))
        work.pause()
    except work.error as error:
        if error.pgcode != "23503":
            raise
        raise Rollback from error


def append(work, cursor):
    """Appends its stamp to some lists; whoever sees it in one must see it in all."""
    stamp = next(stamps)
    keys = work.random.sample(range(1, LISTS + 1), work.random.randint(1, 3))
    for key in keys if work.random.random() < 0.2 else sorted(keys):
        if work.random.random() < 0.5:
            cursor.execute("UPDATE lists SET v = v || %s WHERE k = %s", (f"{stamp},", key))
        else:
            cursor.execute("SELECT v FROM lists WHERE k = %s FOR UPDATE", (key,))
            cursor.execute("UPDATE lists SET v = %s WHERE k = %s", (f"{cursor.fetchone()[0]}{stamp},", key))
    if work.random.random() < 0.15:
        raise Rollback
    return ("appends", (stamp, tuple(keys)))


def take_numbers(work, cursor):
    cursor.execute("INSERT INTO numbers SELECT nextval('number_source'), %s FROM generate_series(1, %s) RETURNING n",
                   (work.number, work.random.randint(1, 5)))
    taken = [row[0] for row in cursor.fetchall()]
    for number in taken:
        work.ledger.add("numbers taken", number)
    return ("numbers", taken)


def stamp_ticks(work, cursor):
    """All symbols of one minute carry the same stamp, whatever way it came about."""
    random, stamp = work.random, next(stamps)
    minute = f"2024-03-01 {random.randrange(MINUTES) // 10:02d}:{random.randrange(60):02d}:00+00"
    style = random.randrange(6)
    if style == 0:
        cursor.execute("DELETE FROM ticks WHERE time = %s", (minute,))
    elif style == 1:
        cursor.execute("UPDATE ticks SET stamp = %s, price = price + %s WHERE time = %s", (stamp, amount(random), minute))
    else:
        rows = [(minute, symbol, amount(random), stamp) for symbol in SYMBOLS]
        text = ", ".join(["(%s, %s, %s, %s)"] * len(rows))
        # In the order of the key always, so that two of them wait for rather than deadlock with each other.
        cursor.execute(f"INSERT INTO ticks (time, symbol, price, stamp) VALUES {text} ON CONFLICT (symbol, time) "
                       "DO UPDATE SET price = excluded.price, stamp = excluded.stamp",
                       [value for row in rows for value in row])
    if random.random() < 0.1:
        raise Rollback


WRITES = (transfer, transfer, count, move_slots, families, append, append, take_numbers, stamp_ticks, stamp_ticks)
