// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sql/parse_tree.hpp"
#include "sql/rewrite.hpp"

namespace tickstone::sql {

/// A type as the grammar gives it. `is_serial` is set for SERIAL and its kin (an integer type); without it
/// they are unknown types. Errors: UndefinedObject `type "x" does not exist`, FeatureNotSupported for
/// PostgreSQL's types that we do not have, InvalidParameterValue for modifiers; all with position.
SqlType sql_type_of(const ParseTree& tree, const PgQuery__TypeName& name, bool* is_serial = nullptr);

/// The same where a user's types are known: those are looked for where there is no other of the name.
/// `user_type` says which it was.
SqlType sql_type_of(const ParseTree& tree, const PgQuery__TypeName& name, const NameLookup& lookup,
                    std::optional<NameLookup::UserType>* user_type = nullptr);

/// What a definition says of a type before types can be looked up: `type` is Unknown, perhaps an array, and
/// `name` that of a type that only a catalog may know.
struct WrittenType {
  SqlType type;
  QualifiedName name;  // empty: the type is known
};
WrittenType written_type_of(const ParseTree& tree, const PgQuery__TypeName& name, bool* is_serial = nullptr);

/// The last part of a type's name, e.g. `int4` or `mytype`.
std::string_view bare_type_name(const PgQuery__TypeName& name);

/// An interval literal with the fields of its type (INTERVAL '1' DAY) as a string that needs none: '1 day'.
std::string interval_with_fields(std::string_view literal, const PgQuery__TypeName& name);

}  // namespace tickstone::sql
