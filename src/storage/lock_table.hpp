// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "storage/schema.hpp"
#include "storage/store.hpp"

namespace tickstone::storage {

/// Locks of rows by key, and of whole tables, held to the end of a transaction or back to a savepoint.
///
/// Threads: any; one owner is used by one thread at a time.
class LockTable {
 public:
  /// One transaction's locks.
  class Owner {
   public:
    explicit Owner(std::uint64_t transaction) : transaction_(transaction) {}
    bool is_empty() const { return held_.empty(); }
    /// How many locks were taken so far: what `release_to` goes back to.
    std::size_t count() const { return held_.size(); }
    /// The session's number, for those who look who waits for whom.
    void set_session(std::int32_t session) { session_ = session; }

   private:
    friend class LockTable;
    struct Held {
      std::uint64_t lock = 0;
      std::optional<LockMode> before;  // what it held already, when this made it stronger
    };
    std::uint64_t transaction_;
    std::int32_t session_ = 0;
    std::vector<Held> held_;
    std::uint64_t awaited_ = 0;  // the lock it waits for, while `is_waiting_`
    bool is_waiting_ = false;
    std::condition_variable granted_;
  };

  struct Patience {
    bool no_wait = false;
    std::optional<std::chrono::steady_clock::time_point> deadline;
    const std::function<bool()>* cancelled = nullptr;
  };
  enum class Outcome : std::uint8_t { Taken, TakenAfterWait, NotAvailable };

  /// Takes the lock of a key. NotAvailable only with `no_wait`.
  /// Errors: DeadlockDetected; QueryCanceled when `cancelled` turns true; LockNotAvailable at the deadline.
  Outcome lock(Owner& owner, TableId table, std::uint64_t key_hash, LockMode mode, const Patience& patience);
  /// Takes the lock of a whole table: writers of rows share it, who changes the table has it alone.
  Outcome lock_table(Owner& owner, TableId table, LockMode mode, const Patience& patience);
  /// Gives back what was taken since `count`.
  void release_to(Owner& owner, std::size_t count) noexcept;
  void release_all(Owner& owner) noexcept { release_to(owner, 0); }

  /// Locks of tables, and everybody who waits.
  std::vector<LockInfo> locks() const;

 private:
  struct Grant {
    Owner* owner = nullptr;
    LockMode mode = LockMode::KeyShare;
  };
  struct Lock {
    TableId table = 0;
    bool is_of_table = false;
    Grant first;  // most locks have one holder
    std::vector<Grant> others;
    std::vector<Grant> waiters;  // in the order they are served

    Grant* find(const Owner* owner);
    bool is_held() const { return first.owner != nullptr; }
    void add(Grant grant);
    void remove(const Owner* owner);
    template <typename Action>
    void each_grant(Action&& action) const {
      if (first.owner != nullptr) action(first);
      for (const Grant& grant : others) action(grant);
    }
    bool conflicts(const Owner* owner, LockMode mode) const;
  };
  Outcome take(Owner& owner, std::uint64_t id, TableId table, bool is_of_table, LockMode mode,
               const Patience& patience);
  std::vector<const Owner*> blockers(const Lock& lock, const Owner* owner, LockMode mode) const;
  const Owner* who_closes_circle(const Owner& owner, const Lock& lock, LockMode mode) const;
  void grant(Owner& owner, std::uint64_t id, Lock& lock, LockMode mode);
  void serve_waiters(std::uint64_t id);

  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, Lock> locks_;
};

}  // namespace tickstone::storage
