#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh [crash|fuzz|sql|server|damage|properties|histories|memory...]: for long, and without names all of them: crash rounds
# (TICKSTONE_SOAK_ROUNDS, 200), fuzzing (TICKSTONE_SOAK_FUZZ_MINUTES, 60, over all targets), as long random SQL beside PostgreSQL and
# random messages to the server, damage at every single byte, the store's
# properties with new seeds under the sanitizers (TICKSTONE_SOAK_PROPERTIES, 2000 histories), random transactions and statements
# through the server (tests/histories), and memory over simulated hours of ingest (TICKSTONE_SOAK_HOURS, 24). Adds a dated line for each to
# docs/soak.md. What fuzzing finds, and its corpus, stay in build/soak-fuzz.
set -euo pipefail
cd "$(dirname "$0")/../.."

rounds=${TICKSTONE_SOAK_ROUNDS:-200}
minutes=${TICKSTONE_SOAK_FUZZ_MINUTES:-60}
histories=${TICKSTONE_SOAK_PROPERTIES:-2000}
hours=${TICKSTONE_SOAK_HOURS:-24}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
revision=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
status=0

# soak NAME COMMAND...: runs it, and writes down how it ended: its last line, or that it failed.
soak() {
  local name=$1 began=$SECONDS outcome
  shift
  echo "soak: $name"
  if "$@" 2>&1 | tee "$log"; then
    outcome=$(grep -v '^\[' "$log" | tail -n 1)
  else
    outcome="FAILED: $(tail -n 1 "$log")"
    status=1
  fi
  printf '| %s | %s | %s | %d min | %s |\n' "$(date -u +%F)" "$revision" "$name" $(((SECONDS - began + 30) / 60)) \
    "${outcome//|/ }" >>docs/soak.md
}

fuzz() {
  # Two of six targets at a time.
  TICKSTONE_FUZZ_SEED=0 TICKSTONE_FUZZ_SECONDS=$((minutes * 60 / 3)) TICKSTONE_FUZZ_KEEP=build/soak-fuzz tests/fuzz/run.sh |
    tee "$log.fuzz" || { echo "fuzz: what was found is in build/soak-fuzz"; return 1; }
  echo "fuzz: $(awk '{ inputs += $3 } END { print inputs }' "$log.fuzz") inputs of $(wc -l <"$log.fuzz") targets, $((minutes / 3)) min each"
  rm -f "$log.fuzz"
}

damage() {
  cmake --build --preset release --target tickstone_storage_test >/dev/null || return 1
  TICKSTONE_LONG_TESTS=1 build/release/src/storage/tickstone_storage_test --gtest_filter='StoreDamage.*' --gtest_brief=1 |
    sed -n 's/^\[==========\] /damage at every byte: /p'
}

properties() {
  [ -f build/asan/build.ninja ] || cmake --preset asan >/dev/null
  cmake --build --preset asan --target tickstone_storage_test >/dev/null || return 1
  RC_PARAMS="max_success=$histories" build/asan/src/storage/tickstone_storage_test --gtest_filter='StoreHistory.*:StoreModel*.*:StoreFault.*:StorePowerLoss.*:BackupFaults.*' --gtest_brief=1 |
    sed -n 's/^\[==========\] /properties of the store: /p'
}

[ $# -gt 0 ] || set -- crash fuzz sql server damage properties histories memory
for part in "$@"; do
  case $part in
    crash) soak "crash rounds" tests/crash/crash_rounds.py --rounds "$rounds" ;;
    fuzz) soak "fuzzing" fuzz ;;
    sql) soak "random SQL beside PostgreSQL 15" env TICKSTONE_FUZZ_SEED=0 TICKSTONE_SQL_FUZZ_SECONDS=$((minutes * 60)) tests/differential/run.sh ;;
    server) soak "random messages to the server" env TICKSTONE_FUZZ_SEED=0 TICKSTONE_WIRE_FUZZ_SECONDS=$((minutes * 60)) tests/wire/run.sh ;;
    damage) soak "damage" damage ;;
    properties) soak "properties" properties ;;
    histories) soak "histories" env TICKSTONE_HISTORY_SECONDS=600 TICKSTONE_HISTORY_ROUNDS=50 tests/histories/run.sh ;;
    memory) soak "memory of simulated hours" tests/soak/memory_day.py --hours "$hours" ;;
    *) echo "soak: no part is called $part: crash, fuzz, sql, server, damage, properties, histories or memory" >&2; exit 2 ;;
  esac
done
exit $status
