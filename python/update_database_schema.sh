#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Brings the database to the current schema: `tickstone migrate`, with its options (--dry-run, --status, --help). Without a URL it is
# the database that TICKSTONE_URL or DATABASE_URL names, else localhost:5433/inavvi.
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
for argument in "$@"; do
  case $argument in
    postgresql://* | postgres://* | --data | --data=* | -h | --help) exec "$program" migrate "$@" ;;
  esac
done
exec "$program" migrate "${TICKSTONE_URL:-${DATABASE_URL:-postgresql://inavvi_user:${PGPASSWORD:-postgres}@localhost:5433/inavvi}}" "$@"
