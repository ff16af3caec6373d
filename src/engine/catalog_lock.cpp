// SPDX-License-Identifier: Apache-2.0
#include "engine/catalog_lock.hpp"

#include "types/value.hpp"

namespace tickstone::engine {

void lock_catalog(storage::Transaction& transaction) {
  const auto schema = catalog::objects_table_schema();
  Batch key;
  for (const storage::ColumnId id : storage::key_columns(schema)) {
    key.columns.emplace_back(schema.find(id)->type);
    append_value(key.columns.back(), Value{schema.find(id)->type, false});
  }
  transaction.lock(catalog::kObjectsTable, key, UINT64_MAX);
}

}  // namespace tickstone::engine
