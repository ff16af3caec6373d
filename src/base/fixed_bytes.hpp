// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <type_traits>

#include "base/check.hpp"

namespace tickstone {

/// Little-endian values side by side, at most `kMost` bytes of them, without an allocation: what is then put
/// into a `ByteWriter` at once.
template <std::size_t kMost>
class FixedBytes {
 public:
  template <typename T>
    requires std::is_trivially_copyable_v<T>
  void put(T value) {
    TICKSTONE_DCHECK(size_ + sizeof(T) <= kMost);
    std::memcpy(bytes_.data() + size_, &value, sizeof(T));
    size_ += sizeof(T);
  }
  template <typename T>
  void overwrite(std::size_t at, T value) {
    TICKSTONE_DCHECK(at + sizeof(T) <= size_);
    std::memcpy(bytes_.data() + at, &value, sizeof(T));
  }
  std::span<const std::byte> bytes() const { return {bytes_.data(), size_}; }

 private:
  std::array<std::byte, kMost> bytes_;
  std::size_t size_ = 0;
};

}  // namespace tickstone
