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
  Usage = 256,
  Create = 512,
  Temporary = 1024,
  Connect = 2048
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
/// All that there are of a table or view, of a column, of a sequence, ...
inline constexpr Privileges kTablePrivileges = 127;
inline constexpr Privileges kColumnPrivileges = 1 | 2 | 4 | 32;
inline constexpr Privileges kSchemaPrivileges = 256 | 512;
inline constexpr Privileges kDatabasePrivileges = 512 | 1024 | 2048;
inline constexpr Privileges kTypePrivileges = 256;
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
bool has_privilege(const Catalog& catalog, const SchemaObject& schema, const std::string& role,
                   Privileges wanted, bool grantable = false);
/// Of the database.
bool has_database_privilege(const Catalog& catalog, const std::string& role, Privileges wanted,
                            bool grantable = false);
/// As `has_privilege` of the relation, or by a grant of the column.
bool has_privilege(const Catalog& catalog, const RelationObject& relation, const ColumnObject& column,
                   const std::string& role, Privileges wanted, bool grantable = false);
/// Of the relation, or of one of its columns.
bool has_any_column_privilege(const Catalog& catalog, const RelationObject& relation, const std::string& role,
                              Privileges wanted, bool grantable = false);
bool has_column_grants(const RelationObject& relation);
/// Of `grants`, what the role may let others do, by itself or by a role that it is a member of.
Privileges grantable_of(const Catalog& catalog, const std::vector<GrantObject>& grants,
                        const std::string& role, Privileges wanted);
/// Of `grants`, what the role may do itself.
Privileges granted_of(const Catalog& catalog, const std::vector<GrantObject>& grants,
                      const std::string& role);

/// Who the database belongs to.
std::string database_owner(const Catalog& catalog);
/// The grants of what nobody has said anything of: PUBLIC may execute a function, use the schemas that every
/// database has, connect and make temporary tables.
std::vector<GrantObject> grants_of(const FunctionObject& function);
std::vector<GrantObject> grants_of(const SchemaObject& schema);
std::vector<GrantObject> grants_of_database(const Catalog& catalog);
/// What a new object of that kind (a letter of `DefaultRights`) that the role makes is granted at once;
/// nothing where nobody has said so.
std::optional<std::vector<GrantObject>> first_grants(const Catalog& catalog, const std::string& role,
                                                     Oid schema, char objects);
/// All that there are of objects of that kind, and the grants that PostgreSQL itself gives.
Privileges default_privileges(char objects);
std::vector<GrantObject> built_in_grants(char objects, const std::string& owner);
/// `owner=arwdDxt/owner`, `alice=r/owner`: what relacl holds; nothing where nobody has granted anything.
std::optional<std::vector<std::string>> acl_texts(const RelationObject& relation);
std::optional<std::vector<std::string>> acl_texts(const FunctionObject& function);
std::optional<std::vector<std::string>> acl_texts(const ColumnObject& column);
std::optional<std::vector<std::string>> acl_texts(const Catalog& catalog, const SchemaObject& schema);
std::optional<std::vector<std::string>> database_acl_texts(const Catalog& catalog);
std::vector<std::string> acl_texts(const DefaultRights& rights);

}  // namespace tickstone::catalog
