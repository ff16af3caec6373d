// SPDX-License-Identifier: Apache-2.0
#include "engine/aggregate_changes.hpp"

#include "engine/aggregate_log.hpp"
#include "engine/aggregate_tracker.hpp"
#include "storage/changed_times.hpp"

namespace tickstone::engine {

void log_aggregate_changes(SessionContext& context, storage::Transaction& writes) {
  auto& tracker = context.database().aggregates();
  if (!tracker.has_sources()) return;
  const auto sources = tracker.sources();
  // By oid, so that those who commit at once take the locks in one order.
  for (const auto& source : *sources) {
    if (!storage::ChangeReport::of(writes).has_changes(source.table)) continue;
    bool is_rewritten = false;
    if (context.has_catalog_edit()) {
      const auto* now = context.catalog()->find_relation(source.oid);
      if (now == nullptr) continue;  // dropped, and its aggregates with it
      is_rewritten = now->table() != source.table;
    }
    lock_threshold(writes, source.oid, /*exclusive=*/false);
    const std::int64_t threshold = tracker.threshold(source.oid);
    if (threshold == INT64_MIN) continue;
    storage::ChangedTimes asked;
    asked.within.end = threshold;
    asked.width = source.step;
    asked.origin = source.origin;
    // Rows of a rewritten table may have changed with it: no telling which.
    const auto ranges = is_rewritten ? storage::TimeRanges{asked.within}
                                     : storage::ChangeReport::of(writes).changed_times(source.table, asked);
    append_logged_ranges(writes, kChangeLogTable, source.oid, ranges);
  }
}

}  // namespace tickstone::engine
