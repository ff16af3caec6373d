// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <vector>

#include "catalog/definition_text.hpp"
#include "catalog/system_rows.hpp"

namespace tickstone::catalog {
namespace {

struct Token {
  std::string_view text;
  std::string upper;  // of a word; else empty
  bool after_space = false;
};

bool is_word_char(char c) {
  return c == '_' || c == '$' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// One past the token at `at`: a string, a quoted name, a word, or one other character.
std::size_t token_end(std::string_view text, std::size_t at) {
  const char first = text[at];
  if (first == '\'' || first == '"') {
    const bool has_escapes = first == '\'' && at > 0 && (text[at - 1] == 'E' || text[at - 1] == 'e');
    for (std::size_t i = at + 1; i < text.size(); ++i) {
      if (has_escapes && text[i] == '\\') {
        ++i;
      } else if (text[i] == first) {
        if (i + 1 < text.size() && text[i + 1] == first) {
          ++i;
        } else {
          return i + 1;
        }
      }
    }
    return text.size();
  }
  std::size_t end = at + 1;
  if (is_word_char(first)) {
    while (end < text.size() && is_word_char(text[end])) ++end;
  }
  return end;
}

std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  bool after_space = false;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == ' ' || text[at] == '\n' || text[at] == '\t') {
      after_space = true;
      ++at;
      continue;
    }
    const std::size_t end = token_end(text, at);
    Token token{text.substr(at, end - at), {}, after_space};
    if (is_word_char(text[at])) {
      token.upper = token.text;
      std::transform(token.upper.begin(), token.upper.end(), token.upper.begin(),
                     [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    }
    tokens.push_back(std::move(token));
    after_space = false;
    at = end;
  }
  while (!tokens.empty() && tokens.back().text == ";") tokens.pop_back();
  return tokens;
}

enum class Clause : std::uint8_t { None, Select, From, Other };

/// Breaks a token list outside of parentheses.
class Layout {
 public:
  explicit Layout(const std::vector<Token>& tokens) : tokens_(tokens) {}

  std::string print() {
    for (at_ = 0; at_ < tokens_.size(); ++at_) {
      const Token& token = tokens_[at_];
      if (token.text == ")") --depth_;
      const std::string_view indent = depth_ == 0 ? break_before(token) : std::string_view{};
      const bool is_at_line_start = text_.ends_with("\n    ");
      if (!indent.empty()) {
        text_ += indent;
      } else if (token.after_space && !text_.empty() && !is_at_line_start) {
        text_ += ' ';
      }
      text_ += token.text;
      if (token.text == "(") ++depth_;
      if (depth_ == 0 && token.text == ",") break_after_comma();
    }
    return text_;
  }

 private:
  const std::string& upper(std::size_t back) const {
    static const std::string kNone;
    return back > at_ ? kNone : tokens_[at_ - back].upper;
  }
  bool next_is(std::size_t ahead, std::string_view word) const {
    return at_ + ahead < tokens_.size() && tokens_[at_ + ahead].upper == word;
  }

  std::string_view break_before(const Token& token) {
    const std::string& word = token.upper;
    if (word == "SELECT") {
      const bool is_first = text_.empty();
      clause_ = Clause::Select;
      return is_first ? " " : "\n ";
    }
    if (word == "FROM" && clause_ == Clause::Select && upper(1) != "DISTINCT") {
      clause_ = Clause::From;
      return "\n   ";
    }
    if (clause_ == Clause::From && starts_join()) return "\n     ";
    const bool is_clause =
        word == "WHERE" || word == "WINDOW" || ((word == "GROUP" || word == "ORDER") && next_is(1, "BY"));
    if (is_clause) {
      clause_ = Clause::Other;
      return "\n  ";
    }
    if (clause_ != Clause::None && (word == "LIMIT" || word == "OFFSET" || word == "HAVING")) {
      clause_ = Clause::Other;
      return "\n ";
    }
    if (word == "UNION" || word == "INTERSECT" || word == "EXCEPT") {
      clause_ = Clause::Other;
      return "\n";
    }
    return {};
  }

  bool starts_join() const {
    static constexpr std::array<std::string_view, 7> kBefore = {"LEFT",  "RIGHT", "FULL",   "INNER",
                                                                "OUTER", "CROSS", "NATURAL"};
    const auto is_before = [](const std::string& word) {
      return std::find(kBefore.begin(), kBefore.end(), word) != kBefore.end();
    };
    if (is_before(upper(1))) return false;
    std::size_t ahead = 0;
    while (at_ + ahead < tokens_.size() && is_before(tokens_[at_ + ahead].upper)) ++ahead;
    return next_is(ahead, "JOIN");
  }

  void break_after_comma() {
    if (clause_ != Clause::Select && clause_ != Clause::From) return;
    text_ += "\n    ";
  }

  const std::vector<Token>& tokens_;
  std::string text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  Clause clause_ = Clause::None;
};

}  // namespace

std::string query_layout(std::string_view query) {
  const auto tokens = tokens_of(query);
  return Layout(tokens).print() + ";";
}

std::string view_definition(const RelationObject& relation) {
  if (!relation.view_text.empty()) return query_layout(relation.view_text);
  return relation.aggregate ? query_layout(relation.aggregate->definition_text) : std::string();
}

}  // namespace tickstone::catalog
