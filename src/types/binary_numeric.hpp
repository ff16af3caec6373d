// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "types/decimal.hpp"

namespace tickstone {

/// What a NUMERIC of 128 bits takes at most: length, four numbers before the digits, and groups of four
/// digits.
inline constexpr std::size_t kMostNumericFieldBytes = 12 + 2 * 12;
/// NUMERIC as PostgreSQL sends it, with its length before it. Returns the end of what is written.
char* put_numeric_field(char* at, Int128 unscaled, int scale);
/// A number past 38 digits, which travels as its text: `-123.45`, without trailing zeros.
void append_numeric_field(std::string& out, std::string_view text);

/// What PostgreSQL's receive function reads. Errors: InvalidBinaryRepresentation (22P03), and those of
/// `parse_decimal`.
Decimal receive_decimal(std::string_view bytes);
/// The same times 10^`scale`, of everyday numbers: at most four groups, not finer than `scale`, of at most 18
/// digits then. Empty for others, right or wrong.
std::optional<std::int64_t> receive_short_decimal(std::string_view bytes, int scale);

}  // namespace tickstone
