#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# build.sh [fuzz|tsan...]: builds what tests/fuzz and tests/sanitizers run, and without names all of it, one file at a time.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/sanitizers/targets.sh
source tests/sanitizers/targets.sh
[ $# -gt 0 ] || set -- fuzz tsan
for preset in "$@"; do
  read -ra targets <<<"${sanitized[$preset]}"
  [ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >/dev/null
  cmake --build --preset "$preset" -j 1 --target "${targets[@]}"
done
