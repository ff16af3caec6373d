// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "engine/session_context.hpp"
#include "sql/statement.hpp"

namespace tickstone::engine {

/// A text of SQL anew; nothing where it stays as it is.
using ChangeText = std::function<std::optional<std::string>(const sql::Expr& expr)>;

/// What is kept of a query or an expression: its text with the names of relations and users' functions in
/// full, so that it means the same under any search_path.
std::string text_in_full(const SessionContext& context, const sql::Expr& expr);

/// Changes the texts that name functions or relations of others: queries of views and aggregates, defaults,
/// generated columns, checks, expressions of indexes. Only those with `part` in them are parsed.
/// True: one was changed.
bool change_stored_texts(catalog::RelationObject& relation, const std::string& part,
                         const ChangeText& change);

/// What follows a function under another name or in another schema: texts, jobs, functions of integer time.
/// Bodies of other functions do not, as in PostgreSQL.
void follow_renamed_function(catalog::CatalogEdit& edit, const sql::QualifiedName& function,
                             const sql::QualifiedName& renamed);
/// What follows a user's type under another name or in another schema: texts.
void follow_renamed_type(catalog::CatalogEdit& edit, const sql::QualifiedName& type,
                         const sql::QualifiedName& renamed);
/// What follows a schema under another name, likewise.
void follow_renamed_schema(catalog::CatalogEdit& edit, const std::string& schema, const std::string& renamed);

}  // namespace tickstone::engine
