#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Python package (python/) against a served store, PostgreSQL 15 with plain tables, the same with the application's migrations and,
# where TICKSTONE_TEST_TIMESCALEDB has its URL, TimescaleDB.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/servers.sh
start_tickstone
export TICKSTONE_TEST_SERVER="postgresql://inavvi_user:postgres@127.0.0.1:$port/inavvi"
if has_postgresql; then
  start_postgresql
  export TICKSTONE_TEST_POSTGRESQL="postgresql://inavvi_user:postgres@127.0.0.1:$peer_port/inavvi"
  createdb -h 127.0.0.1 -p "$peer_port" -U inavvi_user migrated
  export TICKSTONE_TEST_MIGRATED="postgresql://inavvi_user:postgres@127.0.0.1:$peer_port/migrated"
else
  echo "python: no PostgreSQL 15: the tests of that home are skipped"
fi
! has_timescaledb || make_timescaledb
unset PGPASSWORD
TICKSTONE_TEST_TIMESCALEDB=$timescale_url PYTHONPATH=python:tests/cli /usr/bin/python3 -B -m unittest discover --start-directory tests/python --pattern '*_test.py' --top-level-directory tests/python "$@"
