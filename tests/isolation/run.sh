#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The scripts of interleaved sessions against a fresh store, and, where PostgreSQL 15 is installed, against it: the scripts say what it says.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/servers.sh

start_tickstone
echo "isolation: tickstone"
python3 tests/isolation/run.py --port "$port" || { tail -n 50 "$scratch/log" >&2; exit 1; }
python3 tests/isolation/counter.py --port "$port" || { tail -n 50 "$scratch/log" >&2; exit 1; }
python3 tests/isolation/queue.py --port "$port" || { tail -n 50 "$scratch/log" >&2; exit 1; }

has_postgresql || { echo "isolation: no PostgreSQL 15 to compare with"; exit 0; }
start_postgresql -c deadlock_timeout=50ms
echo "isolation: PostgreSQL"
python3 tests/isolation/run.py --peer --port "$peer_port"
