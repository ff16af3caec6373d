// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.hpp"
#include "storage/store.hpp"
#include "storage/time_ranges.hpp"

namespace tickstone::engine {

class AggregateBuckets;

/// Kept among a relation's options, which are not shown.
inline constexpr const char* kEagerOption = "tickstone.eager";
inline constexpr const char* kSearchPathOption = "tickstone.search_path";  // schemas, one a line
bool is_eager_aggregate(const catalog::RelationObject& relation);

/// A hypertable or an aggregate that continuous aggregates read from.
struct AggregateSource {
  catalog::Oid oid = 0;
  storage::TableId table = 0;
  std::vector<catalog::Oid> aggregates;
  std::vector<catalog::Oid> eager;  // of those
  // What its changes are logged in whole multiples of.
  std::int64_t step = 1, origin = 0;
};

/// What a database knows of its continuous aggregates beside the catalog: who reads from what, up to where
/// changes must be logged, which refreshes run. Threads: any.
class AggregateTracker {
 public:
  using Sources = std::vector<AggregateSource>;  // by oid

  /// Thresholds and generations of a store that was opened.
  void load(const storage::ReadView& view);
  void set_catalog(const catalog::Catalog& catalog);
  bool has_sources() const { return has_sources_.load(std::memory_order_acquire); }
  std::shared_ptr<const Sources> sources() const;

  /// Changes of the source before it must be logged; INT64_MIN: none. Stable for who holds the source's
  /// threshold lock, see `lock_threshold`.
  std::int64_t threshold(catalog::Oid source) const;
  void set_threshold(catalog::Oid source, std::int64_t threshold);
  void forget(catalog::Oid relation);

  /// Cost: a look-up, but for the first time.
  std::shared_ptr<const AggregateBuckets> buckets(const catalog::RelationObject& aggregate) const;

  /// A table of which a scan reads some rows has a number of its own, that of no table: the same for the same
  /// table and words.
  storage::TableId restricted_table(storage::TableId table, const std::string& words);
  std::optional<std::pair<storage::TableId, std::string>> find_restricted_table(
      storage::TableId number) const;

  /// Held while the change log of a source is moved to its aggregates.
  std::mutex& log_mutex() { return log_mutex_; }
  /// Under `log_mutex`.
  std::int64_t generation() const { return generation_; }
  std::int64_t next_generation() { return ++generation_; }

  /// The right to refresh a window of an aggregate, to the end of its life: overlapping ones wait.
  class Claim {
   public:
    Claim(AggregateTracker& tracker, catalog::Oid aggregate, storage::TimeRange window,
          const std::function<void()>& check_cancelled);
    ~Claim();
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

   private:
    AggregateTracker& tracker_;
    std::list<std::pair<catalog::Oid, storage::TimeRange>>::iterator place_;
  };

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Sources> sources_ = std::make_shared<Sources>();
  std::atomic<bool> has_sources_{false};
  std::map<catalog::Oid, std::int64_t> thresholds_;
  mutable std::map<catalog::Oid, std::pair<std::string, std::shared_ptr<const AggregateBuckets>>> buckets_;
  std::vector<std::pair<storage::TableId, std::string>> restricted_;
  std::mutex log_mutex_;
  std::int64_t generation_ = 0;
  std::list<std::pair<catalog::Oid, storage::TimeRange>> claims_;
  std::condition_variable released_;
};

/// Who commits changes of the source holds this lock shared from asking for the threshold until the commit is
/// visible; who raises the threshold holds it alone.
bool lock_threshold(storage::Transaction& transaction, catalog::Oid source, bool exclusive);

}  // namespace tickstone::engine
