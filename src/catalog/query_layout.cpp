// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <vector>

#include "catalog/definition_text.hpp"
#include "catalog/sql_tokens.hpp"
#include "catalog/system_rows.hpp"

namespace tickstone::catalog {
namespace {

enum class Clause : std::uint8_t { None, Select, From, Other };

/// Breaks a token list outside of parentheses.
class Layout {
 public:
  explicit Layout(const std::vector<SqlToken>& tokens) : tokens_(tokens) {}

  std::string print() {
    for (at_ = 0; at_ < tokens_.size(); ++at_) {
      const SqlToken& token = tokens_[at_];
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

  std::string_view break_before(const SqlToken& token) {
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

  const std::vector<SqlToken>& tokens_;
  std::string text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  Clause clause_ = Clause::None;
};

}  // namespace

std::string query_layout(std::string_view query) {
  const auto tokens = sql_tokens(query);
  return Layout(tokens).print() + ";";
}

std::string view_definition(const RelationObject& relation) {
  if (!relation.view_text.empty()) return query_layout(relation.view_text);
  return relation.aggregate ? query_layout(relation.aggregate->definition_text) : std::string();
}

}  // namespace tickstone::catalog
