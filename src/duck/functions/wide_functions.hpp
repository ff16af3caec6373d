// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/duckdb_api.hpp"
#include "duck/functions/wide_numeric.hpp"

namespace tickstone::duck {

/// NUMERIC of any number of digits as DuckDB sees it: BLOB under another name, ordered as the numbers are.
const duckdb::LogicalType& wide_type();
bool is_wide_numeric(const duckdb::LogicalType& type);

/// Binds `function` for arguments of which one is a wide numeric, by its name: + - * / %, abs, round, ln, ...
/// Nothing where there is no such function of NUMERIC alone.
bool try_bind_wide(duckdb::ScalarFunction& function,
                   const duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& arguments);

}  // namespace tickstone::duck
