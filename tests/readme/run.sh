#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# README.md as a new user follows it: every command, statement and program of it, in its order, and the outputs that it shows.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec timeout 600 /usr/bin/python3 -B tests/readme/follow.py README.md
