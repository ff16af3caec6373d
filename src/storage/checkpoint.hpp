// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "storage/live_manifest.hpp"
#include "storage/pinned_store.hpp"
#include "storage/replaced_layers.hpp"
#include "storage/state.hpp"

namespace tickstone::storage {

class StoreCore;

/// Turns open chunks into segments, so that memory and the log stay bounded; gives back the space of what was
/// dropped; syncs what asynchronous commits left. Merging segments is not its business (`compactor.hpp`).
///
/// Threads: any; it has one of its own.
class Checkpointer {
 public:
  explicit Checkpointer(StoreCore& core) : core_(core), manifest_(core) {}
  ~Checkpointer();

  void start();
  void stop();
  /// A checkpoint on the calling thread. `is_last`: nothing follows, numbers of sequences may be kept
  /// exactly. Errors: DiskFull, IoError, DataCorrupted; what was live stays so.
  void run(bool is_last = false);
  /// What is committed now. A manifest alone is no commit: compaction and drops go ahead of it, and the log
  /// brings the rest up to them. Errors: DiskFull, IoError.
  PinnedStore pin();
  /// Asks for one in the background when there is enough to write.
  void notice_growth();
  void request();
  /// Chunks with segments were dropped: their space is to be given back.
  void request_reclaim();
  /// Waits while open chunks are over their budget; a little before, so that commits of `bytes` come no
  /// faster than rows are sealed. Errors: of the checkpoint that should have made room.
  void wait_for_room(std::size_t bytes);

  LiveManifest& manifest() { return manifest_; }

  struct Counters {
    std::atomic<std::uint64_t> checkpoints{0};
    std::atomic<std::uint64_t> written_bytes{0};
    std::atomic<std::uint64_t> reclaimed_segments{0};
    std::atomic<std::uint64_t> stalls{0};  // commits that were held up
    std::atomic<std::uint64_t> stall_us{0};
  };
  const Counters& counters() const { return counters_; }

 private:
  struct Frozen {
    CommitSeq seq = 0;
    std::shared_ptr<const StoreState> state;
    std::uint64_t first_log_file = 0;
    std::uint32_t next_chunk = 0;
  };

  void work();
  void warn_of_long_reader() const;
  void run_checked(bool is_last);
  void reclaim();
  Frozen freeze(EndsTracker& tracker);
  Manifest describe(const Frozen& frozen, const std::vector<ReplacedLayers>& replaced, bool is_last,
                    std::vector<std::shared_ptr<SealedSegment>>& made);
  void publish(EndsTracker& tracker, const std::vector<ReplacedLayers>& replaced);
  void wait_until_below_budget();
  void slow_down(std::size_t bytes);

  StoreCore& core_;
  LiveManifest manifest_;
  std::mutex run_mutex_;  // one checkpoint at a time

  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_requested_ = false;
  bool is_reclaim_requested_ = false;
  bool is_stopping_ = false;
  std::uint64_t finished_ = 0;  // checkpoints, failed ones too
  std::exception_ptr last_error_;
  std::thread thread_;

  std::atomic<bool> is_pending_{false};
  std::atomic<std::int64_t> oldest_open_ns_{0};  // when open chunks began to fill; 0: they are empty
  std::atomic<double> seal_bytes_per_us_{100.0};
  Counters counters_;
};

}  // namespace tickstone::storage
