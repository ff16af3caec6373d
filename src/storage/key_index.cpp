// SPDX-License-Identifier: Apache-2.0
#include "storage/key_index.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <string>

#include "storage/key_codec.hpp"
#include "storage/open_chunk.hpp"

namespace tickstone::storage {

namespace {

constexpr std::uint64_t kHashMask = 0xFFFF'FFFF'0000'0000ULL;
constexpr std::uint32_t kAhead = 16;

std::uint64_t position_bits(std::uint64_t slot) { return slot >> 32; }

}  // namespace

std::size_t KeyIndex::slot_of(const OpenChunk& rows, std::string_view key, std::uint64_t hash,
                              std::string& scratch) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = position_bits(hash) & mask;
  for (;; at = (at + 1) & mask) {
    const std::uint64_t slot = slots_[at];
    if (slot == 0) return at;
    if ((slot & kHashMask) != (hash & kHashMask)) continue;
    scratch.clear();
    rows.append_key(scratch, static_cast<std::uint32_t>(slot) - 1);
    if (scratch == key) return at;
  }
}

std::uint32_t KeyIndex::head(const OpenChunk& rows, std::string_view key, std::uint64_t hash,
                             std::string& scratch) const {
  if (slots_.empty()) return kNone;
  const std::uint64_t slot = slots_[slot_of(rows, key, hash, scratch)];
  return slot == 0 ? kNone : static_cast<std::uint32_t>(slot) - 1;
}

void KeyIndex::grow(std::uint32_t rows) {
  std::size_t size = std::max<std::size_t>(64, slots_.size());
  while (size < std::size_t{rows} * 3 / 2) size *= 2;
  if (size == slots_.size()) return;
  std::vector<std::uint64_t> slots(size);
  const std::size_t mask = size - 1;
  for (const std::uint64_t slot : slots_) {
    if (slot == 0) continue;
    std::size_t at = position_bits(slot) & mask;
    while (slots[at] != 0) at = (at + 1) & mask;
    slots[at] = slot;
  }
  slots_ = std::move(slots);
}

void KeyIndex::enter(const OpenChunk& rows, std::uint32_t row, std::string_view key, std::uint64_t hash,
                     std::string& scratch) {
  const std::size_t at = slot_of(rows, key, hash, scratch);
  if (slots_[at] == 0) {
    ++used_;
  } else {
    previous_[row] = static_cast<std::uint32_t>(slots_[at]) - 1;
  }
  slots_[at] = (hash & kHashMask) | (row + 1);
}

void KeyIndex::catch_up(const OpenChunk& rows, std::uint32_t limit) {
  const std::unique_lock lock(mutex_);
  std::uint32_t row = indexed_.load(std::memory_order_relaxed);
  if (row >= limit) return;
  if (limit > previous_.size()) {
    if (limit > previous_.capacity())
      previous_.reserve(std::max<std::size_t>(limit, previous_.capacity() * 2));
    previous_.resize(limit, kNone);
  }
  std::string scratch;
  if (limit - row == 1) {  // one commit of one row after the other
    if ((used_ + 1) * std::uint64_t{3} > slots_.size() * std::uint64_t{2})
      grow(std::max(limit, used_ + 1 + used_ / 2));
    std::string key;
    rows.append_key(key, row);
    enter(rows, row, key, hash_key(key), scratch);
  } else {
    std::array<std::string, kAhead> keys;
    std::array<std::uint64_t, kAhead> hashes;
    while (row < limit) {
      const std::uint32_t part = std::min<std::uint32_t>(kAhead, limit - row);
      if ((used_ + part) * std::uint64_t{3} > slots_.size() * std::uint64_t{2}) {
        // Rows to come are mostly new keys: one growth for the whole batch.
        grow(std::max(limit, used_ + part + used_ / 2));
      }
      // The slots of many keys are asked for before the first is read: each lies anywhere in memory.
      for (std::uint32_t i = 0; i < part; ++i) {
        keys[i].clear();
        rows.append_key(keys[i], row + i);
        hashes[i] = hash_key(keys[i]);
        __builtin_prefetch(&slots_[position_bits(hashes[i]) & (slots_.size() - 1)], 1);
      }
      for (std::uint32_t i = 0; i < part; ++i, ++row) enter(rows, row, keys[i], hashes[i], scratch);
    }
  }
  memory_bytes_.store(slots_.size() * 8 + previous_.capacity() * 4, std::memory_order_relaxed);
  indexed_.store(limit, std::memory_order_release);
}

}  // namespace tickstone::storage
