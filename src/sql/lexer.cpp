// SPDX-License-Identifier: Apache-2.0
#include "sql/lexer.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "sql/character_class.hpp"
#include "sql/text_position.hpp"

namespace tickstone::sql {

namespace {

[[noreturn]] void fail(std::string_view text, std::size_t begin, std::size_t end, std::string_view what) {
  throw Error(ErrorCode::SyntaxError,
              fmt::format("{} at or near \"{}\"", what, text.substr(begin, end - begin)))
      .at(character_position(text, begin));
}

/// Skips white space and comments. Returns whether a line break was among the white space.
bool skip_space(std::string_view text, std::size_t& at) {
  bool has_newline = false;
  while (at < text.size()) {
    const char c = text[at];
    if (is_space(c)) {
      has_newline = has_newline || c == '\n' || c == '\r';
      ++at;
    } else if (c == '-' && at + 1 < text.size() && text[at + 1] == '-') {
      while (at < text.size() && text[at] != '\n' && text[at] != '\r') ++at;
    } else {
      break;
    }
  }
  return has_newline;
}

std::size_t skip_block_comment(std::string_view text, std::size_t begin) {
  std::size_t at = begin + 2;
  int depth = 1;
  while (at + 1 < text.size()) {
    if (text[at] == '/' && text[at + 1] == '*') {
      ++depth;
      at += 2;
    } else if (text[at] == '*' && text[at + 1] == '/') {
      at += 2;
      if (--depth == 0) return at;
    } else {
      ++at;
    }
  }
  fail(text, begin, text.size(), "unterminated /* comment");
}

/// `at` is behind the opening quote. Returns the position behind the closing one; a string goes on after
/// white space with a line break in it.
std::size_t skip_quoted(std::string_view text, std::size_t begin, std::size_t at, bool has_escapes,
                        std::string_view what, bool has_doubled_quotes = true) {
  for (;;) {
    if (!has_escapes) {
      const void* quote = at < text.size() ? std::memchr(text.data() + at, '\'', text.size() - at) : nullptr;
      if (quote == nullptr) fail(text, begin, text.size(), what);
      at = static_cast<std::size_t>(static_cast<const char*>(quote) - text.data());
    } else {
      while (at < text.size() && text[at] != '\'') at += text[at] == '\\' ? 2 : 1;
      if (at >= text.size()) fail(text, begin, text.size(), what);
    }
    ++at;
    if (has_doubled_quotes && at < text.size() && text[at] == '\'') {
      ++at;
      continue;
    }
    std::size_t ahead = at;
    if (skip_space(text, ahead) && ahead < text.size() && text[ahead] == '\'') {
      at = ahead + 1;
      continue;
    }
    return at;
  }
}

std::size_t skip_quoted_identifier(std::string_view text, std::size_t begin, std::size_t at) {
  const std::size_t first = at;
  for (;;) {
    while (at < text.size() && text[at] != '"') ++at;
    if (at >= text.size()) fail(text, begin, text.size(), "unterminated quoted identifier");
    ++at;
    if (at < text.size() && text[at] == '"') {
      ++at;
      continue;
    }
    if (at - 1 == first) fail(text, begin, at, "zero-length delimited identifier");
    return at;
  }
}

std::size_t skip_number(std::string_view text, std::size_t begin) {
  std::size_t at = begin;
  const auto digits = [&] {
    const std::size_t from = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at > from;
  };
  digits();
  // "1..10" is a number, two dots and a number.
  if (at < text.size() && text[at] == '.' && !(at + 1 < text.size() && text[at + 1] == '.')) {
    ++at;
    digits();
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    const std::size_t mark = at++;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (!digits())
      fail(text, begin, std::min(at == mark + 1 ? mark + 1 : at, text.size()),
           "trailing junk after numeric literal");
  }
  if (at < text.size() && is_identifier_start(text[at])) {
    fail(text, begin, at + 1, "trailing junk after numeric literal");
  }
  return at;
}

/// The tag of a dollar quote that begins at `begin`, dollars included; empty where there is none.
std::string_view dollar_tag(std::string_view text, std::size_t begin) {
  std::size_t at = begin + 1;
  if (at < text.size() && is_identifier_start(text[at])) {
    while (at < text.size() && is_identifier_part(text[at]) && text[at] != '$') ++at;
  }
  if (at < text.size() && text[at] == '$') return text.substr(begin, at + 1 - begin);
  return {};
}

std::size_t skip_operator(std::string_view text, std::size_t begin) {
  std::size_t end = begin;
  while (end < text.size() && is_operator_character(text[end])) {
    if (end + 1 < text.size() &&
        ((text[end] == '-' && text[end + 1] == '-') || (text[end] == '/' && text[end + 1] == '*'))) {
      break;
    }
    ++end;
  }
  // A longer operator ends with + or - only if it has a character that no SQL operator has.
  if (end - begin > 1 && (text[end - 1] == '+' || text[end - 1] == '-')) {
    bool is_special = false;
    for (std::size_t i = begin; i < end && !is_special; ++i)
      is_special = std::strchr("~!@#^&|`?%", text[i]) != nullptr;
    if (!is_special) {
      while (end - begin > 1 && (text[end - 1] == '+' || text[end - 1] == '-')) --end;
    }
  }
  return end;
}

}  // namespace

Token Lexer::next() {
  for (;;) {
    skip_space(text_, at_);
    if (at_ + 1 < text_.size() && text_[at_] == '/' && text_[at_ + 1] == '*') {
      at_ = skip_block_comment(text_, at_);
      continue;
    }
    break;
  }
  Token token;
  token.begin = static_cast<std::uint32_t>(at_);
  token.end = token.begin;
  if (at_ >= text_.size()) return token;

  const std::size_t begin = at_;
  const char c = text_[begin];
  const char following = begin + 1 < text_.size() ? text_[begin + 1] : '\0';
  std::size_t end = begin + 1;
  if (is_identifier_start(c)) {
    const char lower = static_cast<char>(c | 0x20);
    if (following == '\'' && lower == 'e') {
      token.kind = TokenKind::EscapeString;
      end = skip_quoted(text_, begin, begin + 2, true, "unterminated quoted string");
    } else if (following == '\'' && (lower == 'b' || lower == 'x')) {
      token.kind = TokenKind::BitString;
      end = skip_quoted(
          text_, begin, begin + 2, false,
          lower == 'b' ? "unterminated bit string literal" : "unterminated hexadecimal string literal",
          false);
    } else if (lower == 'u' && following == '&' && begin + 2 < text_.size() && text_[begin + 2] == '\'') {
      token.kind = TokenKind::String;
      end = skip_quoted(text_, begin, begin + 3, false, "unterminated quoted string");
    } else if (lower == 'u' && following == '&' && begin + 2 < text_.size() && text_[begin + 2] == '"') {
      token.kind = TokenKind::QuotedIdentifier;
      end = skip_quoted_identifier(text_, begin, begin + 3);
    } else {
      token.kind = TokenKind::Identifier;
      while (end < text_.size() && is_identifier_part(text_[end])) ++end;
    }
  } else if (c == '\'') {
    token.kind = TokenKind::String;
    end = skip_quoted(text_, begin, begin + 1, false, "unterminated quoted string");
  } else if (c == '"') {
    token.kind = TokenKind::QuotedIdentifier;
    end = skip_quoted_identifier(text_, begin, begin + 1);
  } else if (is_digit(c) || (c == '.' && is_digit(following))) {
    token.kind = TokenKind::Number;
    end = skip_number(text_, begin);
  } else if (c == '$') {
    if (is_digit(following)) {
      token.kind = TokenKind::Parameter;
      while (end < text_.size() && is_digit(text_[end])) ++end;
      if (end < text_.size() && is_identifier_start(text_[end])) {
        fail(text_, begin, end + 1, "trailing junk after parameter");
      }
    } else if (const std::string_view tag = dollar_tag(text_, begin); !tag.empty()) {
      token.kind = TokenKind::DollarString;
      const std::size_t close = text_.find(tag, begin + tag.size());
      if (close == std::string_view::npos)
        fail(text_, begin, text_.size(), "unterminated dollar-quoted string");
      end = close + tag.size();
    } else {
      token.kind = TokenKind::Punctuation;
    }
  } else if (c == ':' && (following == ':' || following == '=')) {
    token.kind = TokenKind::Punctuation;
    end = begin + 2;
  } else if (c == '.' && following == '.') {
    token.kind = TokenKind::Punctuation;
    end = begin + 2;
  } else if (is_operator_character(c)) {
    token.kind = TokenKind::Operator;
    end = skip_operator(text_, begin);
  } else {
    token.kind = TokenKind::Punctuation;
  }
  at_ = end;
  token.end = static_cast<std::uint32_t>(end);
  return token;
}

namespace {

/// Whether all strings and parentheses end; false also where more than plain strings would have to be told
/// apart.
bool is_closed(std::string_view text) {
  int depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    switch (text[at]) {
      case '"':
      case '$':
      case '\\':
        return false;
      case '\'':
        at = text.find('\'', at + 1);
        if (at == std::string_view::npos) return false;
        break;
      case '(':
      case '[':
        ++depth;
        break;
      case ')':
      case ']':
        if (--depth < 0) return false;
        break;
      default:
        break;
    }
  }
  return depth == 0;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// The text where it is plainly one statement, from its first token to its last, without the semicolon; empty
/// where that must be read token by token.
std::string_view plainly_one(std::string_view text) {
  const auto has = [&](std::string_view part) { return text.find(part) != std::string_view::npos; };
  if (text.empty() || has("--") || has("/*")) return {};
  const std::size_t semicolon = text.find(';');
  const std::string_view one = trimmed(text.substr(0, semicolon));
  if (one.empty()) return {};
  if (semicolon == std::string_view::npos) {
    // White space at the end may belong to a literal that does not end.
    return !is_space(text.back()) || is_closed(one) ? one : std::string_view{};
  }
  const bool may_have_body = to_lower(one.front()) == 'c';  // CREATE FUNCTION ... BEGIN ATOMIC
  return trimmed(text.substr(semicolon + 1)).empty() && !may_have_body && is_closed(one) ? one
                                                                                         : std::string_view{};
}

}  // namespace

std::vector<std::string_view> split_statements(std::string_view text) {
  std::vector<std::string_view> statements;
  if (const auto one = plainly_one(text); !one.empty()) {
    statements.push_back(one);
    return statements;
  }
  std::size_t begin = 0;
  std::size_t end = 0;
  bool is_empty = true;
  int depth = 0;
  // CREATE FUNCTION ... BEGIN ATOMIC ...; ... END is one statement; CASE ... END within it is no end of it.
  int body_depth = 0;
  bool is_create = false;
  std::string_view last_word;
  const auto finish = [&] {
    if (!is_empty) statements.push_back(text.substr(begin, end - begin));
    is_empty = true;
  };
  const auto is_word = [](std::string_view word, std::string_view lower) {
    return std::equal(word.begin(), word.end(), lower.begin(), lower.end(),
                      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
  };
  Lexer lexer(text);
  for (;;) {
    Token token;
    const std::size_t before = lexer.position();
    try {
      token = lexer.next();
    } catch (const Error&) {
      // What follows is one statement, and the parser says what is wrong with it.
      if (is_empty) begin = before;
      end = text.size();
      is_empty = false;
      break;
    }
    if (token.kind == TokenKind::End) break;
    if (token.kind == TokenKind::Punctuation && token.end - token.begin == 1) {
      const char c = text[token.begin];
      if (c == '(' || c == '[') ++depth;
      if ((c == ')' || c == ']') && depth > 0) --depth;
      if (c == ';' && depth == 0 && body_depth == 0) {
        finish();
        continue;
      }
    }
    const std::string_view word = text.substr(token.begin, token.end - token.begin);
    if (is_empty) is_create = is_word(word, "create");
    if (is_create && body_depth == 0 && is_word(word, "atomic") && is_word(last_word, "begin"))
      body_depth = 1;
    else if (body_depth > 0 && is_word(word, "case"))
      ++body_depth;
    else if (body_depth > 0 && is_word(word, "end"))
      --body_depth;
    last_word = word;
    if (is_empty) begin = token.begin;
    is_empty = false;
    end = token.end;
  }
  finish();
  return statements;
}

}  // namespace tickstone::sql
