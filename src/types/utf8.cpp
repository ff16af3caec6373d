// SPDX-License-Identifier: Apache-2.0
#include "types/utf8.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include <tickstone/error.hpp>

namespace tickstone {

namespace {

bool is_continuation(unsigned char byte) { return (byte & 0xc0) == 0x80; }

/// Bytes of the character that `text` starts with; 0 where it starts with none.
std::size_t character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first == 0) return 0;
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return text.size() >= 2 && is_continuation(byte(1)) ? 2 : 0;
  if (first < 0xf0) {
    if (text.size() < 3 || !is_continuation(byte(1)) || !is_continuation(byte(2))) return 0;
    if (first == 0xe0 && byte(1) < 0xa0) return 0;   // could be shorter
    if (first == 0xed && byte(1) >= 0xa0) return 0;  // surrogates
    return 3;
  }
  if (first > 0xf4 || text.size() < 4) return 0;
  if (!is_continuation(byte(1)) || !is_continuation(byte(2)) || !is_continuation(byte(3))) return 0;
  if (first == 0xf0 && byte(1) < 0x90) return 0;
  if (first == 0xf4 && byte(1) >= 0x90) return 0;
  return 4;
}

std::size_t announced_bytes(unsigned char first) {
  if ((first & 0xe0) == 0xc0) return 2;
  if ((first & 0xf0) == 0xe0) return 3;
  if ((first & 0xf8) == 0xf0) return 4;
  return 1;
}

[[noreturn]] void throw_bad_bytes(std::string_view text) {
  std::string bytes;
  const std::size_t count = std::min(announced_bytes(static_cast<unsigned char>(text[0])), text.size());
  for (std::size_t i = 0; i < count; ++i) {
    bytes += fmt::format("{}0x{:02x}", i == 0 ? "" : " ", static_cast<unsigned char>(text[i]));
  }
  throw Error(ErrorCode::CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\": " + bytes);
}

}  // namespace

void check_utf8(std::string_view text) {
  while (!text.empty()) {
    // Eight ASCII bytes at once: none has its top bit, and none borrows, which a zero would.
    if (text.size() >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data(), 8);
      if (((word | (word - 0x0101010101010101ULL)) & 0x8080808080808080ULL) == 0) {
        text.remove_prefix(8);
        continue;
      }
    }
    const std::size_t size = character_bytes(text);
    if (size == 0) throw_bad_bytes(text);
    text.remove_prefix(size);
  }
}

std::size_t utf8_length(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return !is_continuation(static_cast<unsigned char>(c)); }));
}

std::size_t utf8_prefix_bytes(std::string_view text, std::size_t characters) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if (is_continuation(static_cast<unsigned char>(text[at]))) continue;
    if (characters-- == 0) break;
  }
  return at;
}

void append_utf8(std::string& out, std::uint32_t code_point) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xc0 | code_point >> 6);
    put(0x80 | (code_point & 0x3f));
  } else if (code_point < 0x10000) {
    put(0xe0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3f));
    put(0x80 | (code_point & 0x3f));
  } else {
    put(0xf0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3f));
    put(0x80 | (code_point >> 6 & 0x3f));
    put(0x80 | (code_point & 0x3f));
  }
}

}  // namespace tickstone
