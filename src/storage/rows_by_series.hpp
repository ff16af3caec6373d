// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "storage/open_chunk.hpp"
#include "storage/schema.hpp"
#include "types/column.hpp"

namespace tickstone::storage {

/// The rows of a large batch (`picked` of them, or all where it is empty) so that those of one series lie
/// side by side, each series' in the order they came: what is later read by series is then read in runs.
/// Empty where that gains nothing: they lie so already, are few, or of too many series; or where it could
/// change which of two rows with one key comes first.
std::vector<RowNumber> rows_by_series(const TableSchema& schema, const std::vector<ColumnView>& columns,
                                      const std::vector<RowNumber>& picked);

}  // namespace tickstone::storage
