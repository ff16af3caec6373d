// SPDX-License-Identifier: Apache-2.0
#include "engine/rights.hpp"

#include <algorithm>
#include <vector>

#include <tickstone/error.hpp>

#include "engine/chunk_relation.hpp"

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
  const auto names = catalog::privilege_names();
  const auto name = std::find_if(names.begin(), names.end(),
                                 [&](const auto& candidate) { return candidate.privilege == privilege; });
  throw Error(ErrorCode::InsufficientPrivilege,
              std::string("permission denied for ") + (relation.aggregate ? "view" : kind_name(relation)) +
                  " " + relation.name,
              {},
              std::string("The owner lets others do so: GRANT ") + name->name + " ON " +
                  catalog::quote_identifier(relation.name) + " TO " + catalog::quote_identifier(role) + ".");
}

void require_privilege(const SessionContext& context, const catalog::RelationObject& relation,
                       catalog::Privilege privilege) {
  require_privilege(context, relation, privilege, context.user());
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
