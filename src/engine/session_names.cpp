// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <tickstone/error.hpp>

#include "catalog/function_facts.hpp"
#include "catalog/object_names.hpp"
#include "engine/aggregate_query.hpp"
#include "engine/catalog_lock.hpp"
#include "engine/chunk_relation.hpp"
#include "engine/cursors.hpp"
#include "engine/dump_session.hpp"
#include "engine/rights.hpp"
#include "engine/sequence_relation.hpp"
#include "engine/session_context.hpp"
#include "engine/temporary_tables.hpp"
#include "engine/user_functions.hpp"
#include "engine/write_target.hpp"

namespace tickstone::engine {

std::shared_ptr<const catalog::Catalog> SessionContext::catalog() const {
  if (edit_ != nullptr) return edit_->finish();
  return statement_catalog_ != nullptr ? statement_catalog_ : database_.catalog();
}

catalog::CatalogEdit& SessionContext::edit_catalog(std::string_view command) {
  settings_.invalidate_plans();
  if (edit_ != nullptr) return *edit_;
  auto& transaction = writes(command);
  lock_catalog(transaction);
  // What others committed until now; the store has the last word, since they publish after their commit.
  edit_ =
      std::make_unique<catalog::CatalogEdit>(catalog::Catalog::load(*transaction.read_view()), transaction);
  return *edit_;
}

const catalog::RelationObject* SessionContext::find_user_relation(const std::string& schema,
                                                                  const std::string& name) const {
  const auto catalog = this->catalog();
  if (!schema.empty()) return catalog->find_relation(schema_meant(schema), name);
  for (const auto& candidate : search_path()) {
    if (const auto* found = catalog->find_relation(candidate, name)) return found;
  }
  return nullptr;
}

const catalog::RelationObject& SessionContext::relation(const sql::QualifiedName& name) const {
  if (!name.schema.empty() && !schema_exists(name.schema)) {
    Error error(ErrorCode::InvalidSchemaName, "schema \"" + name.schema + "\" does not exist");
    if (name.position > 0) error.at(name.position);
    throw error;
  }
  // A name without a position is one of ours.
  if (!name.schema.empty() && name.position > 0) require_usage(name.schema);
  if (const auto* found = find_user_relation(name.schema, name.name)) return *found;
  Error error(ErrorCode::UndefinedTable, "relation \"" + (name.schema.empty() ? "" : name.schema + ".") +
                                             name.name + "\" does not exist");
  if (name.position > 0) error.at(name.position);
  throw error;
}

const catalog::SchemaObject& SessionContext::creation_schema(const std::string& schema) const {
  const auto catalog = this->catalog();
  if (!schema.empty()) {
    if (const auto* found = catalog->find_schema(schema)) {
      if (schema == "pg_catalog" || schema == "information_schema") {
        throw Error(ErrorCode::InsufficientPrivilege, "permission denied for schema " + schema, {},
                    "System catalogs cannot be changed.");
      }
      require_create(*this, *found);
      return *found;
    }
    throw Error(ErrorCode::InvalidSchemaName, "schema \"" + schema + "\" does not exist");
  }
  for (const auto& name : settings_.search_path(user())) {
    const auto* found = catalog->find_schema(name);
    if (found == nullptr || !may_use(name)) continue;
    require_create(*this, *found);
    return *found;
  }
  throw Error(ErrorCode::InvalidSchemaName, "no schema has been selected to create in");
}

std::optional<sql::NameLookup::Parameter> SessionContext::find_parameter(const std::string& function,
                                                                         const std::string& name) const {
  if (frames_.empty() || (!function.empty() && function != frames_.back().function)) return std::nullopt;
  const auto& parameters = frames_.back().parameters;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i].first == name) return Parameter{static_cast<int>(i) + 1, parameters[i].second};
  }
  return std::nullopt;
}

std::optional<SqlType> SessionContext::parameter_type(int number) const {
  if (frames_.empty()) return std::nullopt;
  const auto& parameters = frames_.back().parameters;
  const auto index = static_cast<std::size_t>(number) - 1;
  if (index >= parameters.size() || parameters[index].second.id == TypeId::Unknown) return std::nullopt;
  return parameters[index].second;
}

/// A view's text says what it said to who made it.
const FormatContext& SessionContext::format_context() const {
  static const FormatContext usual;
  return reader_.empty() ? settings_.format_context() : usual;
}

std::vector<sql::NameLookup::UserFunction> SessionContext::user_functions(const std::string& schema,
                                                                          const std::string& name) const {
  return user_functions_of(*catalog(), schemas_to_search(schema), schema.empty(), name);
}

bool SessionContext::may_use(const std::string& schema) const {
  if (!reader_.empty()) return true;
  const auto catalog = this->catalog();
  const auto* found = catalog->find_schema(schema);
  return found == nullptr || schema == temporary_schema_ ||
         catalog::has_privilege(*catalog, *found, user(), catalog::bits(catalog::Privilege::Usage));
}

void SessionContext::require_usage(const std::string& schema) const {
  if (may_use(schema_meant(schema))) return;
  throw Error(ErrorCode::InsufficientPrivilege, "permission denied for schema " + schema, {},
              "Its owner lets others use it: GRANT USAGE ON SCHEMA " + catalog::quote_identifier(schema) +
                  " TO " + catalog::quote_identifier(user()) + ".");
}

void SessionContext::deny_column(const sql::ColumnSource& column) const {
  const auto catalog = this->catalog();
  const auto* relation = catalog->find_relation(column.relation_oid);
  const auto index = static_cast<std::size_t>(column.number) - 1;
  if (relation == nullptr || index >= relation->columns.size())
    throw Error(ErrorCode::InsufficientPrivilege, "permission denied for table");
  require_columns(*this, *relation, catalog::Privilege::Select, std::span(&index, 1), reader());
}

void SessionContext::require_select(sql::RelationInfo& info) const {
  const auto catalog = this->catalog();
  if (catalog::is_superuser(*catalog, reader())) return;
  if (info.schema == "pg_catalog" && (info.name == "pg_authid" || info.name == "pg_shadow")) {
    throw Error(
        ErrorCode::InsufficientPrivilege,
        "permission denied for " + std::string(info.name == "pg_shadow" ? "view " : "table ") + info.name);
  }
  if (const auto* found = catalog->find_relation(info.schema, info.name)) {
    require_any_column(*this, *found, catalog::Privilege::Select, reader());
    return mark_denied(*this, *found, info, reader());
  }
  if (const auto chunk = find_chunk(*this, info.schema, info.name))
    return require_privilege(*this, *chunk->relation, catalog::Privilege::Select, reader());
  if (const auto* found = find_materialization(*catalog, info.schema, info.name))
    require_privilege(*this, *found, catalog::Privilege::Select, reader());
}

void SessionContext::require_execute(const UserFunction& function) const {
  const auto catalog = this->catalog();
  if (const auto* found = catalog->find_function(function.oid)) engine::require_execute(*this, *found);
}

bool SessionContext::is_volatile(const std::string& function) const {
  const auto* facts = catalog::find_function(function);
  return facts != nullptr && facts->volatility == 'v';
}

std::vector<std::string> SessionContext::schemas_to_search(const std::string& schema) const {
  if (schema.empty()) return search_path();
  require_usage(schema);
  return {schema_meant(schema)};
}

std::string SessionContext::temporary_schema() {
  require_of_database(*this, catalog::Privilege::Temporary);
  const std::string name = "pg_temp_" + std::to_string(options_.pid);
  auto& edit = edit_catalog("CREATE TABLE");
  if (edit.catalog().find_schema(name) == nullptr)
    edit.put_schema({database_.store().next_table_id(), name, user()});
  temporary_schema_ = name;
  return name;
}

std::vector<catalog::Oid> SessionContext::relations_of(const sql::Expr& query) {
  std::vector<catalog::Oid> oids;
  for (const auto& name : sql::Rewriter(*this, sql::Rewriter::Locks::LeftOut).query(query).relations) {
    const auto dot = name.find('.');
    if (dot == std::string::npos) continue;
    if (const auto* relation = catalog()->find_relation(name.substr(0, dot), name.substr(dot + 1)))
      oids.push_back(relation->oid);
  }
  return oids;
}

sql::RelationInfo SessionContext::relation_info(const catalog::RelationObject& relation) const {
  sql::RelationInfo info;
  info.schema = catalog()->find_schema(relation.schema)->name;
  info.name = relation.name;
  info.oid = relation.oid;
  // To pg_dump, which reads with ONLY and dumps no chunks, a hypertable is the table that has its rows.
  info.has_chunks =
      relation.kind == catalog::RelationKind::Table && relation.hypertable.has_value() && !is_dump(settings_);
  for (const auto& column : relation.columns)
    info.columns.push_back({column.name, column.type, column.not_null});
  if (const auto* key = relation.primary_key()) {
    for (const auto id : key->columns) info.primary_key.push_back(relation.find_column(id)->name);
  }
  return info;
}

std::string SessionContext::scan_name(const catalog::RelationObject& relation) const {
  return catalog()->find_schema(relation.schema)->name + "." + relation.name;
}

std::vector<std::string> SessionContext::search_path() const {
  auto names = settings_.search_path(user());
  std::erase_if(names, [this](const std::string& name) { return !may_use(name); });
  if (!temporary_schema_.empty()) names.insert(names.begin(), temporary_schema_);
  if (std::find(names.begin(), names.end(), "pg_catalog") == names.end())
    names.insert(names.begin(), "pg_catalog");
  return names;
}

namespace {

/// Views of TimescaleDB 1 say what took their place.
void refuse_old_view(const std::string& schema, const std::string& name) {
  if (schema != "timescaledb_information") return;
  static const std::map<std::string_view, std::string_view> kNow = {
      {"hypertable", "timescaledb_information.hypertables"},
      {"chunk", "timescaledb_information.chunks"},
      {"policy_stats", "timescaledb_information.job_stats"},
      {"drop_chunks_policies", "timescaledb_information.jobs"},
      {"reorder_policies", "timescaledb_information.jobs"},
      {"compress_chunks_policies", "timescaledb_information.jobs"},
      {"compressed_chunk_stats", "chunk_columnstore_stats()"},
      {"continuous_aggregate_stats", "timescaledb_information.job_stats"},
      {"data_nodes", ""},
      {"license", ""}};
  const auto found = kNow.find(name);
  if (found == kNow.end()) return;
  throw Error(ErrorCode::UndefinedTable, "relation \"" + schema + "." + name + "\" does not exist",
              "It was removed from TimescaleDB.",
              found->second.empty() ? std::string() : "Use " + std::string(found->second) + ".");
}

}  // namespace

std::optional<sql::RelationInfo> SessionContext::find_relation(const std::string& schema,
                                                               const std::string& name) const {
  if (const auto answers = name == sql::kActionAnswers ? rows_.find(name) : rows_.end();
      answers != rows_.end()) {
    sql::RelationInfo info{"", name, {}};
    for (const auto& column : answers->second.columns)
      info.columns.push_back({column.name, column.type, false});
    info.part = sql::RelationInfo::Part{name, {}, false};
    return info;
  }
  if (!schema.empty() && schema[0] != '#') {
    require_usage(schema);
    if (const auto* columns = catalog::system_relation_columns(schema, name)) {
      sql::RelationInfo info{schema, name, {}};
      for (const auto& column : *columns) info.columns.push_back({column.name, column.type, false});
      return info;
    }
    const auto* found = find_user_relation(schema, name);
    if (found != nullptr && found->kind == catalog::RelationKind::Sequence) {
      sql::RelationInfo info{schema_meant(schema), name, {}};
      for (const auto& column : sequence_columns())
        info.columns.push_back({column.name, column.type, /*not_null=*/true});
      return info;
    }
    if (found != nullptr) return relation_info(*found);
    if (const auto chunk = find_chunk(*this, schema, name)) return chunk_info(*this, *chunk);
    const auto catalog = this->catalog();
    const auto* materialization = find_materialization(*catalog, schema, name);
    if (materialization == nullptr) {
      refuse_old_view(schema, name);
      return std::nullopt;
    }
    auto info = relation_info(*materialization);
    info.oid = 0;
    info.schema = schema;
    info.name = name;
    return info;
  }
  for (const auto& candidate : search_path()) {
    if (auto found = find_relation(candidate, name)) return found;
  }
  return std::nullopt;
}

bool SessionContext::schema_exists(const std::string& schema) const {
  return catalog()->find_schema(schema_meant(schema)) != nullptr;
}

std::vector<std::string> SessionContext::row_identity(const sql::RelationInfo& relation) const {
  const auto* found = find_user_relation(relation.schema, relation.name);
  if (found == nullptr) {
    const auto chunk = find_chunk(*this, relation.schema, relation.name);
    if (!chunk || chunk->relation->kind != catalog::RelationKind::Table) return {};
    return WriteTarget(*this, *chunk).old_column_names();
  }
  if (found->kind != catalog::RelationKind::Table) return {};
  return WriteTarget(*this, *found).old_column_names();
}

std::optional<std::string> SessionContext::view_text(const sql::RelationInfo& relation) const {
  const auto* found = find_user_relation(relation.schema, relation.name);
  if (found == nullptr || found->kind != catalog::RelationKind::View) return std::nullopt;
  return found->view_text;
}

std::vector<sql::NameLookup::KeyValue> SessionContext::current_row(const std::string& cursor,
                                                                   const sql::RelationInfo& relation) const {
  if (cursors_ == nullptr)
    throw Error(ErrorCode::InvalidCursorName, "cursor \"" + cursor + "\" does not exist");
  return cursors_->current_row(cursor, relation, settings_.format_context());
}

std::optional<std::vector<sql::RelationInfo::Column>> SessionContext::table_function_columns(
    const std::string& name) const {
  for (const auto& function : catalog::catalog_table_functions()) {
    if (function.name != name) continue;
    std::vector<sql::RelationInfo::Column> columns;
    for (const auto& column : function.columns) columns.push_back({column.name, column.type, false});
    return columns;
  }
  return std::nullopt;
}

bool SessionContext::is_host_table_function(const std::string& name) const {
  const auto& functions = catalog::catalog_table_functions();
  return std::any_of(functions.begin(), functions.end(), [&](const auto& f) { return f.name == name; });
}

}  // namespace tickstone::engine
