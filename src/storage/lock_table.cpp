// SPDX-License-Identifier: Apache-2.0
#include "storage/lock_table.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include <tickstone/error.hpp>

namespace tickstone::storage {

namespace {

/// How often a waiter asks whether its statement was cancelled.
constexpr std::chrono::milliseconds kCancelPoll{20};

std::uint64_t lock_id(TableId table, std::uint64_t key_hash) {
  return key_hash ^ (table * 0x9E3779B97F4A7C15ULL);
}

}  // namespace

bool LockTable::closes_circle(const Owner& owner, std::uint64_t lock) const {
  // Every owner waits for one lock at most, so the graph of who waits for whom is a path.
  for (;;) {
    const auto found = locks_.find(lock);
    if (found == locks_.end()) return false;
    const Owner* next = found->second.owner;
    if (next == &owner) return true;
    if (next == nullptr || !next->is_waiting_) return false;
    lock = next->awaited_;
  }
}

bool LockTable::lock(Owner& owner, TableId table, std::uint64_t key_hash, bool no_wait,
                     const std::function<bool()>& cancelled) {
  const std::uint64_t id = lock_id(table, key_hash);
  std::unique_lock guard(mutex_);
  Lock& lock = locks_[id];
  if (lock.owner == &owner) return false;
  if (lock.owner == nullptr) {
    lock.owner = &owner;
    owner.held_.push_back(id);
    return false;
  }
  if (no_wait) throw Error(ErrorCode::LockNotAvailable, "could not obtain lock on row");
  if (closes_circle(owner, id)) {
    throw Error(
        ErrorCode::DeadlockDetected, "deadlock detected",
        fmt::format("Transaction {} waits for a row lock of transaction {}, which waits for it in turn.",
                    owner.transaction_, lock.owner->transaction_),
        "Lock rows in the same order in every transaction, or retry the transaction.")
        .damaging(Damage::Transaction);
  }
  lock.waiters.push_back(&owner);
  owner.awaited_ = id;
  owner.is_waiting_ = true;
  while (owner.is_waiting_) {
    owner.granted_.wait_for(guard, kCancelPoll);
    if (!owner.is_waiting_ || !cancelled) continue;
    guard.unlock();
    const bool is_cancelled = cancelled();
    guard.lock();
    if (!is_cancelled || !owner.is_waiting_) continue;
    auto& waiters = locks_[id].waiters;
    waiters.erase(std::find(waiters.begin(), waiters.end(), &owner));
    owner.is_waiting_ = false;
    throw Error(ErrorCode::QueryCanceled, "canceling statement due to user request");
  }
  return true;
}

void LockTable::pass_on(std::uint64_t id) {
  const auto found = locks_.find(id);
  Lock& lock = found->second;
  if (lock.waiters.empty()) {
    locks_.erase(found);
    return;
  }
  Owner* next = lock.waiters.front();
  lock.waiters.erase(lock.waiters.begin());
  lock.owner = next;
  next->held_.push_back(id);
  next->is_waiting_ = false;
  next->granted_.notify_one();
}

void LockTable::release_all(Owner& owner) noexcept {
  if (owner.held_.empty()) return;
  const std::lock_guard guard(mutex_);
  for (const std::uint64_t id : owner.held_) pass_on(id);
  owner.held_.clear();
}

}  // namespace tickstone::storage
