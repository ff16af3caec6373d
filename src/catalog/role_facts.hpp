// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.hpp"

namespace tickstone::catalog {

/// The role of that name, one that PostgreSQL has without being made included; 0: none.
Oid role_oid(const Catalog& catalog, std::string_view name);
/// The name of a role, likewise; empty: there is none.
std::string role_name(const Catalog& catalog, Oid oid);
/// The owner of a schema. That of public is PostgreSQL's role for it, until the schema is given to somebody.
Oid schema_owner_oid(const Catalog& catalog, const SchemaObject& schema);

/// A role's name in an aclitem.
std::string acl_name(const std::string& role);
/// acldefault: what the owner and PUBLIC may do with an object of that kind (a letter of PostgreSQL's), as
/// aclitems; nothing for a letter that there is not.
std::optional<std::vector<std::string>> default_acl_texts(char kind, const std::string& owner);
/// What PostgreSQL says of the schema public that nobody has said anything of: everybody may use it.
std::vector<std::string> public_schema_acl(const std::string& owner);

}  // namespace tickstone::catalog
