// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/checksum.hpp"

/// Texts of a few bytes, as most cells are, without a call each.
namespace tickstone {

namespace short_text {

template <typename Word>
bool ends_equal(const char* a, const char* b, std::size_t size) {
  Word words[4];
  std::memcpy(&words[0], a, sizeof(Word));
  std::memcpy(&words[1], b, sizeof(Word));
  std::memcpy(&words[2], a + size - sizeof(Word), sizeof(Word));
  std::memcpy(&words[3], b + size - sizeof(Word), sizeof(Word));
  return ((words[0] ^ words[1]) | (words[2] ^ words[3])) == 0;
}

template <typename Word>
void copy_ends(char* to, const char* from, std::size_t size) {
  Word first;
  Word last;
  std::memcpy(&first, from, sizeof(Word));
  std::memcpy(&last, from + size - sizeof(Word), sizeof(Word));
  std::memcpy(to, &first, sizeof(Word));
  std::memcpy(to + size - sizeof(Word), &last, sizeof(Word));
}

template <typename Word>
std::uint64_t word_at(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof(Word));
  return word;
}

}  // namespace short_text

inline constexpr std::uint64_t kTextFactor = 0x9E3779B97F4A7C15ULL;

/// Both halves of a product of 128 bits: each bit of either factor moves about half of it.
inline std::uint64_t folded_product(std::uint64_t a, std::uint64_t b) {
  __extension__ using Product = unsigned __int128;
  const Product product = static_cast<Product>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// A hash for tables in memory; it may change from version to version.
inline std::uint64_t hash_text(std::string_view text) {
  const std::size_t size = text.size();
  if (size > 16) return checksum64({reinterpret_cast<const std::byte*>(text.data()), size});
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  if (size >= 8) {
    first = short_text::word_at<std::uint64_t>(text.data());
    last = short_text::word_at<std::uint64_t>(text.data() + size - 8);
  } else if (size >= 4) {
    first = short_text::word_at<std::uint32_t>(text.data());
    last = short_text::word_at<std::uint32_t>(text.data() + size - 4);
  } else if (size > 0) {
    first = static_cast<unsigned char>(text[0]) |
            std::uint64_t{static_cast<unsigned char>(text[size / 2])} << 8 |
            std::uint64_t{static_cast<unsigned char>(text[size - 1])} << 16;
  }
  return folded_product(folded_product(first ^ 0xA0761D6478BD642FULL, last ^ 0xE7037ED1A0B428DBULL ^ size),
                        kTextFactor);
}

inline bool equal_texts(std::string_view a, std::string_view b) {
  const std::size_t size = a.size();
  if (size != b.size()) return false;
  if (size > 16) return std::memcmp(a.data(), b.data(), size) == 0;
  if (size >= 8) return short_text::ends_equal<std::uint64_t>(a.data(), b.data(), size);
  if (size >= 4) return short_text::ends_equal<std::uint32_t>(a.data(), b.data(), size);
  if (size >= 2) return short_text::ends_equal<std::uint16_t>(a.data(), b.data(), size);
  return size == 0 || a[0] == b[0];
}

/// Copies `text` to where nothing of it is.
inline void copy_text(char* to, std::string_view text) {
  const std::size_t size = text.size();
  if (size > 16) {
    std::memcpy(to, text.data(), size);
  } else if (size >= 8) {
    short_text::copy_ends<std::uint64_t>(to, text.data(), size);
  } else if (size >= 4) {
    short_text::copy_ends<std::uint32_t>(to, text.data(), size);
  } else if (size >= 2) {
    short_text::copy_ends<std::uint16_t>(to, text.data(), size);
  } else if (size == 1) {
    *to = text[0];
  }
}

}  // namespace tickstone
