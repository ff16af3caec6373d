# SPDX-License-Identifier: Apache-2.0
"""Random expressions over the table kinds, the same for the same seed."""
import random

LEAVES = {
    "int": ["small", "whole", "id", "1", "7", "-3", "length(label)", "cardinality(numbers)"],
    "num": ["price", "amount", "1.5", "0.003", "-2.25", "100.0", "id::numeric"],
    "float": ["score", "ratio", "2.5::float8", "id::float8"],
    "text": ["label", "code", "'abc'", "''", "'a b'", "id::text"],
    "bool": ["flag", "true", "NULL::boolean", "tags IS NULL"],
    "date": ["day", "date '2025-03-31'", "seen::date"],
    "stamp": ["placed", "timestamp '2025-03-31 13:14:15.5'", "day::timestamp"],
    "span": ["span", "interval '1 day 02:00:00'", "interval '1 mon'"],
}
# What makes a value: the kinds of its parts.
RULES = {
    "int": [("({} + {})", "int", "int"), ("({} - {})", "int", "int"), ("({} % 7)", "int"), ("({} / 5)", "int"),
            ("abs({} % 100)", "int"), ("length({})", "text"), ("coalesce({}, {})", "int", "int"),
            ("strpos({}, {})", "text", "text"), ("CASE WHEN {} THEN {} ELSE {} END", "bool", "int", "int"),
            ("extract(day FROM {})::int", "date"), ("({})::int", "bool"), ("sign({})::int", "num")],
    "num": [("({} + {})", "num", "num"), ("({} - {})", "num", "int"), ("({} * {})", "num", "num"), ("({} / 7)", "num"),
            ("({} / nullif({}, 0))", "num", "num"), ("round({}, 2)", "num"), ("trunc({}, 1)", "num"), ("abs({})", "num"),
            ("-({})", "num"), ("coalesce({}, {})", "num", "num"), ("greatest({}, {})", "num", "num"),
            ("CASE WHEN {} THEN {} ELSE {} END", "bool", "num", "num"), ("floor({})", "num"), ("({} % 3)", "num"),
            ("extract(epoch FROM {})", "span"), ("least({}, {})", "num", "int")],
    "float": [("({} + {})", "float", "float"), ("({} * 0.5::float8)", "float"), ("abs({})", "float"),
              ("coalesce({}, {})", "float", "float"), ("({})::float8", "int"), ("floor({})", "float")],
    "text": [("({} || {})", "text", "text"), ("upper({})", "text"), ("left({}, 3)", "text"), ("replace({}, 'a', 'x')", "text"),
             ("coalesce({}, {})", "text", "text"), ("substring({} FROM 2 FOR 2)", "text"), ("({})::text", "int"),
             ("({})::text", "bool"), ("to_char({}, 'YYYY-MM-DD')", "date"), ("lpad({}, 6, '.')", "text"),
             ("regexp_replace({}, '[a-c]', '<>', 'g')", "text"), ("split_part({}, ' ', 1)", "text"), ("({})::text", "span"),
             ("CASE WHEN {} THEN {} ELSE {} END", "bool", "text", "text"), ("concat({}, {})", "text", "int"), ("md5({})", "text")],
    "bool": [("({} < {})", "num", "num"), ("({} = {})", "int", "int"), ("({} AND {})", "bool", "bool"), ("({} OR {})", "bool", "bool"),
             ("(NOT {})", "bool"), ("({} IS NULL)", "num"), ("({} > {})", "text", "text"), ("({} LIKE '%a%')", "text"),
             ("({} IS DISTINCT FROM {})", "int", "int"), ("({} BETWEEN {} AND {})", "num", "num", "int"), ("({} >= {})", "date", "date"),
             ("({} IN ({}, 7))", "int", "int"), ("({} < {})", "stamp", "date"), ("({} <> {})", "span", "span"), ("({} = {})", "num", "int")],
    "date": [("({} + {} % 1000)", "date", "int"), ("coalesce({}, {})", "date", "date"), ("({})::date", "stamp"), ("least({}, {})", "date", "date")],
    "stamp": [("({} + {})", "stamp", "span"), ("({} - interval '1 mon')", "stamp"), ("date_trunc('month', {})", "stamp"),
              ("({} + {})", "date", "span"), ("coalesce({}, {})", "stamp", "stamp")],
    "span": [("({} + {})", "span", "span"), ("({} * 2)", "span"), ("-{}", "span"), ("justify_days({})", "span"), ("({} - {})", "stamp", "stamp"),
             ("coalesce({}, {})", "span", "span")],
}


def expression(rng, kind, depth):
    if depth == 0 or rng.random() < 0.15:
        return rng.choice(LEAVES[kind])
    rule = rng.choice(RULES[kind])
    return rule[0].format(*(expression(rng, part, depth - 1) for part in rule[1:]))


def queries(seed, count):
    rng = random.Random(seed)
    for _ in range(count):
        kinds = [rng.choice(list(RULES)) for _ in range(rng.randint(1, 2))]
        columns = ", ".join(f"{expression(rng, kind, rng.randint(1, 4))} AS c{n}" for n, kind in enumerate(kinds))
        where = f" WHERE {expression(rng, 'bool', 2)}" if rng.random() < 0.4 else ""
        yield f"SELECT id, {columns} FROM kinds{where} ORDER BY id"
