// SPDX-License-Identifier: Apache-2.0
#include "engine/aggregate_refresh.hpp"

#include <algorithm>

#include <tickstone/error.hpp>

#include "engine/aggregate_buckets.hpp"
#include "engine/aggregate_changes.hpp"
#include "engine/aggregate_log.hpp"
#include "engine/aggregate_plans.hpp"
#include "engine/aggregate_tracker.hpp"
#include "engine/ddl_table.hpp"
#include "engine/rights.hpp"
#include "engine/table_schema.hpp"
#include "storage/changed_times.hpp"
#include "storage/outermost_time.hpp"

namespace tickstone::engine {
namespace {

constexpr std::string_view kCommand = "REFRESH";
/// Ranges of one aggregate that is told of changes.
constexpr std::size_t kMostMovedRanges = 8192;
/// Locks of invalidations are locks of tables that do not exist.
constexpr storage::TableId kInvalidationLocks = 0xC000'0000;
/// Rows of a materialization that are removed at once.
constexpr std::size_t kRemovedRows = 65'536;

/// What is written so far is committed; what follows sees the newest commits, statement by statement.
void start_anew(SessionContext& context) {
  if (context.in_transaction()) context.commit();
  context.begin_transaction();
  context.set_isolation(Isolation::ReadCommitted);
  context.begin_statement();
}

/// Locked so that nobody drops or changes it meanwhile.
catalog::RelationObject locked_aggregate(SessionContext& context, catalog::Oid oid) {
  for (;;) {
    const auto catalog = context.catalog();
    const auto* found = catalog->find_relation(oid);
    if (found == nullptr || !found->aggregate) {
      throw Error(ErrorCode::UndefinedTable,
                  "continuous aggregate with OID " + std::to_string(oid) + " does not exist");
    }
    if (!found->hypertable) {
      throw Error(ErrorCode::ObjectNotInPrerequisiteState,
                  "continuous aggregate \"" + found->name + "\" was made by an older version", {},
                  "Drop it and create it again.");
    }
    const auto* source = catalog->find_relation(found->aggregate->source_table);
    if (source == nullptr)
      throw Error(ErrorCode::UndefinedTable, "the hypertable of \"" + found->name + "\" does not exist");
    const catalog::RelationObject relation = *found;
    if (!context.lock_for_write(relation, kCommand)) return relation;
  }
}

void raise_threshold(SessionContext& context, catalog::Oid source, std::int64_t threshold) {
  auto& database = context.database();
  auto& tracker = database.aggregates();
  if (tracker.threshold(source) >= threshold) return;
  const auto transaction = database.store().begin();
  transaction->set_cancelled([&context] { return context.is_cancelled(); });
  // Waits for commits that have asked for the threshold and are not visible yet.
  lock_threshold(*transaction, source, /*exclusive=*/true);
  if (tracker.threshold(source) >= threshold) return;
  put_aggregate_value(*transaction, source, AggregateValue::Threshold, threshold);
  transaction->set_on_committed([&](storage::CommitSeq) { tracker.set_threshold(source, threshold); });
  transaction->commit();
}

/// Tells all aggregates of the source what has changed in it. Returns the generation that they know of now.
std::int64_t move_changes(SessionContext& context, catalog::Oid source) {
  auto& database = context.database();
  auto& tracker = database.aggregates();
  const std::lock_guard lock(tracker.log_mutex());
  const auto transaction = database.store().begin();
  const auto logged = read_logged_ranges(*transaction->read_view(), kChangeLogTable, source);
  if (logged.ranges.empty()) return tracker.generation();
  auto ranges = logged.ranges;
  storage::normalize(ranges);
  storage::coarsen(ranges, kMostMovedRanges);
  const auto sources = tracker.sources();
  const auto generation = tracker.next_generation();
  for (const auto& of : *sources) {
    if (of.oid != source) continue;
    for (const auto aggregate : of.aggregates)
      append_logged_ranges(*transaction, kInvalidationTable, aggregate, ranges, generation);
  }
  transaction->erase(kChangeLogTable, logged.keys);
  transaction->commit();
  return generation;
}

/// The buckets of the window that are not what the query gives.
storage::TimeRanges invalid_buckets(const LoggedRanges& logged, const AggregateBuckets& buckets,
                                    const storage::TimeRange& window) {
  storage::TimeRanges ranges = logged.ranges;
  storage::normalize(ranges);
  ranges = storage::intersection(ranges, window);
  for (auto& range : ranges) range = buckets.around(range);
  storage::normalize(ranges);
  return storage::intersection(ranges, window);
}

/// The window is what the query gives now, as of what was known at `generation`.
void mark_valid(SessionContext& context, const catalog::RelationObject& aggregate,
                const storage::TimeRange& window, std::int64_t generation) {
  auto& writes = context.writes(kCommand);
  writes.lock_table(kInvalidationLocks | aggregate.oid, /*exclusive=*/true);
  const auto view = writes.read_view();
  const auto logged = read_logged_ranges(*view, kInvalidationTable, aggregate.oid);
  Batch erased;
  erased.columns.emplace_back(SqlType::of(TypeId::BigInt));
  storage::TimeRanges left;
  std::int64_t left_generation = 0;
  const auto keys = logged.keys.columns[0].view();
  for (std::size_t i = 0; i < logged.ranges.size(); ++i) {
    if (logged.generations[i] > generation) continue;  // of changes that were not seen
    if (storage::intersection({logged.ranges[i]}, window).empty()) continue;
    erased.columns[0].append_fixed<std::int64_t>(static_cast<std::int64_t>(keys.integer(i)));
    for (const auto& part : storage::difference({logged.ranges[i]}, window)) left.push_back(part);
    left_generation = std::max(left_generation, logged.generations[i]);
  }
  if (erased.row_count() > 0) writes.erase(kInvalidationTable, erased);
  storage::normalize(left);
  append_logged_ranges(writes, kInvalidationTable, aggregate.oid, left, left_generation);

  const auto of_aggregate = context.database().aggregates().buckets(aggregate);
  const AggregateBuckets& buckets = *of_aggregate;
  const auto newest = storage::outermost_time(*view, aggregate.table(), storage::Outermost::Newest);
  if (!newest) return;
  const std::int64_t watermark = buckets.end_of(*newest);
  const auto before = find_aggregate_value(*view, aggregate.oid, AggregateValue::Watermark);
  if (!before || *before < watermark)
    put_aggregate_value(writes, aggregate.oid, AggregateValue::Watermark, watermark);
}

void remove_rows(SessionContext& context, const catalog::RelationObject& aggregate,
                 const storage::TimeRanges& times) {
  auto& writes = context.writes(kCommand);
  // Chunks of which something is noted stay, the rows in them go by their keys.
  const auto chunks = writes.read_view()->chunks(aggregate.table());
  const auto is_kept = [&](const storage::ChunkInfo& chunk) {
    return aggregate.hypertable->find_note(chunk.number) != nullptr;
  };
  const bool keeps_any = std::any_of(chunks.begin(), chunks.end(), is_kept);
  if (!keeps_any && times.size() == 1 && times.front() == storage::TimeRange{}) {
    writes.truncate(aggregate.table());
    return;
  }
  // Whole chunks at once, the rows of others by their keys.
  for (const auto& chunk : chunks) {
    const storage::TimeRanges whole{chunk.range};
    if (!is_kept(chunk) && storage::intersection(times, chunk.range) == whole)
      writes.drop_chunks(aggregate.table(), chunk.range);
  }
  const auto schema = storage_schema(aggregate);
  storage::ScanRequest request;
  request.table = aggregate.table();
  request.columns = storage::key_columns(schema);
  const auto view = writes.read_view();
  request.predicates.push_back(storage::only_times(times));
  const auto scan = view->scan(request);
  const auto state = scan->make_state();
  Batch keys;
  for (const auto id : request.columns) {
    keys.columns.emplace_back(id == storage::kRowIdColumn ? SqlType::of(TypeId::BigInt)
                                                          : schema.find(id)->type);
  }
  const auto flush = [&] {
    if (keys.row_count() > 0) writes.erase(aggregate.table(), keys);
    for (auto& column : keys.columns) column.clear();
  };
  storage::ScanBatch batch;
  while (scan->read(*state, batch)) {
    context.check_cancelled();
    for (std::size_t i = 0; i < keys.columns.size(); ++i) keys.columns[i].append_all(batch.columns[i]);
    if (keys.row_count() >= kRemovedRows) flush();
  }
  flush();
}

/// Buckets that were materialized already, or hold rows: later ones stay what they are, invalid.
std::int64_t reach_of(SessionContext& context, const catalog::RelationObject& aggregate,
                      const AggregateBuckets& buckets) {
  const auto catalog = context.catalog();
  const auto& source = *catalog->find_relation(aggregate.aggregate->source_table);
  const auto view = context.database().store().read_view();
  std::int64_t of_rows = INT64_MIN;
  // An eager aggregate has rows past the threshold.
  for (const auto table : {source.table(), aggregate.table()}) {
    if (const auto newest = storage::outermost_time(*view, table, storage::Outermost::Newest))
      of_rows = std::max(of_rows, buckets.end_of(*newest));
  }
  return std::max(of_rows, buckets.ceiling_of(context.database().aggregates().threshold(source.oid)));
}

/// One transaction: the window begins and ends with buckets.
RefreshOutcome refresh_window(SessionContext& context, const catalog::RelationObject& aggregate,
                              const AggregateBuckets& buckets, const storage::TimeRange& window, bool force) {
  const auto source = aggregate.aggregate->source_table;
  const std::int64_t generation = move_changes(context, source);
  if (is_eager_aggregate(aggregate)) {
    // Commits that change its buckets wait until this one is visible.
    lock_eager_aggregate(context.writes(kCommand), aggregate.oid, /*exclusive=*/true);
  }
  context.refresh_view();
  const auto logged = read_logged_ranges(context.view(), kInvalidationTable, aggregate.oid);
  const auto times = force ? storage::TimeRanges{window} : invalid_buckets(logged, buckets, window);
  if (times.empty()) return RefreshOutcome::UpToDate;
  materialize(context, aggregate, times);
  mark_valid(context, aggregate, window, generation);
  return RefreshOutcome::Refreshed;
}

/// The start of the first bucket that has rows, raw ones or materialized; the end of time without any.
std::int64_t first_bucket(SessionContext& context, const catalog::RelationObject& aggregate,
                          const AggregateBuckets& buckets) {
  const auto catalog = context.catalog();
  const auto view = context.database().store().read_view();
  std::int64_t first = INT64_MAX;
  for (const auto table :
       {catalog->find_relation(aggregate.aggregate->source_table)->table(), aggregate.table()}) {
    if (const auto oldest = storage::outermost_time(*view, table, storage::Outermost::Oldest))
      first = std::min(first, buckets.start_of(*oldest));
  }
  return first;
}

/// Windows of so many buckets each that cover what is to be aggregated anew. Nothing is before `first`.
storage::TimeRanges batches_of(const storage::TimeRanges& times, const AggregateBuckets& buckets,
                               std::int64_t first, const RefreshOptions& options) {
  storage::TimeRanges batches;
  for (const auto& range : times) {
    std::int64_t at = range.start;
    while (at < range.end) {
      storage::TimeRange batch{at, std::max(at, std::min(first, range.end))};
      for (std::int64_t i = 0; i < options.buckets_per_batch && batch.end < range.end; ++i)
        batch.end = buckets.end_of(batch.end);
      batch.end = std::min(batch.end, range.end);
      batches.push_back(batch);
      at = batch.end;
    }
  }
  if (options.newest_first) std::reverse(batches.begin(), batches.end());
  if (options.max_batches > 0 && batches.size() > static_cast<std::size_t>(options.max_batches))
    batches.resize(static_cast<std::size_t>(options.max_batches));
  return batches;
}

}  // namespace

void materialize(SessionContext& context, const catalog::RelationObject& aggregate,
                 const storage::TimeRanges& times) {
  remove_rows(context, aggregate, times);
  const SessionContext::AggregatedTimes only(context, std::make_shared<storage::TimeRanges>(times));
  const auto stream = context.aggregate_plans().open(context, aggregate);
  insert_all(context, aggregate, *stream);
}

RefreshOutcome refresh_aggregate(SessionContext& context, catalog::Oid oid, const RefreshWindow& asked,
                                 const RefreshOptions& options) {
  start_anew(context);
  auto aggregate = locked_aggregate(context, oid);
  require_sources(context, aggregate);
  const auto of_aggregate = context.database().aggregates().buckets(aggregate);
  const AggregateBuckets& buckets = *of_aggregate;
  const auto end_of_time = [](std::optional<std::int64_t> bound, std::int64_t otherwise) {
    return !bound || *bound == kTimestampInfinity || *bound == kTimestampNegInfinity ? otherwise : *bound;
  };
  storage::TimeRange window =
      buckets.within({end_of_time(asked.start, INT64_MIN), end_of_time(asked.end, INT64_MAX)});
  if (window.start >= window.end) {
    throw Error(ErrorCode::InvalidParameterValue, "refresh window too small",
                "The refresh window must cover at least one bucket of data.",
                "Align the refresh window with the bucket time zone or use at least two buckets.");
  }
  const AggregateTracker::Claim claim(context.database().aggregates(), oid, window,
                                      [&] { context.check_cancelled(); });
  window.end = std::min(window.end, reach_of(context, aggregate, buckets));
  if (window.start >= window.end) return RefreshOutcome::UpToDate;
  raise_threshold(context, aggregate.aggregate->source_table, window.end);

  storage::TimeRanges batches{window};
  if (options.buckets_per_batch > 0) {
    move_changes(context, aggregate.aggregate->source_table);
    context.refresh_view();
    const auto logged = read_logged_ranges(context.view(), kInvalidationTable, oid);
    batches =
        batches_of(options.force ? storage::TimeRanges{window} : invalid_buckets(logged, buckets, window),
                   buckets, first_bucket(context, aggregate, buckets), options);
  }
  auto outcome = RefreshOutcome::UpToDate;
  for (const auto& batch : batches) {
    if (refresh_window(context, aggregate, buckets, batch, options.force) == RefreshOutcome::Refreshed)
      outcome = RefreshOutcome::Refreshed;
    start_anew(context);
    if (&batch != &batches.back()) aggregate = locked_aggregate(context, oid);
  }
  return outcome;
}

}  // namespace tickstone::engine
