# SPDX-License-Identifier: Apache-2.0
"""Random statements over the guide's tables whose answer does not depend on the order in which rows are met."""
import re

import fuzz_tables
from fuzz_expressions import aggregate, expression

# What groups, is sorted by or made distinct: equal values of these look alike.
KEYABLE = ("int", "big", "text", "bool", "date", "stamp", "num", "local", "texts")
ANY = KEYABLE + ("float", "span", "json")
SETS_OF_TWO = re.compile(r"(ROLLUP|CUBE|SETS \() ?\(\d+, ")


class Source:
    """Something to select from. Its key, where it has one, tells its rows apart."""

    def __init__(self, text, columns, key):
        self.text, self.columns, self.key = text, columns, key


class Query:
    def __init__(self, text, kinds, is_ordered=False, key=()):
        self.text, self.kinds, self.is_ordered, self.key = text, kinds, is_ordered, key


class Statements:
    def __init__(self, rng):
        self.rng = rng
        self.tables = fuzz_tables.tables()
        self.names = 0
        self.ctes = {}

    def name(self, prefix):
        self.names += 1
        return f"{prefix}{self.names}"

    def some(self, low, high):
        return self.rng.randint(low, high)

    def chance(self, of):
        return self.rng.random() < of

    # ---- what is selected from

    def base(self):
        table = self.rng.choice(list(self.tables.values()))
        alias = self.name("t")
        columns = [(f"{alias}.{name}", kind) for name, kind in table.columns.items()]
        return Source(f"{table.name} {alias}", columns, [f"{alias}.{name}" for name in table.key])

    def derived(self, depth, outer=()):
        """A query in FROM; LATERAL where it may see what is left of it."""
        inner = self.query(depth - 1, outer)
        alias = self.name("q")
        columns = [(f"{alias}.c{n + 1}", kind) for n, kind in enumerate(inner.kinds)]
        key = [f"{alias}.c{n + 1}" for n in inner.key]
        return Source(f"{'LATERAL ' if outer else ''}({inner.text}) {alias}", columns, key)

    def relation(self, depth):
        if self.ctes and self.chance(0.4):
            name, (kinds, key) = self.rng.choice(list(self.ctes.items()))
            alias = self.name("w")
            return Source(f"{name} {alias}", [(f"{alias}.c{n + 1}", kind) for n, kind in enumerate(kinds)], [f"{alias}.c{n + 1}" for n in key])
        if depth > 0 and self.chance(0.25):
            return self.derived(depth)
        if self.chance(0.06):
            alias = self.name("g")
            return Source(f"generate_series({self.some(-3, 3)}, {self.some(0, 9)}) {alias}(n)", [(f"{alias}.n", "int")], [f"{alias}.n"])
        if self.chance(0.06):
            alias = self.name("v")
            rows = ", ".join(f"({n}, {fuzz_tables.literal(self.rng, 'text')}, {fuzz_tables.literal(self.rng, 'num')})" for n in range(self.some(1, 4)))
            return Source(f"(VALUES {rows}) {alias}(n, t, x)", [(f"{alias}.n", "int"), (f"{alias}.t", "text"), (f"{alias}.x", "num")], [f"{alias}.n"])
        return self.base()

    def condition_of_join(self, left, right):
        """Mostly columns of one kind that are equal."""
        pairs = [(a, b) for a, kind in left.columns for b, other in right.columns
                 if kind == other and kind in ("text", "stamp", "int", "big") and (a.split(".")[1] == b.split(".")[1] or self.chance(0.15))]
        scope = left.columns + right.columns
        if not pairs:
            return expression(self.rng, scope, "bool", 2)
        text = " AND ".join(f"{a} = {b}" for a, b in self.rng.sample(pairs, min(len(pairs), self.some(1, 2))))
        return text + (f" AND {expression(self.rng, scope, 'bool', 1)}" if self.chance(0.3) else "")

    def source(self, depth, outer=()):
        left = self.relation(depth)
        for _ in range(self.rng.choice((0, 0, 0, 1, 1, 2))):
            if depth > 0 and self.chance(0.15):
                right = self.derived(depth, left.columns)
                text = self.rng.choice((f"{left.text} CROSS JOIN {right.text}", f"{left.text} LEFT JOIN {right.text} ON true"))
            else:
                right = self.relation(depth)
                on = self.condition_of_join(left, right)
                kind = self.rng.choice(("JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN"))
                if " = " in on and "(" not in on and self.chance(0.15):
                    kind = "FULL JOIN"
                text = f"{left.text} {kind} {right.text} ON {on}"
            key = left.key + right.key if left.key and right.key else []
            left = Source(text, left.columns + right.columns, key)
        return left

    def where(self, scope, depth):
        style = self.some(0, 9)
        if depth > 0 and style == 0:
            other = self.base()
            return f"EXISTS (SELECT 1 FROM {other.text} WHERE {self.condition_of_join(Source('', scope, []), other)})"
        if depth > 0 and style == 1:
            other = self.base()
            kind = self.rng.choice(("text", "int", "stamp"))
            return (f"{expression(self.rng, scope, kind, 1)} {self.rng.choice(('IN', 'NOT IN', '= ANY'))} "
                    f"(SELECT {expression(self.rng, other.columns, kind, 1)} FROM {other.text} WHERE {expression(self.rng, other.columns, 'bool', 1)})")
        if depth > 0 and style == 2:
            other = self.base()
            return (f"{expression(self.rng, scope, 'num', 1)} {self.rng.choice(('<', '>='))} (SELECT {aggregate(self.rng, other.columns, 'num', 0)} "
                    f"FROM {other.text} WHERE {self.condition_of_join(Source('', scope, []), other)})")
        return expression(self.rng, scope, "bool", 2)

    # ---- queries

    def window(self, source, kind):
        """A window function whose answer is one: by the whole key, or one that treats peers alike."""
        scope = source.columns
        keyable = [ref for ref, its in scope if its in ("int", "text", "stamp", "date", "num", "bool")]
        if not keyable:
            return expression(self.rng, scope, kind, 2)
        order = ", ".join(f"{ref}{self.rng.choice(('', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST'))}"
                          for ref in self.rng.sample(keyable, min(len(keyable), self.some(1, 2))))
        parts = f"PARTITION BY {expression(self.rng, scope, self.rng.choice(('text', 'int', 'bool')), 1)} " if self.chance(0.6) else ""
        if not source.key or self.chance(0.3):
            over = f"OVER ({parts}ORDER BY {order}{self.rng.choice(('', ' RANGE UNBOUNDED PRECEDING', ' GROUPS 1 PRECEDING', ' GROUPS BETWEEN CURRENT ROW AND 2 FOLLOWING'))})"
            if kind == "big":
                return self.rng.choice(("rank() ", "dense_rank() ", f"count({expression(self.rng, scope, 'int', 1)}) ", f"sum({expression(self.rng, scope, 'int', 1)}) ")) + over
            if kind == "num":
                return f"{self.rng.choice(('sum', 'min', 'max', 'avg'))}({expression(self.rng, scope, 'num', 1)}) {over}"
            return f"{self.rng.choice(('min', 'max'))}({expression(self.rng, scope, kind, 1)}) {over}"
        order = ", ".join([order] + source.key)
        whole = f"OVER ({parts}ORDER BY {order})"
        frame = self.rng.choice(("ROWS 2 PRECEDING", "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING", "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
                                 "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", "ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING", "ROWS 3 PRECEDING EXCLUDE CURRENT ROW"))
        framed = f"OVER ({parts}ORDER BY {order} {frame})"
        of = expression(self.rng, scope, kind, 1) + ("::text" if kind == "text" else "")
        choices = [f"lag({of}) {whole}", f"lead({of}, 2) {whole}", f"first_value({of}) {framed}", f"last_value({of}) {framed}", f"nth_value({of}, 2) {framed}",
                   f"lag({of}, 1, {fuzz_tables.literal(self.rng, kind)}) {whole}"]
        if kind == "big":
            choices = [f"row_number() {whole}", f"count(*) {framed}", f"sum({expression(self.rng, scope, 'int', 1)}) {framed}", f"rank() {whole}"]
        elif kind == "int":
            choices.append(f"ntile(3) {whole}")
        elif kind == "num":
            choices += [f"{name}({of}) {framed}" for name in ("sum", "avg", "min", "max")]
        elif kind == "float":
            choices = [f"percent_rank() {whole}", f"cume_dist() {whole}"]
        return self.rng.choice(choices)

    def plain(self, depth, outer=()):
        source = self.source(depth, outer)
        scope = source.columns + list(outer)
        near = [kind for _, kind in scope]
        kinds = [self.rng.choice(near if self.chance(0.5) else ANY) for _ in range(self.some(1, 4))]
        items = []
        for kind in kinds:
            if self.chance(0.2) and kind in ("big", "num", "int", "text", "stamp", "float"):
                items.append(self.window(source, kind))
            elif depth > 0 and self.chance(0.08) and kind in ("num", "int", "text"):
                other = self.base()
                items.append(f"(SELECT {aggregate(self.rng, other.columns, kind, 0)} FROM {other.text} WHERE {self.condition_of_join(Source('', scope, []), other)})")
            else:
                items.append(expression(self.rng, scope, kind, 3))
        where = f" WHERE {self.where(scope, depth)}" if self.chance(0.45) else ""
        distinct = ""
        if self.chance(0.12) and all(kind in KEYABLE for kind in kinds):
            distinct = "DISTINCT "
        elif source.key and self.chance(0.1) and any(kind in KEYABLE for _, kind in source.columns):
            # The first of each, by the whole key.
            on = self.rng.choice([ref for ref, kind in source.columns if kind in KEYABLE])
            columns = ", ".join(f"{item} AS c{n + 1}" for n, item in enumerate(items))
            return Query(f"SELECT DISTINCT ON ({on}) {columns} FROM {source.text}{where} ORDER BY {', '.join([on] + source.key)}", kinds)
        columns = ", ".join(f"{item} AS c{n + 1}" for n, item in enumerate(items))
        return Query(f"SELECT {distinct}{columns} FROM {source.text}{where}", kinds, key=tuple(range(len(kinds))) if distinct else ())

    def grouped(self, depth, outer=()):
        source = self.source(depth, outer)
        scope = source.columns + list(outer)
        style = self.some(0, 11)
        keyable = [pair for pair in source.columns if pair[1] in KEYABLE]
        if style > 2 or not keyable:
            keys = [(expression(self.rng, scope, kind, 1), kind) for kind in self.rng.sample(KEYABLE[:6], self.some(0, 2))]
        else:  # of a constant PostgreSQL 15 makes no NULL in a grouping set without it
            keys = self.rng.sample(keyable, min(len(keyable), self.some(1, 2)))
        kinds = [kind for _, kind in keys]
        items = [text for text, _ in keys]
        for _ in range(self.some(1, 3)):
            kind = self.rng.choice(("big", "num", "int", "float", "text", "bool", "date", "stamp", "json", "texts", "span"))
            items.append(aggregate(self.rng, source.columns, kind, 1))
            kinds.append(kind)
        columns = ", ".join(f"{item} AS c{n + 1}" for n, item in enumerate(items))
        text = f"SELECT {columns} FROM {source.text}"
        if self.chance(0.5):
            text += f" WHERE {self.where(scope, depth)}"
        if keys:
            by = ", ".join(str(n + 1) for n in range(len(keys)))
            if style == 0 and keyable:
                by = f"ROLLUP ({by})"
            elif style == 1 and keyable:
                by = f"CUBE ({by})"
            elif style == 2 and keyable:
                by = f"GROUPING SETS (({by}), ())"
            text += f" GROUP BY {by}"
            if self.chance(0.25):
                text += f" HAVING {aggregate(self.rng, source.columns, 'bool', 1)}"
            return Query(text, kinds, key=tuple(range(len(keys))) if style > 2 or not keyable else ())
        return Query(text, kinds, key=(0,))

    def united(self, depth, outer=()):
        first = self.query(0, outer)
        kinds = [kind for kind in first.kinds]
        if not all(kind in KEYABLE for kind in kinds):
            return first
        source = self.base()
        second = ", ".join(f"{expression(self.rng, source.columns, kind, 2)} AS d{n}" for n, kind in enumerate(kinds))
        operator = self.rng.choice(("UNION", "UNION ALL", "INTERSECT", "EXCEPT", "EXCEPT ALL", "INTERSECT ALL"))
        return Query(f"({first.text}) {operator} (SELECT {second} FROM {source.text} WHERE {expression(self.rng, source.columns, 'bool', 1)})", kinds,
                     key=tuple(range(len(kinds))) if operator in ("UNION", "INTERSECT", "EXCEPT") else ())

    def query(self, depth, outer=()):
        """Maybe in a fixed order, and then maybe the first rows of it."""
        style = self.some(0, 9)
        made = self.united(depth, outer) if style == 0 and depth > 0 else self.grouped(depth, outer) if style < 4 else self.plain(depth, outer)
        # PostgreSQL 15 takes keys that a join equates for one, though a grouping set has NULL for either.
        if SETS_OF_TWO.search(made.text):
            return made
        if "DISTINCT ON" in made.text or not all(kind in KEYABLE for kind in made.kinds) or self.chance(0.5):
            return made
        order = ", ".join(f"{n + 1}{self.rng.choice(('', '', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST'))}" for n in range(len(made.kinds)))
        text = f"{made.text} ORDER BY {order}"
        if self.chance(0.4):
            text += f" LIMIT {self.some(0, 12)}" + (f" OFFSET {self.some(0, 5)}" if self.chance(0.3) else "")
        return Query(text, made.kinds, True, made.key)

    def recursive(self):
        """A few steps from each row of something."""
        source, kind = self.base(), self.rng.choice(("int", "text", "date", "num", "stamp", "bool"))
        name = self.name("cte")
        first = f"SELECT 1, {expression(self.rng, source.columns, kind, 1)} FROM {source.text}"
        step = expression(self.rng, [("step.c1", "int"), ("step.c2", kind)], kind, 2)
        union = self.rng.choice(("UNION", "UNION ALL"))
        self.ctes[name] = (["int", kind], (0, 1) if union == "UNION" else ())
        return f"{name}(c1, c2) AS ({first} {union} SELECT step.c1 + 1, {step} FROM {name} step WHERE step.c1 < {self.some(2, 4)})"

    def select(self):
        """A whole statement."""
        self.names, self.ctes, heads = 0, {}, []
        if self.chance(0.06):
            heads.append(self.recursive())
        for _ in range(self.rng.choice((0, 0, 0, 1, 2))):
            inner = self.query(1)
            name = self.name("cte")
            names = ", ".join(f"c{n + 1}" for n in range(len(inner.kinds)))
            heads.append(f"{name}({names}) AS {self.rng.choice(('', 'MATERIALIZED ', 'NOT MATERIALIZED '))}({inner.text})")
            self.ctes[name] = (inner.kinds, inner.key)
        made = self.query(2)
        if not heads:
            return made.text, made.is_ordered
        recursive = "RECURSIVE " if " step WHERE step.c1 < " in heads[0] else ""
        return f"WITH {recursive}{', '.join(heads)} {made.text}", made.is_ordered
