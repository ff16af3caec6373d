#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# promote.sh DATA_DIRECTORY: makes a standby the primary, and makes it ready for the next standby. Refuses while the old primary answers,
# unless --force stands before the directory. Run it as the user that PostgreSQL runs as.
#
#   OWNER, PASSWORD_FILE  a superuser, inavvi_user, and the file with its password
#   PGBIN                 of PostgreSQL's programs
set -euo pipefail

force=
if [ "${1:-}" = --force ]; then force=yes; shift; fi
[ "$#" = 1 ] || { sed -n '3,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
data=$(cd "$1" && pwd)
pgbin=${PGBIN:-/usr/lib/postgresql/15/bin}
: "${PASSWORD_FILE:?names no file with the password of the superuser}"
[ -e "$data/standby.signal" ] || { echo "promote.sh: $data is no standby" >&2; exit 1; }

of_conninfo() { sed -n "s/^primary_conninfo = .*[' ]$1=\([^ ']*\).*/\1/p" "$data/ha.conf"; }
if [ -z "$force" ] && pg_isready -q -t 3 -h "$(of_conninfo host)" -p "$(of_conninfo port)"; then
  echo "promote.sh: the primary $(of_conninfo host):$(of_conninfo port) answers: stop it first, or give --force" >&2
  exit 1
fi
# Waits until all that was received is replayed.
"$pgbin/pg_ctl" -D "$data" -w -t 600 promote >/dev/null
of_local() { sed -n "s/^$1 = '\{0,1\}\([^']*\)'\{0,1\}$/\1/p" "$data/local.conf"; }
PGPASSWORD=$(<"$PASSWORD_FILE") psql -qAtX -v ON_ERROR_STOP=1 -h "$(of_local unix_socket_directories)" -p "$(of_local port)" \
  -U "${OWNER:-inavvi_user}" -d postgres >/dev/null <<'EOT'
SELECT pg_create_physical_replication_slot('standby1') WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = 'standby1');
-- pg_rewind of the old primary goes by the newest checkpoint.
CHECKPOINT;
EOT
echo "$data is the primary now, and alone: give it a standby (standby.sh), then name that in synchronous_standby_names"
