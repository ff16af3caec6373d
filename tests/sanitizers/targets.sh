# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What is built of each preset with sanitizers. Clang's objects for the fuzzers carry those of addresses and of undefined
# behaviour, so the unit tests under these are linked from them.
declare -A sanitized=(
  [fuzz]="fuzzers tickstone_base_test tickstone_types_test tickstone_storage_test tickstone_catalog_test tickstone_sql_test tickstone_pgwire_test"
  [tsan]="tickstone_base_test tickstone_storage_test"
)
