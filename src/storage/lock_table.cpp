// SPDX-License-Identifier: Apache-2.0
#include "storage/lock_table.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "base/check.hpp"

namespace tickstone::storage {

namespace {

/// How often a waiter asks whether its statement was cancelled.
constexpr std::chrono::milliseconds kCancelPoll{20};
/// Stands for a table as a whole among the hashes of its keys.
constexpr std::uint64_t kWholeTable = 0x5DEECE66D1CE4E5BULL;

/// Of a transaction of a row or two.
constexpr std::size_t kFewLocks = 4;

std::uint64_t lock_id(TableId table, std::uint64_t key_hash) {
  return key_hash ^ (table * 0x9E3779B97F4A7C15ULL);
}

/// PostgreSQL's table of row lock modes.
bool conflict(LockMode a, LockMode b) {
  if (a > b) std::swap(a, b);
  switch (b) {
    case LockMode::Update:
      return true;
    case LockMode::NoKeyUpdate:
      return a != LockMode::KeyShare;
    case LockMode::Share:
    case LockMode::KeyShare:
      return false;
  }
  return true;
}

}  // namespace

LockTable::Grant* LockTable::Lock::find(const Owner* owner) {
  if (first.owner == owner) return &first;
  for (Grant& grant : others) {
    if (grant.owner == owner) return &grant;
  }
  return nullptr;
}

void LockTable::Lock::add(Grant grant) {
  if (first.owner == nullptr) {
    first = grant;
  } else {
    others.push_back(grant);
  }
}

void LockTable::Lock::remove(const Owner* owner) {
  if (first.owner == owner) {
    first = others.empty() ? Grant{} : others.back();
    if (!others.empty()) others.pop_back();
    return;
  }
  std::erase_if(others, [&](const Grant& grant) { return grant.owner == owner; });
}

bool LockTable::Lock::conflicts(const Owner* owner, LockMode mode) const {
  bool found = false;
  each_grant([&](const Grant& grant) { found |= grant.owner != owner && conflict(grant.mode, mode); });
  return found;
}

/// Who has to end before `owner` can have the lock: holders, and those that are served before.
std::vector<const LockTable::Owner*> LockTable::blockers(const Lock& lock, const Owner* owner,
                                                         LockMode mode) const {
  std::vector<const Owner*> found;
  bool is_holder = false;
  lock.each_grant([&](const Grant& grant) {
    is_holder |= grant.owner == owner;
    if (grant.owner != owner && conflict(grant.mode, mode)) found.push_back(grant.owner);
  });
  for (const Grant& waiter : lock.waiters) {
    if (waiter.owner == owner) break;
    if (!is_holder && conflict(waiter.mode, mode)) found.push_back(waiter.owner);
  }
  return found;
}

/// Where waiting for the lock would wait for oneself: the blocker by way of which. Else nullptr.
const LockTable::Owner* LockTable::who_closes_circle(const Owner& owner, const Lock& lock,
                                                     LockMode mode) const {
  std::vector<const Owner*> visited;
  std::vector<std::pair<const Owner*, const Owner*>> open;  // whom to look at, and by way of whom
  for (const Owner* blocker : blockers(lock, &owner, mode)) open.emplace_back(blocker, blocker);
  while (!open.empty()) {
    const auto [next, by_way_of] = open.back();
    open.pop_back();
    if (next == &owner) return by_way_of;
    if (!next->is_waiting_ || std::find(visited.begin(), visited.end(), next) != visited.end()) continue;
    visited.push_back(next);
    const Lock& awaited = locks_.at(next->awaited_);
    const auto waiting = std::find_if(awaited.waiters.begin(), awaited.waiters.end(),
                                      [&](const Grant& waiter) { return waiter.owner == next; });
    TICKSTONE_CHECK(waiting != awaited.waiters.end());
    for (const Owner* blocker : blockers(awaited, next, waiting->mode)) open.emplace_back(blocker, by_way_of);
  }
  return nullptr;
}

void LockTable::grant(Owner& owner, std::uint64_t id, Lock& lock, LockMode mode) {
  if (owner.held_.empty()) owner.held_.reserve(kFewLocks);
  if (Grant* own = lock.find(&owner); own != nullptr) {
    owner.held_.push_back({id, own->mode});
    own->mode = mode;
    return;
  }
  owner.held_.push_back({id, std::nullopt});
  lock.add({&owner, mode});
}

LockTable::Outcome LockTable::lock(Owner& owner, TableId table, std::uint64_t key_hash, LockMode mode,
                                   const Patience& patience) {
  return take(owner, lock_id(table, key_hash), table, false, mode, patience);
}

LockTable::Outcome LockTable::lock_table(Owner& owner, TableId table, LockMode mode,
                                         const Patience& patience) {
  return take(owner, lock_id(table, kWholeTable), table, true, mode, patience);
}

LockTable::Outcome LockTable::take(Owner& owner, std::uint64_t id, TableId table, bool is_of_table,
                                   LockMode mode, const Patience& patience) {
  std::unique_lock guard(mutex_);
  Lock& lock = locks_[id];
  const Grant* own = lock.find(&owner);
  if (own != nullptr && own->mode >= mode) return Outcome::Taken;
  lock.table = table;
  lock.is_of_table = is_of_table;
  if (blockers(lock, &owner, mode).empty()) {
    grant(owner, id, lock, mode);
    return Outcome::Taken;
  }
  if (patience.no_wait) return Outcome::NotAvailable;
  if (const Owner* other = who_closes_circle(owner, lock, mode); other != nullptr) {
    throw Error(
        ErrorCode::DeadlockDetected, "deadlock detected",
        fmt::format("Process {} waits for a lock of transaction {}; blocked by process {}, which waits "
                    "for transaction {} in turn.",
                    owner.session_, other->transaction_, other->session_, owner.transaction_),
        "Lock rows in the same order in every transaction, or retry the transaction.")
        .damaging(Damage::Transaction);
  }
  // One that makes its lock stronger comes before those that have none yet: they wait for it anyway.
  const Grant request{&owner, mode};
  if (own != nullptr) {
    lock.waiters.insert(lock.waiters.begin(), request);
  } else {
    lock.waiters.push_back(request);
  }
  owner.awaited_ = id;
  owner.is_waiting_ = true;
  const auto give_up = [&] {
    std::erase_if(locks_[id].waiters, [&](const Grant& waiter) { return waiter.owner == &owner; });
    owner.is_waiting_ = false;
    serve_waiters(id);
  };
  while (owner.is_waiting_) {
    auto until = std::chrono::steady_clock::now() + kCancelPoll;
    if (patience.deadline) until = std::min(until, *patience.deadline);
    owner.granted_.wait_until(guard, until);
    if (!owner.is_waiting_) break;
    if (patience.cancelled != nullptr && *patience.cancelled) {
      guard.unlock();
      const bool is_cancelled = (*patience.cancelled)();
      guard.lock();
      if (!owner.is_waiting_) break;
      if (is_cancelled) {
        give_up();
        throw Error(ErrorCode::QueryCanceled, "canceling statement due to user request");
      }
    }
    if (patience.deadline && std::chrono::steady_clock::now() >= *patience.deadline) {
      give_up();
      throw Error(ErrorCode::LockNotAvailable, "canceling statement due to lock timeout");
    }
  }
  return Outcome::TakenAfterWait;
}

/// Gives the lock to those that wait and may have it, in their order, or forgets it when nobody is left.
void LockTable::serve_waiters(std::uint64_t id) {
  const auto found = locks_.find(id);
  if (found == locks_.end()) return;
  Lock& lock = found->second;
  while (!lock.waiters.empty()) {
    const Grant next = lock.waiters.front();
    if (lock.conflicts(next.owner, next.mode)) return;
    lock.waiters.erase(lock.waiters.begin());
    grant(*next.owner, id, lock, next.mode);
    next.owner->is_waiting_ = false;
    next.owner->granted_.notify_one();
  }
  if (!lock.is_held()) locks_.erase(found);
}

void LockTable::release_to(Owner& owner, std::size_t count) noexcept {
  if (owner.held_.size() <= count) return;
  const std::lock_guard guard(mutex_);
  while (owner.held_.size() > count) {
    const Owner::Held held = owner.held_.back();
    owner.held_.pop_back();
    Lock& lock = locks_.at(held.lock);
    if (held.before) {
      lock.find(&owner)->mode = *held.before;
    } else {
      lock.remove(&owner);
    }
    serve_waiters(held.lock);
  }
}

std::vector<LockInfo> LockTable::locks() const {
  std::vector<LockInfo> infos;
  const std::lock_guard guard(mutex_);
  const auto describe = [](const Lock& lock, const Grant& grant, bool is_granted) {
    LockInfo info;
    info.table = lock.table;
    info.is_of_table = lock.is_of_table;
    info.mode = grant.mode;
    info.is_granted = is_granted;
    info.session = grant.owner->session_;
    info.transaction = grant.owner->transaction_;
    return info;
  };
  for (const auto& [id, lock] : locks_) {
    if (lock.is_of_table)
      lock.each_grant([&](const Grant& grant) { infos.push_back(describe(lock, grant, true)); });
    for (const Grant& waiter : lock.waiters) {
      infos.push_back(describe(lock, waiter, false));
      for (const Owner* blocker : blockers(lock, waiter.owner, waiter.mode))
        infos.back().blocked_by.push_back(blocker->session_);
    }
  }
  return infos;
}

}  // namespace tickstone::storage
