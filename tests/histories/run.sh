#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Random transactions of many sessions at once, judged by what must hold in every snapshot; then random statements of one
# session, judged by PostgreSQL 15 where it is installed.
set -euo pipefail
cd "$(dirname "$0")/../.."
# Some things happen only while a store is young: columns widen, the first chunks come.
for _ in 1 2 3; do /usr/bin/python3 tests/histories/histories.py --seconds 2; done
/usr/bin/python3 tests/histories/histories.py --seconds "${TICKSTONE_HISTORY_SECONDS:-10}"

programs=/usr/lib/postgresql/15/bin
if [ ! -x "$programs/initdb" ]; then
  echo "histories: no PostgreSQL 15 to compare with"
  exit 0
fi
scratch=$(mktemp -d)
# PostgreSQL does not run as root.
as_peer() {
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}
stop() {
  as_peer "$programs/pg_ctl" -D "$scratch/peer/data" -m immediate -w stop >"$scratch/peer.stop" 2>&1 || true
  rm -rf "$scratch"
}
trap stop EXIT
chmod 755 "$scratch"
mkdir "$scratch/peer"
echo postgres >"$scratch/password"
chmod 644 "$scratch/password"
[ "$(id -u)" != 0 ] || chown postgres "$scratch/peer"
as_peer "$programs/initdb" -D "$scratch/peer/data" -U inavvi_user --pwfile="$scratch/password" -A scram-sha-256 -E UTF8 \
  --locale=C.UTF-8 >"$scratch/peer.log"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
as_peer "$programs/pg_ctl" -D "$scratch/peer/data" -l "$scratch/peer/log" -w start \
  -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c timezone=UTC -c fsync=off" >"$scratch/peer.start"
PGPASSWORD=postgres createdb -h 127.0.0.1 -p "$port" -U inavvi_user inavvi
/usr/bin/python3 tests/histories/beside_postgres.py --peer "$port" --rounds "${TICKSTONE_HISTORY_ROUNDS:-2}"
