// SPDX-License-Identifier: Apache-2.0
#include "catalog/catalog.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.hpp"
#include "catalog/object_json.hpp"
#include "catalog/object_names.hpp"
#include "catalog/objects_table.hpp"

namespace tickstone::catalog {
namespace {

template <typename Map, typename Key>
auto* pointer_to(const Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

template <typename Map>
auto pointers_to_all(const Map& map) {
  std::vector<const typename Map::mapped_type*> all;
  all.reserve(map.size());
  for (const auto& entry : map) all.push_back(&entry.second);
  return all;
}

}  // namespace

std::shared_ptr<const Catalog> Catalog::load(const storage::ReadView& view) {
  auto catalog = std::make_shared<Catalog>();
  if (view.schema(kObjectsTable) == nullptr) return catalog;
  storage::ScanRequest request;
  request.table = kObjectsTable;
  request.columns = {kObjectOidColumn, kObjectKindColumn, kObjectBodyColumn};
  const auto scan = view.scan(request);
  const auto state = scan->make_state();
  storage::ScanBatch batch;
  while (scan->read(*state, batch)) {
    for (std::size_t row = 0; row < batch.row_count; ++row) {
      const auto kind = static_cast<ObjectKind>(batch.columns[1].integer(row));
      const auto body = batch.columns[2].bytes(row);
      switch (kind) {
        case ObjectKind::Schema:
          catalog->add(decode_schema(body));
          break;
        case ObjectKind::Relation:
          catalog->add(decode_relation(body));
          break;
        case ObjectKind::Role:
          catalog->add(decode_role(body));
          break;
        case ObjectKind::Extension:
          catalog->add(decode_extension(body));
          break;
        case ObjectKind::Job:
          catalog->add(decode_job(body));
          break;
        case ObjectKind::Function:
          catalog->add(decode_function(body));
          break;
        case ObjectKind::Type:
          catalog->add(decode_type(body));
          break;
        case ObjectKind::Counter:
          (batch.columns[0].integer(row) == static_cast<Oid>(Counter::Jobs) ? catalog->last_job_id_
                                                                            : catalog->last_hypertable_id_) =
              decode_counter(body);
          break;
        case ObjectKind::Database:
          // The name is read by itself: read_database_name.
          if (batch.columns[0].integer(row) == kDatabaseRow) catalog->database_ = decode_database(body);
          break;
        default:
          throw Error(
              ErrorCode::DataCorrupted,
              fmt::format("catalog row {} has unknown kind {}",
                          static_cast<std::int64_t>(batch.columns[0].integer(row)), static_cast<int>(kind)));
      }
    }
  }
  return catalog;
}

void Catalog::add(SchemaObject schema) {
  const Oid oid = schema.oid;
  schemas_[oid] = std::move(schema);
}

void Catalog::add(RelationObject relation) {
  const Oid oid = relation.oid;
  forget_relation(oid);
  relation_names_[{relation.schema, relation.name}] = oid;
  for (const auto& index : relation.indexes) {
    relation_names_[{relation.schema, index.name}] = index.oid;
    index_relations_[index.oid] = oid;
  }
  relations_[oid] = std::move(relation);
}

void Catalog::add(RoleObject role) {
  std::string name = role.name;
  roles_[std::move(name)] = std::move(role);
}

void Catalog::add(ExtensionObject extension) {
  std::string name = extension.name;
  extensions_[std::move(name)] = std::move(extension);
}

void Catalog::add(JobObject job) {
  const auto id = job.id;
  jobs_[id] = std::move(job);
}

void Catalog::add(FunctionObject function) {
  const auto oid = function.oid;
  functions_[oid] = std::move(function);
}

void Catalog::add(TypeObject type) {
  const auto oid = type.oid;
  if (type.kind == TypeObject::Kind::Enum) {
    auto labels = std::make_shared<EnumLabels>();
    labels->type_name = quote_identifier(type.name);
    for (const auto& label : type.labels) labels->labels.push_back({label.number, label.text});
    labels_[oid] = std::move(labels);
  }
  types_[oid] = std::move(type);
}

void Catalog::forget_relation(Oid oid) {
  const auto found = relations_.find(oid);
  if (found == relations_.end()) return;
  const RelationObject& relation = found->second;
  relation_names_.erase({relation.schema, relation.name});
  for (const auto& index : relation.indexes) {
    relation_names_.erase({relation.schema, index.name});
    index_relations_.erase(index.oid);
  }
  relations_.erase(found);
}

const SchemaObject* Catalog::find_schema(std::string_view name) const {
  for (const auto& [oid, schema] : schemas_) {
    if (schema.name == name) return &schema;
  }
  return nullptr;
}

const SchemaObject* Catalog::find_schema(Oid oid) const { return pointer_to(schemas_, oid); }

const RelationObject* Catalog::find_relation(Oid oid) const { return pointer_to(relations_, oid); }

const RelationObject* Catalog::find_relation(std::string_view schema, std::string_view name) const {
  const SchemaObject* in = find_schema(schema);
  if (in == nullptr) return nullptr;
  const Oid* oid = pointer_to(relation_names_, std::pair{in->oid, std::string(name)});
  return oid == nullptr ? nullptr : find_relation(*oid);
}

std::pair<const RelationObject*, const IndexObject*> Catalog::find_index(std::string_view schema,
                                                                         std::string_view name) const {
  const SchemaObject* in = find_schema(schema);
  if (in == nullptr) return {nullptr, nullptr};
  const Oid* oid = pointer_to(relation_names_, std::pair{in->oid, std::string(name)});
  return oid == nullptr ? std::pair<const RelationObject*, const IndexObject*>{nullptr, nullptr}
                        : find_index(*oid);
}

std::pair<const RelationObject*, const IndexObject*> Catalog::find_index(Oid oid) const {
  const Oid* owner = pointer_to(index_relations_, oid);
  if (owner == nullptr) return {nullptr, nullptr};
  const RelationObject* relation = find_relation(*owner);
  for (const auto& index : relation->indexes) {
    if (index.oid == oid) return {relation, &index};
  }
  return {nullptr, nullptr};
}

const RoleObject* Catalog::find_role(std::string_view name) const {
  return pointer_to(roles_, std::string(name));
}

const ExtensionObject* Catalog::find_extension(std::string_view name) const {
  return pointer_to(extensions_, std::string(name));
}

const JobObject* Catalog::find_job(std::int32_t id) const { return pointer_to(jobs_, id); }

const FunctionObject* Catalog::find_function(Oid oid) const { return pointer_to(functions_, oid); }

std::vector<const FunctionObject*> Catalog::find_functions(std::string_view schema,
                                                           std::string_view name) const {
  std::vector<const FunctionObject*> found;
  const SchemaObject* in = functions_.empty() ? nullptr : find_schema(schema);
  if (in == nullptr) return found;
  for (const auto& [oid, function] : functions_) {
    if (function.schema == in->oid && function.name == name) found.push_back(&function);
  }
  return found;
}

const TypeObject* Catalog::find_type(Oid oid) const {
  if (const TypeObject* type = pointer_to(types_, oid)) return type;
  return oid == 0 ? nullptr : pointer_to(types_, oid - 1);
}

const TypeObject* Catalog::find_type(std::string_view schema, std::string_view name) const {
  const SchemaObject* in = types_.empty() ? nullptr : find_schema(schema);
  if (in == nullptr) return nullptr;
  for (const auto& [oid, type] : types_) {
    if (type.schema == in->oid && type.name == name) return &type;
  }
  return nullptr;
}

std::shared_ptr<const EnumLabels> Catalog::enum_labels(Oid type) const {
  const auto* labels = pointer_to(labels_, type);
  return labels == nullptr ? nullptr : *labels;
}

std::vector<const TypeObject*> Catalog::types() const { return pointers_to_all(types_); }
std::vector<const SchemaObject*> Catalog::schemas() const { return pointers_to_all(schemas_); }
std::vector<const RelationObject*> Catalog::relations() const { return pointers_to_all(relations_); }
std::vector<const RoleObject*> Catalog::roles() const { return pointers_to_all(roles_); }
std::vector<const ExtensionObject*> Catalog::extensions() const { return pointers_to_all(extensions_); }
std::vector<const JobObject*> Catalog::jobs() const { return pointers_to_all(jobs_); }
std::vector<const FunctionObject*> Catalog::functions() const { return pointers_to_all(functions_); }

std::vector<const RelationObject*> Catalog::dependents(Oid relation) const {
  std::vector<const RelationObject*> found;
  for (const auto& [oid, other] : relations_) {
    const bool reads =
        std::find(other.depends_on.begin(), other.depends_on.end(), relation) != other.depends_on.end();
    if (reads || (other.aggregate && other.aggregate->source_table == relation)) found.push_back(&other);
  }
  return found;
}

std::int32_t Catalog::next_hypertable_id() const {
  std::int32_t last = last_hypertable_id_;
  for (const auto& [oid, relation] : relations_) {
    if (relation.hypertable) last = std::max(last, relation.hypertable->id);
  }
  return last + 1;
}

std::int32_t Catalog::next_job_id() const {
  const std::int32_t last = jobs_.empty() ? 0 : jobs_.rbegin()->first;
  return std::max({kFirstJobId, last + 1, last_job_id_ + 1});
}

bool Catalog::is_name_taken(Oid schema, const std::string& name) const {
  return relation_names_.contains({schema, name});
}

std::string Catalog::free_name(Oid schema, const std::string& base) const {
  std::string name = make_object_name(base, {}, {});
  for (int pass = 1; is_name_taken(schema, name); ++pass) {
    const std::string suffix = std::to_string(pass);
    name = truncated_identifier(base, kMaxIdentifierBytes - suffix.size()) + suffix;
  }
  return name;
}

CatalogEdit::CatalogEdit(std::shared_ptr<const Catalog> base, storage::Transaction& transaction)
    : catalog_(std::make_shared<Catalog>(*base)), transaction_(transaction) {}

Catalog& CatalogEdit::changed() {
  if (catalog_.use_count() > 1) catalog_ = std::make_shared<Catalog>(*catalog_);
  return *catalog_;
}

void CatalogEdit::put_database(const DatabaseObject& database) {
  write_object(transaction_, kDatabaseRow, ObjectKind::Database, encode_object(database));
  changed().database_ = database;
}

void CatalogEdit::put_schema(const SchemaObject& schema) {
  const SchemaObject* same_name = catalog_->find_schema(schema.name);
  if (same_name != nullptr && same_name->oid != schema.oid) {
    throw Error(ErrorCode::DuplicateSchema, fmt::format("schema \"{}\" already exists", schema.name));
  }
  write_object(transaction_, schema.oid, ObjectKind::Schema, encode_object(schema));
  changed().add(schema);
}

void CatalogEdit::put_relation(const RelationObject& relation) {
  TICKSTONE_CHECK(relation.oid != 0);
  const auto check_free = [&](const std::string& name, Oid own) {
    const Oid* taken = pointer_to(catalog_->relation_names_, std::pair{relation.schema, name});
    if (taken == nullptr || *taken == own) return;
    // A name that moves between the relation's own indexes is no clash.
    const Oid* owner = pointer_to(catalog_->index_relations_, *taken);
    if (owner != nullptr && *owner == relation.oid) return;
    throw Error(ErrorCode::DuplicateTable, fmt::format("relation \"{}\" already exists", name));
  };
  check_free(relation.name, relation.oid);
  for (const auto& index : relation.indexes) check_free(index.name, index.oid);
  if (const SchemaObject* schema = catalog_->find_schema(relation.schema);
      schema != nullptr && relation.kind != RelationKind::Sequence &&
      catalog_->find_type(schema->name, relation.name) != nullptr) {
    throw Error(ErrorCode::DuplicateObject, fmt::format("type \"{}\" already exists", relation.name), {},
                "A relation has an associated type of the same name, so you must use a name that doesn't "
                "conflict with any existing type.");
  }
  write_object(transaction_, relation.oid, ObjectKind::Relation, encode_object(relation));
  if (relation.hypertable && relation.hypertable->id > catalog_->last_hypertable_id_) {
    changed().last_hypertable_id_ = relation.hypertable->id;
    write_counter(transaction_, Counter::Hypertables, relation.hypertable->id);
  }
  changed().add(relation);
}

void CatalogEdit::put_role(const RoleObject& role) {
  const RoleObject* same_name = catalog_->find_role(role.name);
  if (same_name != nullptr && same_name->oid != role.oid) {
    throw Error(ErrorCode::DuplicateObject, fmt::format("role \"{}\" already exists", role.name));
  }
  write_object(transaction_, role.oid, ObjectKind::Role, encode_object(role));
  std::erase_if(changed().roles_, [&](const auto& entry) { return entry.second.oid == role.oid; });
  changed().add(role);
}

void CatalogEdit::put_extension(const ExtensionObject& extension) {
  const ExtensionObject* same_name = catalog_->find_extension(extension.name);
  if (same_name != nullptr && same_name->oid != extension.oid) {
    throw Error(ErrorCode::DuplicateObject, fmt::format("extension \"{}\" already exists", extension.name));
  }
  write_object(transaction_, extension.oid, ObjectKind::Extension, encode_object(extension));
  changed().add(extension);
}

void CatalogEdit::put_job(const JobObject& job) {
  write_object(transaction_, static_cast<Oid>(job.id), ObjectKind::Job, encode_object(job));
  if (job.id > catalog_->last_job_id_) {
    changed().last_job_id_ = job.id;
    write_counter(transaction_, Counter::Jobs, job.id);
  }
  changed().add(job);
}

void CatalogEdit::put_function(const FunctionObject& function) {
  write_object(transaction_, function.oid, ObjectKind::Function, encode_object(function));
  changed().add(function);
}

void CatalogEdit::put_type(const TypeObject& type) {
  const SchemaObject* schema = catalog_->find_schema(type.schema);
  TICKSTONE_CHECK(schema != nullptr);
  const TypeObject* same_name = catalog_->find_type(schema->name, type.name);
  // A table has a type of its name, too.
  const RelationObject* relation = catalog_->find_relation(schema->name, type.name);
  const bool is_of_table = relation != nullptr && relation->kind != RelationKind::Sequence;
  if ((same_name != nullptr && same_name->oid != type.oid) || is_of_table)
    throw Error(ErrorCode::DuplicateObject, fmt::format("type \"{}\" already exists", type.name));
  write_object(transaction_, type.oid, ObjectKind::Type, encode_object(type));
  changed().add(type);
}

void CatalogEdit::remove_type(Oid oid) {
  erase_object(transaction_, oid, ObjectKind::Type);
  changed().types_.erase(oid);
  changed().labels_.erase(oid);
}

void CatalogEdit::remove_schema(Oid oid) {
  erase_object(transaction_, oid, ObjectKind::Schema);
  changed().schemas_.erase(oid);
}

void CatalogEdit::remove_relation(Oid oid) {
  erase_object(transaction_, oid, ObjectKind::Relation);
  changed().forget_relation(oid);
}

void CatalogEdit::remove_role(const std::string& name) {
  const RoleObject* role = catalog_->find_role(name);
  if (role == nullptr) return;
  erase_object(transaction_, role->oid, ObjectKind::Role);
  changed().roles_.erase(name);
}

void CatalogEdit::remove_extension(const std::string& name) {
  const ExtensionObject* extension = catalog_->find_extension(name);
  if (extension == nullptr) return;
  erase_object(transaction_, extension->oid, ObjectKind::Extension);
  changed().extensions_.erase(name);
}

void CatalogEdit::remove_job(std::int32_t id) {
  erase_object(transaction_, static_cast<Oid>(id), ObjectKind::Job);
  changed().jobs_.erase(id);
}

void CatalogEdit::remove_function(Oid oid) {
  erase_object(transaction_, oid, ObjectKind::Function);
  changed().functions_.erase(oid);
}

}  // namespace tickstone::catalog
