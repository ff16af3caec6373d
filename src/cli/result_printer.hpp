// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "types/sql_type.hpp"

namespace tickstone::cli {

enum class OutputFormat : std::uint8_t { Table, Csv, Json };

/// One result as text, wherever it came from.
struct TextResult {
  struct ResultColumn {
    std::string name;
    SqlType type;
  };
  std::vector<ResultColumn> columns;  // empty: no rows, only a tag
  std::vector<std::vector<std::optional<std::string>>> rows;
  std::string tag;
};

/// Table: aligned as psql does it, numbers to the right, widths by display column of UTF-8. Csv: RFC 4180
/// with a header. Json: an array of objects, numbers and booleans bare, json inside as it is.
void print_result(std::ostream& out, const TextResult& result, OutputFormat format);

/// Terminal cells that a UTF-8 text takes.
std::size_t display_width(std::string_view text);

}  // namespace tickstone::cli
