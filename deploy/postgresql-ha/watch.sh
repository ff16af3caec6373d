#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# watch.sh DATA_DIRECTORY: waits beside a standby until its primary has not answered several times in a row, then promotes the standby.
# A primary that is only cut off cannot acknowledge anything from then on, since its commits wait for this standby. Stop it before you
# take the standby out of the primary's synchronous_standby_names: a standby that commits do not wait for may lack some.
#
#   INTERVAL_SECONDS, FAILURES   1, 5: how often it looks, and how many failures in a row it takes
#   OWNER, PASSWORD_FILE, PGBIN  as for promote.sh
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

[ "$#" = 1 ] || { sed -n '3,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
data=$(cd "$1" && pwd)
interval=${INTERVAL_SECONDS:-1}
wanted=${FAILURES:-5}
: "${PASSWORD_FILE:?names no file with the password of the superuser}"
of_conninfo() { sed -n "s/^primary_conninfo = .*[' ]$1=\([^ ']*\).*/\1/p" "$data/ha.conf"; }
host=$(of_conninfo host)
port=$(of_conninfo port)

failures=0
while [ "$failures" -lt "$wanted" ]; do
  sleep "$interval"
  # Status 1: it answers, and takes nobody just now (it starts, or ends).
  status=0
  pg_isready -q -t 3 -h "$host" -p "$port" || status=$?
  if [ "$status" -le 1 ]; then failures=0; else failures=$((failures + 1)); fi
done
echo "watch.sh: $host:$port did not answer $failures times"
exec "$here/promote.sh" "$data"
