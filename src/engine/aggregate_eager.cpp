// SPDX-License-Identifier: Apache-2.0
// Aggregates that are current at the commit of each change.
#include <algorithm>

#include "engine/aggregate_buckets.hpp"
#include "engine/aggregate_changes.hpp"
#include "engine/aggregate_log.hpp"
#include "engine/aggregate_refresh.hpp"
#include "engine/aggregate_tracker.hpp"
#include "storage/changed_times.hpp"

namespace tickstone::engine {
namespace {

/// Changes of more buckets lock the whole aggregate.
constexpr std::size_t kMostLockedBuckets = 4096;
/// Locks of eager aggregates are locks of tables that do not exist.
constexpr storage::TableId kEagerLocks = 0xA000'0000;

/// Starts of the buckets in the ranges; nothing where there are too many.
std::vector<std::int64_t> starts_of(const storage::TimeRanges& times, const AggregateBuckets& buckets) {
  std::vector<std::int64_t> starts;
  for (const auto& range : times) {
    if (range.start == INT64_MIN || range.end == INT64_MAX) return {};
    for (std::int64_t at = range.start; at < range.end; at = buckets.end_of(at)) {
      if (starts.size() == kMostLockedBuckets) return {};
      starts.push_back(at);
    }
  }
  return starts;
}

/// Waits for others that change the same buckets: who comes second reads what the first has committed.
void lock_buckets(storage::Transaction& writes, catalog::Oid aggregate, const storage::TimeRanges& times,
                  const AggregateBuckets& buckets) {
  const auto starts = starts_of(times, buckets);
  lock_eager_aggregate(writes, aggregate, /*exclusive=*/starts.empty());
  if (starts.empty()) return;
  // Row locks of a table whose rows nobody locks otherwise. That two buckets may share one does no harm.
  Batch keys;
  keys.columns.emplace_back(SqlType::of(TypeId::BigInt));
  for (const auto start : starts) {
    const std::uint64_t mixed =
        (static_cast<std::uint64_t>(start) + aggregate * 0x9E37'79B9'7F4A'7C15ULL) * 0xD6E8'FEB8'6659'FD93ULL;
    keys.columns[0].append_fixed<std::int64_t>(static_cast<std::int64_t>(mixed >> 1));
  }
  writes.lock(kInvalidationTable, keys, UINT64_MAX);
}

}  // namespace

void lock_eager_aggregate(storage::Transaction& transaction, catalog::Oid aggregate, bool exclusive) {
  transaction.lock_table(kEagerLocks | aggregate, exclusive);
}

void maintain_eager_aggregates(SessionContext& context, storage::Transaction& writes) {
  auto& tracker = context.database().aggregates();
  if (!tracker.has_sources()) return;
  const auto sources = tracker.sources();
  // By oid: one on top of another comes after it, and all who commit take the locks in one order.
  for (const auto& source : *sources) {
    if (source.eager.empty() || !storage::ChangeReport::of(writes).has_changes(source.table)) continue;
    const auto catalog = context.catalog();
    const auto* read = catalog->find_relation(source.oid);
    if (read == nullptr) continue;
    for (const auto oid : source.eager) {
      const auto* found = catalog->find_relation(oid);
      if (found == nullptr || !found->hypertable) continue;
      const catalog::RelationObject aggregate = *found;
      const auto of_aggregate = context.database().aggregates().buckets(aggregate);
      const AggregateBuckets& buckets = *of_aggregate;
      storage::ChangedTimes asked;
      asked.width = buckets.step();
      asked.origin = buckets.origin();
      auto times = read->table() == source.table
                       ? storage::ChangeReport::of(writes).changed_times(source.table, asked)
                       : storage::TimeRanges{{}};
      for (auto& range : times) range = buckets.around(range);
      storage::normalize(times);
      if (times.empty()) continue;
      lock_buckets(writes, oid, times, buckets);
      context.use_newest_view();
      materialize(context, aggregate, times);
    }
  }
}

}  // namespace tickstone::engine
