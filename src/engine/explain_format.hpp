// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/result_sink.hpp"
#include "sql/statement.hpp"

namespace tickstone::engine {

/// The one column of EXPLAIN's answer.
ResultColumn explain_column(const sql::ExplainStatement& explain);

/// A plan's lines as PostgreSQL's JSON: `[{"Plan": {"Node Type": ..., "Plans": [...]}}]`, with the time that
/// it took where it was run.
std::string explain_json(const std::vector<std::string>& lines, std::optional<double> milliseconds);

}  // namespace tickstone::engine
