#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The same statements on PostgreSQL 15 and on a fresh store: what clients see of the catalog, what queries give, and random statements
# over the guide's tables, a round of them from TICKSTONE_FUZZ_SEED (13; 0 takes a new one), or those alone for
# TICKSTONE_SQL_FUZZ_SECONDS.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/servers.sh
has_postgresql || { echo "differential: no PostgreSQL 15 to compare with"; exit 0; }
start_tickstone
start_postgresql

fuzz() {
  python3 tests/differential/fuzz.py --peer-port "$peer_port" --port "$port" --seed "${TICKSTONE_FUZZ_SEED:-13}" "$@"
}
if [ -n "${TICKSTONE_SQL_FUZZ_SECONDS:-}" ]; then
  fuzz --seconds "$TICKSTONE_SQL_FUZZ_SECONDS"
  exit
fi

# The clients need what Debian's python3 has.
our_url="postgresql://inavvi_user:postgres@127.0.0.1:$port/inavvi"
peer_url="postgresql://inavvi_user:postgres@127.0.0.1:$peer_port/inavvi"
if /usr/bin/python3 -c 'import psycopg2, sqlalchemy' 2>"$scratch/import"; then
  /usr/bin/python3 tests/differential/catalog_columns.py "$peer_url"
  /usr/bin/python3 tests/differential/catalog_clients.py "$peer_url" "$our_url"
fi
python3 tests/differential/run.py --peer-port "$peer_port" --port "$port" "$@"
[ $# -gt 0 ] || fuzz --rounds 1 --seconds 120
