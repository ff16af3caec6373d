// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "sql/parse_tree.hpp"

namespace tickstone::sql {

/// The text of a call in DuckDB's words, where it may be a `count(*)` over a window: of a frame that ends
/// before it begins DuckDB counts less than nothing, so it is told to count nothing.
std::string counted_in_frame(std::string text, const PgQuery__FuncCall& call);

}  // namespace tickstone::sql
