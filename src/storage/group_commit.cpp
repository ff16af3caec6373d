// SPDX-License-Identifier: Apache-2.0
#include "storage/group_commit.hpp"

#include <utility>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <tickstone/error.hpp>

#include "storage/checkpoint.hpp"
#include "storage/store_core.hpp"

namespace tickstone::storage {

/// Sleeps until the waiter is told something.
GroupCommit::Turn GroupCommit::await_turn(Waiter& waiter) {
  for (;;) {
    const Turn turn = waiter.turn.load(std::memory_order_acquire);
    if (turn != Turn::Waits) return turn;
    ::syscall(SYS_futex, &waiter.turn, FUTEX_WAIT_PRIVATE, static_cast<std::uint32_t>(Turn::Waits), nullptr,
              nullptr, 0);
  }
}

/// The waiter may be gone as soon as its turn is set: the kernel is given its address alone, and a thread
/// that sleeps at that place for another reason looks again.
void GroupCommit::tell(Waiter& waiter, Turn turn) {
  static_assert(sizeof(waiter.turn) == sizeof(std::uint32_t));
  void* const address = &waiter.turn;
  waiter.turn.store(turn, std::memory_order_release);
  ::syscall(SYS_futex, address, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

CommitSeq GroupCommit::commit(CommitWork& work, bool synchronous) {
  Waiter me;
  me.work = &work;
  me.is_synchronous = synchronous;
  bool leads = false;
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(&me);
    leads = !std::exchange(is_led_, true);
  }
  if (!leads) leads = await_turn(me) == Turn::Leads;
  if (leads) {
    std::vector<Waiter*> group;
    {
      const std::lock_guard lock(mutex_);
      group.assign(queue_.begin(), queue_.end());
      queue_.clear();
    }
    lead(group);
    hand_over();
    for (Waiter* waiter : group) {
      if (waiter != &me) tell(*waiter, Turn::IsDone);
    }
    if (core_.log->wants_next()) core_.log->prepare_next();  // while others commit
  }
  if (me.error != nullptr) std::rethrow_exception(me.error);
  return me.seq;
}

/// To the first of those that have come meanwhile.
void GroupCommit::hand_over() {
  Waiter* next = nullptr;
  {
    const std::lock_guard lock(mutex_);
    is_led_ = !queue_.empty();
    if (is_led_) next = queue_.front();
  }
  if (next != nullptr) tell(*next, Turn::Leads);
}

void GroupCommit::lead(const std::vector<Waiter*>& group) {
  const std::lock_guard lock(core_.commit_mutex);
  try {
    core_.log->check_usable();
  } catch (...) {
    // Boundary: commits were applied that are not durable. They must not be published with later ones.
    for (Waiter* waiter : group) waiter->error = std::current_exception();
    return;
  }
  StateBuilder builder(core_.snapshot().state);
  CommitSeq seq = core_.applied_seq;
  bool must_sync = false;
  for (Waiter* waiter : group) {
    try {
      waiter->work->prepare(builder);
      const auto record = waiter->work->record();
      if (!record.empty()) {
        core_.log->append(waiter->work->record_kind(), seq + 1, record);
        must_sync |= waiter->is_synchronous;
      }
      try {
        waiter->work->apply(builder, seq + 1);
      } catch (...) {
        // Boundary: logged and half applied. Nothing after it may commit; recovery will bring it all.
        core_.log->fail();
        throw;
      }
      waiter->seq = ++seq;
    } catch (...) {
      // Boundary: the error belongs to the waiter's thread.
      waiter->error = std::current_exception();
    }
  }
  if (must_sync) {
    try {
      const auto started_ns = core_.options.clock->monotonic_ns();
      core_.log->sync();
      sync_durations_.record(static_cast<std::uint64_t>(core_.options.clock->monotonic_ns() - started_ns));
    } catch (...) {
      // Boundary: what was applied is never published; the log refuses everything from now on.
      for (Waiter* waiter : group) {
        if (waiter->error == nullptr) waiter->error = std::current_exception();
      }
      core_.applied_seq = seq;
      return;
    }
  }
  if (seq > core_.applied_seq) group_sizes_.record(seq - core_.applied_seq);
  core_.commit_count.fetch_add(seq - core_.applied_seq, std::memory_order_relaxed);
  core_.applied_seq = seq;
  core_.open_bytes.fetch_add(builder.grown_bytes(), std::memory_order_relaxed);
  const bool drops_segments = builder.drops_segments();
  core_.publish({seq, builder.finish()});
  if (core_.checkpointer == nullptr) return;
  core_.checkpointer->notice_growth();
  if (drops_segments) core_.checkpointer->request_reclaim();
}

}  // namespace tickstone::storage
