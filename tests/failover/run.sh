#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The PostgreSQL home without a single point of failure, on loopback, by the scripts of deploy/postgresql-ha: a primary that is killed
# under load, its standby promoted by the watcher, a writer that goes on by itself. Every row that was acknowledged must be there.
set -euo pipefail
cd "$(dirname "$0")/../.."

ha=$PWD/deploy/postgresql-ha
export PGBIN=/usr/lib/postgresql/15/bin
[ -x "$PGBIN/initdb" ] || { echo "failover: skipped, there is no PostgreSQL 15"; exit 0; }
limit_seconds=180

scratch=$(mktemp -d)
watcher=
writer=
# PostgreSQL does not run as root.
as_peer() {
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- env "${settings[@]}" "$@"; else env "${settings[@]}" "$@"; fi
}
at_exit() {
  local status=$? process
  for process in $writer $watcher; do kill "$process" 2>/dev/null || true; done
  local data
  for data in "$scratch"/servers/*; do
    [ ! -e "$data/postmaster.pid" ] || as_peer "$PGBIN/pg_ctl" -D "$data" -m immediate stop >/dev/null 2>&1 || true
  done
  if [ "$status" != 0 ]; then tail -n 20 "$scratch"/servers/*/server.log "$scratch"/*.log >&2 2>/dev/null || true; fi
  rm -rf "$scratch"
  exit "$status"
}
trap at_exit EXIT

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
say() { printf 'failover: %s\n' "$*"; }
die() { printf 'failover: %s\n' "$*" >&2; exit 1; }

# until_true WHAT COMMAND...: waits for the command to succeed.
until_true() {
  local what=$1 end=$((SECONDS + limit_seconds))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || die "in vain waited for $what"
    sleep 0.2
  done
}

chmod 755 "$scratch"
mkdir "$scratch/servers"
[ "$(id -u)" != 0 ] || chown postgres "$scratch/servers"
echo "owner's secret" >"$scratch/password"
echo "replicator's secret" >"$scratch/replication_password"
chmod 644 "$scratch"/*password
first_port=$(free_port)
second_port=$(free_port)
settings=(PASSWORD_FILE="$scratch/password" REPLICATION_PASSWORD_FILE="$scratch/replication_password" LISTEN=127.0.0.1
  CLIENTS=127.0.0.1/32 PGBIN="$PGBIN")
export PGPASSWORD="owner's secret"
first=$scratch/servers/first
second=$scratch/servers/second
# sql PORT TEXT
sql() { psql -XAtq -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$1" -U inavvi_user -d inavvi -c "$2"; }
acknowledged() { wc -l <"$scratch/ledger"; }
has_acknowledged() { [ "$(acknowledged)" -ge "$1" ]; }
# Rows of the ledger that the server does not have.
lost_rows() {
  sql "$1" "SELECT number FROM ledger" | sort >"$scratch/there"
  sort -u "$scratch/ledger" | comm -23 - "$scratch/there" | wc -l
}

say "a primary, and a standby that its commits wait for"
as_peer PORT="$first_port" "$ha/primary.sh" "$first"
as_peer PORT="$second_port" PRIMARY_HOST=127.0.0.1 PRIMARY_PORT="$first_port" "$ha/standby.sh" "$second"
is_synchronous() { [ "$(sql "$1" "SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')")" = 1 ]; }
until_true "the standby to be synchronous" is_synchronous "$first_port"
sql "$first_port" "CREATE TABLE shown (a int)"
[ "$(sql "$second_port" "SELECT count(*) FROM shown")" = 0 ] || die "the standby does not show what was acknowledged"
if as_peer "$ha/promote.sh" "$second" 2>"$scratch/promote.log"; then die "the standby was promoted beside a primary that answers"; fi
grep -q "answers: stop it first" "$scratch/promote.log" || die "the refusal does not say why: $(<"$scratch/promote.log")"

say "a writer by the C++ API, and a watcher"
url="postgresql://inavvi_user:owner%27s%20secret@127.0.0.1:$first_port,127.0.0.1:$second_port/inavvi?target_session_attrs=read-write"
: >"$scratch/ledger"
build/release/tests/api/ledger_writer "$url" 3600 >"$scratch/ledger" 2>"$scratch/writer.log" &
writer=$!
as_peer FAILURES=2 "$ha/watch.sh" "$second" >"$scratch/watcher.log" 2>&1 &
watcher=$!
until_true "rows to be acknowledged" has_acknowledged 500

say "the primary is killed, with all its processes"
postmaster=$(head -n 1 "$first/postmaster.pid")
# shellcheck disable=SC2046
kill -9 "$postmaster" $(ps -o pid= --ppid "$postmaster")
before=$(acknowledged)
wait "$watcher" || die "the watcher did not promote the standby"
watcher=
[ "$(sql "$second_port" "SELECT pg_is_in_recovery()")" = f ] || die "the standby was not promoted"
until_true "the writer to go on" has_acknowledged $((before + 500))
kill "$writer"
wait "$writer" || die "the writer failed"
writer=
[ "$(lost_rows "$second_port")" = 0 ] || die "$(lost_rows "$second_port") acknowledged rows are lost"
say "$before rows acknowledged before, $(($(acknowledged) - before)) after: all are there"
halves=$(sql "$second_port" "SELECT count(*) FROM (SELECT FROM ledger WHERE pair > 0 GROUP BY pair HAVING count(*) <> 2) AS halves")
[ "$halves" = 0 ] || die "$halves transactions are there by half"
# The check itself can fail.
lost=$(head -n 1 "$scratch/ledger")
sql "$second_port" "DELETE FROM ledger WHERE number = $lost"
[ "$(lost_rows "$second_port")" = 1 ] || die "the check does not see a lost row"

say "the old primary comes back by itself: it acknowledges nothing"
as_peer PORT="$first_port" "$ha/primary.sh" "$first" >"$scratch/primary.log"
sql "$first_port" "INSERT INTO ledger VALUES (-1, 0)" >"$scratch/alone.log" 2>&1 &
alone=$!
waits_for_standby() { [ "$(sql "$first_port" "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")" = 1 ]; }
until_true "the commit on the old primary to wait" waits_for_standby
as_peer "$PGBIN/pg_ctl" -D "$first" -m immediate -w stop >"$scratch/stop.log"
if wait "$alone"; then die "the old primary acknowledged a row beside the new one"; fi

say "the old primary becomes the standby"
as_peer PORT="$first_port" PRIMARY_HOST=127.0.0.1 PRIMARY_PORT="$second_port" "$ha/standby.sh" --rewind "$first" 2>"$scratch/rewind.log"
sql "$second_port" "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (standby1)'"
sql "$second_port" "SELECT pg_reload_conf()" >"$scratch/reload"
until_true "the new standby to be synchronous" is_synchronous "$second_port"
sql "$second_port" "INSERT INTO ledger VALUES ($lost, 0)"
[ "$(sql "$first_port" "SELECT pg_is_in_recovery()")" = t ] || die "the old primary is no standby"
[ "$(sql "$first_port" "SELECT count(*) FROM ledger WHERE number = -1")" = 0 ] || die "what only the old primary had is still there"
[ "$(lost_rows "$first_port")" = 0 ] || die "the new standby does not have what was acknowledged"
say "done"
