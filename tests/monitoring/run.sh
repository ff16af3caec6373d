#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is watched of a server, against a real one: /metrics line by line, health and readiness, the server's log,
# pg_stat_statements beside PostgreSQL 15's own.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/servers.sh
if has_postgresql; then
  start_postgresql -c shared_preload_libraries=pg_stat_statements -c log_min_duration_statement=0 -c log_min_messages=warning
fi
PYTHONPATH=tests/cli:tests/wire PEER_PORT=${peer_port:-} PEER_LOG=${peer:+$scratch/peer/log} /usr/bin/python3 -m unittest discover -s tests/monitoring -p '*_test.py'
