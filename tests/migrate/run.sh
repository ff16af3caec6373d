#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The application's schema, and the layer for PostgreSQL without TimescaleDB beside Tickstone and beside itself.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/servers.sh
has_postgresql || { echo "tests/migrate: no PostgreSQL 15 here, passed over"; exit 0; }
start_tickstone
start_postgresql

# apply PORT HOME: the schema of one home, a version a transaction.
apply() {
  local version
  for version in src/market/schema/*/; do
    find "$version" -name '*.sql' | sort | grep -E "/[^.]*\.($2\.)?sql\$" | xargs cat |
      psql -q -X -1 -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$1" -U inavvi_user inavvi >"$scratch/applied" 2>"$scratch/applied.errors" ||
      { cat "$scratch/applied.errors" >&2; exit 1; }
  done
}
apply "$peer_port" postgresql

/usr/bin/python3 tests/migrate/time_bucket.py "$port" "$peer_port" "${SEED:-1}"
/usr/bin/python3 tests/migrate/aggregates.py "$peer_port" "${ROUNDS:-12}" "${SEED:-1}"
