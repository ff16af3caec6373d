// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "catalog/catalog.hpp"

namespace tickstone::catalog {

/// What pg_get_constraintdef prints of a domain's.
std::string domain_check_definition(const TypeObject::Check& check);

/// One key of an index, as pg_get_indexdef prints it for a column number.
std::string index_key_text(const RelationObject& relation, const IndexObject::Key& key, bool is_pretty);
/// `relation_name` as it is to be printed; pretty: without parentheses that are not needed.
std::string index_definition(const RelationObject& relation, const IndexObject& index,
                             const std::string& relation_name, bool is_pretty);

/// With `facts`, names as the search path has them.
std::string constraint_definition(const Catalog& catalog, const RelationObject& relation,
                                  const ConstraintObject& constraint, bool is_pretty,
                                  const RunningFacts* facts = nullptr);

/// The name of the function, where an expression is a call of one and nothing else.
std::string called_function(const std::string& expression);

/// A query's text broken into lines as PostgreSQL prints views: clauses and output columns on lines of their
/// own. Only spaces between tokens change.
std::string query_layout(std::string_view query);

}  // namespace tickstone::catalog
