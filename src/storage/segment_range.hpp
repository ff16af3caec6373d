// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/segment.hpp"
#include "types/column.hpp"

namespace tickstone::storage {

/// Minimum and maximum of a Flat column's values, in the order of its type; texts are cut to kRangeTextBytes,
/// the maximum upwards.
ColumnRange range_of(const ColumnView& column);

/// The most digits before the point of any value of a NUMERIC column.
int integer_digits_of(const ColumnView& column);

}  // namespace tickstone::storage
