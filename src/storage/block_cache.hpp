// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "storage/codec/decoded_block.hpp"

namespace tickstone::storage {

/// Decoded blocks up to a number of bytes, the least recently used leave first. A reader's pointer keeps a
/// block alive after it has left. Threads: any; each key belongs to one of a few independent parts with a
/// lock of its own.
class BlockCache {
 public:
  explicit BlockCache(std::size_t capacity_bytes);

  std::shared_ptr<const DecodedBlock> find(std::uint64_t key);
  /// Of two equal keys the first one stays; returns what is there now.
  std::shared_ptr<const DecodedBlock> insert(std::uint64_t key, std::shared_ptr<const DecodedBlock> block);
  void erase(std::uint64_t key);
  struct Counts {
    std::uint64_t hits = 0, misses = 0;
    std::uint64_t hit_bytes = 0, read_bytes = 0;  // as stored: of what was found, of what was inserted
  };
  Counts counts() const;
  std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  struct Entry {
    std::uint64_t key = 0;
    std::shared_ptr<const DecodedBlock> block;
    std::size_t size_bytes = 0;
  };
  struct Part {
    mutable std::mutex mutex;
    std::list<Entry> entries;  // the most recently used first
    std::unordered_map<std::uint64_t, std::list<Entry>::iterator> by_key;
    std::size_t size_bytes = 0;
    Counts counts;
  };
  static constexpr std::size_t kParts = 16;

  Part& part_of(std::uint64_t key);
  void remove(Part& part, std::list<Entry>::iterator entry);

  std::array<Part, kParts> parts_;
  std::size_t part_capacity_bytes_;
  std::atomic<std::size_t> bytes_{0};
};

}  // namespace tickstone::storage
