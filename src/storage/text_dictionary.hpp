// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string_view>
#include <vector>

#include "storage/stable_vector.hpp"
#include "types/column.hpp"

namespace tickstone::storage {

/// Texts and their codes, counted from 0 in the order of their first coming.
///
/// Threads: one adds; any read codes that were published to them.
class TextDictionary {
 public:
  /// The texts so far, laid out as a dictionary column needs them.
  struct Snapshot {
    ColumnView view;  // Flat; lives as long as the snapshot
    std::uint64_t id = 0;
    std::shared_ptr<const void> keep_alive;
  };

  explicit TextDictionary(const SqlType& type) : type_(type) {}

  /// Adding thread only.
  std::uint32_t add(std::string_view text);
  std::uint32_t size() const { return size_.load(std::memory_order_acquire); }
  std::string_view operator[](std::uint32_t code) const { return texts_[code]; }
  std::optional<std::uint32_t> find(std::string_view text) const;
  /// Has all codes that were published to the calling thread.
  std::shared_ptr<const Snapshot> snapshot() const;
  std::size_t memory_bytes() const { return memory_bytes_.load(std::memory_order_relaxed); }
  std::size_t text_bytes() const { return text_bytes_; }

 private:
  struct Layout;
  std::optional<std::uint32_t> search(std::string_view text) const;
  std::optional<std::uint32_t> probe(std::string_view text, std::uint32_t hash) const;
  std::string_view keep(std::string_view text);
  void rehash();

  SqlType type_;
  StableVector<std::string_view, 8> texts_;
  std::atomic<std::uint32_t> size_{0};
  std::uint32_t last_ = 0;  // the code that `add` gave last: runs are common
  std::vector<std::unique_ptr<char[]>> arenas_;
  std::size_t arena_used_ = 0;
  std::size_t arena_size_ = 0;
  std::size_t text_bytes_ = 0;
  std::atomic<std::size_t> memory_bytes_{0};

  mutable std::shared_mutex slots_mutex_;  // the adding thread reads the slots without it
  std::vector<std::uint64_t> slots_;       // hash << 32 | code + 1; 0: empty; none while the texts are few

  mutable std::mutex snapshot_mutex_;
  mutable std::shared_ptr<const Snapshot> snapshot_;
  mutable std::shared_ptr<Layout> layout_;
};

}  // namespace tickstone::storage
