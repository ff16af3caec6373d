#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# standby.sh DATA_DIRECTORY: makes a standby of a running primary, where the directory is empty, and starts it. With --rewind before the
# directory, one that was a primary until its standby was promoted becomes the standby of that. Run it as the user that PostgreSQL runs as.
#
#   PRIMARY_HOST, PRIMARY_PORT   the primary (needed), 5432
#   NAME                  standby1: its name in synchronous_standby_names, and its slot on the primary
#   PORT, LISTEN          5432, all addresses
#   OWNER, PASSWORD_FILE  for --rewind: a superuser of the primary, inavvi_user, and the file with its password
#   REPLICATION_PASSWORD_FILE   of the role `replicator` (needed)
#   SOCKET_DIRECTORY      of the Unix socket; the one above the data directory
#   PGBIN                 of PostgreSQL's programs
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

rewind=
if [ "${1:-}" = --rewind ]; then rewind=yes; shift; fi
[ "$#" = 1 ] || { sed -n '3,13s/^# \{0,1\}//p' "$0" >&2; exit 2; }
data=$1
name=${NAME:-standby1}
port=${PORT:-5432}
listen=${LISTEN:-*}
primary_port=${PRIMARY_PORT:-5432}
pgbin=${PGBIN:-/usr/lib/postgresql/15/bin}
: "${PRIMARY_HOST:?is not set}"
: "${REPLICATION_PASSWORD_FILE:?names no file with the password of the role replicator}"

# libpq wants a password of a command in a file or the environment, and none in the list of processes.
replication_password=$(<"$REPLICATION_PASSWORD_FILE")

if [ -n "$rewind" ]; then
  : "${PASSWORD_FILE:?names no file with the password of a superuser of the primary}"
  PGPASSWORD=$(<"$PASSWORD_FILE") "$pgbin/pg_rewind" --target-pgdata="$data" \
    --source-server="host=$PRIMARY_HOST port=$primary_port user=${OWNER:-inavvi_user} dbname=postgres" >&2
elif [ ! -e "$data/PG_VERSION" ]; then
  PGPASSWORD=$replication_password "$pgbin/pg_basebackup" -h "$PRIMARY_HOST" -p "$primary_port" -U replicator -D "$data" \
    --slot="$name" --wal-method=stream --checkpoint=fast
fi
data=$(cd "$data" && pwd)
socket=${SOCKET_DIRECTORY:-$(dirname "$data")}
printf "port = %s\nlisten_addresses = '%s'\nunix_socket_directories = '%s'\n" "$port" "$listen" "$socket" >"$data/local.conf"
if [ ! -e "$data/standby.signal" ]; then
  cp "$here/standby.conf" "$data/ha.conf"
  # What ALTER SYSTEM said on the primary is of the primary.
  : >"$data/postgresql.auto.conf"
  (umask 077 && printf '%s:%s:*:replicator:%s\n' "$PRIMARY_HOST" "$primary_port" \
    "$(sed 's/\\/\\\\/g; s/:/\\:/g' "$REPLICATION_PASSWORD_FILE")" >"$data/replicator.pgpass")
  {
    printf "primary_conninfo = 'host=%s port=%s user=replicator passfile=%s application_name=%s connect_timeout=5'\n" \
      "$PRIMARY_HOST" "$primary_port" "$data/replicator.pgpass" "$name"
    printf "primary_slot_name = '%s'\n" "$name"
  } >>"$data/ha.conf"
  touch "$data/standby.signal"
fi
env -u PGPASSWORD -u PGPASSFILE -u PGOPTIONS "$pgbin/pg_ctl" -D "$data" -l "$data/server.log" -w start >/dev/null || { tail -n 20 "$data/server.log" >&2; exit 1; }
echo "standby $name in $data on port $port, of $PRIMARY_HOST:$primary_port"
