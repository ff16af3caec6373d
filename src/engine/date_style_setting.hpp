// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "types/date_style.hpp"

namespace tickstone::engine {

/// What `SET datestyle` makes of `words` (`German`, `dmy`, `SQL, MDY`) where `present` holds: what they leave
/// out stays. Errors: InvalidParameterValue.
DateStyle read_date_style(std::string_view words, const DateStyle& present);
/// As SHOW has it: `ISO, MDY`.
std::string date_style_text(const DateStyle& style);
IntervalStyle interval_style_of(std::string_view name);

}  // namespace tickstone::engine
