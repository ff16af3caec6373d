#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The typed API on every home: a directory, a Tickstone server, PostgreSQL 15, and TimescaleDB where
# TICKSTONE_TEST_TIMESCALEDB names one.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/servers.sh
source tests/servers.sh
test=build/release/tests/api/api_test

on() {
  echo "api: on $1"
  "$tickstone" migrate "$2" >"$scratch/migrate.log" 2>&1 || { cat "$scratch/migrate.log" >&2; exit 1; }
  TICKSTONE_TEST_ADDRESS=$2 "$test" --gtest_brief=1
}

on "a directory" "$scratch/embedded"
start_tickstone
on "a Tickstone server" "postgresql://inavvi_user@127.0.0.1:$port/inavvi"
if has_postgresql; then
  start_postgresql
  on "PostgreSQL" "postgresql://inavvi_user@127.0.0.1:$peer_port/inavvi"
else
  echo "api: no PostgreSQL 15 at hand, not run on it"
fi
if has_timescaledb; then
  make_timescaledb
  on "TimescaleDB" "$timescale_url"
fi

# A writer goes on by itself when its server is killed and comes again, and nothing that it was told of is lost.
echo "api: a server killed twice under a writer"
stop_tickstone() { kill -9 "$server" 2>/dev/null; wait "$server" 2>/dev/null || true; }
stop_tickstone
rm -rf "$scratch/store"
start_tickstone
here=$port
build/release/tests/api/ledger_writer "postgresql://inavvi_user@127.0.0.1:$here/inavvi" 8 >"$scratch/ledger" &
writer=$!
for _ in 1 2; do
  sleep 2
  stop_tickstone
  sleep 0.5
  "$tickstone" serve --data "$scratch/store" --listen 127.0.0.1 --port "$here" >>"$scratch/log" 2>&1 &
  server=$!
done
wait "$writer" || { echo "api: the writer gave up" >&2; exit 1; }
psql -q -h 127.0.0.1 -p "$here" -U inavvi_user inavvi -Atc 'SELECT number FROM ledger' | sort >"$scratch/stored"
lost=$(sort "$scratch/ledger" | comm -23 - "$scratch/stored" | wc -l)
acknowledged=$(wc -l <"$scratch/ledger")
echo "api: $acknowledged rows acknowledged, $lost lost"
[ "$lost" = 0 ] && [ "$acknowledged" -gt 100 ]
halves=$(psql -q -h 127.0.0.1 -p "$here" -U inavvi_user inavvi -Atc \
  'SELECT count(*) FROM (SELECT pair FROM ledger WHERE pair > 0 GROUP BY pair HAVING count(*) <> 2) AS halves')
[ "$halves" = 0 ] || { echo "api: $halves transactions are there by half" >&2; exit 1; }
