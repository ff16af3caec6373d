// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "engine/session_context.hpp"
#include "sql/statement.hpp"

namespace tickstone::engine {

/// Whether the statement says `WITH (timescaledb.continuous)`.
bool is_continuous_aggregate(const sql::CreateMaterializedViewStatement& create);
/// Errors: FeatureNotSupported for a query that is none of an aggregate, ActiveSqlTransaction for WITH DATA
/// in a block.
std::string create_continuous_aggregate(SessionContext& context,
                                        const sql::CreateMaterializedViewStatement& create);
/// A materialized view with the columns of the statement's query, not in the catalog yet.
catalog::RelationObject new_materialized_view(SessionContext& context,
                                              const sql::CreateMaterializedViewStatement& create);
/// ALTER MATERIALIZED VIEW ... SET (tickstone.eager).
void set_eager(SessionContext& context, catalog::RelationObject& aggregate, bool is_eager);
/// ALTER MATERIALIZED VIEW ... ADD COLUMN: what was materialized before has NULL there until it is refreshed.
/// Errors: FeatureNotSupported where it is not a column GENERATED ALWAYS AS and nothing else.
void add_aggregate_column(SessionContext& context, catalog::CatalogEdit& edit,
                          catalog::RelationObject& aggregate, const sql::ColumnDefinition& definition);
[[noreturn]] void refuse_column_constraint(const std::string& column);
/// After DROP: what was remembered of an aggregate, or of a source of some.
void forget_aggregate_of(SessionContext& context, const catalog::RelationObject& relation);

}  // namespace tickstone::engine
