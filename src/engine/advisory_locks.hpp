// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

namespace tickstone::engine {

/// Locks of numbers, whose meaning is the programs': pg_advisory_lock and its kin. Threads: any.
class AdvisoryLocks {
 public:
  struct Key {
    std::int64_t number = 0;  // or two of 32 bits
    bool is_pair = false;
    auto operator<=>(const Key&) const = default;
  };
  enum class Mode : std::uint8_t { Shared, Exclusive };
  using Owner = const class SessionAdvisoryLocks*;

  /// Counted: what is taken twice is given back twice. False where others hold it.
  bool try_lock(Owner owner, const Key& key, Mode mode);
  /// Waits. `check` is called now and then and throws to end that. `timeout` zero: for ever.
  /// Errors: DeadlockDetected, LockNotAvailable.
  void lock(Owner owner, const Key& key, Mode mode, std::chrono::milliseconds timeout,
            const std::function<void()>& check);
  /// False where the owner does not hold it so.
  bool unlock(Owner owner, const Key& key, Mode mode);
  /// What is held and waited for, by session.
  struct Shown {
    std::int32_t pid = 0;
    Key key;
    Mode mode = Mode::Exclusive;
    bool is_granted = true;
  };
  std::vector<Shown> shown();

 private:
  using Counts = std::array<std::size_t, 2>;  // by mode
  struct Entry {
    std::map<Owner, Counts> holders;
    std::size_t waiting_exclusive = 0;
  };
  bool is_free(const Entry& entry, Owner owner, Mode mode) const;
  bool closes_cycle(Owner owner) const;

  std::mutex mutex_;
  std::condition_variable released_;
  std::map<Key, Entry> entries_;
  std::map<Owner, std::pair<Key, Mode>> waiting_;
};

/// Those that one session holds, to its end or to its transaction's. Threads: the session's.
class SessionAdvisoryLocks {
 public:
  SessionAdvisoryLocks(AdvisoryLocks& all, std::int32_t pid) : all_(all), pid_(pid) {}
  ~SessionAdvisoryLocks() { unlock_all(), end_transaction(0); }
  SessionAdvisoryLocks(const SessionAdvisoryLocks&) = delete;
  SessionAdvisoryLocks& operator=(const SessionAdvisoryLocks&) = delete;

  std::int32_t pid() const { return pid_; }

  using Held = std::pair<AdvisoryLocks::Key, AdvisoryLocks::Mode>;
  enum class Until : std::uint8_t { Session, Transaction };
  bool try_lock(const Held& wanted, Until until);
  void lock(const Held& wanted, Until until, std::chrono::milliseconds timeout,
            const std::function<void()>& check);
  /// False where the session does not hold it so; what a transaction holds cannot be given back.
  bool unlock(const Held& held);
  void unlock_all();
  /// How many the transaction holds, to go back to.
  std::size_t transaction_mark() const { return of_transaction_.size(); }
  void end_transaction(std::size_t mark = 0);

 private:
  void took(const Held& held, Until until);

  AdvisoryLocks& all_;
  const std::int32_t pid_;
  std::vector<Held> of_transaction_;
  std::multiset<Held> of_session_;
};

}  // namespace tickstone::engine
