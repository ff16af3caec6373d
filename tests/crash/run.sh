#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 in the midst of upserts, COPY and DDL, over and over; after each restart the ledger of what was acknowledged decides.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec /usr/bin/python3 tests/crash/crash_rounds.py --rounds "${TICKSTONE_CRASH_ROUNDS:-20}"
