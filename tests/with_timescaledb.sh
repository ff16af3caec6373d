#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs a command beside a fresh PostgreSQL 15 that has TimescaleDB preloaded, which TICKSTONE_TEST_TIMESCALEDB then names: the suites that
# know homes run on it too. The extension must be installed. For example: tests/with_timescaledb.sh tests/api/run.sh
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/servers.sh
[ $# -gt 0 ] || { echo "usage: tests/with_timescaledb.sh COMMAND [ARGUMENT...]" >&2; exit 2; }
[ -f "$("$postgresql/pg_config" --sharedir)/extension/timescaledb.control" ] || { echo "with_timescaledb: PostgreSQL 15 here has no TimescaleDB" >&2; exit 1; }
start_postgresql -c shared_preload_libraries=timescaledb -c max_worker_processes=40 -c timescaledb.max_background_workers=24 \
  -c timescaledb.telemetry_level=off
export TICKSTONE_TEST_TIMESCALEDB="postgresql://inavvi_user:$PGPASSWORD@127.0.0.1:$peer_port/inavvi"
unset PGPASSWORD
"$@"
