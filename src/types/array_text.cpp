// SPDX-License-Identifier: Apache-2.0
#include <tickstone/error.hpp>

#include "types/array_value.hpp"
#include "types/utf8.hpp"
#include "types/value.hpp"

namespace tickstone {

namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool is_null_word(std::string_view text) {
  return text.size() == 4 && (text[0] | 0x20) == 'n' && (text[1] | 0x20) == 'u' && (text[2] | 0x20) == 'l' &&
         (text[3] | 0x20) == 'l';
}

class ArrayTextReader {
 public:
  ArrayTextReader(std::string_view text, const SqlType& element, const FormatContext& context)
      : text_(text), element_(element), context_(context) {}

  std::string run() {
    skip_space();
    if (!at_end() && text_[at_] == '[') {
      throw Error(ErrorCode::FeatureNotSupported, "arrays with explicit bounds are not supported");
    }
    if (at_end() || text_[at_] != '{') fail("Array value must start with \"{\" or dimension information.");
    ++at_;
    skip_space();
    if (!at_end() && text_[at_] == '}') {
      ++at_;
    } else {
      while (true) {
        element();
        skip_space();
        if (at_end()) fail("Unexpected end of input.");
        const char c = text_[at_++];
        if (c == '}') break;
        if (c != ',') fail("Unexpected array element.");
      }
    }
    skip_space();
    if (!at_end()) fail("Junk after closing right brace.");
    return builder_.finish();
  }

 private:
  [[noreturn]] void fail(const char* detail) const {
    check_utf8(text_);
    throw Error(ErrorCode::InvalidTextRepresentation,
                "malformed array literal: \"" + std::string(text_) + "\"", detail);
  }
  bool at_end() const { return at_ >= text_.size(); }
  void skip_space() {
    while (!at_end() && is_space(text_[at_])) ++at_;
  }
  char escaped() {
    if (++at_ >= text_.size()) fail("Unexpected end of input.");
    return text_[at_++];
  }

  void element() {
    skip_space();
    if (at_end()) fail("Unexpected end of input.");
    std::string word;
    if (text_[at_] == '"') {
      ++at_;
      while (true) {
        if (at_end()) fail("Unexpected end of input.");
        if (text_[at_] == '"') break;
        word.push_back(text_[at_] == '\\' ? escaped() : text_[at_++]);
      }
      ++at_;
      add(word);
      return;
    }
    if (text_[at_] == '{') {
      throw Error(ErrorCode::FeatureNotSupported, "multidimensional arrays are not supported");
    }
    std::size_t kept = 0;  // spaces at the end are none of the element's, escaped ones are
    bool has_escape = false;
    while (!at_end() && text_[at_] != ',' && text_[at_] != '}') {
      const char c = text_[at_];
      if (c == '"') fail("Unexpected array element.");
      if (c == '{') fail("Unexpected \"{\" character.");
      if (c == '\\') {
        has_escape = true;
        word.push_back(escaped());
        kept = word.size();
        continue;
      }
      word.push_back(c);
      ++at_;
      if (!is_space(c)) kept = word.size();
    }
    if (at_end()) fail("Unexpected end of input.");
    word.resize(kept);
    if (word.empty()) fail(text_[at_] == '}' ? "Unexpected \"}\" character." : "Unexpected \",\" character.");
    if (!has_escape && is_null_word(word)) {
      builder_.add_null();
    } else {
      add(word);
    }
  }

  void add(const std::string& word) {
    builder_.add(array_element_bytes(parse_value(element_, word, context_)));
  }

  std::string_view text_;
  const SqlType& element_;
  const FormatContext& context_;
  std::size_t at_ = 0;
  ArrayBuilder builder_;
};

bool needs_quotes(std::string_view text) {
  if (text.empty() || is_null_word(text)) return true;
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == '{' || c == '}' || c == ',' || is_space(c)) return true;
  }
  return false;
}

}  // namespace

std::string parse_array_text(std::string_view text, const SqlType& element, const FormatContext& context) {
  return ArrayTextReader(text, element, context).run();
}

std::string parse_array_text(std::string_view text, const SqlType& element) {
  return parse_array_text(text, element, FormatContext{});
}

std::string format_array_text(std::string_view encoded, const SqlType& element,
                              const FormatContext& context) {
  std::string out = "{";
  bool is_first = true;
  for (const auto& bytes : decode_array(encoded)) {
    if (!is_first) out.push_back(',');
    is_first = false;
    if (!bytes) {
      out += "NULL";
      continue;
    }
    const std::string text = to_text(array_element_value(*bytes, element), context);
    if (!needs_quotes(text)) {
      out += text;
      continue;
    }
    out.push_back('"');
    for (const char c : text) {
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
    out.push_back('"');
  }
  out.push_back('}');
  return out;
}

std::string format_array_text(std::string_view encoded, const SqlType& element) {
  return format_array_text(encoded, element, FormatContext{});
}

}  // namespace tickstone
