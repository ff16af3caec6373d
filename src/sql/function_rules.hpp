// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sql/translator.hpp"

/// How the rows of the function table are read.
namespace tickstone::sql {

/// The type that a letter of a row's arguments stands for.
std::optional<SqlType> type_of_code(char code);

/// The type of a row's result for these arguments; nothing where DuckDB's own is taken.
std::optional<SqlType> result_of(std::string_view rule, const std::vector<Typed>& arguments);

/// The arguments in a text with $1, $2, $*.
std::string filled_in(std::string_view print, const std::vector<Typed>& arguments);

}  // namespace tickstone::sql
