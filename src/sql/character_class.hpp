// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

/// PostgreSQL's classes of characters, as its lexer has them. Bytes from 128 up are letters.
namespace tickstone::sql {

inline constexpr std::uint8_t kSpaceClass = 1;
inline constexpr std::uint8_t kDigitClass = 2;
inline constexpr std::uint8_t kIdentifierStartClass = 4;
inline constexpr std::uint8_t kIdentifierPartClass = 8;
inline constexpr std::uint8_t kOperatorClass = 16;

inline constexpr auto kCharacterClasses = [] {
  std::array<std::uint8_t, 256> classes{};
  for (const char c : {' ', '\t', '\n', '\r', '\f'}) classes[static_cast<unsigned char>(c)] |= kSpaceClass;
  for (int c = '0'; c <= '9'; ++c) classes[static_cast<std::size_t>(c)] |= kDigitClass | kIdentifierPartClass;
  for (std::size_t c = 0; c < 256; ++c) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 128) {
      classes[c] |= kIdentifierStartClass | kIdentifierPartClass;
    }
  }
  classes['$'] |= kIdentifierPartClass;
  for (const char c : {'~', '!', '@', '#', '^', '&', '|', '`', '?', '+', '-', '*', '/', '%', '<', '>', '='}) {
    classes[static_cast<unsigned char>(c)] |= kOperatorClass;
  }
  return classes;
}();

inline bool has_class(char c, std::uint8_t mask) {
  return (kCharacterClasses[static_cast<unsigned char>(c)] & mask) != 0;
}
inline bool is_space(char c) { return has_class(c, kSpaceClass); }
inline bool is_digit(char c) { return has_class(c, kDigitClass); }
inline bool is_identifier_start(char c) { return has_class(c, kIdentifierStartClass); }
inline bool is_identifier_part(char c) { return has_class(c, kIdentifierPartClass); }
inline bool is_operator_character(char c) { return has_class(c, kOperatorClass); }

inline char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

}  // namespace tickstone::sql
