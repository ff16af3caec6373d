#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh [module or test...]: the command line: every subcommand, its answers, its errors and its exit status. Without names all of it, in
# two halves at a time, for the most of it is waiting.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PYTHONPATH=tests:tests/cli
if [ $# -gt 0 ]; then exec /usr/bin/python3 -B -m unittest "$@"; fi

halves=("" "")
number=0
for file in tests/cli/*_test.py; do
  module=$(basename "$file" .py)
  halves[number++ % 2]+=" $module"
done
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
pids=()
for half in 0 1; do
  # shellcheck disable=SC2086
  /usr/bin/python3 -B -m unittest ${halves[half]} >"$logs/$half" 2>&1 &
  pids+=($!)
done
status=0
for pid in "${pids[@]}"; do wait "$pid" || status=1; done
cat "$logs"/*
exit $status
