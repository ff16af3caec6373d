// SPDX-License-Identifier: Apache-2.0
// CREATE, ALTER and DROP ROLE.
#include <algorithm>

#include <tickstone/error.hpp>

#include "engine/ddl_table.hpp"
#include "engine/executors.hpp"
#include "engine/rights.hpp"
#include "engine/user_functions.hpp"

namespace tickstone::engine {
namespace {

/// Of a role that is gone.
void forget_members(catalog::CatalogEdit& edit, const std::string& role) {
  std::vector<catalog::RoleObject> members;
  for (const auto* other : edit.catalog().roles()) {
    if (std::find(other->member_of.begin(), other->member_of.end(), role) != other->member_of.end())
      members.push_back(*other);
  }
  for (auto& member : members) {
    std::erase(member.member_of, role);
    edit.put_role(member);
  }
}

void require_owns_nothing(const catalog::Catalog& catalog, const std::string& role) {
  const auto refuse_owner = [&](const std::string& owned) {
    throw Error(ErrorCode::DependentObjectsStillExist,
                "role \"" + role + "\" cannot be dropped because some objects depend on it",
                "owner of " + owned);
  };
  const auto refuse_granted = [&](const std::vector<catalog::GrantObject>& grants,
                                  const std::string& object) {
    for (const auto& grant : grants) {
      if (grant.grantee != role && grant.grantor != role) continue;
      throw Error(ErrorCode::DependentObjectsStillExist,
                  "role \"" + role + "\" cannot be dropped because some objects depend on it",
                  "privileges for " + object);
    }
  };
  for (const auto* relation : catalog.relations()) {
    if (relation->owner == role) refuse_owner(described(*relation));
    refuse_granted(relation->grants, described(*relation));
    for (const auto& column : relation->columns)
      refuse_granted(column.grants, "column " + column.name + " of " + described(*relation));
  }
  for (const auto* function : catalog.functions()) {
    if (function->owner == role) refuse_owner(described_function(catalog, *function));
    refuse_granted(function->grants, described_function(catalog, *function));
  }
  for (const auto* type : catalog.types()) {
    if (type->owner == role) refuse_owner("type " + type->name);
  }
  for (const auto* schema : catalog.schemas()) {
    if (schema->owner == role) refuse_owner("schema " + schema->name);
    refuse_granted(schema->grants, "schema " + schema->name);
  }
  refuse_granted(catalog.database().grants, "database");
  for (const auto& rights : catalog.database().default_rights) {
    const std::string words = std::string("default privileges on new ") +
                              (rights.objects == 'f'   ? "functions"
                               : rights.objects == 'S' ? "sequences"
                               : rights.objects == 'T' ? "types"
                               : rights.objects == 'n' ? "schemas"
                                                       : "relations") +
                              " belonging to role " + rights.role;
    if (rights.role == role) refuse_owner(words);
    refuse_granted(rights.grants, words);
  }
  for (const auto* job : catalog.jobs()) {
    if (job->owner == role) refuse_owner("job " + std::to_string(job->id));
  }
}

}  // namespace

std::string execute_role(Execution& execution, const sql::RoleStatement& statement) {
  auto& context = execution.context;
  using RoleAction = sql::RoleStatement::Action;
  const std::string tag = statement.action == RoleAction::Create ? "CREATE ROLE"
                          : statement.action == RoleAction::Drop ? "DROP ROLE"
                                                                 : "ALTER ROLE";
  const bool may_all = is_superuser(*context.catalog(), context.user());
  auto& edit = context.edit_catalog(tag);
  for (const auto& name : statement.names) {
    const auto* found = edit.catalog().find_role(name);
    if (!may_all && !(statement.action == RoleAction::Alter && name == context.user() &&
                      !statement.superuser && !statement.create_role)) {
      throw Error(ErrorCode::InsufficientPrivilege, statement.action == RoleAction::Create
                                                        ? "permission denied to create role"
                                                        : "permission denied");
    }
    if (statement.action == RoleAction::Drop) {
      if (found == nullptr) {
        if (!statement.if_exists)
          throw Error(ErrorCode::UndefinedObject, "role \"" + name + "\" does not exist");
        context.notice("role \"" + name + "\" does not exist, skipping");
        continue;
      }
      if (name == context.user()) throw Error(ErrorCode::ObjectInUse, "current user cannot be dropped");
      if (name == context.session_user())
        throw Error(ErrorCode::ObjectInUse, "session user cannot be dropped");
      require_owns_nothing(edit.catalog(), name);
      edit.remove_role(name);
      forget_members(edit, name);
      continue;
    }
    catalog::RoleObject role;
    if (statement.action == RoleAction::Create) {
      if (found != nullptr) throw Error(ErrorCode::DuplicateObject, "role \"" + name + "\" already exists");
      role.oid = context.database().store().next_table_id();
      role.name = name;
      role.login = false;
    } else {
      if (found == nullptr) throw Error(ErrorCode::UndefinedObject, "role \"" + name + "\" does not exist");
      role = *found;
    }
    if (statement.login) role.login = *statement.login;
    if (statement.superuser) role.superuser = *statement.superuser;
    if (statement.create_db) role.create_db = *statement.create_db;
    if (statement.create_role) role.create_role = *statement.create_role;
    if (statement.connection_limit) role.connection_limit = *statement.connection_limit;
    if (statement.valid_until) {
      const Value until = parse_value(SqlType::of(TypeId::TimestampTz), *statement.valid_until,
                                      context.settings().format_context());
      role.valid_until_us = static_cast<std::int64_t>(until.integer);
    }
    if (statement.password_null) role.verifier.clear();
    if (statement.password) {
      if (statement.password->starts_with("SCRAM-SHA-256$")) {
        role.verifier = *statement.password;
      } else if (statement.password->empty()) {
        context.notice("empty string is not a valid password, clearing password");
        role.verifier.clear();
      } else {
        const auto maker = context.database().verifier_maker();
        if (!maker) throw Error(ErrorCode::FeatureNotSupported, "passwords cannot be set without a server");
        role.verifier = maker(*statement.password);
      }
    }
    edit.put_role(role);
  }
  return tag;
}

}  // namespace tickstone::engine
