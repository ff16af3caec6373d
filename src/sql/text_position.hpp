// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tickstone::sql {

/// Characters (not bytes) of UTF-8 text.
inline std::uint32_t character_count(std::string_view text) {
  std::uint32_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

/// The 1-based character position of a byte offset, as error positions count.
inline std::uint32_t character_position(std::string_view text, std::size_t byte_offset) {
  return character_count(text.substr(0, byte_offset)) + 1;
}

}  // namespace tickstone::sql
