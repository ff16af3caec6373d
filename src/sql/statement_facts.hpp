// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sql/statement.hpp"

/// What an executor asks of a statement's tree beside what the statement says.
namespace tickstone::sql {

/// Whether UPDATE ... FROM or DELETE ... USING may find one row several times. `whole`: the statement's.
bool joins_other_tables(const Expr& whole);

/// Whether the query may read a column of that name: it names one, or takes all.
bool names_column(const Expr& query, const std::string& column);

/// Whether UPDATE or DELETE looks at rows: in a condition, in new values, in RETURNING. `whole`: the
/// statement's.
bool reads_rows(const Expr& whole);

/// Whether it calls a function of that name, in the schema or without one.
bool calls_function(const Expr& expr, const std::string& schema, const std::string& name);

/// The query with the relation that `is_it` is true of, given its schema (or nothing) and name, under another
/// name, and that which it had as its alias.
/// Errors: FeatureNotSupported where a WITH query has the relation's name, too.
std::string with_relation_renamed(
    const Expr& query, const std::function<bool(const std::string& schema, const std::string& name)>& is_it,
    const QualifiedName& renamed);

/// The query or expression with calls of a function, in the schema or without one, of another. Nothing: there
/// are none.
std::optional<std::string> with_function_renamed(const Expr& expr, const QualifiedName& function,
                                                 const QualifiedName& renamed);

/// The query or expression with a user's type called anew, where it is named in its schema or without one.
/// Nothing: it is not named.
std::optional<std::string> with_type_renamed(const Expr& expr, const QualifiedName& type,
                                             const QualifiedName& renamed);

/// The conditions that AND joins at the top of one; none of an empty handle.
std::vector<Expr> conditions_of(const Expr& condition);

/// One of several columns that are set from one query: SET (a, b) = (SELECT ...).
bool is_one_of_several(const Expr& value);

/// The expression over a table with one of its columns called anew. Nothing: it is not named.
std::optional<std::string> with_column_renamed(const Expr& expr, const std::string& column,
                                               const std::string& renamed);

/// The condition of a domain, of VALUE, as one of a column.
Expr with_value_named(const Expr& condition, const std::string& column);

/// The query or expression with a schema called anew, before the names of relations, functions and columns,
/// and in the names of sequences and relations that are written as texts. Nothing: it is not named.
std::optional<std::string> with_schema_renamed(const Expr& expr, const std::string& schema,
                                               const std::string& renamed);

/// Schemas of names that have none, for `names_in_full`; empty: the name stays as it is.
struct SchemasOfNames {
  std::function<std::string(const std::string& relation)> of_relation;
  std::function<std::string(const std::string& function)> of_function;
};
/// The text of the query or expression with the relations and functions that it names without a schema named
/// with theirs, so that it means the same under any search_path. Names of WITH queries stay.
std::string names_in_full(const Expr& expr, const SchemasOfNames& schemas);

}  // namespace tickstone::sql
