// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstring>

#include <tickstone/error.hpp>

#include "sql/character_class.hpp"
#include "sql/lexer.hpp"

namespace tickstone::sql {

namespace {

// The characters that a scan over a row must look at; all others are passed over.
constexpr auto kRowSpecial = [] {
  std::array<bool, 256> special{};
  for (const char c : {'\'', '"', '(', ')', '[', ']', ',', '-', '/', '$', ';'})
    special[static_cast<unsigned char>(c)] = true;
  return special;
}();

bool equals_word(std::string_view text, std::string_view lower_word) {
  if (text.size() != lower_word.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (to_lower(text[i]) != lower_word[i]) return false;
  }
  return true;
}

/// Passes white space and comments; false for a comment that has no end.
bool pass_space(std::string_view text, std::size_t& at) {
  while (at < text.size()) {
    if (is_space(text[at])) {
      ++at;
    } else if (text[at] == '-' && at + 1 < text.size() && text[at + 1] == '-') {
      while (at < text.size() && text[at] != '\n' && text[at] != '\r') ++at;
    } else if (text[at] == '/' && at + 1 < text.size() && text[at + 1] == '*') {
      int depth = 1;
      at += 2;
      while (depth > 0) {
        if (at + 1 >= text.size()) return false;
        if (text[at] == '/' && text[at + 1] == '*') {
          ++depth;
          at += 2;
        } else if (text[at] == '*' && text[at + 1] == '/') {
          --depth;
          at += 2;
        } else {
          ++at;
        }
      }
    } else {
      break;
    }
  }
  return true;
}

bool pass_until(std::string_view text, std::size_t& at, char end) {
  const void* found = at < text.size() ? std::memchr(text.data() + at, end, text.size() - at) : nullptr;
  if (found == nullptr) return false;
  at = static_cast<std::size_t>(static_cast<const char*>(found) - text.data()) + 1;
  return true;
}

/// `at` is at a row's parenthesis and ends behind its closing one. A doubled quote counts as the end of one
/// string and the beginning of the next, which is all the same here.
bool pass_row(std::string_view text, std::size_t& at, std::size_t& field_count) {
  int depth = 0;
  field_count = 1;
  while (at < text.size()) {
    if (!kRowSpecial[static_cast<unsigned char>(text[at])]) {
      ++at;
      continue;
    }
    const char c = text[at];
    switch (c) {
      case '\'': {
        const bool has_escapes =
            at > 0 && to_lower(text[at - 1]) == 'e' && !(at > 1 && is_identifier_part(text[at - 2]));
        ++at;
        if (!has_escapes) {
          if (!pass_until(text, at, '\'')) return false;
        } else {
          while (at < text.size() && text[at] != '\'') at += text[at] == '\\' ? 2 : 1;
          if (at >= text.size()) return false;
          ++at;
          // E'it''s': the second half is still an escape string.
          while (at < text.size() && text[at] == '\'') {
            ++at;
            while (at < text.size() && text[at] != '\'') at += text[at] == '\\' ? 2 : 1;
            if (at >= text.size()) return false;
            ++at;
          }
        }
        break;
      }
      case '"':
        ++at;
        if (!pass_until(text, at, '"')) return false;
        break;
      case '(':
      case '[':
        ++depth;
        ++at;
        break;
      case ')':
      case ']':
        ++at;
        if (--depth == 0) return true;
        break;
      case ',':
        if (depth == 1) ++field_count;
        ++at;
        break;
      case '$':
        if (!(at + 1 < text.size() && is_digit(text[at + 1]))) return false;
        ++at;
        break;
      case ';':
        return false;
      default: {
        const std::size_t before = at;
        if (!pass_space(text, at)) return false;
        if (at == before) ++at;
      }
    }
  }
  return false;
}

/// The part up to VALUES. False where the statement is not of the form.
bool read_head(std::string_view statement, Lexer& lexer, std::string& head) {
  std::size_t previous_end = 0;
  const auto text_of = [&](const Token& token) {
    return statement.substr(token.begin, token.end - token.begin);
  };
  const auto append = [&](const Token& token) {
    if (!head.empty() && token.begin != previous_end) head += ' ';
    head += text_of(token);
    previous_end = token.end;
  };
  const auto is_word = [&](const Token& token, std::string_view word) {
    return token.kind == TokenKind::Identifier && equals_word(text_of(token), word);
  };
  const auto is_name = [](const Token& token) {
    return token.kind == TokenKind::Identifier || token.kind == TokenKind::QuotedIdentifier;
  };
  const auto is_mark = [&](const Token& token, char c) {
    return token.kind == TokenKind::Punctuation && token.end - token.begin == 1 &&
           statement[token.begin] == c;
  };
  Token token = lexer.next();
  if (!is_word(token, "insert")) return false;
  append(token);
  token = lexer.next();
  if (!is_word(token, "into")) return false;
  append(token);
  for (;;) {
    token = lexer.next();
    if (!is_name(token)) return false;
    append(token);
    token = lexer.next();
    if (!is_mark(token, '.')) break;
    append(token);
  }
  if (is_word(token, "as")) {
    append(token);
    token = lexer.next();
    if (!is_name(token)) return false;
    append(token);
    token = lexer.next();
  }
  if (is_mark(token, '(')) {
    for (;;) {
      append(token);
      token = lexer.next();
      if (!is_name(token)) return false;
      append(token);
      token = lexer.next();
      if (is_mark(token, ')')) break;
      if (!is_mark(token, ',')) return false;
    }
    append(token);
    token = lexer.next();
  }
  if (is_word(token, "overriding")) {
    for (int i = 0; i < 3; ++i) {
      append(token);
      token = lexer.next();
    }
  }
  if (!is_word(token, "values")) return false;
  append(token);
  return true;
}

}  // namespace

std::optional<InsertShape> find_insert_shape(std::string_view statement, InsertHead* known) {
  InsertShape shape;
  std::size_t at = 0;
  const auto begins_as = [&](std::string_view written) {
    return !written.empty() && statement.starts_with(written) &&
           (statement.size() == written.size() || !is_identifier_part(statement[written.size()]));
  };
  if (known != nullptr && begins_as(known->written)) {
    shape.head = known->head;
    at = known->written.size();
  } else {
    Lexer lexer(statement);
    try {
      if (!read_head(statement, lexer, shape.head)) return std::nullopt;
    } catch (const Error&) {
      return std::nullopt;  // the parser says it better
    }
    at = lexer.position();
    if (known != nullptr) *known = {std::string(statement.substr(0, at)), shape.head};
  }
  if (!pass_space(statement, at)) return std::nullopt;
  const std::size_t first = at;
  std::size_t end = at;
  for (;;) {
    if (at >= statement.size() || statement[at] != '(') return std::nullopt;
    std::size_t field_count = 0;
    if (!pass_row(statement, at, field_count)) return std::nullopt;
    if (shape.column_count == 0) shape.column_count = field_count;
    end = at;
    if (!pass_space(statement, at)) return std::nullopt;
    if (at >= statement.size() || statement[at] != ',') break;
    ++at;
    if (!pass_space(statement, at)) return std::nullopt;
  }
  shape.rows = statement.substr(first, end - first);
  std::size_t tail_end = statement.size();
  while (tail_end > at && (is_space(statement[tail_end - 1]) || statement[tail_end - 1] == ';')) --tail_end;
  shape.tail = statement.substr(at, tail_end - at);
  return shape;
}

}  // namespace tickstone::sql
