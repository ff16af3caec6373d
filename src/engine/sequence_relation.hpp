// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "catalog/catalog.hpp"
#include "types/column.hpp"

namespace tickstone::storage {
class Store;
}

namespace tickstone::engine {

/// A sequence as a relation of one row, as PostgreSQL lets it be read: last_value, log_cnt, is_called.
std::vector<catalog::SystemColumn> sequence_columns();
Batch sequence_row(const storage::Store& store, const catalog::RelationObject& sequence);

}  // namespace tickstone::engine
