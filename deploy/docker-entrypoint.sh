#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The image's entrypoint; takes what the postgres image takes. `postgres ...` is a server: on an empty volume the store is made and
# /docker-entrypoint-initdb.d is run against a server that only its socket reaches. Any other command is run as it is.
#
#   POSTGRES_PASSWORD   of the first role; needed once, for an empty volume
#   POSTGRES_USER       the first role, postgres unless given
#   POSTGRES_DB         the database, named like the role unless given
#   ..._FILE            of each of these: a file that has the value (Docker's secrets)
#   PGDATA              the data directory
set -euo pipefail

init_directory=${TICKSTONE_INIT_DIRECTORY:-/docker-entrypoint-initdb.d}
socket_directory=${TICKSTONE_SOCKET_DIRECTORY:-/var/run/postgresql}
server_user=${TICKSTONE_SERVER_USER:-postgres}
export PGDATA=${PGDATA:-/var/lib/postgresql/data}
# There from the first moment of a new store until its last init script is done.
unfinished=$PGDATA/INITIALIZING

say() { printf 'entrypoint: %s\n' "$*"; }
die() { printf 'entrypoint: %s\n' "$*" >&2; exit 1; }

# take NAME [DEFAULT]: exports NAME from itself, from the file that NAME_FILE names, or the default.
take() {
  local name=$1 file_name=$1_FILE
  if [ -n "${!name:-}" ] && [ -n "${!file_name:-}" ]; then die "both $name and $file_name are set: only one may be"; fi
  if [ -n "${!file_name:-}" ]; then
    [ -r "${!file_name}" ] || die "$file_name names ${!file_name}, which cannot be read"
    printf -v "$name" '%s' "$(<"${!file_name}")"
  fi
  [ -n "${!name:-}" ] || printf -v "$name" '%s' "${2:-}"
  export "${name?}"
  unset "$file_name"
}

# A server, and not a question to one: --help, --version, -C.
is_server() {
  [ "${1:-}" = postgres ] || return 1
  local argument
  for argument in "$@"; do
    case $argument in -'?' | --help | -V | --version) return 1 ;; esac
  done
}

check_volume() {
  local found
  [ ! -e "$PGDATA/PG_VERSION" ] ||
    die "$PGDATA is a PostgreSQL data directory, which Tickstone does not read: give the service a volume of its own, and load a dump"
  found=$(find "$PGDATA" -mindepth 1 -maxdepth 1 \! -name lost+found \! -name .new | head -n 1)
  [ -z "$found" ] || die "$PGDATA has no store and is not empty: there is $found"
}

check_environment() {
  case ${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256} in
    scram-sha-256) ;;
    *) die "POSTGRES_HOST_AUTH_METHOD=$POSTGRES_HOST_AUTH_METHOD is not supported: over TCP every client logs in by SCRAM-SHA-256, which PostgreSQL's drivers do by themselves. Unset it." ;;
  esac
  [ -n "$POSTGRES_PASSWORD" ] ||
    die "the volume is empty and no password is given for its first role: set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE"
  [ -z "${POSTGRES_INITDB_ARGS:-}${POSTGRES_INITDB_WALDIR:-}" ] ||
    say "POSTGRES_INITDB_ARGS and POSTGRES_INITDB_WALDIR have no effect: text is UTF8, blocks are always checksummed, the log is in the data directory"
}

# psql as the first role over the socket, which asks root and the server's own user for no password.
run_psql() {
  psql -v ON_ERROR_STOP=1 --no-psqlrc --no-password --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" "$@"
}

# A script that fails ends the shell, since errors do (set -e); `at_exit` says what is to be done.
run_init_scripts() {
  export PGHOST=$socket_directory PGPORT=$temporary_port PGUSER=$POSTGRES_USER PGDATABASE=$POSTGRES_DB
  for current_script in "$init_directory"/*; do
    case $current_script in
      *.sh)
        say "running $current_script"
        # Those that are no programs of their own see what this shell has, as in the postgres image.
        # shellcheck disable=SC1090
        if [ -x "$current_script" ]; then "$current_script"; else . "$current_script"; fi
        ;;
      *.sql) say "running $current_script"; run_psql --file "$current_script" ;;
      *.sql.gz) say "running $current_script"; gunzip --stdout "$current_script" | run_psql ;;
      *.sql.xz) say "running $current_script"; xz --decompress --stdout "$current_script" | run_psql ;;
      *.sql.zst) say "running $current_script"; zstd --decompress --stdout "$current_script" | run_psql ;;
      "$init_directory/*") ;;
      *) say "ignoring $current_script" ;;
    esac
  done
  current_script=
  unset PGHOST PGUSER PGDATABASE  # PGPORT says where the server is
}

temporary_server=
current_script=
at_exit() {
  local status=$?
  if [ -n "$temporary_server" ]; then
    kill -TERM "$temporary_server" 2>/dev/null || true
    wait "$temporary_server" || true
  fi
  [ -z "$current_script" ] ||
    printf 'entrypoint: %s failed (status %s): the store is not served. Mend the script, empty the volume and start again.\n' \
      "$current_script" "$status" >&2
  exit "$status"
}

stop_temporary_server() {
  kill -TERM "$temporary_server"
  wait "$temporary_server" || die "the temporary server did not end cleanly"
  temporary_server=
}

# start_temporary_server POSTGRES ARGUMENT...: the server as it was asked for, but reached by nobody else.
start_temporary_server() {
  env -u POSTGRES_PASSWORD -u NOTIFY_SOCKET "$@" -c listen_addresses= -c unix_socket_directories="$socket_directory" \
    -c port="$temporary_port" &
  temporary_server=$!
  until pg_isready --quiet --host "$socket_directory" --port "$temporary_port"; do
    kill -0 "$temporary_server" 2>/dev/null || die "the temporary server did not start"
    sleep 0.1
  done
}

make_store() {
  check_volume
  check_environment
  say "making a store for database $POSTGRES_DB and user $POSTGRES_USER in $PGDATA"
  # In a directory of its own, so that there is never a store without the mark before its scripts are done.
  rm -rf "$PGDATA/.new"
  tickstone init --data "$PGDATA/.new" --database "$POSTGRES_DB" --user "$POSTGRES_USER"
  : >"$unfinished"
  (shopt -s dotglob && mv "$PGDATA/.new"/* "$PGDATA/")
  rmdir "$PGDATA/.new"
  trap at_exit EXIT
  trap 'exit 143' TERM INT
  start_temporary_server "$@"
  run_init_scripts
  stop_temporary_server
  trap - EXIT TERM INT
  rm "$unfinished"
  say "the store is made; starting the server"
}

[ "${1:0:1}" != - ] || set -- postgres "$@"
[ "$#" -gt 0 ] || set -- postgres

if is_server "$@"; then
  if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" "$socket_directory"
    chmod 700 "$PGDATA"
    chmod 3777 "$socket_directory"
    find "$PGDATA" \! -user "$server_user" -exec chown "$server_user" '{}' +
    chown "$server_user" "$socket_directory"
    exec setpriv --reuid="$server_user" --regid="$(id -g "$server_user")" --init-groups "${BASH_SOURCE[0]}" "$@"
  fi
  take POSTGRES_PASSWORD
  take POSTGRES_USER postgres
  take POSTGRES_DB "$POSTGRES_USER"
  temporary_port=${PGPORT:-5432}
  if [ -e "$unfinished" ]; then
    die "an earlier start did not finish the init scripts, so that $PGDATA holds a part of what it should: empty the volume and start again"
  elif [ -e "$PGDATA/MANIFEST" ]; then
    say "$PGDATA has a store; the init scripts are not run"
  else
    make_store "$@"
  fi
  # Given for a store of one's own and known to all: said in the log, and taken, since compose files in use have it.
  [ "$POSTGRES_PASSWORD" != postgres ] || set -- "$@" -c tickstone.allow_default_password=on
  # Of a new store only: from now on ALTER USER says what it is.
  unset POSTGRES_PASSWORD
fi

exec "$@"
