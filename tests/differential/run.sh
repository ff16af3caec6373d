#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The same statements on PostgreSQL 15 and on a fresh store: what clients see of the catalog, and what queries give.
set -euo pipefail
cd "$(dirname "$0")/../.."
programs=/usr/lib/postgresql/15/bin
if [ ! -x "$programs/initdb" ]; then
  echo "differential: no PostgreSQL 15 to compare with"
  exit 0
fi
tickstone=${TICKSTONE_BINARY:-build/tickstone}
scratch=$(mktemp -d)
server=
peer=
stop() {
  [ -z "$server" ] || { kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; } || true
  [ -z "$peer" ] || as_peer "$programs/pg_ctl" -D "$scratch/peer/data" -m immediate -w stop >"$scratch/peer.stop" 2>&1 || true
  rm -rf "$scratch"
}
trap stop EXIT

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
# PostgreSQL does not run as root.
as_peer() {
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

port=$(free_port)
"$tickstone" serve --data "$scratch/store" --listen 127.0.0.1 --port "$port" >"$scratch/log" 2>&1 &
server=$!
until pg_isready -q -h 127.0.0.1 -p "$port"; do
  kill -0 "$server" 2>/dev/null || { cat "$scratch/log" >&2; exit 1; }
  sleep 0.1
done

chmod 755 "$scratch"
mkdir "$scratch/peer"
echo postgres >"$scratch/password"
chmod 644 "$scratch/password"
[ "$(id -u)" != 0 ] || chown postgres "$scratch/peer"
as_peer "$programs/initdb" -D "$scratch/peer/data" -U inavvi_user --pwfile="$scratch/password" -A scram-sha-256 -E UTF8 \
  --locale=C.UTF-8 >"$scratch/peer.log"
peer_port=$(free_port)
peer=started
as_peer "$programs/pg_ctl" -D "$scratch/peer/data" -l "$scratch/peer/log" -w start \
  -o "-p $peer_port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c timezone=UTC -c fsync=off" >"$scratch/peer.start"
export PGPASSWORD=postgres
createdb -h 127.0.0.1 -p "$peer_port" -U inavvi_user inavvi

# The clients need what Debian's python3 has.
our_url="postgresql://inavvi_user:postgres@127.0.0.1:$port/inavvi"
peer_url="postgresql://inavvi_user:postgres@127.0.0.1:$peer_port/inavvi"
if /usr/bin/python3 -c 'import psycopg2, sqlalchemy' 2>"$scratch/import"; then
  /usr/bin/python3 tests/differential/catalog_columns.py "$peer_url"
  /usr/bin/python3 tests/differential/catalog_clients.py "$peer_url" "$our_url"
fi
python3 tests/differential/run.py --peer-port "$peer_port" --port "$port" "$@"
