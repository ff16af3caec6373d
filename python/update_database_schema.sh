#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Brings the database to the current schema: `tickstone migrate` with what follows (--dry-run, --status, a URL, --help). Without a URL
# it is the database that the Python layer connects to: TICKSTONE_URL or DATABASE_URL, else DB_* and PG*, else the guide's.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=${TICKSTONE_BINARY:-}
for candidate in "$here/../build/tickstone" "$(command -v tickstone || true)"; do
  if [ -z "$program" ] && [ -x "$candidate" ]; then program=$candidate; fi
done
if [ -z "$program" ]; then
  echo "update_database_schema.sh: there is no tickstone program: build it (make program), or name it in TICKSTONE_BINARY" >&2
  exit 1
fi

if [ -z "${TICKSTONE_URL:-}" ]; then
  TICKSTONE_URL=${DATABASE_URL:-}
fi
if [ -z "$TICKSTONE_URL" ]; then
  host=${DB_HOST:-${PGHOST:-localhost}}
  TICKSTONE_URL="host=$host port=${DB_PORT:-${PGPORT:-5433}} dbname=${DB_NAME:-${PGDATABASE:-inavvi}} user=${DB_USER:-${PGUSER:-inavvi_user}}"
  password=${DB_PASSWORD:-${PGPASSWORD:-}}
  case $host in
    # Good for loopback only, and not in place of a password file.
    localhost | 127.0.0.1 | ::1 | /*) [ -e "${PGPASSFILE:-$HOME/.pgpass}" ] || password=${password:-postgres} ;;
  esac
  [ -z "$password" ] || export PGPASSWORD=$password
fi
export TICKSTONE_URL
exec "$program" migrate "$@"
