// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "market/connection.hpp"

namespace tickstone::market {

/// A right to something that somebody else owns.
struct AccessItem {
  std::string grantee;    // empty: PUBLIC
  std::string privilege;  // SELECT, EXECUTE, ...
  bool is_grantable = false;
  friend auto operator<=>(const AccessItem&, const AccessItem&) = default;
};

enum class ObjectKind : std::uint8_t {
  Schema,
  Table,
  Sequence,
  Function,
  Procedure,
  View,
  MaterializedView,
  Aggregate
};
/// `materialized view`, `continuous aggregate`, ...
std::string_view to_string(ObjectKind kind);
/// As COMMENT, ALTER and GRANT call it: `MATERIALIZED VIEW`, of aggregates too.
std::string_view sql_word(ObjectKind kind);

/// An object of a user's, as any home describes it, with what is said of it. Tables have no definition here:
/// they are TableFacts.
struct ObjectFacts {
  ObjectKind kind = ObjectKind::Table;
  std::string full_name;             // quoted; of functions with the types of their arguments
  std::string short_name;            // for people
  std::string definition;            // the query of a view, the statement that makes a function or a sequence
  std::string options;               // of a view or an aggregate: what stands in WITH (...)
  std::string language;              // of a function
  std::vector<std::string> indexes;  // of a materialized view: statements
  bool is_materialized_only = true;  // of an aggregate
  std::string owner;
  bool has_access = false;         // rights were given or taken: without, functions are everybody's
  std::vector<AccessItem> access;  // but the owner's own, sorted
  std::map<std::string, std::vector<AccessItem>> column_access;
  std::map<std::string, std::string> comments;  // by column; the object's own under no name
};

/// All objects of users: what extensions and TimescaleDB's layer have brought is none. Those that others need
/// tend to come first.
std::vector<ObjectFacts> read_objects(Connection& connection, Home home);

/// What `copy` cannot bring to any home: what it is, its name, and what to do.
struct ForeignObject {
  std::string what;
  std::string remedy;
};
/// Triggers, types, rules, policies of rows, ... of PostgreSQL. `tables`: full names; empty: all.
std::vector<ForeignObject> read_foreign_objects(Connection& connection, Home home);

struct RoleFacts {
  std::string name;
  bool may_login = false, may_create_roles = false, may_create_databases = false, is_superuser = false;
  std::string connection_limit;
  std::string verifier;  // SCRAM-SHA-256$...; empty: none, or none that may be read
  std::vector<std::string> member_of;
};
/// All roles that users have made.
std::vector<RoleFacts> read_roles(Connection& connection, Home home);

/// The items of an array's text: `{a,"b c",NULL}`.
std::vector<std::string> array_items(const std::string& text);
/// Of the text of an aclitem[]. The owner's own rights are left out.
std::vector<AccessItem> access_items(const std::string& text, const std::string& owner);

/// `schema.name` where the schema is not public.
std::string short_name_of(const std::string& schema, const std::string& name);
/// A condition on pg_namespace's column that holds for schemas of users.
std::string is_users_schema(const std::string& column);

}  // namespace tickstone::market
