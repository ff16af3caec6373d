// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "types/sql_type.hpp"

namespace tickstone {

/// What a length does to a text that is longer: an assignment refuses all but spaces, a cast cuts.
enum class LengthRule : std::uint8_t { Refuse, Cut };

/// `text` as a Varchar or Char of that length keeps it: cut, and for Char padded into `buffer`.
/// Errors: StringDataRightTruncation.
std::string_view fit_length(const SqlType& type, std::string_view text, LengthRule rule, std::string& buffer);

/// Microseconds rounded to the fraction digits of a time type; `from_us` is what is counted from (rounding is
/// away from it, as PostgreSQL's is from 2000-01-01). Infinities stay.
std::int64_t round_fraction(const SqlType& type, std::int64_t us, std::int64_t from_us);

}  // namespace tickstone
