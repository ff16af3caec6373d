// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "sql/statement.hpp"

/// What an executor asks of a statement's tree beside what the statement says.
namespace tickstone::sql {

/// Whether UPDATE ... FROM or DELETE ... USING may find one row several times. `whole`: the statement's.
bool joins_other_tables(const Expr& whole);

/// Whether the query may read a column of that name: it names one, or takes all.
bool names_column(const Expr& query, const std::string& column);

/// Whether it calls a function of that name, in the schema or without one.
bool calls_function(const Expr& expr, const std::string& schema, const std::string& name);

/// The query with the relation that `is_it` is true of, given its schema (or nothing) and name, under another
/// name, and that which it had as its alias.
/// Errors: FeatureNotSupported where a WITH query has the relation's name, too.
std::string with_relation_renamed(
    const Expr& query, const std::function<bool(const std::string& schema, const std::string& name)>& is_it,
    const QualifiedName& renamed);

}  // namespace tickstone::sql
