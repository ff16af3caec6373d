#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# For long: crash rounds (TICKSTONE_SOAK_ROUNDS, 200), fuzzing (TICKSTONE_SOAK_FUZZ_MINUTES, 60, over all targets) and damage
# at every single byte. Adds a dated line for each to docs/soak.md.
set -euo pipefail
cd "$(dirname "$0")/../.."

rounds=${TICKSTONE_SOAK_ROUNDS:-200}
minutes=${TICKSTONE_SOAK_FUZZ_MINUTES:-60}
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
  TICKSTONE_FUZZ_SEED=0 TICKSTONE_FUZZ_SECONDS=$((minutes * 60 / 3)) tests/fuzz/run.sh | tee "$log.fuzz" || return 1
  echo "fuzz: $(awk '{ inputs += $3 } END { print inputs }' "$log.fuzz") inputs of $(wc -l <"$log.fuzz") targets, $((minutes / 3)) min each"
  rm -f "$log.fuzz"
}

damage() {
  cmake --build --preset release --target tickstone_storage_test >/dev/null || return 1
  TICKSTONE_LONG_TESTS=1 build/release/src/storage/tickstone_storage_test --gtest_filter='StoreDamage.*' --gtest_brief=1 |
    sed -n 's/^\[==========\] /damage at every byte: /p'
}

[ "$rounds" = 0 ] || soak "crash rounds" tests/crash/crash_rounds.py --rounds "$rounds"
[ "$minutes" = 0 ] || soak "fuzzing" fuzz
soak "damage" damage
exit $status
