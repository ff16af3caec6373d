#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The store's tests with several threads, under the thread sanitizer. (tests/fuzz has the sanitizers of addresses and of
# undefined behaviour on.)
set -euo pipefail
cd "$(dirname "$0")/../.."

[ -f build/tsan/build.ninja ] || cmake --preset tsan >/dev/null
cmake --build --preset tsan --target tickstone_storage_test >/dev/null
TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 build/tsan/src/storage/tickstone_storage_test --gtest_brief=1 \
  --gtest_filter='*BlockCache*:Compaction.*:StoreConcurrency.*'
