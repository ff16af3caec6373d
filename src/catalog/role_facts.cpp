// SPDX-License-Identifier: Apache-2.0
#include "catalog/role_facts.hpp"

#include <algorithm>
#include <array>

#include "catalog/system_oids.hpp"

namespace tickstone::catalog {

Oid role_oid(const Catalog& catalog, std::string_view name) {
  if (const RoleObject* role = catalog.find_role(name)) return role->oid;
  for (const auto& [oid, predefined] : kPredefinedRoles) {
    if (predefined == name) return oid;
  }
  return 0;
}

std::string role_name(const Catalog& catalog, Oid oid) {
  for (const RoleObject* role : catalog.roles()) {
    if (role->oid == oid) return role->name;
  }
  for (const auto& [predefined, name] : kPredefinedRoles) {
    if (predefined == oid) return std::string(name);
  }
  return {};
}

Oid schema_owner_oid(const Catalog& catalog, const SchemaObject& schema) {
  const RoleObject* role = catalog.find_role(schema.owner);
  const Oid owner = role == nullptr ? kBootstrapRole : role->oid;
  return schema.oid == kSchemaPublic && owner == kBootstrapRole ? kRoleDatabaseOwner : owner;
}

std::string acl_name(const std::string& role) {
  const bool is_plain = std::all_of(role.begin(), role.end(), [](unsigned char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
  if (is_plain) return role;
  std::string quoted = "\"";
  for (const char c : role) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

std::optional<std::vector<std::string>> default_acl_texts(char kind, const std::string& owner) {
  struct Default {
    char kind;
    std::string_view of_public, of_owner;
  };
  static constexpr std::array<Default, 13> kDefaults = {{{'c', "", ""},
                                                         {'r', "", "arwdDxt"},
                                                         {'s', "", "rwU"},
                                                         {'d', "Tc", "CTc"},
                                                         {'f', "X", "X"},
                                                         {'l', "U", "U"},
                                                         {'L', "", "rw"},
                                                         {'n', "", "UC"},
                                                         {'p', "", "sA"},
                                                         {'t', "", "C"},
                                                         {'F', "", "U"},
                                                         {'S', "", "U"},
                                                         {'T', "U", "U"}}};
  for (const auto& [letter, of_public, of_owner] : kDefaults) {
    if (letter != kind) continue;
    std::vector<std::string> texts;
    const std::string by = "/" + acl_name(owner);
    if (!of_public.empty()) texts.push_back("=" + std::string(of_public) + by);
    if (!of_owner.empty()) texts.push_back(acl_name(owner) + "=" + std::string(of_owner) + by);
    return texts;
  }
  return std::nullopt;
}

std::vector<std::string> public_schema_acl(const std::string& owner) {
  const std::string name = acl_name(owner);
  return {name + "=UC/" + name, "=U/" + name};
}

}  // namespace tickstone::catalog
