# SPDX-License-Identifier: Apache-2.0
"""The guide's tables, as the schema that we ship makes them, and random rows for them."""
import datetime
import json
import pathlib
import re

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "src" / "market" / "schema" / "0002_tables"
KINDS = {"TEXT": "text", "TIMESTAMPTZ": "stamp", "NUMERIC": "num", "INTEGER": "int", "SERIAL": "int", "BIGINT": "big",
         "DATE": "date", "BOOLEAN": "bool", "JSONB": "json", "TEXT[]": "texts"}
START = datetime.datetime(2025, 3, 7, 22, 0)  # the night in which New York's clocks are put forward is near
WORDS = ("AAPL", "MSFT", "NVDA", "SPY", "", "aapl", "x y", "it's", "50%", "a_b", "ünï", "Zz", "rsi_14", "long " * 12, "\\d", "10", "-7", "2025-03-09")
KEYS = ("AAPL", "MSFT", "NVDA", "SPY", "QQQ", "x y", "rsi_14")
DOCUMENTS = ({}, {"a": 1}, {"a": 2.5, "b": "x"}, {"a": None, "k": [1, 2, "z"]}, [], [1, "a", {"b": 2}], {"k": {"deep": True}, "a": "7"},
             {"b": "AAPL", "z": 1e3}, "text", 17, None, True)


class Table:
    def __init__(self, name, columns, key, required):
        self.name, self.columns, self.key, self.required = name, columns, key, required


def statements():
    """What makes the tables: PostgreSQL's own, and those that only we know."""
    for path in sorted(SCHEMA.glob("*.sql")):
        text = re.sub(r"--.*", "", path.read_text())
        for statement in text.split(";"):
            if statement.strip():
                yield statement.strip(), "create_hypertable" in statement


def tables():
    found = {}
    for statement, _ in statements():
        match = re.match(r"CREATE TABLE IF NOT EXISTS (\w+) \((.*)\)$", statement, re.S)
        if not match:
            continue
        columns, key, required = {}, [], set()
        for line in re.sub(r"\s+", " ", match.group(2)).split(", "):
            words = line.split()
            if words[0] in ("PRIMARY",) or not KINDS.get(words[1] if len(words) > 1 else ""):
                key += re.findall(r"\w+", line.replace("PRIMARY KEY", ""))
                continue
            columns[words[0]] = KINDS[words[1]]
            if "PRIMARY KEY" in line:
                key = [words[0]]
            if "NOT NULL" in line:
                required.add(words[0])
        found[match.group(1)] = Table(match.group(1), columns, key, required | set(key))
    return found


def literal(rng, kind):
    """A constant, with its type where it would not be clear."""
    if kind == "int":
        return str(rng.choice((0, 1, 2, 7, -3, rng.randint(-50, 50), rng.randint(-9000, 9000))))
    if kind == "big":
        return f"{rng.choice((0, 5, rng.randint(-10**6, 10**6), 3_000_000_000))}::bigint"
    if kind == "num":
        # No zeros at the end: NUMERIC keeps none here, and PostgreSQL counts them when it divides.
        return rng.choice(("0::numeric", "1::numeric", "0.5", "100::numeric", f"{rng.randint(-9999, 9999)}.{rng.randint(0, 999)}7", f"{rng.randint(1, 400)}.{rng.randint(1, 9)}", "-0.0003"))
    if kind == "float":
        return f"{rng.choice(('0', '1.5', '-2.25', '1e6', str(rng.randint(-99, 99) / 8)))}::float8"
    if kind == "bool":
        return rng.choice(("true", "true", "true", "true", "true", "false", "NULL::boolean"))
    if kind == "date":
        return f"date '{(START + datetime.timedelta(days=rng.randint(-40, 40))).date()}'"
    if kind in ("stamp", "local"):
        at = START + datetime.timedelta(minutes=5 * rng.randint(-600, 600))
        return f"timestamptz '{at}+00'" if kind == "stamp" else f"timestamp '{at}'"
    if kind == "span":
        return "interval '" + rng.choice(("1 day", "5 minutes", "-2 hours", "1 mon", "1 day 02:30:00", "0", "36 hours", "1 year -3 days")) + "'"
    if kind == "json":
        return quoted(json.dumps(rng.choice(DOCUMENTS))) + "::jsonb"
    if kind == "texts":
        return rng.choice(("'{}'::text[]", "ARRAY['a', 'b']", "'{AAPL,NULL}'::text[]", "ARRAY['x y', '', 'T']"))
    return quoted(rng.choice(WORDS))


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def value(rng, table, column):
    """What a row has in a column: keys from few values, so that rows meet."""
    kind = table.columns[column]
    if column not in table.required and rng.random() < 0.15:
        return "NULL"
    if kind == "text":
        return quoted(rng.choice(KEYS if column in table.key or column in ("symbol", "ticker") else WORDS))
    if kind == "int":
        return str(rng.choice((0, 1, 4, 11, rng.randint(-5, 60), rng.randint(0, 9000))))
    if kind == "big":
        return str(rng.randint(1, 400) if column in table.key else rng.choice((0, -1, rng.randint(-10**9, 10**12))))
    if kind == "num":
        return rng.choice((f"{rng.randint(1, 500)}.{rng.randint(0, 99)}{rng.randint(1, 9)}", str(rng.randint(-3, 900)), "0", f"-0.000{rng.randint(1, 9)}"))
    if kind == "stamp":
        return f"'{START + datetime.timedelta(minutes=30 * rng.randint(0, 150))}+00'"
    if kind == "date":
        return f"'{(START + datetime.timedelta(days=rng.randint(0, 30))).date()}'"
    if kind == "bool":
        return rng.choice(("true", "false"))
    if kind == "json":
        return quoted(json.dumps(rng.choice(DOCUMENTS)))
    return rng.choice(("'{}'", "'{T}'", "'{T,I}'", "'{\"a b\",NULL}'", "'{AAPL}'"))


def rows(rng, table, count):
    """Rows of different keys."""
    made = {}
    for number in range(count):
        row = {column: value(rng, table, column) for column in table.columns}
        if table.name == "positions":
            row["id"] = str(rng.randint(1, 500))
        key = tuple(row[column] for column in table.key) or number
        made.setdefault(key, row)
    return list(made.values())


def insert(table, made):
    columns = list(made[0])
    return (f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES "
            + ", ".join("(" + ", ".join(row[column] for column in columns) + ")" for row in made))
