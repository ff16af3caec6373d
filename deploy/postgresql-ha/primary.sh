#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# primary.sh DATA_DIRECTORY: makes a PostgreSQL primary for a synchronous standby, where the directory is empty, and starts it. Run it as
# the user that PostgreSQL runs as.
#
#   PORT, LISTEN          5432, all addresses
#   OWNER, DATABASE       inavvi_user, inavvi: the first role and its database
#   PASSWORD_FILE         the owner's password (needed)
#   REPLICATION_PASSWORD_FILE   of the role `replicator`, by which standbys connect (needed)
#   CLIENTS               who may connect, as pg_hba.conf has it: samenet, or an address with a mask
#   SOCKET_DIRECTORY      of the Unix socket; the one above the data directory
#   PGBIN                 of PostgreSQL's programs
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

[ "$#" = 1 ] || { sed -n '3,13s/^# \{0,1\}//p' "$0" >&2; exit 2; }
data=$1
port=${PORT:-5432}
listen=${LISTEN:-*}
owner=${OWNER:-inavvi_user}
database=${DATABASE:-inavvi}
clients=${CLIENTS:-samenet}
pgbin=${PGBIN:-/usr/lib/postgresql/15/bin}
: "${PASSWORD_FILE:?names no file with the password of $owner}"
: "${REPLICATION_PASSWORD_FILE:?names no file with the password of the role replicator}"

fresh=
if [ ! -e "$data/PG_VERSION" ]; then
  fresh=yes
  "$pgbin/initdb" -D "$data" -U "$owner" --pwfile="$PASSWORD_FILE" -A scram-sha-256 -E UTF8 --locale=C.UTF-8 --data-checksums >/dev/null
  printf "include = 'ha.conf'\ninclude = 'local.conf'\n" >>"$data/postgresql.conf"
  printf 'host all all %s scram-sha-256\nhost replication replicator %s scram-sha-256\n' "$clients" "$clients" >>"$data/pg_hba.conf"
  cp "$here/primary.conf" "$data/ha.conf"
fi
data=$(cd "$data" && pwd)
socket=${SOCKET_DIRECTORY:-$(dirname "$data")}
printf "port = %s\nlisten_addresses = '%s'\nunix_socket_directories = '%s'\n" "$port" "$listen" "$socket" >"$data/local.conf"
env -u PGPASSWORD -u PGPASSFILE -u PGOPTIONS "$pgbin/pg_ctl" -D "$data" -l "$data/server.log" -w start >/dev/null || { tail -n 20 "$data/server.log" >&2; exit 1; }

if [ -n "$fresh" ]; then
  # No standby is there yet to wait for.
  PGPASSWORD=$(<"$PASSWORD_FILE") PGOPTIONS='-c synchronous_commit=local' \
    psql -qX -v ON_ERROR_STOP=1 -h "$socket" -p "$port" -U "$owner" -d postgres \
    -v database="$database" -v password="$(<"$REPLICATION_PASSWORD_FILE")" >/dev/null <<'EOT'
CREATE ROLE replicator LOGIN REPLICATION PASSWORD :'password';
CREATE DATABASE :"database";
SELECT pg_create_physical_replication_slot('standby1');
EOT
fi
echo "primary in $data on port $port; it acknowledges commits as soon as standby1 is there"
