# SPDX-License-Identifier: Apache-2.0
# For suites with servers of their own, to be sourced from the top of the tree: a fresh store served by tickstone, and a PostgreSQL
# 15 to compare with. Sets scratch, a directory that goes with the script, as its servers do.
tickstone=${TICKSTONE_BINARY:-build/tickstone}
postgresql=/usr/lib/postgresql/15/bin
export PGPASSWORD=postgres
scratch=$(mktemp -d)
server=
peer=
timescale_url=

stop_servers() {
  [ -z "$timescale_url" ] || /usr/bin/python3 -B tests/timescaledb.py drop "$timescale_url" || true
  [ -z "$server" ] || { kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; } || true
  [ -z "$peer" ] || as_peer "$postgresql/pg_ctl" -D "$scratch/peer/data" -m immediate -w stop >"$scratch/peer.stop" 2>&1 || true
  rm -rf "$scratch"
}
trap stop_servers EXIT

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# PostgreSQL does not run as root.
as_peer() {
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

# Serves a fresh store; sets port. What it logs is in $scratch/log.
start_tickstone() {
  port=$(free_port)
  "$tickstone" serve --data "$scratch/store" --listen 127.0.0.1 --port "$port" >"$scratch/log" 2>&1 &
  server=$!
  until pg_isready -q -h 127.0.0.1 -p "$port"; do
    kill -0 "$server" 2>/dev/null || { cat "$scratch/log" >&2; exit 1; }
    sleep 0.1
  done
}

has_postgresql() { [ -x "$postgresql/initdb" ]; }

# start_postgresql OPTION...: a fresh cluster with the guide's user and database; sets peer_port.
start_postgresql() {
  chmod 755 "$scratch"
  mkdir "$scratch/peer"
  echo "$PGPASSWORD" >"$scratch/password"
  chmod 644 "$scratch/password"
  [ "$(id -u)" != 0 ] || chown postgres "$scratch/peer"
  as_peer "$postgresql/initdb" -D "$scratch/peer/data" -U inavvi_user --pwfile="$scratch/password" -A scram-sha-256 -E UTF8 \
    --locale=C.UTF-8 >"$scratch/peer.log"
  peer_port=$(free_port)
  peer=started
  as_peer "$postgresql/pg_ctl" -D "$scratch/peer/data" -l "$scratch/peer/log" -w start \
    -o "-p $peer_port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c timezone=UTC -c fsync=off $*" >"$scratch/peer.start"
  createdb -h 127.0.0.1 -p "$peer_port" -U inavvi_user inavvi
}

has_timescaledb() { [ -n "${TICKSTONE_TEST_TIMESCALEDB:-}" ]; }

# A fresh database on the server that TICKSTONE_TEST_TIMESCALEDB names; sets timescale_url. It goes with the script.
make_timescaledb() { timescale_url=$(/usr/bin/python3 -B tests/timescaledb.py make); }
