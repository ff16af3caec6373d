#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The long form of the crash rounds: TICKSTONE_SOAK_ROUNDS of them, 200 unless said otherwise.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec /usr/bin/python3 tests/crash/crash_rounds.py --rounds "${TICKSTONE_SOAK_ROUNDS:-200}"
