// SPDX-License-Identifier: Apache-2.0
// GRANT and REVOKE.
#include <algorithm>
#include <cctype>

#include <tickstone/error.hpp>

#include "engine/executors.hpp"
#include "engine/rights.hpp"
#include "engine/user_functions.hpp"

namespace tickstone::engine {
namespace {

using catalog::GrantObject;
using catalog::Privileges;
using On = sql::GrantStatement::On;

/// `kind` for the message: relation, sequence, function.
Privileges privileges_meant(const sql::GrantStatement& grant, Privileges all, const char* kind) {
  Privileges meant = 0;
  for (const auto& word : grant.privileges) {
    const auto names = catalog::privilege_names();
    const auto found = std::find_if(names.begin(), names.end(), [&](const auto& candidate) {
      std::string name = candidate.name;
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      return name == word;
    });
    if (found == names.end() && word != "create" && word != "temporary" && word != "temp" &&
        word != "connect" && word != "set" && word != "alter system")
      throw Error(ErrorCode::SyntaxError, "unrecognized privilege type \"" + word + "\"");
    if (found == names.end() || (all & bits(found->privilege)) == 0) {
      std::string upper = word;
      std::transform(upper.begin(), upper.end(), upper.begin(),
                     [](unsigned char c) { return std::toupper(c); });
      throw Error(ErrorCode::InvalidParameterValue,
                  "invalid privilege type " + upper + " for " + std::string(kind));
    }
    meant |= bits(found->privilege);
  }
  return grant.privileges.empty() ? all : meant;
}

/// Empty: PUBLIC.
std::vector<std::string> grantees_of(const SessionContext& context, const sql::GrantStatement& grant) {
  std::vector<std::string> grantees;
  for (const auto& name : grant.grantees) {
    const bool is_public = name == "public" && grant.on != On::Roles;
    if (is_public && grant.is_grant && grant.with_option)
      throw Error(ErrorCode::InvalidParameterValue, "grant options can only be granted to roles");
    grantees.push_back(is_public ? std::string() : role_meant(context, name));
  }
  return grantees;
}

void change(std::vector<GrantObject>& grants, const sql::GrantStatement& grant, const std::string& grantee,
            const std::string& grantor, Privileges privileges) {
  auto found = std::find_if(grants.begin(), grants.end(), [&](const GrantObject& one) {
    return one.grantee == grantee && (!grant.is_grant || one.grantor == grantor);
  });
  if (grant.is_grant) {
    if (found == grants.end()) found = grants.insert(grants.end(), {grantee, grantor, 0, 0});
    found->privileges |= privileges;
    if (grant.with_option) found->grantable |= privileges;
    return;
  }
  for (auto& one : grants) {
    if (one.grantee != grantee) continue;
    one.grantable &= static_cast<Privileges>(~privileges);
    if (!grant.with_option) one.privileges &= static_cast<Privileges>(~privileges);
  }
  std::erase_if(grants, [](const GrantObject& one) { return one.privileges == 0; });
}

void grant_on(SessionContext& context, catalog::CatalogEdit& edit, const sql::GrantStatement& grant,
              const std::vector<std::string>& grantees, catalog::Oid oid) {
  catalog::RelationObject relation = *edit.catalog().find_relation(oid);
  const bool is_sequence = relation.kind == catalog::RelationKind::Sequence;
  const auto privileges =
      privileges_meant(grant, catalog::privileges_of(relation), is_sequence ? "sequence" : "relation");
  if (!catalog::has_privilege(edit.catalog(), relation, context.user(), privileges, /*grantable=*/true)) {
    throw Error(
        ErrorCode::InsufficientPrivilege,
        std::string("permission denied for ") + (is_sequence ? "sequence " : "table ") + relation.name, {},
        "Its owner, \"" + relation.owner + "\", may grant rights to it.");
  }
  // Who acts for the owner grants in the owner's name.
  const std::string grantor = has_rights_of(context, relation.owner) ? relation.owner : context.user();
  for (const auto& grantee : grantees) {
    if (grantee != relation.owner) change(relation.grants, grant, grantee, grantor, privileges);
  }
  edit.put_relation(relation);
}

void grant_on(SessionContext& context, catalog::CatalogEdit& edit, const sql::GrantStatement& grant,
              const std::vector<std::string>& grantees, catalog::FunctionObject function) {
  const auto privileges = privileges_meant(grant, catalog::kFunctionPrivileges, "function");
  if (!catalog::has_privilege(edit.catalog(), function, context.user(), /*grantable=*/true)) {
    throw Error(ErrorCode::InsufficientPrivilege, "permission denied for function " + function.name, {},
                "Its owner, \"" + function.owner + "\", may grant rights to it.");
  }
  function.grants = catalog::grants_of(function);
  function.has_grants = true;
  const std::string grantor = has_rights_of(context, function.owner) ? function.owner : context.user();
  for (const auto& grantee : grantees) {
    if (grantee != function.owner) change(function.grants, grant, grantee, grantor, privileges);
  }
  edit.put_function(function);
}

void grant_roles(SessionContext& context, catalog::CatalogEdit& edit, const sql::GrantStatement& grant,
                 const std::vector<std::string>& grantees) {
  for (const auto& name : grant.privileges) {
    // Roles that PostgreSQL has without being made may be named.
    if (!name.starts_with("pg_") && edit.catalog().find_role(name) == nullptr)
      throw Error(ErrorCode::UndefinedObject, "role \"" + name + "\" does not exist");
    const auto* self = edit.catalog().find_role(context.user());
    if (self == nullptr || !(self->superuser || (self->create_role && !is_superuser(edit.catalog(), name))))
      throw Error(ErrorCode::InsufficientPrivilege, "must have admin option on role \"" + name + "\"");
    for (const auto& grantee : grantees) {
      catalog::RoleObject member = *edit.catalog().find_role(grantee);
      if (grant.is_grant && catalog::is_member(edit.catalog(), name, grantee) &&
          !is_superuser(edit.catalog(), name))
        throw Error(ErrorCode::InvalidParameterValue,
                    "role \"" + name + "\" is a member of role \"" + grantee + "\"");
      std::erase(member.member_of, name);
      if (grant.is_grant) member.member_of.push_back(name);
      edit.put_role(member);
    }
  }
}

}  // namespace

std::string execute_grant(Execution& execution, const sql::GrantStatement& grant) {
  auto& context = execution.context;
  const std::string tag =
      std::string(grant.is_grant ? "GRANT" : "REVOKE") + (grant.on == On::Roles ? " ROLE" : "");
  auto& edit = context.edit_catalog(tag);
  const auto grantees = grantees_of(context, grant);
  if (grant.on == On::Roles) {
    grant_roles(context, edit, grant, grantees);
    return tag;
  }
  std::vector<catalog::Oid> relations, functions;
  for (const auto& name : grant.relations) relations.push_back(context.relation(name).oid);
  for (const auto& target : grant.functions)
    functions.push_back(
        named_function(context, edit.catalog(), target.name, target.argument_types, "routine").oid);
  for (const auto& name : grant.schemas) {
    const auto* schema = edit.catalog().find_schema(name);
    if (schema == nullptr)
      throw Error(ErrorCode::InvalidSchemaName, "schema \"" + name + "\" does not exist");
    for (const auto* relation : edit.catalog().relations()) {
      const bool is_sequence = relation->kind == catalog::RelationKind::Sequence;
      if (grant.on == On::Relations && relation->schema == schema->oid &&
          is_sequence == grant.is_of_sequences)
        relations.push_back(relation->oid);
    }
    for (const auto* function : edit.catalog().functions()) {
      if (grant.on == On::Functions && function->schema == schema->oid) functions.push_back(function->oid);
    }
  }
  for (const auto oid : relations) grant_on(context, edit, grant, grantees, oid);
  for (const auto oid : functions)
    grant_on(context, edit, grant, grantees, *edit.catalog().find_function(oid));
  return tag;
}

}  // namespace tickstone::engine
