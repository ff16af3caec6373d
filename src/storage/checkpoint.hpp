// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "storage/locate.hpp"
#include "storage/manifest.hpp"
#include "storage/merge_rows.hpp"
#include "storage/state.hpp"

namespace tickstone::storage {

class StoreCore;

/// Turns open chunks into segments, so that memory and the log stay bounded, and syncs what asynchronous
/// commits left.
///
/// Threads: any; it has one of its own.
class Checkpointer {
 public:
  explicit Checkpointer(StoreCore& core) : core_(core) {}
  ~Checkpointer();

  void start();
  void stop();
  /// A checkpoint on the calling thread. `is_last`: nothing follows, numbers of sequences may be kept
  /// exactly. Errors: DiskFull, IoError, DataCorrupted; what was live stays so.
  void run(bool is_last = false);
  /// Asks for one in the background when there is enough to write.
  void notice_growth();
  void request();
  /// Waits while open chunks are over their budget. Errors: of the checkpoint that should have made room.
  void wait_for_room();

  /// Under the commit mutex: commits end rows that a running checkpoint may be copying.
  void note_ends(const std::vector<RowPlace>& ends, CommitSeq seq);
  /// What the manifest on disk names.
  void set_named(std::map<std::uint64_t, std::shared_ptr<SealedSegment>> named) { named_ = std::move(named); }

  std::uint64_t checkpoint_count() const { return checkpoints_.load(std::memory_order_relaxed); }
  std::uint64_t compaction_count() const { return compactions_.load(std::memory_order_relaxed); }
  std::uint64_t written_bytes() const { return written_bytes_.load(std::memory_order_relaxed); }

 private:
  /// One chunk's layers and the segment that takes their place (nullptr where no row is left).
  struct Replaced {
    TableId table = 0;
    std::int64_t start = 0;
    std::uint32_t chunk = 0;
    std::vector<MergeInput> inputs;
    std::shared_ptr<SealedSegment> made;
  };
  struct Frozen {
    CommitSeq seq = 0;
    std::shared_ptr<const StoreState> state;
    std::uint64_t first_log_file = 0;
    std::uint32_t next_chunk = 0;
  };

  void work();
  void run_checked(bool is_last);
  Frozen freeze();
  std::vector<MergeInput> choose_inputs(const ChunkState& chunk, CommitSeq seq) const;
  void replace_layers(const TableState& table, const ChunkState& chunk, CommitSeq seq,
                      std::vector<Replaced>& replaced);
  Manifest describe(const Frozen& frozen, const std::vector<Replaced>& replaced, bool is_last) const;
  void publish(const std::vector<Replaced>& replaced);
  void keep_named(const Manifest& manifest);

  StoreCore& core_;
  std::mutex run_mutex_;  // one checkpoint at a time
  std::map<std::uint64_t, std::shared_ptr<SealedSegment>> named_;

  // Under the commit mutex.
  bool is_tracking_ = false;
  std::vector<std::pair<RowPlace, CommitSeq>> late_ends_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_requested_ = false;
  bool is_stopping_ = false;
  std::uint64_t finished_ = 0;  // checkpoints, failed ones too
  std::exception_ptr last_error_;
  std::thread thread_;

  std::atomic<bool> is_pending_{false};
  std::atomic<std::uint64_t> checkpoints_{0};
  std::atomic<std::uint64_t> compactions_{0};
  std::atomic<std::uint64_t> written_bytes_{0};
};

}  // namespace tickstone::storage
