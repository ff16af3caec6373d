// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "storage/schema.hpp"

namespace tickstone::storage {

/// Row locks by key, held to the end of a transaction.
///
/// Threads: any; one owner is used by one thread at a time.
class LockTable {
 public:
  /// One transaction's locks.
  class Owner {
   public:
    explicit Owner(std::uint64_t transaction) : transaction_(transaction) {}
    bool is_empty() const { return held_.empty(); }

   private:
    friend class LockTable;
    std::uint64_t transaction_;
    std::vector<std::uint64_t> held_;
    std::uint64_t awaited_ = 0;  // the lock it waits for, while `is_waiting_`
    bool is_waiting_ = false;
    std::condition_variable granted_;
  };

  /// Takes the lock of a key; true when another transaction had to end first.
  /// Errors: DeadlockDetected; QueryCanceled when `cancelled` turns true; LockNotAvailable when `no_wait`.
  bool lock(Owner& owner, TableId table, std::uint64_t key_hash, bool no_wait,
            const std::function<bool()>& cancelled);
  void release_all(Owner& owner) noexcept;

 private:
  struct Lock {
    Owner* owner = nullptr;
    std::vector<Owner*> waiters;  // mostly none: must not cost an allocation
  };
  bool closes_circle(const Owner& owner, std::uint64_t lock) const;
  void pass_on(std::uint64_t lock);

  std::mutex mutex_;
  std::unordered_map<std::uint64_t, Lock> locks_;
};

}  // namespace tickstone::storage
