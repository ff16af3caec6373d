#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The command line: every subcommand, its answers, its errors and its exit status.
set -euo pipefail
cd "$(dirname "$0")/../.."
PYTHONPATH=tests exec /usr/bin/python3 -B -m unittest discover --start-directory tests/cli --pattern '*_test.py' --top-level-directory tests/cli "$@"
