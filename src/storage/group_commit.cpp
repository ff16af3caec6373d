// SPDX-License-Identifier: Apache-2.0
#include "storage/group_commit.hpp"

#include <tickstone/error.hpp>

#include "storage/checkpoint.hpp"
#include "storage/store_core.hpp"

namespace tickstone::storage {

CommitSeq GroupCommit::commit(CommitWork& work, bool synchronous) {
  Waiter me;
  me.work = &work;
  me.is_synchronous = synchronous;
  std::vector<Waiter*> group;
  {
    std::unique_lock lock(mutex_);
    queue_.push_back(&me);
    if (is_led_) me.changed.wait(lock, [&] { return me.is_done || me.is_leader; });
    if (!me.is_done) {
      is_led_ = true;
      group.assign(queue_.begin(), queue_.end());
      queue_.clear();
    }
  }
  if (!group.empty()) {
    lead(group);
    const std::lock_guard lock(mutex_);
    for (Waiter* waiter : group) {
      if (waiter == &me) continue;
      waiter->is_done = true;
      waiter->changed.notify_one();  // under the lock: the waiter may go as soon as it is released
    }
    if (queue_.empty()) {
      is_led_ = false;
    } else {
      queue_.front()->is_leader = true;
      queue_.front()->changed.notify_one();
    }
  }
  if (!group.empty() && core_.log->wants_next()) core_.log->prepare_next();  // while others commit
  if (me.error != nullptr) std::rethrow_exception(me.error);
  return me.seq;
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
