// SPDX-License-Identifier: Apache-2.0
#include "engine/aggregate_tracker.hpp"

#include <algorithm>
#include <chrono>

#include <tickstone/error.hpp>

#include "engine/aggregate_buckets.hpp"
#include "engine/aggregate_log.hpp"

namespace tickstone::engine {
namespace {

constexpr std::chrono::milliseconds kCancelPoll{20};
/// Locks of thresholds are locks of tables that do not exist: ids from here on are never given out.
constexpr storage::TableId kThresholdLocks = 0x8000'0000;
constexpr storage::TableId kRestrictedTables = 0xE000'0000;

bool overlap(const storage::TimeRange& a, const storage::TimeRange& b) {
  return a.start < b.end && b.start < a.end;
}

}  // namespace

void AggregateTracker::load(const storage::ReadView& view) {
  const std::scoped_lock lock(mutex_, log_mutex_);
  for (const auto& [source, threshold] : aggregate_values(view, AggregateValue::Threshold))
    thresholds_[source] = threshold;
  generation_ = newest_generation(view);
}

void AggregateTracker::set_catalog(const catalog::Catalog& catalog) {
  std::map<catalog::Oid, AggregateSource> by_oid;
  for (const auto* relation : catalog.relations()) {
    if (!relation->aggregate) continue;
    const auto* read = catalog.find_relation(relation->aggregate->source_table);
    if (read == nullptr) continue;
    std::shared_ptr<const AggregateBuckets> of_relation;
    try {
      of_relation = this->buckets(*relation);
    } catch (const Error&) {
      // Boundary: a catalog must be taken over. Its refresh says what is wrong with the aggregate.
      continue;
    }
    const AggregateBuckets& buckets = *of_relation;
    auto& source = by_oid[read->oid];
    source.oid = read->oid;
    source.table = read->table();
    if (source.aggregates.empty() || buckets.step() < source.step) {
      source.step = buckets.step();
      source.origin = buckets.origin();
    }
    source.aggregates.push_back(relation->oid);
    if (is_eager_aggregate(*relation)) source.eager.push_back(relation->oid);
  }
  auto sources = std::make_shared<Sources>();
  for (auto& [oid, source] : by_oid) sources->push_back(std::move(source));
  const std::scoped_lock lock(mutex_);
  has_sources_.store(!sources->empty(), std::memory_order_release);
  sources_ = std::move(sources);
}

bool is_eager_aggregate(const catalog::RelationObject& relation) {
  return relation.aggregate && std::any_of(relation.options.begin(), relation.options.end(),
                                           [](const auto& option) { return option.first == kEagerOption; });
}

std::shared_ptr<const AggregateBuckets> AggregateTracker::buckets(
    const catalog::RelationObject& aggregate) const {
  const std::string key = aggregate.aggregate->bucket_column + '\n' + aggregate.aggregate->definition_text;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = buckets_.find(aggregate.oid);
    if (found != buckets_.end() && found->second.first == key) return found->second.second;
  }
  auto made = std::make_shared<const AggregateBuckets>(aggregate);
  const std::scoped_lock lock(mutex_);
  buckets_[aggregate.oid] = {key, made};
  return made;
}

storage::TableId AggregateTracker::restricted_table(storage::TableId table, const std::string& words) {
  const std::scoped_lock lock(mutex_);
  const std::pair wanted(table, words);
  const auto found = std::find(restricted_.begin(), restricted_.end(), wanted);
  const auto index = static_cast<storage::TableId>(found - restricted_.begin());
  if (found == restricted_.end()) restricted_.push_back(wanted);
  return kRestrictedTables + index;
}

std::optional<std::pair<storage::TableId, std::string>> AggregateTracker::find_restricted_table(
    storage::TableId number) const {
  if (number < kRestrictedTables) return std::nullopt;
  const std::scoped_lock lock(mutex_);
  const std::size_t index = number - kRestrictedTables;
  return index < restricted_.size() ? std::optional(restricted_[index]) : std::nullopt;
}

std::shared_ptr<const AggregateTracker::Sources> AggregateTracker::sources() const {
  const std::scoped_lock lock(mutex_);
  return sources_;
}

std::int64_t AggregateTracker::threshold(catalog::Oid source) const {
  const std::scoped_lock lock(mutex_);
  const auto found = thresholds_.find(source);
  return found == thresholds_.end() ? INT64_MIN : found->second;
}

void AggregateTracker::set_threshold(catalog::Oid source, std::int64_t threshold) {
  const std::scoped_lock lock(mutex_);
  thresholds_[source] = threshold;
}

void AggregateTracker::forget(catalog::Oid relation) {
  const std::scoped_lock lock(mutex_);
  thresholds_.erase(relation);
  buckets_.erase(relation);
}

AggregateTracker::Claim::Claim(AggregateTracker& tracker, catalog::Oid aggregate, storage::TimeRange window,
                               const std::function<void()>& check_cancelled)
    : tracker_(tracker) {
  std::unique_lock lock(tracker_.mutex_);
  // Behind those that came before: nobody waits for ever.
  place_ = tracker_.claims_.insert(tracker_.claims_.end(), {aggregate, window});
  const auto is_first = [&] {
    return std::none_of(tracker_.claims_.begin(), place_, [&](const auto& other) {
      return other.first == aggregate && overlap(other.second, window);
    });
  };
  try {
    while (!tracker_.released_.wait_for(lock, kCancelPoll, is_first)) {
      lock.unlock();
      check_cancelled();
      lock.lock();
    }
  } catch (...) {
    lock.lock();
    tracker_.claims_.erase(place_);
    lock.unlock();
    tracker_.released_.notify_all();
    throw;
  }
}

AggregateTracker::Claim::~Claim() {
  {
    const std::scoped_lock lock(tracker_.mutex_);
    tracker_.claims_.erase(place_);
  }
  tracker_.released_.notify_all();
}

bool lock_threshold(storage::Transaction& transaction, catalog::Oid source, bool exclusive) {
  return transaction.lock_table(kThresholdLocks | source, exclusive);
}

}  // namespace tickstone::engine
