// SPDX-License-Identifier: Apache-2.0
#include "storage/series_map.hpp"

#include <algorithm>
#include <mutex>

namespace tickstone::storage {

std::uint64_t SeriesMap::hash_of(const std::uint32_t* codes) const {
  std::uint64_t hash = 0x9E3779B97F4A7C15ULL;
  for (std::size_t i = 0; i < key_size_; ++i) {
    hash = (hash ^ codes[i]) * 0xFF51AFD7ED558CCDULL;
    hash ^= hash >> 32;
  }
  return hash;
}

std::optional<std::uint32_t> SeriesMap::probe(const std::uint32_t* codes, std::uint64_t hash) const {
  if (slots_.empty()) return std::nullopt;
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask; slots_[at] != 0; at = (at + 1) & mask) {
    const std::uint32_t series = slots_[at] - 1;
    bool is_equal = true;
    for (std::size_t i = 0; is_equal && i < key_size_; ++i) is_equal = code(series, i) == codes[i];
    if (is_equal) return series;
  }
  return std::nullopt;
}

std::uint32_t SeriesMap::add(const std::uint32_t* codes) {
  const std::uint32_t count = size_.load(std::memory_order_relaxed);
  if (last_ < count) {
    bool is_equal = true;
    for (std::size_t i = 0; is_equal && i < key_size_; ++i) is_equal = code(last_, i) == codes[i];
    if (is_equal) return last_;
  }
  const std::uint64_t hash = hash_of(codes);
  if (const auto series = probe(codes, hash)) return last_ = *series;

  const std::size_t before = codes_.capacity() * sizeof(std::uint32_t) + series_.capacity() * sizeof(Series);
  codes_.grow_to((count + 1) * key_size_);
  series_.grow_to(count + 1);
  for (std::size_t i = 0; i < key_size_; ++i) codes_[count * key_size_ + i] = codes[i];
  memory_bytes_.fetch_add(
      codes_.capacity() * sizeof(std::uint32_t) + series_.capacity() * sizeof(Series) - before,
      std::memory_order_relaxed);
  {
    const std::unique_lock lock(slots_mutex_);
    if ((count + 1) * 2 > slots_.size()) {
      slots_.assign(std::max<std::size_t>(16, slots_.size() * 2), 0);
      const std::size_t mask = slots_.size() - 1;
      for (std::uint32_t series = 0; series < count; ++series) {
        std::vector<std::uint32_t> key(key_size_);
        for (std::size_t i = 0; i < key_size_; ++i) key[i] = code(series, i);
        std::size_t at = hash_of(key.data()) & mask;
        while (slots_[at] != 0) at = (at + 1) & mask;
        slots_[at] = series + 1;
      }
    }
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash & mask;
    while (slots_[at] != 0) at = (at + 1) & mask;
    slots_[at] = count + 1;
  }
  size_.store(count + 1, std::memory_order_release);
  return last_ = count;
}

std::optional<std::uint32_t> SeriesMap::find(const std::uint32_t* codes) const {
  const std::uint64_t hash = hash_of(codes);
  const std::shared_lock lock(slots_mutex_);
  return probe(codes, hash);
}

}  // namespace tickstone::storage
