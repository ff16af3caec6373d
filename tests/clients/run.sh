#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The programs and libraries that people use, against a served store.
set -euo pipefail
cd "$(dirname "$0")/../.."
# pandas 1.5 speaks SQLAlchemy's older style, which says so at length.
export SQLALCHEMY_SILENCE_UBER_WARNING=1
exec /usr/bin/python3 -B -m unittest discover --start-directory tests/clients --pattern '*_test.py' --top-level-directory tests/clients "$@"
