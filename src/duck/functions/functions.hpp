// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/function_catalog.hpp"

namespace tickstone::duck {

// Each puts functions of PostgreSQL's names and meaning into DuckDB's catalog.
void register_arithmetic(FunctionCatalog& catalog);
void register_numeric_functions(FunctionCatalog& catalog);
void register_aggregates(FunctionCatalog& catalog);
/// After those of numbers and the aggregates, whose sets it adds to.
void register_wide_functions(FunctionCatalog& catalog);
void register_time_bucket(FunctionCatalog& catalog);
void register_gapfill(FunctionCatalog& catalog);
void register_uuid_functions(FunctionCatalog& catalog);
void register_histogram(FunctionCatalog& catalog);
void register_candlestick(FunctionCatalog& catalog);
void register_time_functions(FunctionCatalog& catalog);
void register_text_functions(FunctionCatalog& catalog);
void register_regex_functions(FunctionCatalog& catalog);
void register_format_functions(FunctionCatalog& catalog);
void register_array_functions(FunctionCatalog& catalog);
/// What the rewriter's texts call where PostgreSQL has a clause that DuckDB has not.
void register_query_functions(FunctionCatalog& catalog);
void register_byte_functions(FunctionCatalog& catalog);
void register_json_functions(FunctionCatalog& catalog);
void register_cast_functions(FunctionCatalog& catalog);

/// PostgreSQL's input and output functions in place of DuckDB's casts from and to text.
void register_casts(duckdb::DatabaseInstance& db);

}  // namespace tickstone::duck
