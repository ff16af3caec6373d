// SPDX-License-Identifier: Apache-2.0
#include "engine/temporary_tables.hpp"

#include <vector>

#include "engine/catalog_lock.hpp"
#include "engine/ddl_table.hpp"
#include "engine/session_context.hpp"

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
  const auto view = transaction->read_view();
  const auto drop_table = [&](storage::TableId table) {
    if (view->schema(table) != nullptr) transaction->drop_table(table);  // else gone with the last process
  };
  for (const auto& relation : inside) {
    if (relation.is_stored()) drop_table(relation.table());
    for (const auto& index : relation.indexes) {
      if (index.key_table != 0) drop_table(index.key_table);
    }
    edit.remove_relation(relation.oid);
  }
  edit.remove_schema(oid);
  transaction->set_on_committed(
      [&](storage::CommitSeq seq) { database.publish_catalog(edit.finish(), seq); });
  transaction->commit();
}

void drop_temporary_schemas(DatabaseCore& database) {
  std::vector<std::string> names;
  for (const auto* schema : database.catalog()->schemas()) {
    if (schema->name.starts_with("pg_temp_")) names.push_back(schema->name);
  }
  for (const auto& name : names) drop_temporary_schema(database, name);
}

void finish_temporary_tables(SessionContext& context) {
  const auto& schema_name = context.existing_temporary_schema();
  if (schema_name.empty()) return;
  const auto catalog = context.catalog();
  const auto* schema = catalog->find_schema(schema_name);
  if (schema == nullptr) return;
  std::vector<catalog::Oid> dropped;
  for (const auto* relation : catalog->relations()) {
    if (relation->schema != schema->oid || relation->on_commit == 0) continue;
    if (relation->on_commit == 'x') {
      dropped.push_back(relation->oid);
      continue;
    }
    auto& writes = context.writes("COMMIT");
    writes.truncate(relation->table());
    for (const auto& index : relation->indexes) {
      if (index.key_table != 0) writes.truncate(index.key_table);
    }
  }
  if (dropped.empty()) return;
  auto& edit = context.edit_catalog("COMMIT");
  for (const auto oid : dropped) drop_relation(context, edit, oid, true);
}

void discard_temporary_tables(SessionContext& context) {
  const auto& schema_name = context.existing_temporary_schema();
  if (schema_name.empty()) return;
  auto& edit = context.edit_catalog("DISCARD");
  const auto* schema = edit.catalog().find_schema(schema_name);
  if (schema == nullptr) return;
  std::vector<catalog::Oid> inside;
  for (const auto* relation : edit.catalog().relations()) {
    if (relation->schema == schema->oid) inside.push_back(relation->oid);
  }
  for (const auto oid : inside) drop_relation(context, edit, oid, true, inside);
}

}  // namespace tickstone::engine
