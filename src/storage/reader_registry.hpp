// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>

#include "base/clock.hpp"
#include "storage/schema.hpp"

namespace tickstone::storage {

/// The views that are in use, oldest first: the first one holds back the space of what was replaced since.
/// Threads: any.
class ReaderRegistry {
 public:
  struct Reader {
    CommitSeq seq = 0;
    std::int64_t since_ns = 0;
  };
  using Entry = std::list<Reader>::iterator;

  explicit ReaderRegistry(const Clock& clock) : clock_(clock) {}

  Entry enter(CommitSeq seq) {
    const std::int64_t now_ns = clock_.monotonic_ns();
    const std::lock_guard lock(mutex_);
    return readers_.insert(readers_.end(), {seq, now_ns});
  }
  void leave(Entry entry) {
    const std::lock_guard lock(mutex_);
    readers_.erase(entry);
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return readers_.size();
  }
  std::optional<Reader> oldest() const {
    const std::lock_guard lock(mutex_);
    return readers_.empty() ? std::nullopt : std::optional(readers_.front());
  }

 private:
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::list<Reader> readers_;
};

}  // namespace tickstone::storage
