# SPDX-License-Identifier: Apache-2.0
"""Every source, and every test, is built or run by something."""
import os
import re


def uncommented(text):
    return re.sub(r"#.*", "", text)


def words(text):
    return set(re.split(r"[\s()\"]+", uncommented(text)))


def check_sources(tree):
    for path in tree.select(".cpp", under="src/"):
        module = "/".join(path.split("/")[:2])
        listing = f"{module}/CMakeLists.txt"
        name = path[len(module) + 1 :]
        if listing not in tree.paths:
            yield f"{path}: there is no {listing}"
        elif name not in words(tree.text(listing)):
            yield f"{path}: not in {listing}"


def check_test_names(tree):
    """A program's test is named so that its kind shows and cannot be left out by a typing error."""
    for path in tree.select(".cpp", under="src/"):
        if "/test/" in path and re.search(r"^\s*(TEST|TEST_F|TEST_P|RC_GTEST_PROP)\s*\(", tree.text(path), re.M):
            if not path.endswith(("_test.cpp", "_property.cpp")):
                yield f"{path}: holds tests but is not called *_test.cpp or *_property.cpp"


def check_corpus(tree):
    """A text test is found by the nearest folder above it that has a runner: run.sh, run.py or CMakeLists.txt."""
    for path in tree.select(".test", ".test_slow", ".pgtest", under="tests/"):
        folder = os.path.dirname(path)
        while folder.startswith("tests/"):
            if any(f"{folder}/{runner}" in tree.paths for runner in ("run.sh", "run.py", "CMakeLists.txt")):
                break
            folder = os.path.dirname(folder)
        else:
            yield f"{path}: no folder above it has a runner"


def check_suites(tree):
    """A suite's run.sh is executable, else the check script passes it over; a CMakeLists.txt is reached."""
    top = words(tree.text("tests/CMakeLists.txt")) if "tests/CMakeLists.txt" in tree.paths else set()
    for path in tree.paths:
        parts = path.split("/")
        if parts[0] == "tests" and len(parts) == 3:
            if parts[2] == "run.sh" and not os.access(tree.root / path, os.X_OK):
                yield f"{path}: not executable"
            if parts[2] == "CMakeLists.txt" and parts[1] not in top:
                yield f"{path}: tests/CMakeLists.txt does not name {parts[1]}"


def check(tree):
    yield from check_sources(tree)
    yield from check_test_names(tree)
    yield from check_corpus(tree)
    yield from check_suites(tree)
