// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.hpp"

namespace tickstone::storage {

/// Values are packed in groups of this many: value i of a group lies in lane i % 16, so that whole vectors
/// unpack at once. What is left over after the last whole group is packed one value after the other.
inline constexpr std::size_t kGroupValues = 1024;
inline constexpr std::size_t kGroupLanes = 16;

/// Bits that `value` needs; 0 for 0.
inline unsigned bit_width_of(std::uint64_t value) {
  return value == 0 ? 0 : 64U - static_cast<unsigned>(__builtin_clzll(value));
}

std::size_t packed_bytes(std::size_t count, unsigned width);
/// Appends the low `width` bits of each value; higher bits are ignored.
void pack_bits(std::span<const std::uint64_t> values, unsigned width, ByteWriter& out);

/// Unpacks one whole group and adds `base` to each value. `packed` has kGroupValues / 8 * width bytes.
void unpack_group(const std::byte* packed, unsigned width, std::uint64_t base, std::uint64_t* into);
/// Unpacks `count` values that lie one after the other (fewer than a group) and adds `base`.
void unpack_rest(std::span<const std::byte> packed, std::size_t count, unsigned width, std::uint64_t base,
                 std::uint64_t* into);
/// Any number of values as `pack_bits` wrote them.
void unpack_bits(std::span<const std::byte> packed, std::size_t count, unsigned width, std::uint64_t* into);

}  // namespace tickstone::storage
