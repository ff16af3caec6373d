// SPDX-License-Identifier: Apache-2.0
#include "engine/temporary_tables.hpp"

#include <vector>

#include "engine/catalog_lock.hpp"

namespace tickstone::engine {

void drop_temporary_schema(DatabaseCore& database, const std::string& schema_name) {
  auto transaction = database.store().begin();
  lock_catalog(*transaction);
  catalog::CatalogEdit edit(catalog::Catalog::load(*transaction->read_view()), *transaction);
  const auto* schema = edit.catalog().find_schema(schema_name);
  if (schema == nullptr) return;
  const auto oid = schema->oid;
  std::vector<catalog::RelationObject> inside;
  for (const auto* relation : edit.catalog().relations()) {
    if (relation->schema == oid) inside.push_back(*relation);
  }
  for (const auto& relation : inside) {
    if (relation.is_stored()) transaction->drop_table(relation.table());
    for (const auto& index : relation.indexes) {
      if (index.key_table != 0) transaction->drop_table(index.key_table);
    }
    edit.remove_relation(relation.oid);
  }
  edit.remove_schema(oid);
  const auto seq = transaction->commit();
  database.publish_catalog(edit.finish(), seq);
}

void drop_temporary_schemas(DatabaseCore& database) {
  std::vector<std::string> names;
  for (const auto* schema : database.catalog()->schemas()) {
    if (schema->name.starts_with("pg_temp_")) names.push_back(schema->name);
  }
  for (const auto& name : names) drop_temporary_schema(database, name);
}

}  // namespace tickstone::engine
