# SPDX-License-Identifier: Apache-2.0
"""What must hold in every snapshot, and what must be there in the end."""
import collections

import transactions

SNAPSHOT = {
    "accounts": "SELECT id, balance, version FROM accounts ORDER BY id",
    "entries": "SELECT account, sum(amount), count(*) FROM entries GROUP BY account ORDER BY account",
    "torn transfers": "SELECT transfer, count(*), sum(amount) FROM entries GROUP BY transfer "
                      "HAVING count(*) <> 2 OR sum(amount) <> 0 ORDER BY transfer",
    "counters": "SELECT name, n FROM counters ORDER BY name",
    "slots": "SELECT slot, k, owner FROM slots ORDER BY slot",
    "orphans": "SELECT c.id FROM children c LEFT JOIN parents p ON p.id = c.parent WHERE c.parent IS NOT NULL AND p.id IS NULL "
               "UNION ALL SELECT c.id FROM strict_children c LEFT JOIN parents p ON p.id = c.parent WHERE p.id IS NULL",
    "families": "SELECT 'p', id, v FROM parents UNION ALL SELECT 'c', id, parent FROM children "
                "UNION ALL SELECT 's', id, parent FROM strict_children ORDER BY 1, 2",
    "lists": "SELECT k, v FROM lists ORDER BY k",
    "numbers": "SELECT n, count(*) FROM numbers GROUP BY n HAVING count(*) > 1",
    "torn ticks": "SELECT time, count(*), count(DISTINCT stamp) FROM ticks GROUP BY time "
                  f"HAVING count(*) <> {len(transactions.SYMBOLS)} OR count(DISTINCT stamp) <> 1",
    "ticks": "SELECT symbol, count(*), sum(price), sum(stamp), min(time), max(time) FROM ticks GROUP BY symbol ORDER BY symbol",
    "double ticks": "SELECT symbol, time FROM ticks GROUP BY symbol, time HAVING count(*) > 1",
}


def read(cursor, name):
    cursor.execute(SNAPSHOT[name])
    return cursor.fetchall()


def stamps_of(text):
    return [int(stamp) for stamp in text.split(",") if stamp]


def check_snapshot(ledger, seen, where):
    """seen: rows by name of SNAPSHOT, all of one snapshot."""
    total = sum(row[1] for row in seen["accounts"])
    ledger.check(len(seen["accounts"]) == transactions.ACCOUNTS, f"{where}: {len(seen['accounts'])} accounts")
    ledger.check(total == 1000 * transactions.ACCOUNTS, f"{where}: the balances add up to {total}")
    entries = {row[0]: (row[1], row[2]) for row in seen["entries"]}
    for account, balance, version in seen["accounts"]:
        moved, times = entries.get(account, (0, 0))
        ledger.check(balance == 1000 + moved and version == times,
                     f"{where}: account {account} has {balance} after {version} changes, its entries {moved} in {times}")
    for name in ("torn transfers", "orphans", "numbers", "torn ticks", "double ticks"):
        ledger.check(not seen[name], f"{where}: {name}: {seen[name][:5]}")
    keys = [row[1] for row in seen["slots"] if row[1] is not None]
    ledger.check(len(keys) == len(set(keys)), f"{where}: keys of slots are not unique: {seen['slots']}")
    names = [row[0] for row in seen["slots"]]
    ledger.check(len(names) == len(set(names)), f"{where}: slots are not unique: {seen['slots']}")
    check_lists(ledger, seen["lists"], where)


def check_lists(ledger, rows, where):
    """Remembers for the end which stamps this snapshot saw in which list."""
    seen = {key: stamps_of(text) for key, text in rows}
    ledger.check(len(seen) == transactions.LISTS, f"{where}: {len(seen)} lists")
    ledger.add("reads of lists", (where, seen))


def check_end(ledger, seen):
    counted = collections.Counter(ledger.values("counts"))
    ledger.check(dict(seen["counters"]) == dict(counted), f"end: counters {seen['counters']}, acknowledged {counted}")
    transfers = ledger.values("transfers")
    versions = sum(row[2] for row in seen["accounts"])
    ledger.check(versions == 2 * len(transfers), f"end: {versions} changes of accounts of {len(transfers)} transfers")
    final = {key: stamps_of(text) for key, text in seen["lists"]}
    keys_of = dict(ledger.values("appends"))
    expected = collections.Counter((key, stamp) for stamp, keys in keys_of.items() for key in keys)
    actual = collections.Counter((key, stamp) for key, stamps in final.items() for stamp in stamps)
    ledger.check(actual == expected, f"end: lists differ by {list((actual - expected) + (expected - actual))[:5]}")
    for where, lists in ledger.values("reads of lists"):
        shown = collections.defaultdict(set)
        for key, stamps in lists.items():
            ledger.check(stamps == final.get(key, [])[: len(stamps)],
                         f"{where}: list {key} was no beginning of what it became: {stamps[-5:]}")
            for stamp in stamps:
                shown[stamp].add(key)
        for stamp, keys in shown.items():
            ledger.check(keys == set(keys_of.get(stamp, ())), f"{where}: saw {stamp} in {keys}, not in {keys_of.get(stamp)}")
    taken = ledger.values("numbers taken")
    ledger.check(len(taken) == len(set(taken)), "end: the sequence gave a number twice")
