// SPDX-License-Identifier: Apache-2.0
#include "base/checksum.hpp"

#include <xxhash.h>

namespace tickstone {

std::uint64_t checksum64(std::span<const std::byte> bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace tickstone
