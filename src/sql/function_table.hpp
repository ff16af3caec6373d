// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace tickstone::sql {

/// How a function of PostgreSQL is printed and what it gives.
struct FunctionRow {
  std::string_view name;
  /// Another name, or a text with $1, $2 for arguments; empty: the same name.
  std::string_view print;
  /// A type's name; `arg1`.. the type of an argument, `any` the common type of all; `elem1`, `list1` the
  /// element or the array of it; `sum`, `avg`, `math` as PostgreSQL types those; empty: not known.
  std::string_view result;
  /// Per argument, the last one repeats: what an untyped literal there is. t text, v interval, z timestamptz,
  /// s timestamp, i integer, d double, n numeric, j jsonb, a text[], b boolean, u uuid, c candlestick, x
  /// bytea, '=' the common type of all such arguments, '-' left as it is.
  std::string_view arguments;
};

/// nothing for a function that is printed as it is and whose type is not known.
const FunctionRow* find_function(std::string_view name, std::size_t argument_count);

/// Functions of the toolkit's states, which `state -> accessor()` calls too.
bool is_accessor(std::string_view name);

bool is_aggregate(std::string_view name);

}  // namespace tickstone::sql
