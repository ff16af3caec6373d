// SPDX-License-Identifier: Apache-2.0
#include "catalog/sql_tokens.hpp"

#include <algorithm>

namespace tickstone::catalog {
namespace {

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

}  // namespace

std::vector<SqlToken> sql_tokens(std::string_view text) {
  std::vector<SqlToken> tokens;
  bool after_space = false;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == ' ' || text[at] == '\n' || text[at] == '\t') {
      after_space = true;
      ++at;
      continue;
    }
    const std::size_t end = token_end(text, at);
    SqlToken token{text.substr(at, end - at), {}, after_space};
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

std::string token_name(const SqlToken& token) {
  if (!token.upper.empty()) {
    std::string name(token.text);
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return name;
  }
  if (token.text.size() < 2 || token.text.front() != '"') return {};
  std::string name;
  for (std::size_t i = 1; i + 1 < token.text.size(); ++i) {
    if (token.text[i] == '"') ++i;
    name += token.text[i];
  }
  return name;
}

std::vector<storage::ColumnId> columns_in_expression(const RelationObject& relation,
                                                     std::string_view expression) {
  const auto tokens = sql_tokens(expression);
  std::vector<storage::ColumnId> columns;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string name = token_name(tokens[i]);
    const bool is_call = i + 1 < tokens.size() && tokens[i + 1].text == "(";
    const bool is_type = i > 1 && tokens[i - 1].text == ":" && tokens[i - 2].text == ":";
    if (name.empty() || is_call || is_type) continue;
    const ColumnObject* column = relation.find_column(name);
    if (column == nullptr || std::find(columns.begin(), columns.end(), column->id) != columns.end()) continue;
    columns.push_back(column->id);
  }
  return columns;
}

}  // namespace tickstone::catalog
