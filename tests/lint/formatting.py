# SPDX-License-Identifier: Apache-2.0
"""C++ sources are as clang-format 16 writes them."""
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

TOOL = "clang-format-16"
FILES_A_CALL = 16


def run(tree, paths):
    return subprocess.run([TOOL, "--dry-run", "--Werror", *paths], cwd=tree.root, capture_output=True, text=True)


def check(tree):
    if not shutil.which(TOOL):
        yield f"{TOOL} is missing: run tools/setup.sh"
        return
    paths = tree.sources()
    groups = [paths[i : i + FILES_A_CALL] for i in range(0, len(paths), FILES_A_CALL)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda group: run(tree, group), groups))
    for result in results:
        first = {}
        for match in re.finditer(r"^(\S+?):(\d+):\d+: error:", result.stderr, re.M):
            first.setdefault(match.group(1), match.group(2))
        for path, line in first.items():
            yield f"{path}:{line}: not formatted (make format)"
        if result.returncode != 0 and not first:
            yield f"{TOOL}: {result.stderr.strip()[:300]}"
