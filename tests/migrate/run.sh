#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The application's schema in every home, and the layer for PostgreSQL without TimescaleDB: beside Tickstone, and beside itself.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/servers.sh
has_postgresql || { echo "tests/migrate: no PostgreSQL 15 here, passed over"; exit 0; }
export TICKSTONE_BINARY=$tickstone PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=tests
start_tickstone
start_postgresql

"$tickstone" migrate "postgresql://inavvi_user:postgres@127.0.0.1:$peer_port/inavvi" >"$scratch/migrated"
/usr/bin/python3 tests/migrate/time_bucket.py "$port" "$peer_port" "${SEED:-1}"
/usr/bin/python3 tests/migrate/aggregates.py "$peer_port" "${ROUNDS:-12}" "${SEED:-1}"
/usr/bin/python3 tests/migrate/layer_test.py "$peer_port"
/usr/bin/python3 tests/migrate/migrate_test.py "$peer_port"
/usr/bin/python3 tests/migrate/jobs_test.py "$peer_port"
/usr/bin/python3 tests/migrate/policies_test.py "$peer_port"
