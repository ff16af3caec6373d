// SPDX-License-Identifier: Apache-2.0
#include "storage/membership_filter.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include <tickstone/error.hpp>

#include "base/check.hpp"
#include "base/checksum.hpp"

namespace tickstone::storage {

namespace {

/// A part is what one lookup reads: a cache line's half, one bit of each word a value.
constexpr std::size_t kWords = 8;
constexpr std::size_t kPartBytes = kWords * sizeof(std::uint32_t);
constexpr std::size_t kBitsPerValue = 12;
constexpr std::size_t kHeadBytes = 8;
constexpr std::uint32_t kKind = 1;
/// Square roots of the first eight primes, made odd.
constexpr std::array<std::uint32_t, kWords> kSalts = {0x6A09'E667, 0xBB67'AE85, 0x3C6E'F373, 0xA54F'F53B,
                                                      0x510E'527F, 0x9B05'688D, 0x1F83'D9AB, 0x5BE0'CD19};

using Part = std::array<std::uint32_t, kWords>;

std::size_t part_of(std::uint64_t hash, std::size_t part_count) {
  return static_cast<std::size_t>(((hash >> 32) * part_count) >> 32);
}

Part mask_of(std::uint64_t hash) {
  Part mask;
  const auto low = static_cast<std::uint32_t>(hash);
  for (std::size_t i = 0; i < kWords; ++i) mask[i] = std::uint32_t{1} << ((low * kSalts[i]) >> 27);
  return mask;
}

template <typename T>
std::uint64_t hash_of(const T& value) {
  return checksum64(std::as_bytes(std::span(&value, 1)));
}

std::uint64_t hash_of_text(std::string_view text) {
  return checksum64(std::as_bytes(std::span(text.data(), text.size())));
}

/// Distinct hashes in the order they come.
class HashSet {
 public:
  explicit HashSet(std::size_t most) : slots_(std::bit_ceil(most * 2 + 2)) {}

  void add(std::uint64_t hash) {
    if (hash == 0) {  // marks a free slot
      has_zero_ = true;
      return;
    }
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t slot = hash & mask;; slot = (slot + 1) & mask) {
      if (slots_[slot] == hash) return;
      if (slots_[slot] != 0) continue;
      slots_[slot] = hash;
      hashes_.push_back(hash);
      return;
    }
  }
  std::vector<std::uint64_t> take() {
    if (has_zero_) hashes_.push_back(0);
    return std::move(hashes_);
  }

 private:
  std::vector<std::uint64_t> slots_;
  std::vector<std::uint64_t> hashes_;
  bool has_zero_ = false;
};

}  // namespace

bool has_filter_type(const SqlType& type) {
  // Floats and NUMERIC have several forms of one value; others are not asked for one by one.
  constexpr std::array kTypes = {TypeId::SmallInt, TypeId::Integer, TypeId::BigInt, TypeId::Text,
                                 TypeId::Varchar,  TypeId::Bytea,   TypeId::Uuid};
  return !type.is_array && std::find(kTypes.begin(), kTypes.end(), type.id) != kTypes.end();
}

std::vector<std::uint64_t> distinct_hashes(const ColumnView& column) {
  TICKSTONE_CHECK(has_filter_type(column.type) && column.form == ColumnView::Form::Flat);
  HashSet set(column.size);
  const bool is_text = column.layout.physical == Physical::Bytes;
  const bool is_wide = column.layout.physical == Physical::Int128;
  for (std::size_t row = 0; row < column.size; ++row) {
    if (column.is_null(row)) continue;
    if (is_text) {
      const auto text = column.bytes(row);
      if (row > 0 && !column.is_null(row - 1) && column.bytes(row - 1) == text) continue;
      set.add(hash_of_text(text));
    } else if (is_wide) {
      set.add(hash_of(column.fixed<Int128>(row)));
    } else {
      set.add(hash_of(static_cast<std::int64_t>(column.integer(row))));
    }
  }
  return set.take();
}

std::vector<std::byte> make_filter(std::span<const std::uint64_t> hashes) {
  const std::size_t part_count =
      std::max<std::size_t>(1, (hashes.size() * kBitsPerValue + kPartBytes * 8 - 1) / (kPartBytes * 8));
  std::vector<std::byte> filter(kHeadBytes + part_count * kPartBytes);
  const std::array head = {kKind, static_cast<std::uint32_t>(part_count)};
  std::memcpy(filter.data(), head.data(), kHeadBytes);
  for (const std::uint64_t hash : hashes) {
    std::byte* at = filter.data() + kHeadBytes + part_of(hash, part_count) * kPartBytes;
    Part part;
    std::memcpy(part.data(), at, kPartBytes);
    const Part mask = mask_of(hash);
    for (std::size_t i = 0; i < kWords; ++i) part[i] |= mask[i];
    std::memcpy(at, part.data(), kPartBytes);
  }
  return filter;
}

std::optional<std::uint64_t> filter_hash(const SqlType& column, const Value& value) {
  if (value.is_null || value.type.is_array || !has_filter_type(column) || !has_filter_type(value.type)) {
    return std::nullopt;
  }
  const auto physical = physical_of(column);
  const auto value_physical = physical_of(value.type);
  if (physical == Physical::Bytes || physical == Physical::Int128) {
    if (physical != value_physical || (column.id == TypeId::Bytea) != (value.type.id == TypeId::Bytea)) {
      return std::nullopt;
    }
    return physical == Physical::Bytes ? hash_of_text(value.text) : hash_of(value.integer);
  }
  if (value_physical == Physical::Bytes || value_physical == Physical::Int128) return std::nullopt;
  return hash_of(static_cast<std::int64_t>(value.integer));
}

void check_filter(std::span<const std::byte> filter) {
  std::array<std::uint32_t, 2> head{};
  if (filter.size() >= kHeadBytes) std::memcpy(head.data(), filter.data(), kHeadBytes);
  if (head[0] != kKind || head[1] == 0 || filter.size() != kHeadBytes + std::size_t{head[1]} * kPartBytes) {
    throw Error(ErrorCode::DataCorrupted, "a filter has an unknown form");
  }
}

bool filter_may_hold(std::span<const std::byte> filter, std::uint64_t hash) {
  const std::size_t part_count = (filter.size() - kHeadBytes) / kPartBytes;
  Part part;
  std::memcpy(part.data(), filter.data() + kHeadBytes + part_of(hash, part_count) * kPartBytes, kPartBytes);
  const Part mask = mask_of(hash);
  std::uint32_t missing = 0;
  for (std::size_t i = 0; i < kWords; ++i) missing |= mask[i] & ~part[i];
  return missing == 0;
}

}  // namespace tickstone::storage
