// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include <duckdb/planner/expression/bound_window_expression.hpp>
#include <duckdb/storage/arena_allocator.hpp>

#include "duck/window_rows.hpp"

namespace tickstone::duck {

/// What a window function takes, besides its rows.
struct WindowCall {
  const duckdb::BoundWindowExpression* function = nullptr;
  std::vector<duckdb::idx_t> arguments;         // columns of the rows
  std::optional<duckdb::idx_t> default_column;  // of lag and lead
  FrameEdge start;
  FrameEdge end;
  std::int64_t offset = 1;  // of lag, lead and nth_value
};

/// Whether `window_values` can compute the function.
bool has_window_values(const duckdb::BoundWindowExpression& function);

/// The function's value for each row, into a flat vector with room for them all. `rows` lie flat and in the
/// order of `order`. False where that cannot be done exactly. Errors: those of the function.
bool window_values(const WindowCall& call, duckdb::DataChunk& rows, const WindowRows& order,
                   duckdb::ArenaAllocator& arena, duckdb::Vector& out);

}  // namespace tickstone::duck
