# SPDX-License-Identifier: Apache-2.0
"""A module includes only what tools/modules.txt allows, and third parties stay in their one module."""
import re

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)

# First part of a foreign header's path, and the only modules that include it.
CONFINED = [
    (re.compile(r"^duckdb"), {"duck"}, "DuckDB"),
    (re.compile(r"^(libpq-fe\.h|postgresql/|libpq/)"), {"client"}, "libpq"),
    (re.compile(r"^pg_query"), {"sql"}, "libpg_query"),
    (re.compile(r"^boost/asio"), {"server", "http"}, "Boost.Asio"),
    (re.compile(r"^boost/beast"), {"http"}, "Boost.Beast"),
    (re.compile(r"^prometheus/"), {"http"}, "prometheus-cpp"),
    (re.compile(r"^gsasl"), {"server"}, "GNU SASL"),
    (re.compile(r"^CLI/"), {"cli", "apps"}, "CLI11"),
]


def includes(text):
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match.group(1), match.group(2)


def check_table(modules):
    seen = set()
    for name, allowed in modules.items():
        for other in allowed:
            if other not in seen:
                yield f"tools/modules.txt: {name} may include {other}, which does not stand above it"
        seen.add(name)


def check_source(path, text, modules):
    module = path.split("/")[1]
    allowed = {module, *modules.get(module, [])}
    if module not in modules:
        yield f"{path}: {module} is not a module of tools/modules.txt"
    for line, quote, name in includes(text):
        first = name.split("/")[0]
        if quote == '"' and first not in modules and not name.startswith("duckdb"):
            yield f'{path}:{line}: "{name}" is not of the form "module/header.hpp"'
        elif quote == '"' and first in modules and first not in allowed:
            yield f"{path}:{line}: {module} may not include {first} ({name})"
        if quote == "<" and first in modules and name.endswith(".hpp"):
            yield f'{path}:{line}: our headers are included with quotes: "{name}"'
        for pattern, homes, what in CONFINED:
            if pattern.match(name) and module not in homes and "/test/" not in path:
                yield f"{path}:{line}: only {', '.join(sorted(homes))} includes {what}"


def check_public(path, text):
    for line, quote, name in includes(text):
        if not (quote == "<" and ("." not in name and "/" not in name or name.startswith("tickstone/"))):
            yield f"{path}:{line}: a public header includes only the standard library and <tickstone/...>: {name}"


def check(tree):
    modules = tree.modules()
    yield from check_table(modules)
    for path in tree.sources():
        if path.startswith("src/"):
            yield from check_source(path, tree.text(path), modules)
        elif path.startswith("include/"):
            yield from check_public(path, tree.text(path))
