// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "catalog/catalog.hpp"

namespace tickstone::catalog {

/// A stored query or expression, whose names are in full, as PostgreSQL prints it: the schemas of relations,
/// functions and sequences that the search path finds by themselves are left out, and others are written.
std::string shown_text(const Catalog& catalog, const RunningFacts& facts, const std::string& text);

/// The index with its expressions as they are shown.
IndexObject shown_index(const Catalog& catalog, const RunningFacts& facts, IndexObject index);

/// What pg_get_expr prints of the default, or of a generated column.
std::string default_expression(const Catalog& catalog, const RunningFacts& facts, const ColumnObject& column);

/// What pg_get_viewdef prints of a view or aggregate.
std::string view_definition(const Catalog& catalog, const RunningFacts& facts,
                            const RelationObject& relation);

}  // namespace tickstone::catalog
