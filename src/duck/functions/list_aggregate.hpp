// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/function_catalog.hpp"

namespace tickstone::duck {

/// Makes the result of a group out of the list of its arguments (a struct each where there are several).
using ListFinish = duckdb::Value (*)(const duckdb::Value& list);

/// An aggregate that collects its arguments with DuckDB's `list`, ORDER BY and FILTER included, and hands the
/// list to `finish` at the end. NULL for no rows.
duckdb::AggregateFunction list_aggregate(const std::string& name,
                                         const duckdb::vector<duckdb::LogicalType>& arguments,
                                         const duckdb::LogicalType& result, ListFinish finish);

}  // namespace tickstone::duck
