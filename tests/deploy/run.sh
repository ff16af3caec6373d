#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The image without Docker: its entrypoint runs here, as in a container, with the environment and the command of the compose files; and
# what can be said of Dockerfile, compose files and service unit without their engines.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec /usr/bin/python3 -B -m unittest discover --start-directory tests/deploy --pattern '*_test.py' --top-level-directory tests/deploy "$@"
