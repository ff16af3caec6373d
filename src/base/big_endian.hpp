// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

namespace tickstone {

static_assert(std::endian::native == std::endian::little, "files and layouts are little-endian");

/// Integers in network order, as PostgreSQL's protocol and binary formats have them.
template <typename T>
  requires std::is_integral_v<T>
constexpr T swap_bytes(T value) {
  if constexpr (sizeof(T) == 1) return value;
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(static_cast<std::uint16_t>(value)));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(static_cast<std::uint32_t>(value)));
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(static_cast<std::uint64_t>(value)));
}

template <typename T>
T load_big_endian(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return swap_bytes(value);
}

template <typename T>
void store_big_endian(char* to, T value) {
  value = swap_bytes(value);
  std::memcpy(to, &value, sizeof(T));
}

template <typename T>
void append_big_endian(std::string& out, T value) {
  char bytes[sizeof(T)];
  store_big_endian(bytes, value);
  out.append(bytes, sizeof(T));
}

}  // namespace tickstone
