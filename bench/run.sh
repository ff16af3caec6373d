#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures Tickstone beside Debian's PostgreSQL 15: same machine, same run, in turn. Writes docs/benchmarks.md's table to standard output;
# with --record into the file. TICKSTONE_BENCH_SYMBOLS and TICKSTONE_BENCH_TRADES make it smaller.
set -euo pipefail
cd "$(dirname "$0")/.."
exec /usr/bin/python3 bench/compare.py "$@"
