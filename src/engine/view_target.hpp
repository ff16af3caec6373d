// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "engine/write_target.hpp"

namespace tickstone::engine {

/// The table that a view reads, as statements see it that write through the view. `verb`: "insert into",
/// "update" or "delete from".
/// Errors: ObjectNotInPrerequisiteState where the view has no such table, with PostgreSQL's reason;
/// FeatureNotSupported.
std::shared_ptr<const WriteTarget> view_target(SessionContext& context, const catalog::RelationObject& view,
                                               const std::string& verb);

/// Why rows cannot be written through a view with this query, in PostgreSQL's words; empty: they can.
std::string view_problem(const SessionContext& context, const sql::Expr& query);

}  // namespace tickstone::engine
