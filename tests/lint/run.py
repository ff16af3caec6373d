# SPDX-License-Identifier: Apache-2.0
"""Runs the lints: run.py ROOT [NAME...]. Prints what is wrong, one line each; exit status 1 if anything is."""
import importlib
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from tree import Tree  # noqa: E402

NAMES = ["layering", "registered", "file_rules", "links", "timescale_names", "formatting"]


def main(root, names):
    tree = Tree(root)
    findings = 0
    for name in names or NAMES:
        for finding in importlib.import_module(name).check(tree):
            print(f"{name}: {finding}")
            findings += 1
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
