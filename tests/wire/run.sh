#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The wire scripts against a fresh store, and, where PostgreSQL 15 is installed, against it: the scripts say what it says.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/servers.sh

start_tickstone
echo "wire: tickstone"
python3 tests/wire/run.py --port "$port" || { tail -n 50 "$scratch/log" >&2; exit 1; }

has_postgresql || { echo "wire: no PostgreSQL 15 to compare with"; exit 0; }
start_postgresql
echo "wire: PostgreSQL"
python3 tests/wire/run.py --peer --port "$peer_port"
