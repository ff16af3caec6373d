// SPDX-License-Identifier: Apache-2.0
#include "storage/schema.hpp"

#include "base/check.hpp"

namespace tickstone::storage {

const ColumnSchema* TableSchema::find(ColumnId column) const {
  for (const auto& candidate : columns) {
    if (candidate.id == column) return &candidate;
  }
  return nullptr;
}

std::size_t TableSchema::index_of(ColumnId column) const {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].id == column) return i;
  }
  TICKSTONE_CHECK(!"column of the table");
  return columns.size();
}

std::vector<ColumnId> key_columns(const TableSchema& schema) {
  if (!schema.primary_key.empty()) return schema.primary_key;
  std::vector<ColumnId> key;
  if (schema.time_column) key.push_back(*schema.time_column);
  key.push_back(kRowIdColumn);
  return key;
}

}  // namespace tickstone::storage
