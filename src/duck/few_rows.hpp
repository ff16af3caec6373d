// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/duckdb_api.hpp"

namespace tickstone::duck {

/// Puts operators that take few rows by themselves around the sorts and the groupings of a plan. DuckDB's
/// own, whose set-up costs more than a few hundred rows, stand behind them: past kScanRows rows all goes to
/// these. What is computed is the same, by DuckDB's sort keys and aggregate functions. Cost for many rows: a
/// copy of the first ones.
void take_few_rows_apart(duckdb::unique_ptr<duckdb::LogicalOperator>& plan);

}  // namespace tickstone::duck
