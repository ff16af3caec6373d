#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The scripts of interleaved sessions against a fresh store, and, where PostgreSQL 15 is installed, against it: the scripts say what it says.
set -euo pipefail
cd "$(dirname "$0")/../.."
tickstone=${TICKSTONE_BINARY:-build/tickstone}
scratch=$(mktemp -d)
server=
peer=
stop() {
  [ -z "$server" ] || { kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; } || true
  [ -z "$peer" ] || as_peer "$peer/pg_ctl" -D "$scratch/peer/data" -m immediate -w stop >"$scratch/peer.stop" 2>&1 || true
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
echo "isolation: tickstone"
python3 tests/isolation/run.py --port "$port" || { tail -n 50 "$scratch/log" >&2; exit 1; }
python3 tests/isolation/counter.py --port "$port" || { tail -n 50 "$scratch/log" >&2; exit 1; }

programs=/usr/lib/postgresql/15/bin
if [ ! -x "$programs/initdb" ]; then
  echo "isolation: no PostgreSQL 15 to compare with"
  exit 0
fi
chmod 755 "$scratch"
mkdir "$scratch/peer"
echo postgres >"$scratch/password"
chmod 644 "$scratch/password"
[ "$(id -u)" != 0 ] || chown postgres "$scratch/peer"
as_peer "$programs/initdb" -D "$scratch/peer/data" -U inavvi_user --pwfile="$scratch/password" -A scram-sha-256 -E UTF8 \
  --locale=C.UTF-8 >"$scratch/peer.log"
port=$(free_port)
peer=$programs
as_peer "$programs/pg_ctl" -D "$scratch/peer/data" -l "$scratch/peer/log" -w start \
  -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c timezone=UTC -c fsync=off -c deadlock_timeout=50ms" >"$scratch/peer.start"
PGPASSWORD=postgres createdb -h 127.0.0.1 -p "$port" -U inavvi_user inavvi
echo "isolation: PostgreSQL"
python3 tests/isolation/run.py --peer --port "$port"
