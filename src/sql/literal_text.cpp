// SPDX-License-Identifier: Apache-2.0
#include "sql/literal_text.hpp"

#include <tickstone/error.hpp>

#include "sql/character_class.hpp"

namespace tickstone::sql {

namespace {

void append_utf8(std::string& out, std::uint32_t code_point) {
  if (code_point < 0x80) {
    out += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    out += static_cast<char>(0xC0 | (code_point >> 6));
    out += static_cast<char>(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    out += static_cast<char>(0xE0 | (code_point >> 12));
    out += static_cast<char>(0x80 | ((code_point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code_point & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code_point >> 18));
    out += static_cast<char>(0x80 | ((code_point >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code_point >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code_point & 0x3F));
  }
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::uint32_t read_unicode(std::string_view body, std::size_t& at, int digits) {
  std::uint32_t value = 0;
  for (int i = 0; i < digits; ++i, ++at) {
    const int digit = at < body.size() ? hex_value(body[at]) : -1;
    if (digit < 0) {
      throw Error(ErrorCode::SyntaxError, "invalid Unicode escape", {},
                  "Unicode escapes must be \\uXXXX or \\UXXXXXXXX.");
    }
    value = value * 16 + static_cast<std::uint32_t>(digit);
  }
  return value;
}

std::uint32_t read_code_point(std::string_view body, std::size_t& at, int digits) {
  std::uint32_t value = read_unicode(body, at, digits);
  if (value >= 0xD800 && value < 0xDC00) {
    const bool has_pair =
        at + 1 < body.size() && body[at] == '\\' && (body[at + 1] == 'u' || body[at + 1] == 'U');
    std::uint32_t low = 0;
    if (has_pair) {
      const int low_digits = body[at + 1] == 'u' ? 4 : 8;
      at += 2;
      low = read_unicode(body, at, low_digits);
    }
    if (low < 0xDC00 || low > 0xDFFF) throw Error(ErrorCode::SyntaxError, "invalid Unicode surrogate pair");
    value = 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00);
  } else if (value >= 0xDC00 && value < 0xE000) {
    throw Error(ErrorCode::SyntaxError, "invalid Unicode surrogate pair");
  }
  if (value == 0 || value > 0x10FFFF) throw Error(ErrorCode::SyntaxError, "invalid Unicode escape value");
  return value;
}

/// `at` is behind the backslash.
void append_escape(std::string& out, std::string_view body, std::size_t& at) {
  if (at >= body.size()) return;
  const char c = body[at++];
  switch (c) {
    case 'b':
      out += '\b';
      return;
    case 'f':
      out += '\f';
      return;
    case 'n':
      out += '\n';
      return;
    case 'r':
      out += '\r';
      return;
    case 't':
      out += '\t';
      return;
    case 'v':
      out += '\v';
      return;
    case 'u':
      append_utf8(out, read_code_point(body, at, 4));
      return;
    case 'U':
      append_utf8(out, read_code_point(body, at, 8));
      return;
    default:
      break;
  }
  int value = -1;
  if (c >= '0' && c <= '7') {
    value = c - '0';
    for (int i = 0; i < 2 && at < body.size() && body[at] >= '0' && body[at] <= '7'; ++i)
      value = value * 8 + (body[at++] - '0');
  } else if (c == 'x' && at < body.size() && hex_value(body[at]) >= 0) {
    value = hex_value(body[at++]);
    if (at < body.size() && hex_value(body[at]) >= 0) value = value * 16 + hex_value(body[at++]);
  }
  if (value < 0) {
    out += c;
    return;
  }
  if ((value & 0xFF) == 0) {
    throw Error(ErrorCode::CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\": 0x00");
  }
  out += static_cast<char>(value & 0xFF);
}

/// A closing quote that is not doubled is followed by white space and the string's next part.
void append_quoted(std::string& out, std::string_view body, bool has_escapes) {
  for (std::size_t at = 0; at < body.size();) {
    const char c = body[at];
    if (c == '\\' && has_escapes) {
      append_escape(out, body, ++at);
    } else if (c == '\'') {
      ++at;
      if (at < body.size() && body[at] == '\'') {
        out += '\'';
        ++at;
        continue;
      }
      while (at < body.size() && body[at] != '\'') {
        if (body[at] == '-') {
          while (at < body.size() && body[at] != '\n' && body[at] != '\r') ++at;
        } else {
          ++at;
        }
      }
      ++at;
    } else {
      out += c;
      ++at;
    }
  }
}

}  // namespace

void append_literal_text(std::string& out, TokenKind kind, std::string_view token) {
  if (kind == TokenKind::String && token.size() >= 2 && token[0] == '\'') {
    append_quoted(out, token.substr(1, token.size() - 2), false);
  } else if (kind == TokenKind::EscapeString && token.size() >= 3) {
    append_quoted(out, token.substr(2, token.size() - 3), true);
  } else if (kind == TokenKind::DollarString) {
    const std::size_t tag = token.find('$', 1) + 1;
    out += token.substr(tag, token.size() - 2 * tag);
  } else {
    out += token;
  }
}

}  // namespace tickstone::sql
