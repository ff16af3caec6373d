// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tickstone {

/// An encoding of one byte a character that clients may speak: the setting client_encoding. Threads: any.
class TextEncoding {
 public:
  /// `upper`: what the bytes from 0x80 on are; 0: nothing.
  TextEncoding(std::string_view name, const std::array<char16_t, 128>& upper) : name_(name), upper_(upper) {}

  std::string_view name() const { return name_; }
  /// The byte of one character of UTF-8 of more than one byte; nothing where the encoding has none.
  std::optional<char> find_byte(std::string_view character) const;
  /// Errors: UntranslatableCharacter for a character that the encoding has not.
  std::string from_utf8(std::string_view text) const;
  /// Errors: UntranslatableCharacter for a byte that means nothing.
  std::string to_utf8(std::string_view text) const;

 private:
  std::string_view name_;
  std::array<char16_t, 128> upper_;
};

/// By PostgreSQL's name: LATIN1, LATIN9, WIN1252; nullptr for UTF8, for SQL_ASCII, which is sent as it is,
/// and for what there is not.
const TextEncoding* find_text_encoding(std::string_view name);

}  // namespace tickstone
