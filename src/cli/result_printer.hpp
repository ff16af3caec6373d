// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string_view>

#include "market/connection.hpp"

namespace tickstone::cli {

enum class OutputFormat : std::uint8_t { Table, Csv, Json, JsonLines, Parquet };

using market::TextResult;

/// `table`, `csv`, `json`, `jsonl` or `parquet`; nothing for another name.
std::optional<OutputFormat> find_output_format(std::string_view name);
/// As the name of a file ends; tables for all that say nothing.
OutputFormat output_format_of_file(std::string_view path);

/// Table: aligned as psql does it, numbers to the right, widths by display column of UTF-8. Csv: RFC 4180
/// with a header. Json: an array of objects, numbers and booleans bare, json inside as it is; JsonLines: an
/// object a line. Parquet is no text: `write_parquet_result`.
void print_result(std::ostream& out, const TextResult& result, OutputFormat format);
/// Records one below the other, as psql's \x.
void print_expanded(std::ostream& out, const TextResult& result);

}  // namespace tickstone::cli
