#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 in the midst of everything that a server does, over and over; after each restart the ledger of what was acknowledged
# decides. Then damage to what was acknowledged last.
set -euo pipefail
cd "$(dirname "$0")/../.."
/usr/bin/python3 tests/crash/crash_rounds.py --rounds "${TICKSTONE_CRASH_ROUNDS:-20}"
/usr/bin/python3 tests/crash/damaged_end.py
