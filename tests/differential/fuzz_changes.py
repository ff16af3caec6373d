# SPDX-License-Identifier: Apache-2.0
"""Random changes of the guide's tables, and statements that are wrong on purpose."""
import re

import fuzz_tables
from fuzz_expressions import expression
from fuzz_statements import Source, Statements


class Changes(Statements):
    def __init__(self, rng):
        super().__init__(rng)
        self.touched = set()

    def target(self):
        table = self.rng.choice(list(self.tables.values()))
        self.touched.add(table.name)
        return table

    def scope(self, table, prefix=""):
        return [(prefix + name, kind) for name, kind in table.columns.items()]

    def returning(self, table):
        if self.chance(0.5):
            return ""
        kinds = [self.rng.choice(("int", "num", "text", "stamp", "json", "bool")) for _ in range(self.some(1, 3))]
        return " RETURNING " + self.rng.choice(("*", ", ".join(expression(self.rng, self.scope(table, f"{table.name}."), kind, 2) for kind in kinds)))

    def assignments(self, table, scope, excluded=""):
        free = [name for name in table.columns if name not in table.key]
        if not free:
            return None
        made = []
        chosen = self.rng.sample(free, min(len(free), self.some(1, 3)))
        if len(chosen) > 1 and not table.required & set(chosen) and self.chance(0.2):
            row = ", ".join(expression(self.rng, scope, table.columns[name], 1) for name in chosen)
            return f"({', '.join(chosen)}) = {self.rng.choice((f'({row})', f'ROW({row})', f'(SELECT {row})'))}"
        for name in chosen:
            if excluded and self.chance(0.5):
                made.append(f"{name} = {excluded}{name}")
            elif name not in table.required or self.chance(0.7):
                text = expression(self.rng, scope, table.columns[name], 2)
                made.append(f"{name} = {text}" if name not in table.required else f"{name} = coalesce({text}, {fuzz_tables.literal(self.rng, table.columns[name])})")
        return ", ".join(made) or None

    def insert(self):
        table = self.target()
        text = fuzz_tables.insert(table, fuzz_tables.rows(self.rng, table, self.rng.choice((1, 1, 2, 6))))
        keys = ", ".join(table.key)
        style = self.some(0, 4)
        if not keys or style == 0:
            return text + self.returning(table)
        if style == 1:
            return f"{text} ON CONFLICT DO NOTHING{self.returning(table)}"
        both = self.scope(table, f"{table.name}.") + self.scope(table, "excluded.")
        change = self.assignments(table, both, "excluded.")
        if not change:
            return f"{text} ON CONFLICT ({keys}) DO NOTHING{self.returning(table)}"
        where = f" WHERE {expression(self.rng, both, 'bool', 2)}" if style == 2 else ""
        on = f"ON CONSTRAINT {table.name}_pkey" if self.chance(0.2) else f"({keys})"
        return f"{text} ON CONFLICT {on} DO UPDATE SET {change}{where}{self.returning(table)}"

    def moved(self, table):
        """The table's own columns for rows that are new, or the same again: no two of them have one key."""
        stamp = next((name for name in table.columns if table.columns[name] == "stamp" and name in table.key), None)
        return ", ".join(f"{name} + interval '{self.rng.choice((30, 90, 6000))} minutes' AS {name}" if name == stamp else
                         f"{name} + {self.some(0, 700)} AS {name}" if name == "id" else name for name in table.columns)

    def merge(self):
        table = self.target()
        if not table.key:
            return self.insert()
        there, new = self.scope(table, f"{table.name}."), self.scope(table, "s.")
        whens = []
        for _ in range(self.some(1, 2)):
            change = self.assignments(table, there + new)
            action = self.rng.choice((f"UPDATE SET {change}" if change else "DELETE", "DELETE", "DO NOTHING", f"UPDATE SET {change}" if change else "DO NOTHING"))
            when = f" AND {expression(self.rng, there + new, 'bool', 2)}" if self.chance(0.6) else ""
            whens.append(f"WHEN MATCHED{when} THEN {action}")
        if self.chance(0.8):
            names = list(table.columns)
            when = f" AND {expression(self.rng, new, 'bool', 2)}" if self.chance(0.4) else ""
            row = ", ".join(f"s.{name}" if name in table.required or self.chance(0.7) else
                            self.rng.choice(("DEFAULT", expression(self.rng, new, table.columns[name], 1))) for name in names)
            whens.append(f"WHEN NOT MATCHED{when} THEN INSERT ({', '.join(names)}) VALUES ({row})")
        on = " AND ".join(f"{table.name}.{name} = s.{name}" for name in table.key)
        kept = expression(self.rng, self.scope(table), "bool", 2)
        same = ", ".join(table.columns)
        # Those that are there, and those of another time.
        source = f"SELECT {self.rng.choice((same, self.moved(table)))} FROM {table.name} WHERE {kept}"
        return f"MERGE INTO {table.name} USING ({source}) s ON {on} {' '.join(whens)}"

    def insert_select(self):
        """Rows of the table itself, moved in time, and of what is there already."""
        table = self.target()
        columns = ", ".join(table.columns)
        moved = self.moved(table)
        tail = " ON CONFLICT DO NOTHING" if table.key else ""
        return f"INSERT INTO {table.name} ({columns}) SELECT {moved} FROM {table.name} WHERE {expression(self.rng, self.scope(table), 'bool', 2)}{tail}"

    def update(self):
        table = self.target()
        change = self.assignments(table, self.scope(table))
        if not change:
            return self.delete()
        where = self.where(self.scope(table, f"{table.name}."), 1)
        return f"UPDATE {table.name} SET {change} WHERE {where}{self.returning(table)}"

    def update_from(self):
        """Joined by the other's whole key: each row meets one at most."""
        table = self.target()
        column = next((name for name in ("symbol", "ticker", "feature_name") if name in table.columns), None)
        other = self.tables["feature_metadata" if column == "feature_name" else "symbols"]
        if column is None or other.name == table.name:
            return self.update()
        change = self.assignments(table, self.scope(table, f"{table.name}.") + self.scope(other, "o."))
        if not change:
            return self.delete()
        return f"UPDATE {table.name} SET {change} FROM {other.name} o WHERE o.{other.key[0]} = {table.name}.{column} AND {expression(self.rng, self.scope(other, 'o.'), 'bool', 1)}"

    def delete(self):
        table = self.target()
        scope = self.scope(table, f"{table.name}.")
        if self.chance(0.3):
            other = self.base()
            return f"DELETE FROM {table.name} USING {other.text} WHERE {self.condition_of_join(Source('', scope, []), other)} AND {expression(self.rng, scope, 'bool', 1)}"
        return f"DELETE FROM {table.name} WHERE {self.where(scope, 1)} AND {expression(self.rng, scope, 'bool', 1)}{self.returning(table)}"

    def with_change(self):
        table = self.target()
        row = fuzz_tables.insert(table, fuzz_tables.rows(self.rng, table, self.some(1, 3)))
        tail = " ON CONFLICT DO NOTHING" if table.key else ""
        column = self.rng.choice(list(table.columns))
        return f"WITH made AS ({row}{tail} RETURNING *) SELECT count(*), max({column}::text) FROM made"

    def change(self):
        self.names, self.ctes = 0, {}
        kinds = (self.insert, self.insert, self.insert, self.insert_select, self.update, self.update, self.update_from, self.delete, self.with_change, self.merge)
        return self.rng.choice(kinds)()

    def wrong(self):
        """A query in which one thing is wrong: the same SQLSTATE must come of it."""
        source = self.base()
        columns = [ref for ref, _ in source.columns]
        text = next((ref for ref, kind in source.columns if kind == "text"), "'a'::text")
        one, two = self.rng.choice(columns), self.rng.choice(columns)
        return self.rng.choice((
            f"SELECT {one}x FROM {source.text}", f"SELECT {one} FROM no_{source.text}", f"SELECT nosuch({one}) FROM {source.text}",
            f"SELECT {one}, count(*) FROM {source.text}", f"SELECT {one} FROM {source.text} WHERE count(*) > 1", f"SELECT {one} FROM {source.text} GROUP BY {text}::int",
            f"SELECT {one}, {two} FROM {source.text} UNION SELECT {one} FROM {source.text}", f"SELECT {text} + 1 FROM {source.text}",
            f"SELECT {one} FROM {source.text} ORDER BY 9", f"SELECT {one} FROM {source.text} WHERE {text}", f"SELECT {one} FROM {source.text} LIMIT 'x'",
            f"SELECT {one} FROM {source.text} JOIN symbols s USING (nosuch)", f"SELECT sum({text}) FROM {source.text}", f"SELECT max(max({text})) FROM {source.text}",
            f"SELECT (SELECT {one}, {two} FROM {source.text})", f"SELECT {one} FROM {source.text} WHERE {text} = 1", f"SELECT upper({one}, 2) FROM {source.text}",
            f"SELECT {one} FROM {source.text} WHERE row_number() OVER () = 1", f"SELECT {one} FROM {source.text} HAVING true",
            f"SELECT 'x'::int FROM {source.text}", f"SELECT '2025-13-01'::date FROM {source.text}", f"SELECT CASE WHEN {text} THEN 1 END FROM {source.text}",
            f"SELECT coalesce({text}, 1) FROM {source.text}", f"SELECT {one} FROM {source.text}, {source.text}", f"SELECT {one} AS c FROM {source.text} WHERE c IS NULL",
            f"SELECT array_agg({one}, 1) FROM {source.text}", f"SELECT lag({one}) FROM {source.text}",
            f"SELECT {one} FROM {source.text} WHERE {text} IN (SELECT {one}, {two} FROM {source.text})", f"INSERT INTO {re.sub(' .*', '', source.text)} (nosuch) VALUES (1)",
            f"UPDATE {source.text} SET nosuch = 1", f"DELETE FROM {source.text} WHERE nosuch", f"INSERT INTO symbols (symbol) VALUES (NULL)", f"INSERT INTO symbols (symbol, active) VALUES ('q', 'x')",
            f"SELECT {one} FROM {source.text} FETCH FIRST -1 ROWS ONLY", f"SELECT extract(nosuch FROM timestamptz '2025-01-01') FROM {source.text}"))
