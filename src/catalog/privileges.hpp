// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.hpp"

namespace tickstone::catalog {

/// The bits of GrantObject. The numbers are part of the stored format.
enum class Privilege : std::uint16_t {
  Insert = 1,
  Select = 2,
  Update = 4,
  Delete = 8,
  Truncate = 16,
  References = 32,
  Trigger = 64,
  Execute = 128,
  Usage = 256
};
using Privileges = std::uint16_t;

struct PrivilegeName {
  Privilege privilege;
  const char* name;
  char letter;  // in aclitems
};
/// In the order in which PostgreSQL lists them.
std::span<const PrivilegeName> privilege_names();
constexpr Privileges bits(Privilege privilege) { return static_cast<Privileges>(privilege); }
/// All that there are of a table or view, of a sequence, and of a function.
inline constexpr Privileges kTablePrivileges = 127;
inline constexpr Privileges kSequencePrivileges = 256 | 2 | 4;
inline constexpr Privileges kFunctionPrivileges = 128;
inline Privileges privileges_of(const RelationObject& relation) {
  return relation.kind == RelationKind::Sequence ? kSequencePrivileges : kTablePrivileges;
}

bool is_superuser(const Catalog& catalog, std::string_view role);
/// Whether `role` is `other`, or a member of it, or of a member of it.
bool is_member_itself(const Catalog& catalog, const std::string& role, const std::string& other);
/// The same; superusers are members of all.
bool is_member(const Catalog& catalog, const std::string& role, const std::string& other);

/// Whether the role may do one of `wanted`, as owner, superuser or by a grant; with `grantable`, whether it
/// may let others.
bool has_privilege(const Catalog& catalog, const RelationObject& relation, const std::string& role,
                   Privileges wanted, bool grantable = false);
bool has_privilege(const Catalog& catalog, const FunctionObject& function, const std::string& role,
                   bool grantable = false);

/// The grants of a function that nobody has said anything of: PUBLIC may execute it.
std::vector<GrantObject> grants_of(const FunctionObject& function);
/// `owner=arwdDxt/owner`, `alice=r/owner`: what relacl holds; nothing where nobody has granted anything.
std::optional<std::vector<std::string>> acl_texts(const RelationObject& relation);
std::optional<std::vector<std::string>> acl_texts(const FunctionObject& function);

}  // namespace tickstone::catalog
