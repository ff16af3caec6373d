// SPDX-License-Identifier: Apache-2.0
#include "catalog/privileges.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "catalog/role_facts.hpp"

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
  // PostgreSQL has PUBLIC of a function first, and the owner of a table.
  const bool is_function = all == kFunctionPrivileges;
  if (is_function && !grants.empty() && grants.front().grantee.empty())
    texts.push_back(acl_text(grants.front()));
  texts.push_back(acl_text({owner, owner, all, 0}));
  for (const auto& grant : grants) {
    if (is_function && &grant == &grants.front() && grant.grantee.empty()) continue;
    texts.push_back(acl_text(grant));
  }
  return texts;
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
                                                               {Privilege::Usage, "USAGE", 'U'}});
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

std::vector<GrantObject> grants_of(const FunctionObject& function) {
  if (function.has_grants) return function.grants;
  return {{{}, function.owner, bits(Privilege::Execute), 0}};
}

std::optional<std::vector<std::string>> acl_texts(const RelationObject& relation) {
  if (relation.grants.empty()) return std::nullopt;
  return all_texts(relation.owner, privileges_of(relation), relation.grants);
}

std::optional<std::vector<std::string>> acl_texts(const FunctionObject& function) {
  if (!function.has_grants) return std::nullopt;
  return all_texts(function.owner, kFunctionPrivileges, function.grants);
}

}  // namespace tickstone::catalog
