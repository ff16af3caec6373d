// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tickstone {

/// Seconds east of UTC of an abbreviation of dates' text and AT TIME ZONE, lower case: `est`, `cest`, `z`.
/// Names of several meanings have PostgreSQL's default one (`ist` is Israel's).
std::optional<std::int32_t> zone_abbreviation_offset(std::string_view lower_case);

}  // namespace tickstone
