#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures Tickstone beside Debian's PostgreSQL 15, the DuckDB it is built with, and TimescaleDB and ClickHouse where they are installed
# (docs/benchmarks.md says how they are found): same machine, same run, in turn. Writes the tables of docs/benchmarks.md to standard output; with
# --record into the file, as it is recorded with --long, which also goes to 100 million rows (scaling.py, storage_compare.py).
# TICKSTONE_BENCH_SYMBOLS, TICKSTONE_BENCH_BAR_DAYS and TICKSTONE_BENCH_TRADES make the queries' data smaller, TICKSTONE_STORAGE_*
# (bench/storage_compare.py) size the storage part.
set -euo pipefail
cd "$(dirname "$0")/.."
guide=() record=() long=()
for argument in "$@"; do
  case "$argument" in
    --record) record=("$argument") ;;
    --long) long=("$argument") ;;
    *) guide+=("$argument") ;;
  esac
done
/usr/bin/python3 bench/guide_compare.py "${guide[@]}" "${record[@]}"
/usr/bin/python3 bench/scaling.py "${record[@]}" "${long[@]}"
/usr/bin/python3 bench/refresh_compare.py "${record[@]}"
/usr/bin/python3 bench/training_compare.py "${record[@]}"
# What the hot paths cost, into bench/hot_paths.txt.
cmake --build build/release --target hot_paths >&2
/usr/bin/python3 bench/hot_paths.py "${record[@]}"
exec /usr/bin/python3 bench/storage_compare.py "${record[@]}" "${long[@]}"
