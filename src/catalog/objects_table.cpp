// SPDX-License-Identifier: Apache-2.0
#include "catalog/objects_table.hpp"

#include "catalog/catalog.hpp"
#include "catalog/system_oids.hpp"

namespace tickstone::catalog {
namespace {

Batch key_batch(Oid oid, ObjectKind kind) {
  Batch keys;
  keys.columns.emplace_back(SqlType::of(TypeId::BigInt));
  keys.columns.emplace_back(SqlType::of(TypeId::SmallInt));
  keys.columns[0].append_fixed<std::int64_t>(oid);
  keys.columns[1].append_fixed<std::int16_t>(static_cast<std::int16_t>(kind));
  return keys;
}

}  // namespace

storage::TableSchema objects_table_schema() {
  storage::TableSchema schema;
  schema.id = kObjectsTable;
  schema.name = "catalog objects";
  schema.columns = {{kObjectOidColumn, "oid", SqlType::of(TypeId::BigInt), true},
                    {kObjectKindColumn, "kind", SqlType::of(TypeId::SmallInt), true},
                    {kObjectBodyColumn, "body", SqlType::of(TypeId::Jsonb), true}};
  schema.primary_key = {kObjectOidColumn, kObjectKindColumn};
  schema.primary_key_name = "catalog_objects_pkey";
  return schema;
}

void write_object(storage::Transaction& transaction, Oid oid, ObjectKind kind, const std::string& body) {
  Batch row = key_batch(oid, kind);
  row.columns.emplace_back(SqlType::of(TypeId::Jsonb));
  row.columns[2].append_bytes(body);
  transaction.insert(kObjectsTable, row, storage::OnDuplicate::Replace);
}

void erase_object(storage::Transaction& transaction, Oid oid, ObjectKind kind) {
  transaction.erase(kObjectsTable, key_batch(oid, kind));
}

void bootstrap(storage::Transaction& transaction, const RoleObject& owner) {
  transaction.create_table(objects_table_schema());
  CatalogEdit edit(std::make_shared<Catalog>(), transaction);
  edit.put_role(owner);
  for (const auto& [oid, name] : kFirstSchemas) edit.put_schema({oid, std::string(name), owner.name});
}

}  // namespace tickstone::catalog
