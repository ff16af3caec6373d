// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <span>
#include <vector>

#include "base/histogram.hpp"
#include "storage/log.hpp"
#include "storage/schema.hpp"
#include "storage/state_builder.hpp"

namespace tickstone::storage {

class StoreCore;

/// What a transaction does while it commits. Called by whichever committing thread leads.
class CommitWork {
 public:
  virtual ~CommitWork() = default;
  /// Checks against everything committed before. Errors end this commit alone.
  virtual void prepare(const StateBuilder& state) = 0;
  /// The log record's body; empty where nothing is to be logged.
  virtual std::span<const std::byte> record() = 0;
  virtual LogRecordKind record_kind() const = 0;
  virtual void apply(StateBuilder& state, CommitSeq seq) = 0;
};

/// Orders commits: one of the committing threads takes all that wait, logs and applies them in order, syncs
/// the log once for all and publishes them. A lone committer leads itself, with no other thread involved.
/// Who has led first wakes the next leader, then those it committed for, each at a word of its own: none of
/// them has to wait for a lock that the waker holds.
///
/// Threads: any.
class GroupCommit {
 public:
  explicit GroupCommit(StoreCore& core) : core_(core) {}

  /// Returns when the commit is visible, and durable where `synchronous`. Errors: of `prepare`; DiskFull,
  /// IoError.
  CommitSeq commit(CommitWork& work, bool synchronous);

  HistogramCounts sync_durations() const { return sync_durations_.counts(); }
  HistogramCounts group_sizes() const { return group_sizes_.counts(); }

 private:
  enum class Turn : std::uint32_t { Waits, Leads, IsDone };
  struct Waiter {
    CommitWork* work = nullptr;
    bool is_synchronous = true;
    std::atomic<Turn> turn{Turn::Waits};  // the thread sleeps on it
    CommitSeq seq = 0;
    std::exception_ptr error;
  };
  static Turn await_turn(Waiter& waiter);
  static void tell(Waiter& waiter, Turn turn);
  void lead(const std::vector<Waiter*>& group);
  void hand_over();

  StoreCore& core_;
  std::mutex mutex_;
  std::deque<Waiter*> queue_;
  bool is_led_ = false;
  LatencyHistogram sync_durations_;
  Histogram<kGroupSizeBounds> group_sizes_;
};

}  // namespace tickstone::storage
