// SPDX-License-Identifier: Apache-2.0
#include "storage/block_cache.hpp"

#include <vector>

namespace tickstone::storage {

BlockCache::BlockCache(std::size_t capacity_bytes) : part_capacity_bytes_(capacity_bytes / kParts) {}

BlockCache::Part& BlockCache::part_of(std::uint64_t key) {
  // Fibonacci hashing: neighbouring blocks go to different parts.
  return parts_[(key * 0x9E37'79B9'7F4A'7C15ULL) >> 60];
}

BlockCache::Counts BlockCache::counts() const {
  Counts sum;
  for (const auto& part : parts_) {
    const std::lock_guard lock(part.mutex);
    sum.hits += part.counts.hits;
    sum.misses += part.counts.misses;
    sum.hit_bytes += part.counts.hit_bytes;
    sum.read_bytes += part.counts.read_bytes;
  }
  return sum;
}

void BlockCache::remove(Part& part, std::list<Entry>::iterator entry) {
  part.size_bytes -= entry->size_bytes;
  bytes_.fetch_sub(entry->size_bytes, std::memory_order_relaxed);
  part.by_key.erase(entry->key);
  part.entries.erase(entry);
}

std::shared_ptr<const DecodedBlock> BlockCache::find(std::uint64_t key) {
  auto& part = part_of(key);
  const std::lock_guard lock(part.mutex);
  const auto found = part.by_key.find(key);
  if (found == part.by_key.end()) {
    ++part.counts.misses;
    return nullptr;
  }
  ++part.counts.hits;
  part.counts.hit_bytes += found->second->block->stored_bytes;
  part.entries.splice(part.entries.begin(), part.entries, found->second);
  return found->second->block;
}

std::shared_ptr<const DecodedBlock> BlockCache::insert(std::uint64_t key,
                                                       std::shared_ptr<const DecodedBlock> block) {
  const std::size_t size_bytes = block->memory_bytes();
  auto& part = part_of(key);
  std::vector<std::shared_ptr<const DecodedBlock>> evicted;  // freed after the lock
  const std::lock_guard lock(part.mutex);
  part.counts.read_bytes += block->stored_bytes;
  if (const auto found = part.by_key.find(key); found != part.by_key.end()) return found->second->block;
  if (size_bytes > part_capacity_bytes_) return block;
  while (part.size_bytes + size_bytes > part_capacity_bytes_) {
    const auto oldest = std::prev(part.entries.end());
    evicted.push_back(std::move(oldest->block));
    remove(part, oldest);
  }
  part.entries.push_front({key, block, size_bytes});
  part.by_key.emplace(key, part.entries.begin());
  part.size_bytes += size_bytes;
  bytes_.fetch_add(size_bytes, std::memory_order_relaxed);
  return block;
}

void BlockCache::erase(std::uint64_t key) {
  auto& part = part_of(key);
  std::shared_ptr<const DecodedBlock> erased;
  const std::lock_guard lock(part.mutex);
  const auto found = part.by_key.find(key);
  if (found == part.by_key.end()) return;
  erased = std::move(found->second->block);
  remove(part, found->second);
}

std::shared_ptr<BlockCache> make_block_cache(std::size_t capacity_bytes) {
  return std::make_shared<BlockCache>(capacity_bytes);
}

std::size_t cached_bytes(const BlockCache& cache) { return cache.bytes(); }

}  // namespace tickstone::storage
