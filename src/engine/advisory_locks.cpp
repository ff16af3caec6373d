// SPDX-License-Identifier: Apache-2.0
#include "engine/advisory_locks.hpp"

#include <algorithm>
#include <exception>

#include <tickstone/error.hpp>

namespace tickstone::engine {
namespace {

constexpr std::chrono::milliseconds kLook{20};  // between looks at whether to go on waiting

std::size_t index_of(AdvisoryLocks::Mode mode) { return mode == AdvisoryLocks::Mode::Exclusive ? 1 : 0; }

}  // namespace

bool AdvisoryLocks::is_free(const Entry& entry, Owner owner, Mode mode) const {
  return std::all_of(entry.holders.begin(), entry.holders.end(), [&](const auto& holder) {
    return holder.first == owner || (mode == Mode::Shared && holder.second[index_of(Mode::Exclusive)] == 0);
  });
}

/// Whether those that the owner waits for wait, in the end, for it.
bool AdvisoryLocks::closes_cycle(Owner owner) const {
  std::vector<Owner> ahead = {owner};
  std::set<Owner> seen;
  while (!ahead.empty()) {
    const Owner at = ahead.back();
    ahead.pop_back();
    const auto wanted = waiting_.find(at);
    if (wanted == waiting_.end()) continue;
    const auto entry = entries_.find(wanted->second.first);
    if (entry == entries_.end()) continue;
    for (const auto& [holder, counts] : entry->second.holders) {
      const bool is_in_the_way =
          holder != at && (wanted->second.second == Mode::Exclusive || counts[index_of(Mode::Exclusive)] > 0);
      if (!is_in_the_way) continue;
      if (holder == owner) return true;
      if (seen.insert(holder).second) ahead.push_back(holder);
    }
  }
  return false;
}

bool AdvisoryLocks::try_lock(Owner owner, const Key& key, Mode mode) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[key];
  if (!is_free(entry, owner, mode)) return false;
  ++entry.holders[owner][index_of(mode)];
  return true;
}

void AdvisoryLocks::lock(Owner owner, const Key& key, Mode mode, std::chrono::milliseconds timeout,
                         const std::function<void()>& check) {
  const auto until = std::chrono::steady_clock::now() + timeout;
  std::unique_lock lock(mutex_);
  Entry& entry = entries_[key];
  const auto may_have = [&] {
    // Whoever wants it alone would never get it if readers came without end.
    const bool is_behind =
        mode == Mode::Shared && entry.waiting_exclusive > 0 && !entry.holders.contains(owner);
    return !is_behind && is_free(entry, owner, mode);
  };
  if (!may_have()) {
    waiting_[owner] = {key, mode};
    if (mode == Mode::Exclusive) ++entry.waiting_exclusive;
    struct Waiting {
      AdvisoryLocks& locks;
      Owner owner;
      Entry& entry;
      Mode mode;
      ~Waiting() {
        locks.waiting_.erase(owner);
        if (mode == Mode::Exclusive) --entry.waiting_exclusive;
        locks.released_.notify_all();
      }
    } const waiting{*this, owner, entry, mode};
    while (!may_have()) {
      if (closes_cycle(owner)) throw Error(ErrorCode::DeadlockDetected, "deadlock detected");
      if (timeout.count() > 0 && std::chrono::steady_clock::now() >= until)
        throw Error(ErrorCode::LockNotAvailable, "canceling statement due to lock timeout");
      released_.wait_for(lock, kLook);
      lock.unlock();
      // What it throws is thrown with the lock, which the end of waiting needs.
      std::exception_ptr problem;
      try {
        check();
      } catch (...) {
        problem = std::current_exception();
      }
      lock.lock();
      if (problem != nullptr) std::rethrow_exception(problem);
    }
  }
  ++entry.holders[owner][index_of(mode)];
}

bool AdvisoryLocks::unlock(Owner owner, const Key& key, Mode mode) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return false;
  const auto holder = found->second.holders.find(owner);
  if (holder == found->second.holders.end() || holder->second[index_of(mode)] == 0) return false;
  --holder->second[index_of(mode)];
  if (holder->second[0] + holder->second[1] == 0) found->second.holders.erase(holder);
  const bool is_waited_for = std::any_of(waiting_.begin(), waiting_.end(),
                                         [&](const auto& waiting) { return waiting.second.first == key; });
  if (found->second.holders.empty() && !is_waited_for) entries_.erase(found);
  released_.notify_all();
  return true;
}

std::vector<AdvisoryLocks::Shown> AdvisoryLocks::shown() {
  const std::lock_guard lock(mutex_);
  std::vector<Shown> all;
  for (const auto& [key, entry] : entries_) {
    for (const auto& [holder, counts] : entry.holders) {
      for (const auto mode : {Mode::Shared, Mode::Exclusive}) {
        if (counts[index_of(mode)] > 0) all.push_back({holder->pid(), key, mode, true});
      }
    }
  }
  for (const auto& [owner, wanted] : waiting_)
    all.push_back({owner->pid(), wanted.first, wanted.second, false});
  return all;
}

bool SessionAdvisoryLocks::try_lock(const Held& wanted, Until until) {
  if (!all_.try_lock(this, wanted.first, wanted.second)) return false;
  took(wanted, until);
  return true;
}

void SessionAdvisoryLocks::lock(const Held& wanted, Until until, std::chrono::milliseconds timeout,
                                const std::function<void()>& check) {
  all_.lock(this, wanted.first, wanted.second, timeout, check);
  took(wanted, until);
}

void SessionAdvisoryLocks::took(const Held& held, Until until) {
  if (until == Until::Transaction) {
    of_transaction_.push_back(held);
  } else {
    of_session_.insert(held);
  }
}

bool SessionAdvisoryLocks::unlock(const Held& held) {
  const auto found = of_session_.find(held);
  if (found == of_session_.end()) return false;
  of_session_.erase(found);
  return all_.unlock(this, held.first, held.second);
}

void SessionAdvisoryLocks::unlock_all() {
  for (const auto& held : of_session_) all_.unlock(this, held.first, held.second);
  of_session_.clear();
}

void SessionAdvisoryLocks::end_transaction(std::size_t mark) {
  for (; of_transaction_.size() > mark; of_transaction_.pop_back())
    all_.unlock(this, of_transaction_.back().first, of_transaction_.back().second);
}

}  // namespace tickstone::engine
