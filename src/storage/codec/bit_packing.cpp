// SPDX-License-Identifier: Apache-2.0
#include "storage/codec/bit_packing.hpp"

#include <array>

#include "base/check.hpp"
#include "storage/codec/bit_unpack_kernel.hpp"

namespace tickstone::storage {

namespace {

std::uint64_t mask_of(unsigned width) {
  return width == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
}

/// Writes values one after the other into `words`, lane `lane` of `stride` lanes.
void pack_lane(const std::uint64_t* values, std::size_t count, unsigned width, std::uint64_t* words,
               std::size_t stride) {
  const std::uint64_t mask = mask_of(width);
  std::size_t bit = 0;
  for (std::size_t i = 0; i < count; ++i, bit += width) {
    const std::uint64_t value = values[i * stride] & mask;
    const std::size_t word = bit / 64;
    const unsigned shift = bit % 64;
    words[word * stride] |= value << shift;
    if (shift + width > 64) words[(word + 1) * stride] |= value >> (64 - shift);
  }
}

std::size_t rest_bytes(std::size_t count, unsigned width) { return (count * width + 7) / 8; }

}  // namespace

std::size_t packed_bytes(std::size_t count, unsigned width) {
  return count / kGroupValues * (kGroupValues / 8 * width) + rest_bytes(count % kGroupValues, width);
}

void pack_bits(std::span<const std::uint64_t> values, unsigned width, ByteWriter& out) {
  TICKSTONE_CHECK(width <= 64);
  if (width == 0) return;
  std::array<std::uint64_t, kGroupValues + 1> words;
  while (values.size() >= kGroupValues) {
    words.fill(0);
    for (std::size_t lane = 0; lane < kGroupLanes; ++lane) {
      pack_lane(values.data() + lane, kGroupValues / kGroupLanes, width, words.data() + lane, kGroupLanes);
    }
    out.put_raw(words.data(), kGroupValues / 8 * width);
    values = values.subspan(kGroupValues);
  }
  if (values.empty()) return;
  words.fill(0);
  pack_lane(values.data(), values.size(), width, words.data(), 1);
  out.put_raw(words.data(), rest_bytes(values.size(), width));
}

void unpack_group(const std::byte* packed, unsigned width, std::uint64_t base, std::uint64_t* into) {
  kernel::GroupUnpackers<16>::table()[width](packed, base, into);
}

void unpack_rest(std::span<const std::byte> packed, std::size_t count, unsigned width, std::uint64_t base,
                 std::uint64_t* into) {
  TICKSTONE_CHECK(count < kGroupValues && width <= 64 && packed.size() >= rest_bytes(count, width));
  // A copy with room behind it, so that every value can be read as whole words.
  std::array<std::uint64_t, kGroupValues + 2> words;
  const std::size_t size = rest_bytes(count, width);
  words[size / 8] = 0;
  words[size / 8 + 1] = 0;
  if (size != 0) std::memcpy(words.data(), packed.data(), size);
  const std::uint64_t mask = mask_of(width);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t bit = i * width;
    const unsigned shift = bit % 64;
    const std::uint64_t low = words[bit / 64] >> shift;
    // Two steps: a shift by 64 is not defined.
    const std::uint64_t high = words[bit / 64 + 1] << 1 << (63 - shift);
    into[i] = ((low | high) & mask) + base;
  }
}

void unpack_bits(std::span<const std::byte> packed, std::size_t count, unsigned width, std::uint64_t* into) {
  const std::size_t group_bytes = kGroupValues / 8 * width;
  while (count >= kGroupValues) {
    unpack_group(packed.data(), width, 0, into);
    packed = packed.subspan(group_bytes);
    into += kGroupValues;
    count -= kGroupValues;
  }
  unpack_rest(packed, count, width, 0, into);
}

}  // namespace tickstone::storage
