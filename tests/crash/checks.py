# SPDX-License-Identifier: Apache-2.0
"""What must hold after a restart, by the ledger."""
from aggregates import check_aggregates
from asynchronous import check_asynchronous
from schema_changes import check_chunks, check_shape
from writers import ACCOUNTS, BASE, CASH

KEPT_COPIES = 4
KEPT_TABLES = 12


def check_upserts(cur, ledger):
    cur.execute("SELECT symbol, timestamp, volume FROM ohlcv WHERE source = 'crash'")
    found = {}
    for symbol, at, volume in cur.fetchall():
        key = (symbol, round((at - BASE).total_seconds() / 60))
        if key in found:
            yield f"{key} is there twice"
        found[key] = int(volume)
    for key, value in ledger.acknowledged.items():
        allowed = {value, ledger.in_flight.get(key, value)}
        if found.get(key) not in allowed:
            yield f"{key}: acknowledged {value}, found {found.get(key)}"
    for key, value in found.items():
        if key not in ledger.acknowledged and ledger.in_flight.get(key) != value:
            yield f"{key}: {value} was never sent"
        ledger.acknowledged[key] = value  # what is there now stays
    ledger.in_flight.clear()


def check_copies(cur, ledger):
    cur.execute("SELECT symbol, count(*), min(id), max(id) FROM trades WHERE symbol LIKE 'C%' GROUP BY symbol")
    copies = {int(symbol[1:]): (count, low, high) for symbol, count, low, high in cur.fetchall()}
    for number, (rows, acknowledged) in list(ledger.copies.items()):
        if number in copies:
            if copies[number] != (rows, 0, rows - 1):
                yield f"COPY {number} of {rows} rows is there in part: {copies[number]}"
            ledger.copies[number][1] = True
        elif acknowledged:
            yield f"COPY {number} was acknowledged and is gone"
        else:
            del ledger.copies[number]
    for number in copies:
        if number not in ledger.copies:
            yield f"COPY {number} is there, and was deleted or never sent"
    # The oldest go; a later round sees whether they stay away.
    for number in sorted(ledger.copies)[:-KEPT_COPIES]:
        cur.execute("DELETE FROM trades WHERE symbol = %s", (f"C{number}",))
        if cur.rowcount != ledger.copies[number][0]:
            yield f"DELETE of COPY {number} found {cur.rowcount} rows"
        del ledger.copies[number]


def check_tables(cur, ledger):
    cur.execute("SELECT source FROM trades WHERE symbol = 'DDL'")
    witnessed = {row[0] for row in cur.fetchall()}
    cur.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_name LIKE 'made%'")
    there = {row[0] for row in cur.fetchall()}
    cur.execute("SELECT hypertable_name FROM timescaledb_information.hypertables")
    hypertables = {row[0] for row in cur.fetchall()}
    for name in there - set(ledger.tables):
        yield f"table {name} is there, and was dropped or never made"
    for name, acknowledged in list(ledger.tables.items()):
        states = (name in there, name in witnessed, name in hypertables)
        if len(set(states)) != 1:
            yield f"transaction of {name} is there in part: table, row, hypertable = {states}"
        elif not states[0]:
            if acknowledged is True:
                yield f"table {name} was acknowledged and is gone"
            del ledger.tables[name]
        else:
            cur.execute(f"SELECT count(*), sum(value) FROM {name}")
            row = cur.fetchone()
            if (row[0], int(row[1])) != (2, 3):
                yield f"table {name} has {row}"
            ledger.tables[name] = True
    for name in sorted(ledger.tables, key=lambda made: int(made[5:]))[:-KEPT_TABLES]:
        cur.execute(f"BEGIN; DROP TABLE {name}; DELETE FROM trades WHERE symbol = 'DDL' AND source = '{name}'; COMMIT")
        del ledger.tables[name]


def check_facts(cur, ledger):
    cur.execute("SELECT key, value, note FROM facts")
    found = {}
    for key, value, note in cur.fetchall():
        if key in found:
            yield f"fact {key} is there twice"
        found[key] = (value, note)
    for key in set(ledger.facts) | set(found) | set(ledger.fact_in_flight):
        allowed = [ledger.facts.get(key)]
        if key in ledger.fact_in_flight:
            allowed.append(ledger.fact_in_flight[key])
        if found.get(key) not in allowed:
            yield f"fact {key}: found {found.get(key)}, allowed {allowed}"
    # Of a transaction that was in flight all is there, or nothing: it is one of each writer.
    for writer in {key // 300 for key in ledger.fact_in_flight}:
        mine = {key: fact for key, fact in ledger.fact_in_flight.items() if key // 300 == writer}
        if len({found.get(key) == fact for key, fact in mine.items()}) > 1:
            yield f"a transaction of fact writer {writer} is there in part: {mine}"
    ledger.facts = found
    ledger.fact_in_flight.clear()


def transfer_problems(cur):
    """The transfers that are there, and what is wrong with them and the positions, whatever was acknowledged."""
    cur.execute("SELECT account, cash FROM positions")
    positions = {account: int(cash) for account, cash in cur.fetchall()}
    cur.execute("SELECT id, sender, receiver, amount FROM transfers")
    transfers = {row[0]: tuple(int(value) for value in row[1:]) for row in cur.fetchall()}
    problems = []
    if sum(positions.values()) != ACCOUNTS * CASH:
        problems.append(f"the sum of all positions is {sum(positions.values())} instead of {ACCOUNTS * CASH}")
    expected = dict.fromkeys(range(ACCOUNTS), CASH)
    for sender, receiver, amount in transfers.values():
        expected[sender] -= amount
        expected[receiver] += amount
    if positions != expected:
        problems.append(f"positions are {positions}, by transfers they are {expected}")
    return transfers, problems


def check_transfers(cur, ledger):
    transfers, problems = transfer_problems(cur)
    yield from problems
    for number, (sender, receiver, amount, acknowledged) in list(ledger.transfers.items()):
        if number not in transfers:
            if acknowledged:
                yield f"transfer {number} was acknowledged and is gone"
            del ledger.transfers[number]
        elif transfers[number] != (sender, receiver, amount):
            yield f"transfer {number} is {transfers[number]}"
        else:
            ledger.transfers[number] = (sender, receiver, amount, True)
    for number in transfers:
        if number not in ledger.transfers:
            yield f"transfer {number} was never sent"


def check_numbers(cur, ledger):
    cur.execute("SELECT nextval('crash_numbers')")
    number = cur.fetchone()[0]
    if number in ledger.numbers or (ledger.numbers and number < max(ledger.numbers)):
        yield f"nextval gave {number} after {max(ledger.numbers)}"
    ledger.numbers.add(number)


def check_aggregate(cur, _):
    """Invalidations are as durable as what they are of: after a refresh nothing is stale."""
    cur.execute("CALL refresh_continuous_aggregate('ohlcv_hourly', NULL, NULL)")
    cur.execute("SELECT symbol, bucket, bars, volume FROM ohlcv_hourly ORDER BY 1, 2")
    aggregated = cur.fetchall()
    cur.execute("SELECT symbol, time_bucket('1 hour', timestamp), count(*), sum(volume) FROM ohlcv GROUP BY 1, 2 ORDER BY 1, 2")
    direct = cur.fetchall()
    if aggregated != direct:
        stale = [(a, d) for a, d in zip(aggregated, direct) if a != d]
        yield f"the aggregate has {len(aggregated)} buckets of {len(direct)}, stale: {stale[:3]}"


CHECKS = (check_upserts, check_copies, check_tables, check_facts, check_transfers, check_numbers, check_aggregate, check_aggregates,
          check_shape, check_chunks, check_asynchronous)
