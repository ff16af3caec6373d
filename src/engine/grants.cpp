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

/// One privilege by its word in lower case; `kind` for the message: relation, column, sequence, ...
Privileges privilege_meant(const std::string& word, Privileges all, const char* kind) {
  std::string upper = word == "temp" ? "TEMPORARY" : word;
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
  const auto names = catalog::privilege_names();
  const auto found = std::find_if(names.begin(), names.end(),
                                  [&](const auto& candidate) { return candidate.name == upper; });
  if (found == names.end() && word != "set" && word != "alter system")
    throw Error(ErrorCode::SyntaxError, "unrecognized privilege type \"" + word + "\"");
  if (found == names.end() || (all & bits(found->privilege)) == 0) {
    throw Error(ErrorCode::InvalidParameterValue,
                "invalid privilege type " + upper + " for " + std::string(kind));
  }
  return bits(found->privilege);
}

Privileges privileges_meant(const sql::GrantStatement& grant, Privileges all, const char* kind) {
  if (grant.privileges.empty()) return grant.of_columns.empty() ? all : 0;
  Privileges meant = 0;
  for (const auto& word : grant.privileges) meant |= privilege_meant(word, all, kind);
  return meant;
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
    if (privileges == 0) return;
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
  // What somebody has granted on goes with the right to do so.
  for (auto& one : grants) {
    const bool is_owners =
        std::none_of(grants.begin(), grants.end(),
                     [&](const GrantObject& other) { return other.grantee == one.grantor; }) &&
        one.grantor != grantee;
    if (is_owners) continue;
    Privileges may = 0;
    for (const auto& other : grants) {
      if (other.grantee == one.grantor) may |= other.grantable;
    }
    one.privileges &= may;
    one.grantable &= may;
  }
  std::erase_if(grants, [](const GrantObject& one) { return one.privileges == 0; });
}

/// What is granted on, as messages have it.
struct Target {
  std::string words;  // of an error: `table t`
  std::string name;   // of a warning
  std::string owner;
};

/// Of the privileges named those that the session may grant, and in whose name. `grants`: all that there are
/// of the object. Errors: InsufficientPrivilege for one who has none of them himself; a warning says what is
/// left out.
std::pair<Privileges, std::string> allowed(SessionContext& context, const catalog::Catalog& catalog,
                                           const sql::GrantStatement& grant, const Target& target,
                                           const std::vector<GrantObject>& grants, Privileges privileges,
                                           bool is_all) {
  // Who acts for the owner grants in the owner's name.
  if (has_rights_of(context, target.owner)) return {privileges, target.owner};
  const Privileges may = grantable_of(catalog, grants, context.user(), privileges);
  if (may == 0 && granted_of(catalog, grants, context.user()) == 0) {
    throw Error(ErrorCode::InsufficientPrivilege, "permission denied for " + target.words, {},
                "Its owner, \"" + target.owner + "\", may grant rights to it.");
  }
  if (may != privileges && (may == 0 || !is_all)) {
    context.notice({"WARNING",
                    ErrorCode::Warning,
                    std::string(may == 0 ? "no" : "not all") + " privileges " +
                        (grant.is_grant ? "were granted for " : "could be revoked for ") + target.name,
                    {},
                    {}});
  }
  return {may, context.user()};
}

std::string in_quotes(const std::string& name) { return "\"" + name + "\""; }

void grant_on_columns(SessionContext& context, const catalog::Catalog& catalog,
                      const sql::GrantStatement& grant, const std::vector<std::string>& grantees,
                      catalog::RelationObject& relation) {
  for (const auto& part : grant.of_columns) {
    const Privileges privileges = part.privilege.empty()
                                      ? catalog::kColumnPrivileges
                                      : privilege_meant(part.privilege, catalog::kColumnPrivileges, "column");
    for (const auto& name : part.columns) {
      const auto column = std::find_if(relation.columns.begin(), relation.columns.end(),
                                       [&](const auto& candidate) { return candidate.name == name; });
      if (column == relation.columns.end()) {
        throw Error(ErrorCode::UndefinedColumn, "column " + in_quotes(name) + " of relation " +
                                                    in_quotes(relation.name) + " does not exist");
      }
      // Who may grant all of the table's may grant a column's.
      auto all = relation.grants;
      all.insert(all.end(), column->grants.begin(), column->grants.end());
      const std::string words = "column " + in_quotes(name) + " of relation " + in_quotes(relation.name);
      const auto [may, grantor] = allowed(context, catalog, grant, {words, words, relation.owner}, all,
                                          privileges, part.privilege.empty());
      for (const auto& grantee : grantees) {
        if (grantee != relation.owner) change(column->grants, grant, grantee, grantor, may);
      }
    }
  }
}

void grant_on(SessionContext& context, catalog::CatalogEdit& edit, const sql::GrantStatement& grant,
              const std::vector<std::string>& grantees, catalog::Oid oid) {
  catalog::RelationObject relation = *edit.catalog().find_relation(oid);
  const bool is_sequence = relation.kind == catalog::RelationKind::Sequence;
  if (is_sequence && !grant.of_columns.empty())
    throw Error(ErrorCode::FeatureNotSupported, "rights to columns of sequences are not supported");
  const auto privileges =
      privileges_meant(grant, catalog::privileges_of(relation), is_sequence ? "sequence" : "relation");
  if (privileges != 0) {
    const Target target{(is_sequence ? "sequence " : "table ") + relation.name, in_quotes(relation.name),
                        relation.owner};
    const auto [may, grantor] = allowed(context, edit.catalog(), grant, target, relation.grants, privileges,
                                        grant.privileges.empty());
    for (const auto& grantee : grantees) {
      if (grantee == relation.owner) continue;
      change(relation.grants, grant, grantee, grantor, may);
      if (grant.is_grant) continue;
      // What is taken of the table is taken of each of its columns.
      for (auto& column : relation.columns)
        change(column.grants, grant, grantee, grantor, may & catalog::kColumnPrivileges);
    }
  }
  grant_on_columns(context, edit.catalog(), grant, grantees, relation);
  edit.put_relation(relation);
}

void grant_on(SessionContext& context, catalog::CatalogEdit& edit, const sql::GrantStatement& grant,
              const std::vector<std::string>& grantees, catalog::FunctionObject function) {
  const auto privileges = privileges_meant(grant, catalog::kFunctionPrivileges, "function");
  function.grants = catalog::grants_of(function);
  function.has_grants = true;
  const auto [may, grantor] = allowed(context, edit.catalog(), grant,
                                      {"function " + function.name, in_quotes(function.name), function.owner},
                                      function.grants, privileges, grant.privileges.empty());
  for (const auto& grantee : grantees) {
    if (grantee != function.owner) change(function.grants, grant, grantee, grantor, may);
  }
  edit.put_function(function);
}

void grant_on_schema(SessionContext& context, catalog::CatalogEdit& edit, const sql::GrantStatement& grant,
                     const std::vector<std::string>& grantees, const std::string& name) {
  const auto* found = edit.catalog().find_schema(name);
  if (found == nullptr) throw Error(ErrorCode::InvalidSchemaName, "schema \"" + name + "\" does not exist");
  catalog::SchemaObject schema = *found;
  const auto privileges = privileges_meant(grant, catalog::kSchemaPrivileges, "schema");
  schema.grants = catalog::grants_of(schema);
  schema.has_grants = true;
  const auto [may, grantor] =
      allowed(context, edit.catalog(), grant, {"schema " + name, in_quotes(name), schema.owner},
              schema.grants, privileges, grant.privileges.empty());
  for (const auto& grantee : grantees) {
    if (grantee != schema.owner) change(schema.grants, grant, grantee, grantor, may);
  }
  edit.put_schema(schema);
}

void grant_on_database(SessionContext& context, catalog::CatalogEdit& edit, const sql::GrantStatement& grant,
                       const std::vector<std::string>& grantees, const std::string& name) {
  if (name != context.current_database())
    throw Error(ErrorCode::InvalidCatalogName, "database \"" + name + "\" does not exist");
  catalog::DatabaseObject database = edit.catalog().database();
  const std::string owner = catalog::database_owner(edit.catalog());
  const auto privileges = privileges_meant(grant, catalog::kDatabasePrivileges, "database");
  database.grants = catalog::grants_of_database(edit.catalog());
  database.has_grants = true;
  const auto [may, grantor] =
      allowed(context, edit.catalog(), grant, {"database " + name, in_quotes(name), owner}, database.grants,
              privileges, grant.privileges.empty());
  for (const auto& grantee : grantees) {
    if (grantee != owner) change(database.grants, grant, grantee, grantor, may);
  }
  edit.put_database(database);
}

bool are_same(const std::vector<GrantObject>& left, const std::vector<GrantObject>& right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const GrantObject& a, const GrantObject& b) {
                      return a.grantee == b.grantee && a.grantor == b.grantor &&
                             a.privileges == b.privileges && a.grantable == b.grantable;
                    });
}

void change_default_rights(catalog::DatabaseObject& database, const sql::GrantStatement& grant,
                           const std::vector<std::string>& grantees, Privileges privileges,
                           catalog::DefaultRights rights) {
  auto& all = database.default_rights;
  const auto built_in =
      rights.schema == 0 ? catalog::built_in_grants(rights.objects, rights.role) : std::vector<GrantObject>();
  const auto found = std::find_if(all.begin(), all.end(), [&](const catalog::DefaultRights& one) {
    return one.role == rights.role && one.schema == rights.schema && one.objects == rights.objects;
  });
  rights.grants = found == all.end() ? built_in : found->grants;
  for (const auto& grantee : grantees) {
    if (grantee != rights.role || rights.schema != 0)
      change(rights.grants, grant, grantee, rights.role, privileges);
  }
  const bool is_built_in = are_same(rights.grants, built_in);
  if (found == all.end()) {
    if (!is_built_in) all.push_back(std::move(rights));
  } else if (is_built_in) {
    all.erase(found);
  } else {
    *found = std::move(rights);
  }
}

/// ALTER DEFAULT PRIVILEGES.
void grant_by_default(SessionContext& context, catalog::CatalogEdit& edit, const sql::GrantStatement& grant,
                      const std::vector<std::string>& grantees) {
  const char objects = grant.on == On::Functions ? 'f'
                       : grant.on == On::Schemas ? 'n'
                       : grant.on == On::Types   ? 'T'
                       : grant.is_of_sequences   ? 'S'
                                                 : 'r';
  const char* kind = grant.on == On::Functions ? "function"
                     : grant.on == On::Schemas ? "schema"
                     : grant.on == On::Types   ? "type"
                     : grant.is_of_sequences   ? "sequence"
                                               : "relation";
  const auto privileges = privileges_meant(grant, catalog::default_privileges(objects), kind);
  if (objects == 'n' && !grant.schemas.empty()) {
    throw Error(ErrorCode::InvalidParameterValue,
                "cannot use IN SCHEMA clause when using GRANT/REVOKE ON SCHEMAS");
  }
  if (!grant.of_columns.empty())
    throw Error(ErrorCode::InvalidParameterValue, "default privileges cannot be set for columns");
  std::vector<std::string> roles;
  for (const auto& name : grant.roles) {
    roles.push_back(role_meant(context, name));
    require_member(context, roles.back());
  }
  if (roles.empty()) roles.push_back(context.user());
  std::vector<catalog::Oid> schemas;
  for (const auto& name : grant.schemas) {
    const auto* schema = edit.catalog().find_schema(name);
    if (schema == nullptr)
      throw Error(ErrorCode::InvalidSchemaName, "schema \"" + name + "\" does not exist");
    schemas.push_back(schema->oid);
  }
  if (schemas.empty()) schemas.push_back(0);
  catalog::DatabaseObject database = edit.catalog().database();
  for (const auto& role : roles) {
    for (const auto schema : schemas)
      change_default_rights(database, grant, grantees, privileges, {role, schema, objects, {}});
  }
  edit.put_database(database);
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
  const std::string tag = grant.is_of_defaults ? "ALTER DEFAULT PRIVILEGES"
                                               : std::string(grant.is_grant ? "GRANT" : "REVOKE") +
                                                     (grant.on == On::Roles ? " ROLE" : "");
  auto& edit = context.edit_catalog(tag);
  const auto grantees = grantees_of(context, grant);
  if (grant.on == On::Roles) {
    grant_roles(context, edit, grant, grantees);
    return tag;
  }
  if (grant.is_of_defaults) {
    grant_by_default(context, edit, grant, grantees);
    return tag;
  }
  for (const auto& name : grant.names) {
    if (grant.on == On::Schemas)
      grant_on_schema(context, edit, grant, grantees, name);
    else
      grant_on_database(context, edit, grant, grantees, name);
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
