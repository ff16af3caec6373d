#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The wire scripts against a fresh store, and, where PostgreSQL 15 is installed, against it: the scripts say what it says. Between
# them random messages to our server for TICKSTONE_WIRE_FUZZ_SECONDS (10), from TICKSTONE_FUZZ_SEED (1; 0 takes a new one).
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/servers.sh

start_tickstone
echo "wire: tickstone"
python3 tests/wire/run.py --port "$port" || { tail -n 50 "$scratch/log" >&2; exit 1; }
python3 tests/wire/fuzz.py --port "$port" --pid "$server" --seconds "${TICKSTONE_WIRE_FUZZ_SECONDS:-10}" --seed "${TICKSTONE_FUZZ_SEED:-1}" ||
  { tail -n 20 "$scratch/log" >&2; exit 1; }
[ -z "${TICKSTONE_WIRE_FUZZ_SECONDS:-}" ] || exit 0

has_postgresql || { echo "wire: no PostgreSQL 15 to compare with"; exit 0; }
start_postgresql
echo "wire: PostgreSQL"
python3 tests/wire/run.py --peer --port "$peer_port"
