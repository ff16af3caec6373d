// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "catalog/catalog.hpp"

namespace tickstone::catalog {

/// One key of an index, as pg_get_indexdef prints it for a column number.
std::string index_key_text(const RelationObject& relation, const IndexObject::Key& key, bool is_pretty);
/// `relation_name` as it is to be printed; pretty: without parentheses that are not needed.
std::string index_definition(const RelationObject& relation, const IndexObject& index,
                             const std::string& relation_name, bool is_pretty);

std::string constraint_definition(const Catalog& catalog, const RelationObject& relation,
                                  const ConstraintObject& constraint, bool is_pretty);

/// A query's text broken into lines as PostgreSQL prints views: clauses and output columns on lines of their
/// own. Only spaces between tokens change.
std::string query_layout(std::string_view query);

}  // namespace tickstone::catalog
