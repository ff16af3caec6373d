# SPDX-License-Identifier: Apache-2.0
"""Random statements of one session whose outcome does not depend on the order in which rows are met."""

COLUMNS = {  # name: type, of every table beside its key
    "n": "int", "amount": "numeric", "price": "numeric(12,4)", "note": "text", "day": "date", "at": "timestamptz",
    "ratio": "float8", "flag": "boolean", "big": "bigint", "code": "varchar(8)",
}
KEYED, LOOSE, TICKS, CHILD = "keyed", "loose", "ticks", "child"

SCHEMA = f"""
CREATE TABLE keyed (id int PRIMARY KEY, k int UNIQUE, {", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())},
  CHECK (n IS NULL OR n < 950), CHECK (n IS NULL OR n <> 13 OR big / n > 0));
CREATE TABLE loose (id int, k int, {", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())});
CREATE TABLE ticks (id int NOT NULL, k int, {", ".join(f"{name} {kind}" for name, kind in COLUMNS.items()).replace("timestamptz", "timestamptz NOT NULL")},
  PRIMARY KEY (id, at));
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES keyed ON DELETE CASCADE ON UPDATE CASCADE,
  other int REFERENCES keyed (k) ON DELETE SET NULL ON UPDATE CASCADE, doubled int GENERATED ALWAYS AS (parent * 2) STORED);
"""

WORDS = ("", "a", "AAPL", "long text " * 20, "ünïcödé €", "it''s", "NULL", "\\N", "x,y", "tab\tbed")


class Statements:
    def __init__(self, random):
        self.random = random
        self.depth = 0
        self.is_block = False
        self.extra = {KEYED: [], LOOSE: [], TICKS: []}  # columns that ALTER TABLE added
        self.is_sane = False  # no value that its column refuses: PostgreSQL looks at constants even where no row is met

    def value(self, column):
        random = self.random
        kind = COLUMNS.get(column, "int")
        if random.random() < 0.15 and column not in ("id", "at"):
            return "NULL"
        if column in ("id", "k"):
            return str(random.randint(1, 60))
        if kind == "int":
            return str(random.choice((0, -1, random.randint(-1000, 999), 2147483647)))
        if kind == "bigint":
            return str(random.choice((0, random.randint(-10**6, 10**6), 9223372036854775807, -9223372036854775808)))
        if kind == "numeric":
            scale = random.randrange(0, 9)
            return f"{random.randint(-10**9, 10**9) * 10 ** random.randrange(0, 7)}e-{scale}".replace("e-0", "")
        if kind.startswith("numeric"):
            return random.choice((f"{random.randint(-10**7, 10**7) / 1000:.5f}", "99999999.9999", "1" if self.is_sane else "123456789.1"))
        if kind == "float8":  # no 0 beside -0: either is the least of both
            return random.choice(("'-0'", "'NaN'", "'Infinity'", "'-Infinity'", "1e300", "0.1", str(random.random())))
        if kind == "boolean":
            return random.choice(("true", "false"))
        if kind == "date":
            return f"'2024-{random.randint(1, 12):02d}-{random.randint(1, 28):02d}'"
        if kind == "timestamptz":
            return f"'2024-03-{random.randint(1, 9):02d} {random.randrange(24):02d}:00:00+00'"
        if kind.startswith("varchar"):
            return random.choice(("'abc'", "'12345678'", "'1'" if self.is_sane else "'123456789'", "''"))
        return f"'{random.choice(WORDS)}'"

    def columns(self, table):
        chosen = [name for name in COLUMNS if self.random.random() < 0.5 or (table == TICKS and name == "at")]
        return ["id", "k"] + chosen + [name for name in self.extra[table] if self.random.random() < 0.4]

    def condition(self, alias=""):
        random, dot = self.random, f"{alias}." if alias else ""
        column = random.choice(("id", "k", "n", "amount", "note", "day", "flag", "big", "at", "code", "price"))
        style = random.randrange(7)
        if style == 0:
            return f"{dot}{column} IS {random.choice(('', 'NOT '))}NULL"
        if style == 1:
            return f"{dot}id BETWEEN {random.randint(1, 60)} AND {random.randint(1, 60)}"
        if style == 2:
            return f"{dot}id IN ({random.randint(1, 60)}, {random.randint(1, 60)}, {random.randint(1, 60)})"
        if style == 3:
            return f"{dot}id = {random.randint(1, 60)}"
        if style == 4:
            return f"({self.condition(alias)} {random.choice(('AND', 'OR'))} NOT ({self.condition(alias)}))"
        value = self.value(column)
        if value == "NULL":
            return f"{dot}{column} IS NULL"
        return f"{dot}{column} {random.choice(('=', '<', '>=', '<>'))} {value}"

    def assignment(self, column):
        random = self.random
        if column in ("n", "big") and random.random() < 0.5:
            return f"{column} = {column} {random.choice(('+ 1', '- 7', '* 2'))}"
        if column == "amount" and random.random() < 0.5:
            return f"amount = {random.choice(('amount * 2', 'amount + 0.000001', '-amount', 'round(amount, 2)', 'n'))}"
        if column == "note" and random.random() < 0.5:
            return f"note = {random.choice(('upper(note)', 'note || id', 'left(note, 5)', 'code', 'NULL'))}"
        if column == "at" and random.random() < 0.5:
            return "at = at"
        return f"{column} = {self.value(column)}"

    def returning(self, table):
        if self.random.random() < 0.5:
            return ""
        return " RETURNING " + self.random.choice(("id, k, amount, note", "*", "id, k + 1, n * 2, at, day"))

    def table(self):
        return self.random.choice((KEYED, KEYED, LOOSE, TICKS))

    def insert(self):
        table = self.table()
        columns = self.columns(table)
        rows = ", ".join("(" + ", ".join(self.value(name) for name in columns) + ")" for _ in range(self.random.choice((1, 1, 2, 5, 20))))
        text = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {rows}"
        keys = {KEYED: "id", TICKS: "id, at"}.get(table)
        if keys is None or self.random.random() < 0.3:
            return text + self.returning(table)
        style = self.random.randrange(4)
        if style == 0:
            return f"{text} ON CONFLICT DO NOTHING{self.returning(table)}"
        if style == 1:
            return f"{text} ON CONFLICT ({keys}) DO NOTHING{self.returning(table)}"
        changed = [name for name in columns if name not in ("id", "k", "at")] or ["n"]
        change = ", ".join(f"{name} = excluded.{name}" if self.random.random() < 0.7 else f"{name} = {table}.{name}" for name in changed)
        where = "" if style == 2 else f" WHERE {table}.n < excluded.n OR {table}.n IS NULL"
        return f"{text} ON CONFLICT ({keys}) DO UPDATE SET {change}{where}{self.returning(table)}"

    def insert_select(self):
        source, target = self.table(), self.random.choice((KEYED, LOOSE))
        columns = ["n", "amount", "price", "note", "day", "at", "ratio", "flag", "big", "code"]
        tail = "ON CONFLICT DO NOTHING" if target == KEYED and source != KEYED else ""
        # One source row at most an id, so that which of two wins is no question.
        rows = (f"SELECT id + {self.random.choice((0, 0, 100))}, NULL, {', '.join(f'min({c})' if c != 'flag' else 'bool_and(flag)' for c in columns)} "
                f"FROM {source} WHERE {self.condition()} GROUP BY id HAVING count(*) >= 1")
        return f"INSERT INTO {target} (id, k, {', '.join(columns)}) {rows} {tail}"

    def update(self):
        table = self.table()
        columns = self.random.sample(["n", "amount", "price", "note", "day", "ratio", "flag", "big", "code"], self.random.randint(1, 3))
        where = self.condition()
        if self.random.random() < 0.2:
            columns.append("k")
            where = f"id = {self.random.randint(1, 60)}"
            if table == TICKS:
                where += " AND at = " + self.value("at")
        if table == KEYED and self.random.random() < 0.1:
            columns.append("id")
            where = f"id = {self.random.randint(1, 60)}"
        return f"UPDATE {table} SET {', '.join(self.assignment(c) for c in columns)} WHERE {where}{self.returning(table)}"

    def update_from(self):
        return (f"UPDATE loose SET amount = s.amount, note = s.note, n = s.id FROM keyed s WHERE s.id = loose.id AND {self.condition('s')}")

    def delete(self):
        table = self.table()
        style = self.random.randrange(5)
        if style == 0:
            return f"DELETE FROM {table} WHERE id IN (SELECT id FROM {self.table()} WHERE {self.condition()})"
        if style == 1:
            return f"DELETE FROM {table} USING keyed s WHERE s.id = {table}.id AND {self.condition('s')}" if table != KEYED else "DELETE FROM child"
        return f"DELETE FROM {table} WHERE {self.condition()} AND id < {self.random.randint(1, 80)}{self.returning(table)}"

    def child(self):
        random = self.random
        style = random.randrange(4)
        if style == 0:
            return f"DELETE FROM child WHERE id % 3 = {random.randrange(3)}"
        if style == 1:
            return f"UPDATE child SET parent = {random.randint(1, 60)}, other = NULL WHERE id = {random.randint(1, 60)} RETURNING *"
        return (f"INSERT INTO child (id, parent, other) VALUES ({random.randint(1, 60)}, {random.randint(1, 60)}, "
                f"{random.choice(('NULL', str(random.randint(1, 60))))}) ON CONFLICT (id) DO UPDATE SET parent = excluded.parent RETURNING *")

    def alter(self):
        table = self.table()
        columns = self.extra[table]
        style = self.random.randrange(6)
        if style < 2 and len(columns) < 3:
            name = f"extra_{self.random.randrange(100)}"
            if name in columns:
                return "SELECT 1"
            columns.append(name)
            return f"ALTER TABLE {table} ADD COLUMN {name} int" + self.random.choice(("", " DEFAULT 5", " NOT NULL DEFAULT 6"))
        if style == 2 and columns:
            name = columns.pop()
            return f"ALTER TABLE {table} DROP COLUMN {name}"
        if style == 3 and columns:
            return f"ALTER TABLE {table} ALTER COLUMN {columns[-1]} TYPE " + self.random.choice(("bigint", "int", "numeric", "text USING 'x'"))
        if style == 4:
            return f"ALTER TABLE {table} ALTER COLUMN note " + self.random.choice(("SET NOT NULL", "DROP NOT NULL", "SET DEFAULT 'dflt'", "DROP DEFAULT"))
        return f"TRUNCATE {self.random.choice((LOOSE, TICKS, 'child'))}"

    def block(self):
        """BEGIN, COMMIT and what is between."""
        if not self.is_block:
            self.is_block, self.depth = True, 0
            return "BEGIN" + self.random.choice(("", " ISOLATION LEVEL REPEATABLE READ"))
        style = self.random.randrange(6)
        if style < 2:
            self.depth += 1
            return f"SAVEPOINT s{self.depth}"
        if style < 4 and self.depth:
            return f"ROLLBACK TO s{self.random.randint(1, self.depth)}"
        self.is_block = False
        return self.random.choice(("COMMIT", "COMMIT", "ROLLBACK"))

    def next(self):
        kinds = ((self.insert, 30), (self.insert_select, 4), (self.update, 20), (self.update_from, 3), (self.delete, 8),
                 (self.child, 8), (self.block, 14), (self.alter, 3))
        kind = self.random.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]
        self.is_sane = kind != self.insert
        return kind()
