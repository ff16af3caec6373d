# SPDX-License-Identifier: Apache-2.0
"""A statement made smaller as long as it still does what it was found for."""
import re

TOKEN = re.compile(r"'(?:[^']|'')*'|::|<>|<=|>=|!=|->>|->|#>|@>|&&|\|\||[\w.$]+|\S")
MOST_TRIES = 1500


def pair_of(tokens, opening):
    depth = 0
    for at in range(opening, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[at], 0)
        if depth == 0:
            return at
    return None


def candidates(tokens):
    """Less of it: runs of tokens away, parentheses away, what is in them replaced by NULL."""
    size = len(tokens) // 2
    while size:
        for at in range(0, len(tokens) - size + 1, max(1, size // 2)):
            cut = tokens[at : at + size]
            if cut.count("(") == cut.count(")"):
                yield tokens[:at] + tokens[at + size :]
        size //= 2
    for at, token in enumerate(tokens):
        if token == "(":
            end = pair_of(tokens, at)
            if end:
                yield tokens[:at] + tokens[at + 1 : end] + tokens[end + 1 :]
                if end > at + 2:
                    yield tokens[:at] + ["(", "NULL", ")"] + tokens[end + 1 :]



def smaller(statement, still):
    tokens, tries = TOKEN.findall(statement), 0
    if not still(" ".join(tokens)):
        return "(not alone: it needs what came before)"
    while True:
        for candidate in candidates(tokens):
            tries += 1
            if tries > MOST_TRIES:
                return " ".join(tokens)
            if still(" ".join(candidate)):
                tokens = candidate
                break
        else:
            return " ".join(tokens)
