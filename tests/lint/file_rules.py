# SPDX-License-Identifier: Apache-2.0
"""What each single file must and must not hold."""
import re

SPDX = "SPDX-License-Identifier: Apache-2.0"
LICENSED = (".hpp", ".cpp", ".h", ".c", ".cmake", "CMakeLists.txt", ".py", ".sh", ".js", ".ts", "Makefile")
LINES_MAX = 800
# Where users' code imports its database layer from.
IMPORTED_FROM = "python/src/utils/"
BANNED_NAMES = re.compile(r"(^|[/_])(utils?|helpers?|misc|common)(_(test|property))?(/|\.[a-z]+$)")

# Spelled in pieces, so that this file passes itself.
MACHINE_PATH = re.compile(r"(?<![\w.$}~-])/(?:" + "root|work|home/[a-z][a-z0-9_-]*|Users/[A-Za-z]+" + r")/[\w.-]")
REGISTRY = re.compile(
    r"registry\." + r"npmjs|registry\." + r"yarnpkg|deb\." + r"debian\.org|pypi\." + r"org|crates\." + r'io|"resolved":\s*"http'
)
SLEEP = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep)\s*\(")


def check_source(path, text):
    lines = text.splitlines()
    if path.endswith(".hpp") and "#pragma once" not in lines[:12]:
        yield f"{path}: no #pragma once at the top"
    for number, line in enumerate(lines, 1):
        if re.match(r'\s*#\s*include\s*"\.\.?/', line):
            yield f"{path}:{number}: relative include"
        if "/test/" in path and SLEEP.search(line):
            yield f"{path}:{number}: a test waits for something, never for a fixed time"
    if path.endswith(".hpp") and re.search(r"^\s*using namespace ", text, re.M):
        yield f"{path}: using namespace in a header"
    if len(lines) > LINES_MAX:
        yield f"{path}: {len(lines)} lines, more than {LINES_MAX}: is there a second thing inside?"


def check_any(path, text):
    if path.endswith(LICENSED) and SPDX not in "\n".join(text.splitlines()[:3]):
        yield f"{path}: no {SPDX} at the top"
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, what in ((MACHINE_PATH, "a path of one machine"), (REGISTRY, "the address of a registry")):
            found = pattern.search(line)
            if found:
                yield f"{path}:{number}: {what}: {found.group(0)}"
        if line.startswith(("<<<<<<< ", ">>>>>>> ")):
            yield f"{path}:{number}: left from a merge"
    if text and not text.endswith("\n"):
        yield f"{path}: no end of line at its end"


def check(tree):
    for path in tree.paths:
        if BANNED_NAMES.search(path.removeprefix(IMPORTED_FROM)):
            yield f"{path}: a name that says nothing of what is inside"
        text = tree.text(path)
        if text is None:
            if not path.startswith(("web/", "docs/")):
                yield f"{path}: not text"
            continue
        yield from check_any(path, text)
        if path.endswith((".hpp", ".cpp")):
            yield from check_source(path, text)
