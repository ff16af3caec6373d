// SPDX-License-Identifier: Apache-2.0
#include "catalog/objects_table.hpp"

#include <nlohmann/json.hpp>

#include <tickstone/error.hpp>

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

void write_counter(storage::Transaction& transaction, Counter counter, std::int32_t last) {
  write_object(transaction, static_cast<Oid>(counter), ObjectKind::Counter,
               nlohmann::json{{"last", last}}.dump());
}

std::int32_t decode_counter(std::string_view body) {
  const auto json = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("last") || !json["last"].is_number_integer())
    throw Error(ErrorCode::DataCorrupted, "a counter's row of the catalog has no number");
  return json["last"].get<std::int32_t>();
}

void write_database_name(storage::Transaction& transaction, const std::string& name) {
  write_object(transaction, kDatabaseNameRow, ObjectKind::Database, nlohmann::json{{"name", name}}.dump());
}

std::optional<std::string> read_database_name(const storage::ReadView& view) {
  if (view.schema(kObjectsTable) == nullptr) return std::nullopt;
  const auto found = view.lookup(kObjectsTable, key_batch(kDatabaseNameRow, ObjectKind::Database));
  if (found.found[0] < 0) return std::nullopt;
  const auto body = found.rows.columns[2].view().bytes(static_cast<std::size_t>(found.found[0]));
  const auto json = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("name") || !json["name"].is_string()) {
    throw Error(ErrorCode::DataCorrupted, "the catalog's row of the database has no name");
  }
  return json["name"].get<std::string>();
}

void bootstrap(storage::Transaction& transaction, const RoleObject& owner) {
  transaction.create_table(objects_table_schema());
  CatalogEdit edit(std::make_shared<Catalog>(), transaction);
  edit.put_role(owner);
  for (const auto& [oid, name] : kFirstSchemas) edit.put_schema({oid, std::string(name), owner.name});
}

}  // namespace tickstone::catalog
