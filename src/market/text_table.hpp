// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "market/connection.hpp"

namespace tickstone::market {

/// Aligned as psql does it: numbers to the right, widths by display column of UTF-8, names in the middle,
/// without the line that counts the rows.
std::string text_table(const TextResult& result);

/// Terminal cells that a UTF-8 text takes.
std::size_t display_width(std::string_view text);

/// Numbers, which a table sets to the right and JSON writes bare.
bool is_number(const SqlType& type);

}  // namespace tickstone::market
