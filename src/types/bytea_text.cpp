// SPDX-License-Identifier: Apache-2.0
#include "types/bytea_text.hpp"

#include <tickstone/error.hpp>

#include "types/utf8.hpp"

namespace tickstone {

namespace {

std::string parse_hex(std::string_view digits) {
  std::string bytes;
  bytes.reserve(digits.size() / 2);
  for (std::size_t i = 0; i < digits.size();) {
    const char c = digits[i];
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
      ++i;
      continue;
    }
    int value = 0;
    for (int half = 0; half < 2; ++half, ++i) {
      if (i == digits.size()) {
        throw Error(ErrorCode::InvalidParameterValue, "invalid hexadecimal data: odd number of digits");
      }
      const int digit = hex_digit(digits[i]);
      if (digit < 0) {
        const auto size = utf8_prefix_bytes(digits.substr(i), 1);
        throw Error(ErrorCode::InvalidParameterValue,
                    "invalid hexadecimal digit: \"" + std::string(digits.substr(i, size)) + "\"");
      }
      value = value * 16 + digit;
    }
    bytes.push_back(static_cast<char>(value));
  }
  return bytes;
}

}  // namespace

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string parse_bytea(std::string_view text) {
  if (text.substr(0, 2) == "\\x") return parse_hex(text.substr(2));
  std::string bytes;
  bytes.reserve(text.size());
  const auto octal = [&](std::size_t i, char most) {
    return i < text.size() && text[i] >= '0' && text[i] <= most;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes.push_back(text[i]);
    } else if (octal(i + 1, '3') && octal(i + 2, '7') && octal(i + 3, '7')) {
      bytes.push_back(
          static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0')));
      i += 3;
    } else if (i + 1 < text.size() && text[i + 1] == '\\') {
      bytes.push_back('\\');
      ++i;
    } else {
      throw Error(ErrorCode::InvalidTextRepresentation, "invalid input syntax for type bytea");
    }
  }
  return bytes;
}

void append_bytea_hex(std::string& out, std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  out += "\\x";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
}

void append_bytea_escape(std::string& out, std::string_view bytes) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\') {
      out += "\\\\";
    } else if (byte < 0x20 || byte > 0x7e) {
      out.push_back('\\');
      out.push_back(static_cast<char>('0' + (byte >> 6)));
      out.push_back(static_cast<char>('0' + (byte >> 3 & 7)));
      out.push_back(static_cast<char>('0' + (byte & 7)));
    } else {
      out.push_back(c);
    }
  }
}

}  // namespace tickstone
