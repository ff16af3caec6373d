// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/duckdb_api.hpp"
#include "duck/instance.hpp"
#include "types/column.hpp"

namespace tickstone::duck {

/// A vector of DuckDB's as a column of ours.
Column column_from_vector(duckdb::Vector& vector, duckdb::idx_t row_count, LongNumbers long_numbers);

/// All columns of a chunk.
Batch batch_from_chunk(duckdb::DataChunk& chunk, LongNumbers long_numbers);

}  // namespace tickstone::duck
