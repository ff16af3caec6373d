// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cstring>

#include <tickstone/error.hpp>

#include "sql/character_class.hpp"
#include "sql/lexer.hpp"
#include "sql/literal_text.hpp"

namespace tickstone::sql {

namespace {

bool equals_word(std::string_view text, std::string_view lower_word) {
  if (text.size() != lower_word.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (to_lower(text[i]) != lower_word[i]) return false;
  }
  return true;
}

inline void pass_space(std::string_view text, std::size_t& at) {
  while (at < text.size() && is_space(text[at])) ++at;
}

/// The end of a number that begins at `at`, behind its sign; `at` itself where there is none.
std::size_t number_end(std::string_view text, std::size_t at) {
  const std::size_t begin = at;
  std::size_t digits = 0;
  while (at < text.size() && is_digit(text[at])) ++at, ++digits;
  if (at < text.size() && text[at] == '.') {
    ++at;
    while (at < text.size() && is_digit(text[at])) ++at, ++digits;
  }
  if (digits == 0) return begin;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const std::size_t exponent = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    if (at == exponent) return begin;
  }
  if (at < text.size() && (is_identifier_part(text[at]) || text[at] == '.')) return begin;
  return at;
}

void append_array_element(std::string& out, std::string_view element) {
  out += '"';
  for (const char c : element) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

}  // namespace

std::string& ValuesReader::buffer() {
  if (used_ == unescaped_.size()) unescaped_.emplace_back();
  std::string& out = unescaped_[used_++];
  out.clear();
  return out;
}

bool ValuesReader::read_string(bool has_escapes, std::string_view& out) {
  const std::size_t begin = at_;
  at_ += has_escapes ? 2 : 1;
  bool needs_copy = has_escapes;
  for (;;) {
    if (has_escapes) {
      while (at_ < text_.size() && text_[at_] != '\'') at_ += text_[at_] == '\\' ? 2 : 1;
      if (at_ >= text_.size()) return false;
    } else {
      const void* quote = std::memchr(text_.data() + at_, '\'', text_.size() - at_);
      if (quote == nullptr) return false;
      at_ = static_cast<std::size_t>(static_cast<const char*>(quote) - text_.data());
    }
    ++at_;
    if (at_ >= text_.size() || text_[at_] != '\'') break;
    needs_copy = true;
    ++at_;
  }
  if (!needs_copy) {
    out = text_.substr(begin + 1, at_ - begin - 2);
    return true;
  }
  std::string& copy = buffer();
  try {
    append_literal_text(copy, has_escapes ? TokenKind::EscapeString : TokenKind::String,
                        text_.substr(begin, at_ - begin));
  } catch (const Error&) {
    return false;  // the parser reports it
  }
  out = copy;
  return true;
}

bool ValuesReader::read_array(std::string_view& out) {
  pass_space(text_, at_);
  if (at_ >= text_.size() || text_[at_] != '[') return false;
  ++at_;
  std::string body = "{";
  for (bool is_first = true;; is_first = false) {
    pass_space(text_, at_);
    if (at_ >= text_.size()) return false;
    if (text_[at_] == ']') {
      if (!is_first) return false;
      break;
    }
    if (!is_first) body += ',';
    const char c = text_[at_];
    if (c == '\'' || ((c == 'E' || c == 'e') && at_ + 1 < text_.size() && text_[at_ + 1] == '\'')) {
      std::string_view element;
      if (!read_string(c != '\'', element)) return false;
      append_array_element(body, element);
    } else if (is_digit(c) || c == '-' || c == '.') {
      const std::size_t digits = at_ + (c == '-' ? 1 : 0);
      const std::size_t end = number_end(text_, digits);
      if (end == digits) return false;
      body += text_.substr(at_, end - at_);
      at_ = end;
    } else if (at_ + 4 <= text_.size() && equals_word(text_.substr(at_, 4), "null") &&
               !(at_ + 4 < text_.size() && is_identifier_part(text_[at_ + 4]))) {
      body += "NULL";
      at_ += 4;
    } else {
      return false;
    }
    pass_space(text_, at_);
    if (at_ >= text_.size()) return false;
    if (text_[at_] == ']') break;
    if (text_[at_] != ',') return false;
    ++at_;
    pass_space(text_, at_);
    if (at_ < text_.size() && text_[at_] == ']') return false;
  }
  ++at_;
  body += '}';
  std::string& kept = buffer();
  kept = std::move(body);
  out = kept;
  return true;
}

bool ValuesReader::read_word(LiteralField& field) {
  const std::size_t begin = at_;
  if ((text_[at_] == 'E' || text_[at_] == 'e') && at_ + 1 < text_.size() && text_[at_ + 1] == '\'') {
    field.kind = LiteralField::Kind::Text;
    return read_string(true, field.text);
  }
  while (at_ < text_.size() && is_identifier_part(text_[at_])) ++at_;
  const std::string_view word = text_.substr(begin, at_ - begin);
  if (equals_word(word, "null")) {
    field.kind = LiteralField::Kind::Null;
  } else if (equals_word(word, "default")) {
    field.kind = LiteralField::Kind::Default;
  } else if (equals_word(word, "true")) {
    field.kind = LiteralField::Kind::True;
  } else if (equals_word(word, "false")) {
    field.kind = LiteralField::Kind::False;
  } else if (equals_word(word, "array")) {
    field.kind = LiteralField::Kind::Text;
    return read_array(field.text);
  } else {
    return false;
  }
  return true;
}

bool ValuesReader::read_cast(LiteralField& field) {
  if (at_ + 1 >= text_.size() || text_[at_ + 1] != ':' || field.kind == LiteralField::Kind::Default)
    return false;
  at_ += 2;
  pass_space(text_, at_);
  const std::size_t begin = at_;
  std::size_t end = at_;
  while (at_ < text_.size() && is_identifier_start(text_[at_])) {
    while (at_ < text_.size() && is_identifier_part(text_[at_])) ++at_;
    end = at_;
    pass_space(text_, at_);
  }
  if (end == begin) return false;
  if (at_ + 1 < text_.size() && text_[at_] == '[' && text_[at_ + 1] == ']') {
    at_ += 2;
    end = at_;
    pass_space(text_, at_);
  }
  field.cast = text_.substr(begin, end - begin);
  return true;
}

ValuesReader::Outcome ValuesReader::next(std::vector<LiteralField>& fields) {
  fields.clear();
  used_ = 0;
  const bool is_first = at_ == 0;
  pass_space(text_, at_);
  if (at_ >= text_.size()) return Outcome::End;
  if (!is_first) {
    if (text_[at_] != ',') return Outcome::NotLiteral;
    ++at_;
    pass_space(text_, at_);
  }
  if (at_ >= text_.size() || text_[at_] != '(') return Outcome::NotLiteral;
  ++at_;
  for (;;) {
    pass_space(text_, at_);
    if (at_ >= text_.size()) return Outcome::NotLiteral;
    LiteralField& field = fields.emplace_back();
    const char c = text_[at_];
    if (c == '\'') {
      field.kind = LiteralField::Kind::Text;
      if (!read_string(false, field.text)) return Outcome::NotLiteral;
    } else if (is_digit(c) || c == '-' || c == '+' || c == '.') {
      field.kind = LiteralField::Kind::Number;
      const std::size_t digits = at_ + (c == '-' || c == '+' ? 1 : 0);
      const std::size_t end = number_end(text_, digits);
      if (end == digits) return Outcome::NotLiteral;
      const std::size_t begin = c == '+' ? digits : at_;
      field.text = text_.substr(begin, end - begin);
      at_ = end;
    } else if (c == '$') {
      field.kind = LiteralField::Kind::Parameter;
      const char* const from = text_.data() + at_ + 1;
      const auto [end, error] = std::from_chars(from, text_.data() + text_.size(), field.parameter);
      if (error != std::errc() || field.parameter <= 0 || !is_digit(*from)) return Outcome::NotLiteral;
      at_ = static_cast<std::size_t>(end - text_.data());
      if (at_ < text_.size() && is_identifier_part(text_[at_])) return Outcome::NotLiteral;
    } else if (is_identifier_start(c)) {
      if (!read_word(field)) return Outcome::NotLiteral;
    } else {
      return Outcome::NotLiteral;
    }
    pass_space(text_, at_);
    if (at_ < text_.size() && text_[at_] == ':' && !read_cast(field)) return Outcome::NotLiteral;
    if (at_ >= text_.size()) return Outcome::NotLiteral;
    if (text_[at_] == ')') {
      ++at_;
      return Outcome::Row;
    }
    if (text_[at_] != ',') return Outcome::NotLiteral;
    ++at_;
  }
}

}  // namespace tickstone::sql
