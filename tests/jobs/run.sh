#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Jobs and policies that a server runs by itself, by the real clock: what they do, how they are ended, and what is left of one
# that ran when the server was killed.
set -euo pipefail
cd "$(dirname "$0")/../.."
PYTHONPATH=tests/crash /usr/bin/python3 tests/jobs/jobs.py
