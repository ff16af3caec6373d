// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "storage/group_commit.hpp"
#include "storage/locate.hpp"
#include "storage/lock_table.hpp"
#include "storage/log.hpp"
#include "storage/manifest.hpp"
#include "storage/read_view.hpp"
#include "storage/segment.hpp"
#include "storage/sequences.hpp"
#include "storage/store.hpp"

namespace tickstone::storage {

class Checkpointer;
class Compactor;
class EndsTracker;

/// What the parts of an open store share.
class StoreCore {
 public:
  StoreCore(std::filesystem::path directory, const StoreOptions& options);
  ~StoreCore();

  Snapshot snapshot() const {
    const std::lock_guard lock(snapshot_mutex_);
    return snapshot_;
  }
  void publish(Snapshot snapshot) {
    const std::lock_guard lock(snapshot_mutex_);
    std::swap(snapshot_, snapshot);  // the old state is let go of after the lock
  }
  std::uint64_t next_version() { return next_version_.fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t next_transaction() { return next_transaction_.fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t next_segment_number() { return next_segment_.fetch_add(1, std::memory_order_relaxed); }
  void set_next_transaction(std::uint64_t next) { next_transaction_.store(next, std::memory_order_relaxed); }
  void set_next_segment_number(std::uint64_t next) { next_segment_.store(next, std::memory_order_relaxed); }
  std::uint64_t segment_number_after_all() const { return next_segment_.load(std::memory_order_relaxed); }

  std::filesystem::path log_directory() const { return directory / "log"; }
  std::filesystem::path segment_directory() const { return directory / "segments"; }
  std::filesystem::path segment_path(std::uint64_t number) const {
    return segment_directory() / SealedSegment::file_name(number);
  }

  /// The manifest on disk, the segments that it names and those that only the log does.
  void set_manifest(Manifest manifest, std::map<std::uint64_t, std::shared_ptr<SealedSegment>> named,
                    std::vector<std::shared_ptr<SealedSegment>> logged);
  void start_background();
  void stop_background();
  /// Holds up a commit of `bytes` while open chunks are at their budget and a checkpoint can help.
  void wait_for_room(std::size_t bytes);
  /// A number for a chunk that a transaction is going to make.
  std::uint32_t reserve_chunk_number();
  /// Under the commit mutex: commits end rows that someone may be copying.
  void note_ends(const std::vector<RowPlace>& ends, CommitSeq seq);

  /// A transaction's rows are in the log from this file on; kept until `forget_log_use`.
  void note_log_use(std::uint64_t transaction, std::uint64_t file);
  void forget_log_use(std::uint64_t transaction);
  /// The least file that a running transaction has rows in, or `otherwise`.
  std::uint64_t first_used_log_file(std::uint64_t otherwise) const;

  const std::filesystem::path directory;
  const StoreOptions options;
  FileSystem& files;
  const std::shared_ptr<BlockCache> block_cache;
  const std::shared_ptr<ReaderRegistry> readers;
  std::unique_ptr<Log> log;  // nullptr when read-only
  LockTable locks;
  GroupCommit commits;
  Sequences sequences;
  std::unique_ptr<Checkpointer> checkpointer;  // nullptr when read-only
  std::unique_ptr<Compactor> compactor;        // nullptr when read-only

  /// Held while commits are applied and while the log is rotated: what is applied and the log agree under it.
  std::mutex commit_mutex;
  CommitSeq applied_seq = 0;                // under `commit_mutex`
  std::vector<EndsTracker*> ends_trackers;  // under `commit_mutex`

  std::atomic<std::int64_t> open_bytes{0};
  std::atomic<std::uint64_t> commit_count{0};
  std::atomic<std::uint64_t> early_segment_bytes{0};  // written by transactions before they committed

 private:
  mutable std::mutex snapshot_mutex_;
  Snapshot snapshot_;
  std::atomic<std::uint64_t> next_version_{1};
  std::atomic<std::uint64_t> next_transaction_{1};
  std::atomic<std::uint64_t> next_segment_{1};
  Manifest manifest_at_start_;
  std::map<std::uint64_t, std::shared_ptr<SealedSegment>> named_at_start_;
  std::vector<std::shared_ptr<SealedSegment>> logged_at_start_;
  mutable std::mutex log_use_mutex_;
  std::map<std::uint64_t, std::uint64_t> log_use_;  // transaction: file
};

}  // namespace tickstone::storage
