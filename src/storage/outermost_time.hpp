// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "storage/store.hpp"

namespace tickstone::storage {

enum class Outermost : std::uint8_t { Oldest, Newest };

/// The newest or the oldest time of any row, in units of the time column; nothing where there is no row or no
/// time column. Cost: that of the parts whose minimum or maximum may be it.
std::optional<std::int64_t> outermost_time(const ReadView& view, TableId table, Outermost which);

}  // namespace tickstone::storage
