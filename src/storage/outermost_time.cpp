// SPDX-License-Identifier: Apache-2.0
#include "storage/outermost_time.hpp"

#include <algorithm>

#include "storage/row_time.hpp"

namespace tickstone::storage {

std::optional<std::int64_t> outermost_time(const ReadView& view, TableId table, Outermost which) {
  const auto* schema = view.schema(table);
  if (schema == nullptr || !schema->time_column) return std::nullopt;
  const bool is_newest = which == Outermost::Newest;
  ScanRequest request;
  request.table = table;
  request.columns = {*schema->time_column};
  request.order = is_newest ? ScanOrder::TimeDescending : ScanOrder::TimeAscending;
  const auto scan = view.scan(request);
  const auto state = scan->make_state();
  std::optional<std::int64_t> found;
  ScanBatch batch;
  while (scan->read(*state, batch)) {
    std::int64_t last = found.value_or(is_newest ? INT64_MIN : INT64_MAX);
    for (std::size_t row = 0; row < batch.row_count; ++row) {
      const std::int64_t time = time_of(batch.columns[0], row);
      last = is_newest ? std::max(last, time) : std::min(last, time);
    }
    if (found && last == *found) continue;
    found = last;
    ColumnPredicate further;
    further.column = *schema->time_column;
    const auto bound = bound_at(schema->find(further.column)->type, last);
    (is_newest ? further.lower : further.upper) = {bound.value(), false};
    scan->tighten(further);
  }
  return found;
}

}  // namespace tickstone::storage
