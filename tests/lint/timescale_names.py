# SPDX-License-Identifier: Apache-2.0
"""What docs/timescaledb.md says works, or works with a difference, is asked for by a test of tests/sql; and the state of a
name is one of three words."""
import re

PAGE = "docs/timescaledb.md"
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]*) \|")
NAME = re.compile(r"[a-z_]\w*(\.[a-z_]\w*)?")
STATES = ("works", "differs", "not")


def check(tree):
    if PAGE not in tree.paths:
        return
    tests = "\n".join(tree.text(path) or "" for path in tree.select(".test", under="tests/sql/"))
    for number, line in enumerate(tree.text(PAGE).splitlines(), 1):
        row = ROW.match(line)
        if row is None:
            continue
        name, state = row.group(1), row.group(2).strip()
        if state not in STATES:
            yield f'{PAGE}:{number}: the state of `{name}` is "{state}", not one of {", ".join(STATES)}'
        elif state != "not" and NAME.fullmatch(name) and not re.search(rf"\b{re.escape(name)}\b", tests):
            yield f"{PAGE}:{number}: no test in tests/sql uses `{name}`"
