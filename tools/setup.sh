#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what a build needs and is not there yet: Debian packages (tools/packages.txt), then DuckDB, the
# sample data and node-postgres, pinned and checked (tools/packages.lock), under $TICKSTONE_DEPS or .deps.
# Run it as often as you like: with nothing missing it changes nothing and needs no network and no root.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
deps=${TICKSTONE_DEPS:-$root/.deps}

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing_packages() {
  local package unless command
  while read -r package unless command; do
    case "$package" in '' | '#'*) continue ;; esac
    if [ "$unless" = unless ] && command -v "$command" >/dev/null 2>&1; then continue; fi
    is_installed "$package" || printf '%s\n' "$package"
  done <"$root/tools/packages.txt"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null 2>&1; then
    sudo "$@"
  else
    die "needs root or sudo to run: $*"
  fi
}

install_packages() {
  local missing
  command -v dpkg-query >/dev/null 2>&1 ||
    { say "not Debian: make sure that what tools/packages.txt names is installed"; return; }
  mapfile -t missing < <(missing_packages)
  [ "${#missing[@]}" -gt 0 ] || return 0
  say "installing ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

# Prints "package sha512" of one thing of the lock file on this machine; a line for each of its packages.
locked() {
  awk -v what="$1" -v machine="$(uname -m)" \
    '$1 !~ /^#/ && $2 == what && ($1 == "any" || $1 == machine) { print $3, $4 }' "$root/tools/packages.lock"
}

# fetch WHAT SCRATCH: unpacks the checked tarballs of WHAT into SCRATCH/WHAT, each as package or, of several, as its name.
fetch() {
  local what=$1 scratch=$2 package wanted tarball actual folder
  local packages=()
  mapfile -t packages < <(locked "$what")
  [ "${#packages[@]}" -gt 0 ] || die "nothing locked for $what on $(uname -m)"
  say "fetching $(printf '%s\n' "${packages[@]%% *}" | paste -sd ' ')"
  mkdir -p "$scratch/$what"
  (cd "$scratch/$what" && npm pack --ignore-scripts --loglevel=error "${packages[@]%% *}" >/dev/null) || die "could not fetch $what"
  while read -r package wanted; do
    tarball=${package#@}
    tarball=$scratch/$what/$(printf '%s' "${tarball%@*}" | tr / -)-${package##*@}.tgz
    actual=sha512-$(openssl dgst -sha512 -binary "$tarball" | openssl base64 -A)
    [ "$actual" = "$wanted" ] || die "$package is not what was locked: $actual instead of $wanted"
    folder=package
    [ "${#packages[@]}" = 1 ] || folder=${package%@*}
    mkdir "$scratch/$what/$folder"
    tar -xzf "$tarball" -C "$scratch/$what/$folder" --strip-components=1
    rm "$tarball"
  done < <(printf '%s\n' "${packages[@]}")
}

# put NEW PLACE STAMP: moves a finished directory into place.
put() {
  printf '%s\n' "$3" >"$1/STAMP"
  rm -rf "$2"
  mv "$1" "$2"
}

install_duckdb() {
  local stamp scratch
  stamp="$(locked duckdb-library) $(locked duckdb-headers)"
  [ "$(cat "$deps/duckdb/STAMP" 2>/dev/null)" != "$stamp" ] || return 0
  scratch=$(mktemp -d "$deps/fetch.XXXXXX")
  fetch duckdb-library "$scratch"
  fetch duckdb-headers "$scratch"
  mkdir -p "$scratch/new/lib"
  mv "$scratch/duckdb-library/package/libduckdb.so" "$scratch/new/lib/"
  mv "$scratch/duckdb-library/package/LICENSE" "$scratch/new/"
  mv "$scratch/duckdb-headers/package/src/duckdb/src/include" "$scratch/new/include"
  put "$scratch/new" "$deps/duckdb" "$stamp"
  rm -rf "$scratch"
}

install_sample_data() {
  local stamp scratch
  stamp=$(locked sample-data)
  [ "$(cat "$deps/sample/STAMP" 2>/dev/null)" != "$stamp" ] || return 0
  scratch=$(mktemp -d "$deps/fetch.XXXXXX")
  fetch sample-data "$scratch"
  mkdir -p "$scratch/new"
  mv "$scratch/sample-data/package/data/sp500-2000.csv" "$scratch/new/"
  put "$scratch/new" "$deps/sample" "$stamp"
  rm -rf "$scratch"
}

# The client of the tests that Debian does not have.
install_node_packages() {
  local stamp scratch
  stamp=$(locked node-package)
  [ "$(cat "$deps/node_modules/STAMP" 2>/dev/null)" != "$stamp" ] || return 0
  scratch=$(mktemp -d "$deps/fetch.XXXXXX")
  fetch node-package "$scratch"
  put "$scratch/node-package" "$deps/node_modules" "$stamp"
  rm -rf "$scratch"
}

install_packages
mkdir -p "$deps"
exec 9>"$deps/.lock"
flock 9
install_duckdb
install_sample_data
install_node_packages
