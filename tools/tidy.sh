#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs clang-tidy over the sources of src/, or over those named after the build directory.
set -euo pipefail
build=${1:?usage: tidy.sh BUILD [FILE...]}
shift
cd "$(dirname "$0")/.."
if [ $# = 0 ]; then mapfile -t files < <(git ls-files 'src/*.cpp'); else files=("$@"); fi
[ "${#files[@]}" -gt 0 ] || exit 0
printf '%s\0' "${files[@]}" |
  xargs -0 -n 4 -P "$(nproc)" clang-tidy-16 -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option
