#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The programs of examples/, as their README says, on a directory, a Tickstone server, PostgreSQL 15 and, where
# TICKSTONE_TEST_TIMESCALEDB names one, TimescaleDB: the same output each time.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/servers.sh
source tests/servers.sh

wanted() {
  local file=$1 text
  shift
  for text in "$@"; do
    grep -qF -- "$text" "$file" || { echo "examples: no \"$text\" in" >&2; cat "$file" >&2; exit 1; }
  done
}

on() {
  echo "examples: on $1"
  "$tickstone" migrate "$2" >"$scratch/migrate.log" 2>&1 || { cat "$scratch/migrate.log" >&2; exit 1; }
  build/release/examples/store_and_read "$2" >"$scratch/first"
  wanted "$scratch/first" "On $1," "30 bars are new, 0 were there already" "1 bar was corrected" \
    "2026-01-05 14:55:00+00" "Volume of the morning: 34117" "Latest price: 187.02 of 2026-01-05 14:59:00+00"
  # Again: nothing is new.
  build/release/examples/store_and_read "$2" >"$scratch/second"
  wanted "$scratch/second" "0 bars are new, 29 were there already"
  build/release/examples/training_set "$2" >"$scratch/third"
  wanted "$scratch/third" "36 values are new, 0 were there already" "momentum_5m: missing in 2 of 5 rows" \
    "spread_bps: missing in 3 of 5 rows" "2 entries in the access log"
  grep -E "AAPL.*14:35:00.*0\.125" "$scratch/third" >/dev/null || { cat "$scratch/third" >&2; exit 1; }
}

on embedded "$scratch/embedded"
start_tickstone
on tickstone "postgresql://inavvi_user@127.0.0.1:$port/inavvi"
if has_postgresql; then
  start_postgresql
  on postgresql "postgresql://inavvi_user@127.0.0.1:$peer_port/inavvi"
else
  echo "examples: no PostgreSQL 15 at hand, not run on it"
fi
if has_timescaledb; then
  make_timescaledb
  on timescaledb "$timescale_url"
  # What lies in compressed chunks is found and corrected as before.
  psql -q "$timescale_url" -v ON_ERROR_STOP=1 -c "SELECT compress_chunk(c) FROM show_chunks('ohlcv') c" -c "SELECT compress_chunk(c) FROM show_chunks('feature_timeseries') c" >"$scratch/compressed"
  build/release/examples/store_and_read "$timescale_url" >"$scratch/fourth"
  wanted "$scratch/fourth" "0 bars are new, 29 were there already" "1 bar was corrected" "Volume of the morning: 34117"
  build/release/examples/training_set "$timescale_url" >"$scratch/fifth"
  wanted "$scratch/fifth" "0 values are new, 36 were there already" "momentum_5m: missing in 2 of 5 rows"
fi
