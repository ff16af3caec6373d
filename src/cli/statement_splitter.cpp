// SPDX-License-Identifier: Apache-2.0
#include "cli/statement_splitter.hpp"

#include <cctype>
#include <utility>

namespace tickstone::cli {
namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0;
}

/// Past the piece that begins at `at`: a quoted text, a comment, a dollar quote, or one character. npos where
/// its end has not been typed.
std::size_t past_piece(std::string_view text, std::size_t at) {
  const auto after = [&](std::string_view end, std::size_t from) {
    const auto found = text.find(end, from);
    return found == std::string_view::npos ? found : found + end.size();
  };
  const char c = text[at];
  if (c == '\'' || c == '"') {
    const bool has_escapes = c == '\'' && at > 0 && (text[at - 1] == 'E' || text[at - 1] == 'e') &&
                             (at < 2 || !is_word(text[at - 2]));
    for (std::size_t i = at + 1; i < text.size(); ++i) {
      if (has_escapes && text[i] == '\\')
        ++i;
      else if (text[i] == c)
        return i + 1;  // a doubled quote begins another piece, which comes to the same
    }
    return std::string_view::npos;
  }
  if (text.substr(at, 2) == "--") {
    const auto end = text.find('\n', at);
    return end == std::string_view::npos ? text.size() : end + 1;
  }
  if (text.substr(at, 2) == "/*") {
    int depth = 0;
    for (std::size_t i = at; i + 1 < text.size(); ++i) {
      if (text.substr(i, 2) == "/*") {
        ++depth, ++i;
      } else if (text.substr(i, 2) == "*/") {
        ++i;
        if (--depth == 0) return i + 1;
      }
    }
    return std::string_view::npos;
  }
  if (c == '$' && (at == 0 || !is_word(text[at - 1]))) {
    std::size_t end = at + 1;
    while (end < text.size() && is_word(text[end])) ++end;
    const bool is_tag = end < text.size() && text[end] == '$' &&
                        (end == at + 1 || std::isdigit(static_cast<unsigned char>(text[at + 1])) == 0);
    if (is_tag) return after(text.substr(at, end + 1 - at), end + 1);
  }
  return at + 1;
}

}  // namespace

void StatementSplitter::add_line(std::string_view line) {
  text_ += line;
  text_ += '\n';
}

std::optional<std::string> StatementSplitter::take() {
  int depth = 0;
  for (std::size_t at = 0; at < text_.size();) {
    if (text_[at] == '(') ++depth;
    if (text_[at] == ')' && depth > 0) --depth;
    if (text_[at] == ';' && depth == 0) {
      std::string statement = text_.substr(0, at + 1);
      text_.erase(0, at + 1);
      return statement;
    }
    at = past_piece(text_, at);
    if (at == std::string::npos) return std::nullopt;
  }
  return std::nullopt;
}

bool StatementSplitter::is_empty() const {
  for (std::size_t at = 0; at < text_.size();) {
    const std::string_view here = std::string_view(text_).substr(at, 2);
    if (std::isspace(static_cast<unsigned char>(text_[at])) == 0 && here != "--" && here != "/*")
      return false;
    at = past_piece(text_, at);
    if (at == std::string::npos) return false;
  }
  return true;
}

std::string StatementSplitter::drop() { return std::exchange(text_, {}); }

}  // namespace tickstone::cli
