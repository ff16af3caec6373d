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
  /// The oldest, once for each: when it has been there for `age_ns` or longer and what is live has moved on
  /// to `live`.
  std::optional<Reader> take_long_reader(std::int64_t age_ns, CommitSeq live) {
    const std::lock_guard lock(mutex_);
    if (readers_.empty()) return std::nullopt;
    const Reader& oldest = readers_.front();
    if (oldest.seq == live || clock_.monotonic_ns() - oldest.since_ns < age_ns ||
        (reported_ && reported_->seq == oldest.seq && reported_->since_ns == oldest.since_ns))
      return std::nullopt;
    reported_ = oldest;
    return oldest;
  }

 private:
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::list<Reader> readers_;
  std::optional<Reader> reported_;
};

}  // namespace tickstone::storage
