// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/session_context.hpp"

namespace tickstone::engine {

using TextRows = std::vector<std::vector<std::optional<std::string>>>;

/// Runs a statement of the engine's own in the session's transaction, as a statement of its own there; its
/// rows as text.
TextRows run_sql(SessionContext& context, const std::string& text);
std::string quote_literal(const std::string& text);
/// `schema.name`, quoted where needed.
std::string qualified_name(const catalog::Catalog& catalog, const catalog::RelationObject& relation);

}  // namespace tickstone::engine
