// SPDX-License-Identifier: Apache-2.0
#include "catalog/privileges.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "catalog/role_facts.hpp"
#include "catalog/system_oids.hpp"

namespace tickstone::catalog {
namespace {

/// Roles that PostgreSQL has without being made, and what their members may do with all tables.
Privileges predefined(const std::string& role) {
  if (role == "pg_read_all_data") return bits(Privilege::Select);
  if (role == "pg_write_all_data")
    return bits(Privilege::Insert) | bits(Privilege::Update) | bits(Privilege::Delete);
  return 0;
}

/// The role and all that it is a member of.
std::set<std::string> roles_of(const Catalog& catalog, const std::string& role) {
  std::set<std::string> roles;
  std::vector<std::string> next{role};
  while (!next.empty()) {
    const std::string name = std::move(next.back());
    next.pop_back();
    if (!roles.insert(name).second) continue;
    if (const auto* found = catalog.find_role(name))
      next.insert(next.end(), found->member_of.begin(), found->member_of.end());
  }
  return roles;
}

bool is_granted(const std::vector<GrantObject>& grants, const std::set<std::string>& roles, Privileges wanted,
                bool grantable) {
  return std::any_of(grants.begin(), grants.end(), [&](const GrantObject& grant) {
    return ((grantable ? grant.grantable : grant.privileges) & wanted) != 0 &&
           (grant.grantee.empty() || roles.contains(grant.grantee));
  });
}

std::string acl_text(const GrantObject& grant) {
  std::string text = acl_name(grant.grantee) + "=";
  for (const auto& [privilege, name, letter] : privilege_names()) {
    if ((grant.privileges & bits(privilege)) == 0) continue;
    text += letter;
    if ((grant.grantable & bits(privilege)) != 0) text += '*';
  }
  return text + "/" + acl_name(grant.grantor);
}

std::vector<std::string> all_texts(const std::string& owner, Privileges all,
                                   const std::vector<GrantObject>& grants) {
  std::vector<std::string> texts;
  // Where PUBLIC has rights from the start PostgreSQL has it first, and else the owner.
  const bool is_public_first = (all == kFunctionPrivileges || all == kDatabasePrivileges) &&
                               !grants.empty() && grants.front().grantee.empty();
  if (is_public_first) texts.push_back(acl_text(grants.front()));
  texts.push_back(acl_text({owner, owner, all, 0}));
  for (const auto& grant : grants) {
    if (!is_public_first || &grant != &grants.front()) texts.push_back(acl_text(grant));
  }
  return texts;
}

/// Of all that have it by themselves: the owner, members of that role, superusers.
bool is_owner(const Catalog& catalog, const std::string& owner, const std::string& role) {
  return owner == role || is_member(catalog, role, owner);
}

bool is_system_schema(Oid schema) {
  return std::any_of(kFirstSchemas.begin(), kFirstSchemas.end(),
                     [&](const auto& first) { return first.first == schema; });
}

/// A role's name with rights of `grants`, by who is shown as the owner of the schema.
std::vector<GrantObject> shown_grants(const Catalog& catalog, const SchemaObject& schema) {
  const std::string owner = role_name(catalog, schema_owner_oid(catalog, schema));
  auto grants = grants_of(schema);
  for (auto& grant : grants) {
    if (grant.grantor == schema.owner) grant.grantor = owner;
  }
  return grants;
}

}  // namespace

std::span<const PrivilegeName> privilege_names() {
  static constexpr auto kNames = std::to_array<PrivilegeName>({{Privilege::Insert, "INSERT", 'a'},
                                                               {Privilege::Select, "SELECT", 'r'},
                                                               {Privilege::Update, "UPDATE", 'w'},
                                                               {Privilege::Delete, "DELETE", 'd'},
                                                               {Privilege::Truncate, "TRUNCATE", 'D'},
                                                               {Privilege::References, "REFERENCES", 'x'},
                                                               {Privilege::Trigger, "TRIGGER", 't'},
                                                               {Privilege::Execute, "EXECUTE", 'X'},
                                                               {Privilege::Usage, "USAGE", 'U'},
                                                               {Privilege::Create, "CREATE", 'C'},
                                                               {Privilege::Temporary, "TEMPORARY", 'T'},
                                                               {Privilege::Connect, "CONNECT", 'c'}});
  return kNames;
}

bool is_superuser(const Catalog& catalog, std::string_view role) {
  const auto* found = catalog.find_role(role);
  return found != nullptr && found->superuser;
}

bool is_member_itself(const Catalog& catalog, const std::string& role, const std::string& other) {
  return role == other || roles_of(catalog, role).contains(other);
}

bool is_member(const Catalog& catalog, const std::string& role, const std::string& other) {
  return role == other || is_superuser(catalog, role) || roles_of(catalog, role).contains(other);
}

bool has_privilege(const Catalog& catalog, const RelationObject& relation, const std::string& role,
                   Privileges wanted, bool grantable) {
  if (relation.owner == role || is_superuser(catalog, role)) return true;
  const auto roles = roles_of(catalog, role);
  if (roles.contains(relation.owner)) return true;
  if (!grantable) {
    for (const auto& name : roles) {
      if ((predefined(name) & wanted) != 0) return true;
    }
  }
  return is_granted(relation.grants, roles, wanted, grantable);
}

bool has_privilege(const Catalog& catalog, const FunctionObject& function, const std::string& role,
                   bool grantable) {
  if (!grantable && !function.has_grants) return true;
  if (function.owner == role || is_superuser(catalog, role)) return true;
  const auto roles = roles_of(catalog, role);
  return roles.contains(function.owner) ||
         is_granted(function.grants, roles, bits(Privilege::Execute), grantable);
}

bool has_privilege(const Catalog& catalog, const SchemaObject& schema, const std::string& role,
                   Privileges wanted, bool grantable) {
  // What nobody has said anything of is told without a look at the roles.
  if (!grantable && !schema.has_grants && wanted == bits(Privilege::Usage) && is_system_schema(schema.oid))
    return true;
  if (is_owner(catalog, schema.owner, role)) return true;
  const auto roles = roles_of(catalog, role);
  if (!grantable && (wanted & bits(Privilege::Usage)) != 0 &&
      std::any_of(roles.begin(), roles.end(), [](const auto& name) { return predefined(name) != 0; }))
    return true;
  return is_granted(grants_of(schema), roles, wanted, grantable);
}

bool has_database_privilege(const Catalog& catalog, const std::string& role, Privileges wanted,
                            bool grantable) {
  constexpr Privileges kOfPublic = bits(Privilege::Temporary) | bits(Privilege::Connect);
  if (!grantable && !catalog.database().has_grants && (wanted & kOfPublic) != 0) return true;
  if (is_owner(catalog, database_owner(catalog), role)) return true;
  return is_granted(grants_of_database(catalog), roles_of(catalog, role), wanted, grantable);
}

bool has_privilege(const Catalog& catalog, const RelationObject& relation, const ColumnObject& column,
                   const std::string& role, Privileges wanted, bool grantable) {
  return has_privilege(catalog, relation, role, wanted, grantable) ||
         (!column.grants.empty() && is_granted(column.grants, roles_of(catalog, role), wanted, grantable));
}

bool has_any_column_privilege(const Catalog& catalog, const RelationObject& relation, const std::string& role,
                              Privileges wanted, bool grantable) {
  if (has_privilege(catalog, relation, role, wanted, grantable)) return true;
  if (!has_column_grants(relation)) return false;
  const auto roles = roles_of(catalog, role);
  return std::any_of(relation.columns.begin(), relation.columns.end(), [&](const ColumnObject& column) {
    return is_granted(column.grants, roles, wanted, grantable);
  });
}

bool has_column_grants(const RelationObject& relation) {
  return std::any_of(relation.columns.begin(), relation.columns.end(),
                     [](const ColumnObject& column) { return !column.grants.empty(); });
}

Privileges grantable_of(const Catalog& catalog, const std::vector<GrantObject>& grants,
                        const std::string& role, Privileges wanted) {
  const auto roles = roles_of(catalog, role);
  Privileges found = 0;
  for (const auto& grant : grants) {
    if (roles.contains(grant.grantee)) found |= grant.grantable & wanted;
  }
  return found;
}

Privileges granted_of(const Catalog& catalog, const std::vector<GrantObject>& grants,
                      const std::string& role) {
  const auto roles = roles_of(catalog, role);
  Privileges found = 0;
  for (const auto& grant : grants) {
    if (grant.grantee.empty() || roles.contains(grant.grantee)) found |= grant.privileges;
  }
  return found;
}

std::string database_owner(const Catalog& catalog) { return role_name(catalog, kBootstrapRole); }

std::vector<GrantObject> grants_of(const FunctionObject& function) {
  if (function.has_grants) return function.grants;
  return built_in_grants('f', function.owner);
}

std::vector<GrantObject> grants_of(const SchemaObject& schema) {
  if (schema.has_grants || !is_system_schema(schema.oid)) return schema.grants;
  return {{{}, schema.owner, bits(Privilege::Usage), 0}};
}

std::vector<GrantObject> grants_of_database(const Catalog& catalog) {
  if (catalog.database().has_grants) return catalog.database().grants;
  constexpr Privileges kOfPublic = bits(Privilege::Temporary) | bits(Privilege::Connect);
  return {{{}, database_owner(catalog), kOfPublic, 0}};
}

Privileges default_privileges(char objects) {
  switch (objects) {
    case 'S':
      return kSequencePrivileges;
    case 'f':
      return kFunctionPrivileges;
    case 'T':
      return kTypePrivileges;
    case 'n':
      return kSchemaPrivileges;
    default:
      return kTablePrivileges;
  }
}

std::vector<GrantObject> built_in_grants(char objects, const std::string& owner) {
  if (objects == 'f') return {{{}, owner, bits(Privilege::Execute), 0}};
  if (objects == 'T') return {{{}, owner, bits(Privilege::Usage), 0}};
  return {};
}

std::optional<std::vector<GrantObject>> first_grants(const Catalog& catalog, const std::string& role,
                                                     Oid schema, char objects) {
  const auto& all = catalog.database().default_rights;
  if (all.empty()) return std::nullopt;
  std::optional<std::vector<GrantObject>> grants;
  for (const auto& rights : all) {
    if (rights.role == role && rights.objects == objects && rights.schema == 0) grants = rights.grants;
  }
  for (const auto& rights : all) {
    if (rights.role != role || rights.objects != objects || rights.schema == 0 || rights.schema != schema)
      continue;
    if (!grants) grants = built_in_grants(objects, role);
    for (const auto& added : rights.grants) {
      const auto same = std::find_if(grants->begin(), grants->end(), [&](const GrantObject& one) {
        return one.grantee == added.grantee && one.grantor == added.grantor;
      });
      if (same == grants->end()) {
        grants->push_back(added);
      } else {
        same->privileges |= added.privileges;
        same->grantable |= added.grantable;
      }
    }
  }
  return grants;
}

std::optional<std::vector<std::string>> acl_texts(const RelationObject& relation) {
  if (relation.grants.empty()) return std::nullopt;
  return all_texts(relation.owner, privileges_of(relation), relation.grants);
}

std::optional<std::vector<std::string>> acl_texts(const FunctionObject& function) {
  if (!function.has_grants) return std::nullopt;
  return all_texts(function.owner, kFunctionPrivileges, function.grants);
}

std::optional<std::vector<std::string>> acl_texts(const ColumnObject& column) {
  if (column.grants.empty()) return std::nullopt;
  std::vector<std::string> texts;
  for (const auto& grant : column.grants) texts.push_back(acl_text(grant));
  return texts;
}

std::optional<std::vector<std::string>> acl_texts(const Catalog& catalog, const SchemaObject& schema) {
  if (!schema.has_grants && !is_system_schema(schema.oid)) return std::nullopt;
  return all_texts(role_name(catalog, schema_owner_oid(catalog, schema)), kSchemaPrivileges,
                   shown_grants(catalog, schema));
}

std::optional<std::vector<std::string>> database_acl_texts(const Catalog& catalog) {
  if (!catalog.database().has_grants) return std::nullopt;
  return all_texts(database_owner(catalog), kDatabasePrivileges, catalog.database().grants);
}

std::vector<std::string> acl_texts(const DefaultRights& rights) {
  if (rights.schema == 0) return all_texts(rights.role, default_privileges(rights.objects), rights.grants);
  std::vector<std::string> texts;
  for (const auto& grant : rights.grants) texts.push_back(acl_text(grant));
  return texts;
}

}  // namespace tickstone::catalog
