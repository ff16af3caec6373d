#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures Tickstone beside Debian's PostgreSQL 15, the DuckDB it is built with, and a TimescaleDB where TICKSTONE_BENCH_TIMESCALEDB has its
# connection string: same machine, same run, in turn. Writes the tables of docs/benchmarks.md to standard output; with --record into the file.
# TICKSTONE_BENCH_SYMBOLS, TICKSTONE_BENCH_BAR_DAYS and TICKSTONE_BENCH_TRADES make the queries' data smaller, TICKSTONE_STORAGE_*
# (bench/storage_compare.py) size the storage part.
set -euo pipefail
cd "$(dirname "$0")/.."
/usr/bin/python3 bench/guide_compare.py "$@"
storage=()
for argument in "$@"; do [ "$argument" = --record ] && storage+=(--record); done
/usr/bin/python3 bench/scaling.py "${storage[@]}"
/usr/bin/python3 bench/refresh_compare.py "${storage[@]}"
/usr/bin/python3 bench/training_compare.py "${storage[@]}"
# What the hot paths cost, into bench/hot_paths.txt.
cmake --build build/release --target hot_paths >&2
/usr/bin/python3 bench/hot_paths.py "${storage[@]}"
exec /usr/bin/python3 bench/storage_compare.py "${storage[@]}"
