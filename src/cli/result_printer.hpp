// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <ostream>

#include "market/connection.hpp"

namespace tickstone::cli {

enum class OutputFormat : std::uint8_t { Table, Csv, Json, JsonLines };

using market::TextResult;

/// Table: aligned as psql does it, numbers to the right, widths by display column of UTF-8. Csv: RFC 4180
/// with a header. Json: an array of objects, numbers and booleans bare, json inside as it is; JsonLines: an
/// object a line.
void print_result(std::ostream& out, const TextResult& result, OutputFormat format);
/// Records one below the other, as psql's \x.
void print_expanded(std::ostream& out, const TextResult& result);

}  // namespace tickstone::cli
