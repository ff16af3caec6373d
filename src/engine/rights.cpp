// SPDX-License-Identifier: Apache-2.0
#include "engine/rights.hpp"

#include <algorithm>
#include <vector>

#include <tickstone/error.hpp>

#include "engine/chunk_relation.hpp"
#include "engine/write_target.hpp"

namespace tickstone::engine {
namespace {

const char* kind_name(const catalog::RelationObject& relation) {
  switch (relation.kind) {
    case catalog::RelationKind::View:
      return "view";
    case catalog::RelationKind::Sequence:
      return "sequence";
    case catalog::RelationKind::MaterializedView:
      return "materialized view";
    case catalog::RelationKind::ContinuousAggregate:
      return "continuous aggregate";
    case catalog::RelationKind::Table:
      break;
  }
  return "table";
}

[[noreturn]] void deny(const SessionContext& context, const catalog::RelationObject& relation,
                       catalog::Privilege privilege, const std::string& role, const std::string& column) {
  const auto names = catalog::privilege_names();
  const auto name = std::find_if(names.begin(), names.end(),
                                 [&](const auto& candidate) { return candidate.privilege == privilege; });
  const std::string of_column = column.empty() ? "" : " (" + catalog::quote_identifier(column) + ")";
  // Of a column where the role has others; else all of the table is what it is likely to want.
  const bool has_others = has_any_column_privilege(*context.catalog(), relation, role, bits(privilege));
  throw Error(ErrorCode::InsufficientPrivilege,
              std::string("permission denied for ") + (relation.aggregate ? "view" : kind_name(relation)) +
                  " " + relation.name,
              {},
              std::string("The owner lets others do so: GRANT ") + name->name +
                  (has_others ? of_column : "") + " ON " + catalog::quote_identifier(relation.name) + " TO " +
                  catalog::quote_identifier(role) + ".");
}

}  // namespace

bool has_rights_of(const SessionContext& context, const std::string& owner) {
  return owner == context.user() || catalog::is_member(*context.catalog(), context.user(), owner);
}

void require_owner(const SessionContext& context, const catalog::RelationObject& relation) {
  if (relation.aggregate) return require_owner_of_hypertable(context, relation);
  require_owner(context, kind_name(relation), relation.name, relation.owner);
}

void require_owner(const SessionContext& context, const sql::QualifiedName& name) {
  const auto catalog = context.catalog();  // has what is found
  if (const auto* relation = context.find_user_relation(name.schema, name.name))
    return require_owner(context, *relation);
  const auto chunk = find_chunk(context, name.schema, name.name);
  if (chunk) require_owner(context, "table", chunk->name(), chunk->relation->owner);
}

void require_owner_of_hypertable(const SessionContext& context, const catalog::RelationObject& relation) {
  if (has_rights_of(context, relation.owner)) return;
  throw Error(ErrorCode::InsufficientPrivilege,
              std::string("must be owner of ") +
                  (relation.aggregate ? "continuous aggregate" : "hypertable") + " \"" + relation.name + "\"",
              {}, "Ask role \"" + relation.owner + "\", or a superuser.");
}

std::string role_meant(const SessionContext& context, const std::string& name) {
  const std::string& role = name == "current_user"   ? context.user()
                            : name == "session_user" ? context.session_user()
                                                     : name;
  if (context.catalog()->find_role(role) == nullptr)
    throw Error(ErrorCode::UndefinedObject, "role \"" + role + "\" does not exist");
  return role;
}

void require_member(const SessionContext& context, const std::string& role) {
  if (!has_rights_of(context, role))
    throw Error(ErrorCode::InsufficientPrivilege, "must be member of role \"" + role + "\"");
}

void require_owner(const SessionContext& context, std::string_view kind, const std::string& name,
                   const std::string& owner) {
  if (has_rights_of(context, owner)) return;
  throw Error(ErrorCode::InsufficientPrivilege, "must be owner of " + std::string(kind) + " " + name, {},
              "Ask role \"" + owner + "\", or a superuser.");
}

void require_privilege(const SessionContext& context, const catalog::RelationObject& relation,
                       catalog::Privilege privilege, const std::string& role) {
  if (catalog::has_privilege(*context.catalog(), relation, role, catalog::bits(privilege))) return;
  deny(context, relation, privilege, role, {});
}

void require_privilege(const SessionContext& context, const catalog::RelationObject& relation,
                       catalog::Privilege privilege) {
  require_privilege(context, relation, privilege, context.user());
}

void require_columns(const SessionContext& context, const catalog::RelationObject& relation,
                     catalog::Privilege privilege, std::span<const std::size_t> columns,
                     const std::string& role) {
  const auto catalog = context.catalog();
  if (columns.empty()) return require_any_column(context, relation, privilege, role);
  if (has_privilege(*catalog, relation, role, catalog::bits(privilege))) return;
  for (const auto index : columns) {
    const auto& column = relation.columns[index];
    if (!has_privilege(*catalog, relation, column, role, catalog::bits(privilege)))
      deny(context, relation, privilege, role, column.name);
  }
}

void require_columns(const SessionContext& context, const catalog::RelationObject& relation,
                     catalog::Privilege privilege, std::span<const std::size_t> columns) {
  require_columns(context, relation, privilege, columns, context.user());
}

void require_assignments(const SessionContext& context, const catalog::RelationObject& relation,
                         const std::vector<sql::Assignment>& assignments) {
  std::vector<std::size_t> columns;
  for (std::size_t i = 0; i < relation.columns.size(); ++i) {
    if (std::any_of(assignments.begin(), assignments.end(),
                    [&](const auto& assigned) { return assigned.column == relation.columns[i].name; }))
      columns.push_back(i);
  }
  require_columns(context, relation, catalog::Privilege::Update, columns);
}

void require_any_column(const SessionContext& context, const catalog::RelationObject& relation,
                        catalog::Privilege privilege, const std::string& role) {
  if (!has_any_column_privilege(*context.catalog(), relation, role, catalog::bits(privilege)))
    deny(context, relation, privilege, role, {});
}

bool reads_all_columns(const SessionContext& context, const catalog::RelationObject& relation) {
  return has_privilege(*context.catalog(), relation, context.user(),
                       catalog::bits(catalog::Privilege::Select));
}

bool reads_all_columns(const SessionContext& context, const WriteTarget& target) {
  return target.is_view() || reads_all_columns(context, target.relation());
}

void mark_denied(const SessionContext& context, const catalog::RelationObject& relation,
                 sql::RelationInfo& info, const std::string& role) {
  constexpr auto kSelect = catalog::bits(catalog::Privilege::Select);
  const auto catalog = context.catalog();
  if (has_privilege(*catalog, relation, role, kSelect)) return;
  for (std::size_t i = 0; i < info.columns.size() && i < relation.columns.size(); ++i)
    info.columns[i].is_denied = !has_privilege(*catalog, relation, relation.columns[i], role, kSelect);
}

const sql::RelationInfo& info_to_read(const SessionContext& context, const WriteTarget& target,
                                      std::optional<sql::RelationInfo>& marked) {
  if (reads_all_columns(context, target)) return target.info();
  marked = target.info();
  mark_denied(context, target.relation(), *marked, context.user());
  return *marked;
}

void require_create(const SessionContext& context, const catalog::SchemaObject& schema) {
  if (schema.name == context.existing_temporary_schema() ||
      has_privilege(*context.catalog(), schema, context.user(), bits(catalog::Privilege::Create)))
    return;
  throw Error(ErrorCode::InsufficientPrivilege, "permission denied for schema " + schema.name, {},
              "Its owner lets others create in it: GRANT CREATE ON SCHEMA " +
                  catalog::quote_identifier(schema.name) + " TO " +
                  catalog::quote_identifier(context.user()) + ".");
}

void require_of_database(const SessionContext& context, catalog::Privilege privilege) {
  if (has_database_privilege(*context.catalog(), context.user(), catalog::bits(privilege))) return;
  throw Error(
      ErrorCode::InsufficientPrivilege,
      privilege == catalog::Privilege::Temporary
          ? "permission denied to create temporary tables in database \"" + context.current_database() + "\""
          : "permission denied for database " + context.current_database());
}

void give_first_rights(const SessionContext& context, catalog::RelationObject& relation) {
  const char kind = relation.kind == catalog::RelationKind::Sequence ? 'S' : 'r';
  if (auto grants = first_grants(*context.catalog(), relation.owner, relation.schema, kind))
    relation.grants = std::move(*grants);
}

void give_first_rights(const SessionContext& context, catalog::FunctionObject& function) {
  auto grants = first_grants(*context.catalog(), function.owner, function.schema, 'f');
  if (!grants) return;
  function.has_grants = true;
  function.grants = std::move(*grants);
}

void give_first_rights(const SessionContext& context, catalog::SchemaObject& schema) {
  auto grants = first_grants(*context.catalog(), schema.owner, 0, 'n');
  if (!grants) return;
  schema.has_grants = true;
  schema.grants = std::move(*grants);
}

void require_execute(const SessionContext& context, const catalog::FunctionObject& function) {
  if (catalog::has_privilege(*context.catalog(), function, context.user())) return;
  throw Error(ErrorCode::InsufficientPrivilege, std::string("permission denied for ") +
                                                    (function.is_procedure ? "procedure " : "function ") +
                                                    function.name);
}

void require_sources(const SessionContext& context, const catalog::RelationObject& aggregate) {
  const auto catalog = context.catalog();
  if (is_superuser(*catalog, aggregate.owner)) return;
  std::vector<catalog::Oid> sources = aggregate.depends_on;
  if (aggregate.aggregate) sources.push_back(aggregate.aggregate->source_table);
  for (const auto oid : sources) {
    if (const auto* source = catalog->find_relation(oid))
      require_privilege(context, *source, catalog::Privilege::Select, aggregate.owner);
  }
}

}  // namespace tickstone::engine
