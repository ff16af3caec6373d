// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/duckdb_api.hpp"
#include "duck/scan.hpp"

namespace tickstone::duck {

/// What a scan says of the chunk that it has just given on this thread: whether storage knows that every row
/// of it meets all comparisons of the filter right above, by the bounds of time and of row groups.
void say_rows_are_known(const ScanBindData& bind, bool are_known);
bool are_rows_known(const duckdb::FunctionData* bind);

/// Filters right above scans of ours whose conditions storage takes exactly as they are become ones that let
/// such chunks through as they are. Looks at `ScanBindData::is_filter_exact`; plans with as-of joins stay.
void skip_filters_of_known_rows(duckdb::unique_ptr<duckdb::LogicalOperator>& plan);

/// Whether the condition is nothing but comparisons of columns of `get` with values of the columns' own
/// types, which storage compares as DuckDB does.
bool is_exact_condition(const duckdb::Expression& expression, duckdb::LogicalGet& get,
                        const ScanBindData& bind);

}  // namespace tickstone::duck
