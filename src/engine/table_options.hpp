// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "catalog/catalog.hpp"
#include "engine/session_context.hpp"
#include "sql/statement.hpp"

namespace tickstone::engine {

/// A boolean option; one without a value is on. Errors: InvalidParameterValue.
bool option_is_on(const sql::Option& option);

/// ALTER TABLE ... SET (timescaledb.compress, timescaledb.compress_segmentby = ..., ...), and plain storage
/// options, which are kept.
void set_table_options(SessionContext& context, catalog::RelationObject& relation,
                       const std::vector<sql::Option>& options, bool reset);

}  // namespace tickstone::engine
