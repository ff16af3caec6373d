#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh [address|thread...]: the modules that need no DuckDB under the sanitizers; without names both: all their tests under those
# of addresses and of undefined behaviour, and everything with several threads under the thread sanitizer. The store's longest
# tests are short here: tests/soak gives them their time.
set -euo pipefail
cd "$(dirname "$0")/../.."
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_init_order=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
export RC_PARAMS="seed=20250102 max_success=20"
export TICKSTONE_SHORT_TESTS=1

# shellcheck source=tests/sanitizers/targets.sh
source tests/sanitizers/targets.sh

build() {
  local targets
  read -ra targets <<<"${sanitized[$1]}"
  [ -f "build/$1/build.ninja" ] || cmake --preset "$1" >/dev/null
  cmake --build --preset "$1" --target "${targets[@]}" >/dev/null
}

# run PRESET MODULE [FILTER]: in two halves at a time.
run() {
  local pids=() failed=0
  for shard in 0 1; do
    GTEST_TOTAL_SHARDS=2 GTEST_SHARD_INDEX=$shard "build/$1/src/$2/tickstone_$2_test" --gtest_brief=1 --gtest_filter="${3:-*}" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
  [ "$failed" = 0 ] || { echo "sanitizers: $2 failed under $1" >&2; exit 1; }
}

address() {
  build fuzz
  for module in base types sql pgwire catalog; do run fuzz "$module"; done
  # What cuts the power and fills the disk at every call takes minutes here: tests/soak.
  run fuzz storage '-StoreFault.*:StorePowerLoss.*:StoreDamage.*:BackupFaults.*:MemorySoak.*'
}

thread() {
  build tsan
  run tsan base
  run tsan storage '*BlockCache*:Compaction.*:StoreConcurrency.*'
  # The typed API, whose threads share a pool, on a real server.
  if [ -x /usr/lib/postgresql/15/bin/initdb ]; then
    cmake --build --preset tsan --target api_test >/dev/null
    # shellcheck source=tests/servers.sh
    source tests/servers.sh
    start_postgresql
    "$tickstone" migrate "postgresql://inavvi_user@127.0.0.1:$peer_port/inavvi" >/dev/null
    TICKSTONE_TEST_ADDRESS="postgresql://inavvi_user@127.0.0.1:$peer_port/inavvi" build/tsan/tests/api/api_test --gtest_brief=1
  fi
}

[ $# -gt 0 ] || set -- address thread
for part in "$@"; do
  case $part in
    address | thread) "$part" ;;
    *) echo "sanitizers: no part is called $part: address or thread" >&2; exit 2 ;;
  esac
done
