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

/// A plan's lines as PostgreSQL's tree in JSON, `[{"Plan": {"Node Type": ..., "Plans": [...]}}]`, in XML or
/// in YAML, with the time that it took where it was run.
std::string explain_tree(const std::vector<std::string>& lines, const std::string& format,
                         std::optional<double> milliseconds);

}  // namespace tickstone::engine
