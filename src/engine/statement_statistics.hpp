// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "catalog/running_counts.hpp"

namespace tickstone::engine {

/// How often and how long statements ran, by role and normalised text: what pg_stat_statements shows.
///
/// Bounded: past the most that are kept, those used least leave. Threads: any.
class StatementStatistics {
 public:
  explicit StatementStatistics(const Clock& clock, std::size_t most_statements = kMostStatements);

  static constexpr std::size_t kMostStatements = 5000;  // pg_stat_statements.max
  static constexpr std::size_t kMostTextBytes = 64 << 10;

  struct Key {
    std::int64_t user_oid = 0;
    std::int64_t query_id = 0;
    bool is_top_level = true;
    friend auto operator<=>(const Key&, const Key&) = default;
  };

  /// One statement's counts. Whoever holds it goes on counting until it `is_dropped`; then it asks again.
  class Entry {
   public:
    Entry(const Key& key, std::string text);
    void record(std::int64_t duration_ns, std::uint64_t rows);
    bool is_dropped() const { return is_dropped_.load(std::memory_order_relaxed); }

   private:
    friend class StatementStatistics;
    mutable std::mutex mutex_;
    catalog::StatementCounts counts_;
    double usage_ = 1;  // under the statistics' mutex but for `record`, which only adds
    std::atomic<bool> is_dropped_{false};
  };

  /// The entry of `statement`, made where there is none. Cost: normalises the text.
  std::shared_ptr<Entry> find_or_add(std::int64_t user_oid, bool is_top_level, std::string_view statement);

  std::vector<catalog::StatementCounts> statements() const;
  std::uint64_t deallocations() const;  // times that statements had to leave
  std::int64_t reset_time_us() const;
  /// Forgets the statements with these; zero stands for all.
  void reset(std::int64_t user_oid, std::int64_t query_id);

  // What a clean end keeps for the next start. A file that cannot be read is as none, with a warning in the
  // log; the file is removed when it is read, so that a crash later finds none that is old.
  void save(const std::filesystem::path& file) const;
  void load(const std::filesystem::path& file);

 private:
  void make_room();

  const Clock& clock_;
  const std::size_t most_;
  mutable std::mutex mutex_;
  std::map<Key, std::shared_ptr<Entry>> entries_;
  std::uint64_t deallocations_ = 0;
  std::int64_t reset_us_ = 0;
};

/// Where a statement of some shape is counted; kept with its plan, so that it is looked up once.
using StatementSlot = std::shared_ptr<StatementStatistics::Entry>;

}  // namespace tickstone::engine
