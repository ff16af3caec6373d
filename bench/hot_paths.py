# SPDX-License-Identifier: Apache-2.0
"""Writes bench/hot_paths.txt: what the hot paths cost in instructions, allocations and blocks read, so that a change shows in a diff.

  bench/hot_paths.py [--program build/release/bench/hot_paths] [--record] [--keep DIRECTORY] [PATH...]

Runs the program (built when named: cmake --build --preset release --target hot_paths) under valgrind's callgrind. --keep leaves callgrind's
files there, for callgrind_annotate."""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
FILE = ROOT / "bench/hot_paths.txt"
HEAD = """# What an operation of each hot path costs: written by bench/hot_paths.py (docs/benchmarks.md says how), of the release build.
# Instructions are callgrind's, of all threads; allocations and bytes those of operator new; blocks those of segments that it looked up, and their bytes as stored.
# path                        instructions  allocations        bytes  blocks    of bytes
"""


def instructions_of(directory):
    """Instructions of a round, by path: callgrind names its dumps by what the program says."""
    found = {}
    for path in pathlib.Path(directory).glob("callgrind.out*"):
        text = path.read_text(errors="replace")
        name = re.search(r"^desc: Trigger: .*?([a-z0-9-]+)=(\d+)$", text, re.MULTILINE)
        total = re.search(r"^totals: (\d+)", text, re.MULTILINE)
        if name and total:
            found[name.group(1)] = int(total.group(1)) / int(name.group(2))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=ROOT / "build/release/bench/hot_paths")
    parser.add_argument("--record", action="store_true", help="write bench/hot_paths.txt, of all paths")
    parser.add_argument("--keep", help="a directory for callgrind's files")
    parser.add_argument("paths", nargs="*")
    args = parser.parse_args()
    if shutil.which("valgrind") is None:
        raise SystemExit("valgrind is not installed (tools/packages.txt)")
    with tempfile.TemporaryDirectory() as scratch:
        directory = pathlib.Path(args.keep or scratch)
        directory.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={directory}/callgrind.out", args.program, *args.paths],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise SystemExit(f"hot_paths failed: {done.stderr[-2000:]}")
        instructions = instructions_of(directory)
    lines = []
    for line in done.stdout.splitlines():
        name, allocations, size, blocks, stored = line.split("\t")
        lines.append(f"{name:<28}{round(instructions[name]):>14,}{float(allocations):>13,.0f}{float(size):>13,.0f}{float(blocks):>8,.0f}{float(stored):>12,.0f}\n")
    text = HEAD + "".join(lines)
    sys.stdout.write(text)
    if args.record and not args.paths:
        FILE.write_text(text)


if __name__ == "__main__":
    main()
