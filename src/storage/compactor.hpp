// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>
#include <vector>

#include "storage/compaction_policy.hpp"
#include "storage/replaced_layers.hpp"

namespace tickstone::storage {

class LiveManifest;
class StoreCore;

/// Merges segments in the background, as `compaction_policy.hpp` says: copy, verify, swap. Works at a pace
/// that grows with what there is to do, so that queries and ingest keep theirs.
///
/// Threads: any; it has one of its own.
class Compactor {
 public:
  Compactor(StoreCore& core, LiveManifest& manifest);
  ~Compactor();

  void start();
  void stop();
  /// There are new segments, or rows have ended.
  void wake();
  /// All that is due, on the calling thread and without pause. Errors: DiskFull, IoError, DataCorrupted.
  void run_all();
  /// All that is to be done for one chunk that takes no more rows. The same errors.
  void settle(TableId table, std::int64_t start, std::uint32_t chunk);
  /// A chunk has got a segment from open chunks.
  void note_growth(std::uint32_t chunk);

  std::uint64_t compaction_count() const { return compactions_.load(std::memory_order_relaxed); }
  std::uint64_t written_bytes() const { return written_bytes_.load(std::memory_order_relaxed); }
  std::uint64_t failure_count() const { return failures_.load(std::memory_order_relaxed); }
  /// Bytes of segments that are to be merged now.
  std::uint64_t backlog_bytes() const { return backlog_bytes_.load(std::memory_order_relaxed); }
  /// The most segments in any chunk that may hold one key.
  std::size_t depth() const { return depth_.load(std::memory_order_relaxed); }

 private:
  struct Job {
    TableId table = 0;
    std::int64_t start = 0;
    std::uint32_t chunk = 0;
    std::size_t depth = 0;
    std::uint64_t bytes = 0;
    CompactionChoice choice;
  };
  struct Stopped {};

  void work();
  bool run_round(bool is_paced);
  std::vector<Job> find_jobs();
  CompactionRules rules() const;
  bool run_some(std::vector<Job> jobs, bool is_paced);
  void run_jobs(const std::vector<Job>& jobs, bool is_paced);
  void pace(std::uint64_t bytes);
  ChunkActivity activity_of(const TableState& table, const ChunkState& chunk, std::int64_t now_ns);

  StoreCore& core_;
  LiveManifest& manifest_;
  std::mutex run_mutex_;                   // one round at a time
  std::set<std::uint32_t> failed_chunks_;  // with damaged segments: left alone; under `run_mutex_`

  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_woken_ = false;
  bool is_stopping_ = false;
  std::unordered_map<std::uint32_t, std::int64_t> grown_ns_;  // chunk: when it last grew
  std::int64_t opened_ns_ = 0;
  std::thread thread_;

  double allowance_bytes_ = 0;  // the working thread's
  std::int64_t allowed_ns_ = 0;
  std::atomic<std::uint64_t> compactions_{0};
  std::atomic<std::uint64_t> written_bytes_{0};
  std::atomic<std::uint64_t> failures_{0};
  std::atomic<std::uint64_t> backlog_bytes_{0};
  std::atomic<std::size_t> depth_{0};
};

}  // namespace tickstone::storage
