// SPDX-License-Identifier: Apache-2.0
#include "types/text_encoding.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <tickstone/error.hpp>

namespace tickstone {

namespace {

using Upper = std::array<char16_t, 128>;

Upper latin1() {
  Upper upper{};
  for (std::size_t i = 0; i < upper.size(); ++i) upper[i] = static_cast<char16_t>(0x80 + i);
  return upper;
}

/// ISO 8859-15: eight characters other than in ISO 8859-1.
Upper latin9() {
  Upper upper = latin1();
  constexpr std::pair<int, char16_t> kOthers[] = {{0xA4, 0x20AC}, {0xA6, 0x0160}, {0xA8, 0x0161},
                                                  {0xB4, 0x017D}, {0xB8, 0x017E}, {0xBC, 0x0152},
                                                  {0xBD, 0x0153}, {0xBE, 0x0178}};
  for (const auto& [byte, character] : kOthers) upper[static_cast<std::size_t>(byte - 0x80)] = character;
  return upper;
}

/// Windows has letters and signs where ISO 8859-1 has control characters.
Upper win1252() {
  Upper upper = latin1();
  constexpr std::array<char16_t, 32> kFirst = {
      0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
      0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
      0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};
  std::copy(kFirst.begin(), kFirst.end(), upper.begin());
  return upper;
}

[[noreturn]] void fail(std::string_view bytes, std::string_view from, std::string_view to) {
  std::string shown;
  for (const char c : bytes)
    shown += fmt::format("{}0x{:02x}", shown.empty() ? "" : " ", static_cast<unsigned char>(c));
  throw Error(ErrorCode::UntranslatableCharacter,
              fmt::format("character with byte sequence {} in encoding \"{}\" has no equivalent in encoding "
                          "\"{}\"",
                          shown, from, to));
}

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

/// Bytes of the character that begins with `first`.
std::size_t length_of(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

}  // namespace

std::optional<char> TextEncoding::find_byte(std::string_view character) const {
  const auto bits = [&](std::size_t i) { return static_cast<unsigned char>(character[i]) & 0x3FU; };
  const auto first = static_cast<unsigned char>(character[0]);
  char32_t point = 0;
  if (character.size() == 2) point = (first & 0x1FU) << 6 | bits(1);
  if (character.size() == 3) point = (first & 0x0FU) << 12 | bits(1) << 6 | bits(2);
  const auto found = std::find(upper_.begin(), upper_.end(), static_cast<char16_t>(point));
  if (point == 0 || found == upper_.end()) return std::nullopt;
  return static_cast<char>(0x80 + (found - upper_.begin()));
}

std::string TextEncoding::from_utf8(std::string_view text) const {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (is_ascii(text[at])) {
      out += text[at++];
      continue;
    }
    const std::string_view character = text.substr(at, length_of(text[at]));
    at += character.size();
    const auto byte = find_byte(character);
    if (!byte) fail(character, "UTF8", name_);
    out += *byte;
  }
  return out;
}

std::string TextEncoding::to_utf8(std::string_view text) const {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_ascii(c)) {
      out += c;
      continue;
    }
    const std::uint32_t point = upper_[static_cast<unsigned char>(c) - 0x80U];
    if (point == 0) fail({&c, 1}, name_, "UTF8");
    if (point < 0x800) {
      out += static_cast<char>(0xC0U | point >> 6);
    } else {
      out += static_cast<char>(0xE0U | point >> 12);
      out += static_cast<char>(0x80U | (point >> 6 & 0x3FU));
    }
    out += static_cast<char>(0x80U | (point & 0x3FU));
  }
  return out;
}

const TextEncoding* find_text_encoding(std::string_view name) {
  static const std::array<TextEncoding, 3> encodings = {
      TextEncoding("LATIN1", latin1()), TextEncoding("LATIN9", latin9()), TextEncoding("WIN1252", win1252())};
  const auto found = std::find_if(encodings.begin(), encodings.end(),
                                  [&](const TextEncoding& encoding) { return encoding.name() == name; });
  return found == encodings.end() ? nullptr : &*found;
}

}  // namespace tickstone
