// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "duck/duckdb_api.hpp"

namespace tickstone::duck {

/// Sorts as many rows as one vector has, those that are equal in the order as they come.
///
/// False where they lie in the order already; else `places` has the row of each place.
bool sort_few(duckdb::ClientContext& context, const duckdb::vector<duckdb::BoundOrderByNode>& orders,
              duckdb::DataChunk& rows, duckdb::SelectionVector& places);

}  // namespace tickstone::duck
