// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "storage/store.hpp"

namespace tickstone::storage {

/// The newest row of one series within a range of time.
struct NewestRowRequest {
  TableId table = 0;
  std::span<const Value> series;  // by column of the series key, of the columns' types, not NULL
  std::int64_t low = INT64_MIN;   // both inclusive
  std::int64_t high = INT64_MAX;
  std::span<const ColumnId> columns;
};

enum class NewestRow : std::uint8_t {
  None,
  Found,
  Unsure,  // a scan must tell: rows of the transaction's own, several rows with that time, another layout
};

/// Appends the row's cells to `out`, which has a column for each of the request's, in the table's layout.
/// Cost: for each chunk from the newest on, until one has the row, a search of each layer's directory of
/// series; then a block, or a cell of an open chunk, for each column. Errors: as of a scan.
NewestRow read_newest_row(const ReadView& view, const NewestRowRequest& request, std::vector<Column>& out);

}  // namespace tickstone::storage
