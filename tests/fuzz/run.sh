#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Fuzzes everything that reads bytes from outside, each target for TICKSTONE_FUZZ_SECONDS (10) on its seeds, two at a
# time, from the same start (TICKSTONE_FUZZ_SEED, 1; 0 takes a new one). What is found is printed, and kept where
# TICKSTONE_FUZZ_KEEP names a directory, with the corpus that grew.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${TICKSTONE_FUZZ_SECONDS:-10}
targets=(batch_fuzz import_fuzz segment_fuzz sql_fuzz store_fuzz types_fuzz wire_fuzz)
[ -f build/fuzz/build.ninja ] || cmake --preset fuzz >/dev/null
nice -n 10 cmake --build --preset fuzz --target fuzzers >/dev/null

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
keep=${TICKSTONE_FUZZ_KEEP:-$scratch/keep}
mkdir -p "$keep"
build/fuzz/tests/fuzz/fuzz_seeds "$scratch/seeds"

# run TARGET: a line that says how many inputs it took, or the report of what it found.
run() {
  local target=$1 log=$keep/$1.log
  mkdir -p "$keep/$target"
  if build/fuzz/tests/fuzz/"$target" -max_total_time="$seconds" -seed="${TICKSTONE_FUZZ_SEED:-1}" -timeout=20 -rss_limit_mb=1536 -max_len=65536 \
    -print_final_stats=1 -artifact_prefix="$keep/$target-" "$keep/$target" "$scratch/seeds/$target" >"$log" 2>&1; then
    echo "fuzz: $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs in $seconds s"
  else
    echo "fuzz: $target FAILED"
    find "$keep" -maxdepth 1 -type f -name "$target-*" -exec sh -c 'echo "fuzz: $1 in base64:"; base64 -w 0 "$1"; echo' sh {} \;
    grep -vE '^(#[0-9]+\s+(NEW|REDUCE|pulse)|INFO)' "$log" | tail -n 60
    return 1
  fi
}

status=0
for ((i = 0; i < ${#targets[@]}; i += 2)); do
  pids=()
  for target in "${targets[@]:i:2}"; do
    run "$target" & pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || status=1; done
done
exit $status
