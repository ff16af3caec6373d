// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "duck/duckdb_api.hpp"

namespace tickstone::duck {

/// PostgreSQL's operators over dates, times and intervals. Nothing where neither side is one.
std::optional<duckdb::unique_ptr<duckdb::FunctionData>> bind_time_operator(
    duckdb::ClientContext& context, const std::string& name, duckdb::ScalarFunction& function,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& arguments);

/// `interval * factor`: what is left of months becomes days, what is left of days becomes time.
duckdb::interval_t scaled_interval(const duckdb::interval_t& value, double factor);

}  // namespace tickstone::duck
