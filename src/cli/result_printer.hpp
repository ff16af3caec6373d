// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <ostream>

#include "market/connection.hpp"

namespace tickstone::cli {

enum class OutputFormat : std::uint8_t { Table, Csv, Json };

using market::TextResult;

/// Table: aligned as psql does it, numbers to the right, widths by display column of UTF-8. Csv: RFC 4180
/// with a header. Json: an array of objects, numbers and booleans bare, json inside as it is.
void print_result(std::ostream& out, const TextResult& result, OutputFormat format);

}  // namespace tickstone::cli
