// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "engine/executors.hpp"

/// Materialized views that were made, or emptied, WITH NO DATA: reading one is an error until it is
/// refreshed.
namespace tickstone::engine {

/// Errors: ObjectNotInPrerequisiteState.
void require_populated(const catalog::RelationObject& relation);
/// DuckDB's text of a query with the view's columns that fails when it is run.
std::string unpopulated_query(SessionContext& context, const catalog::RelationObject& relation);

std::string refresh_with_no_data(Execution& execution, const sql::QualifiedName& name);
/// Errors: ObjectNotInPrerequisiteState where the view has no rows to replace.
std::string refresh_concurrently(Execution& execution, const sql::QualifiedName& name);

}  // namespace tickstone::engine
