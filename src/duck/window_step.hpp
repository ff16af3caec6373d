// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "duck/short_steps.hpp"

namespace tickstone::duck {

/// Whether there is a step for a window of DuckDB's: all of its functions can be computed by one way over the
/// rows in their order, and give what DuckDB's own give.
bool has_window_step(const duckdb::PhysicalOperator& op);

/// The step of such an operator: gathers the rows, sorts them where they do not come in the window's order,
/// and gives them with the functions' values. nullptr where the values of now need DuckDB. Lifetime: of all
/// arguments.
std::unique_ptr<ShortStep> make_window_step(duckdb::ClientContext& context,
                                            const duckdb::PhysicalOperator& op, ShortStep& above);

}  // namespace tickstone::duck
