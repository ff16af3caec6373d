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
[ -z "${TICKSTONE_TEST_TIMESCALEDB:-}" ] || on "TimescaleDB" "$TICKSTONE_TEST_TIMESCALEDB"
