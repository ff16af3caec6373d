// SPDX-License-Identifier: Apache-2.0
#include "market/aggregate_parts.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <vector>

#include <tickstone/error.hpp>

namespace tickstone::market {
namespace {

bool is_of_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' || (c & 0x80) != 0;
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::toupper(c); });
  return out;
}

std::string trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && (std::isspace(static_cast<unsigned char>(text.back())) != 0 || text.back() == ';'))
    text.remove_suffix(1);
  return std::string(text);
}

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::FeatureNotSupported,
              "PostgreSQL without TimescaleDB has no continuous aggregates " + what);
}

/// Where the token at `at` ends: a word, a string, a quoted name, a comment, or one character.
std::size_t end_of_token(std::string_view text, std::size_t at) {
  const char c = text[at];
  const auto behind = [&](std::string_view closing, std::size_t from) {
    const auto found = text.find(closing, from);
    return found == std::string_view::npos ? text.size() : found + closing.size();
  };
  if (c == '\'' || c == '"') {
    const bool has_escapes = c == '\'' && at > 0 && (text[at - 1] == 'E' || text[at - 1] == 'e') &&
                             (at < 2 || !is_of_word(text[at - 2]));
    for (std::size_t i = at + 1; i < text.size(); ++i) {
      if (has_escapes && text[i] == '\\') {
        ++i;
      } else if (text[i] == c) {
        if (i + 1 >= text.size() || text[i + 1] != c) return i + 1;
        ++i;
      }
    }
    return text.size();
  }
  if (text.substr(at, 2) == "--") return behind("\n", at);
  if (text.substr(at, 2) == "/*") return behind("*/", at + 2);
  if (c == '$') {
    const auto close = text.find('$', at + 1);
    if (close != std::string_view::npos &&
        std::all_of(text.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                    text.begin() + static_cast<std::ptrdiff_t>(close), is_of_word))
      return behind(text.substr(at, close - at + 1), close + 1);
  }
  std::size_t end = at;
  while (end < text.size() && is_of_word(text[end])) ++end;
  return std::max(end, at + 1);
}

struct Token {
  std::size_t start = 0, end = 0;
  int depth = 0;     // of parentheses and brackets around it
  std::string word;  // upper case; a character; empty for strings and comments
};

std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  int depth = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (std::isspace(static_cast<unsigned char>(text[at])) != 0) {
      ++at;
      continue;
    }
    const std::size_t end = end_of_token(text, at);
    const char c = text[at];
    if (c == ')' || c == ']') --depth;
    const bool has_word = is_of_word(c) || (end == at + 1 && c != '\'' && c != '"');
    tokens.push_back({at, end, depth, has_word && c != '$' ? upper(text.substr(at, end - at)) : ""});
    if (c == '(' || c == '[') ++depth;
    at = end;
  }
  return tokens;
}

/// What commas of the outermost level part.
std::vector<std::string> items_of(const std::string& text) {
  std::vector<std::string> items;
  std::size_t start = 0;
  for (const auto& token : tokens_of(text)) {
    if (token.depth != 0 || token.word != ",") continue;
    items.push_back(trimmed(std::string_view(text).substr(start, token.start - start)));
    start = token.end;
  }
  items.push_back(trimmed(std::string_view(text).substr(start)));
  return items;
}

/// The name at the end of a select item, behind the call that closes at `close`.
std::string output_name(const std::string& item, const std::vector<Token>& tokens, std::size_t close) {
  std::size_t next = close + 1;
  if (next < tokens.size() && tokens[next].word == "AS") ++next;
  if (next == tokens.size()) return "time_bucket";
  const std::string name = item.substr(tokens[next].start, tokens[next].end - tokens[next].start);
  const bool is_name = next + 1 == tokens.size() && (name.front() == '"' || is_of_word(name.front()));
  if (!is_name) refuse("whose bucket is part of an expression");
  if (name.front() == '"') return name.substr(1, name.size() - 2);
  std::string folded = name;
  std::transform(folded.begin(), folded.end(), folded.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return folded;
}

void find_bucket(AggregateParts& parts) {
  for (const auto& item : items_of(parts.select_list)) {
    const auto tokens = tokens_of(item);
    std::size_t call = 0;
    if (tokens.size() > 2 && tokens[1].word == ".") call = 2;  // public.time_bucket
    if (tokens.size() < call + 2 || tokens[call].word != "TIME_BUCKET" || tokens[call + 1].word != "(")
      continue;
    const auto close = std::find_if(tokens.begin() + static_cast<std::ptrdiff_t>(call) + 2, tokens.end(),
                                    [](const Token& token) { return token.depth == 0 && token.word == ")"; });
    if (close == tokens.end()) refuse("whose bucket cannot be told");
    const std::size_t open = tokens[call + 1].end;
    const auto arguments = items_of(item.substr(open, close->start - open));
    if (arguments.size() != 2) refuse("with an origin, an offset or a time zone in time_bucket");
    if (arguments[0].find("=>") != std::string::npos) refuse("with named arguments in time_bucket");
    parts.bucket_width = arguments[0];
    parts.bucket_column = output_name(item, tokens, static_cast<std::size_t>(close - tokens.begin()));
    return;
  }
  refuse("whose bucket is not a column of its own");
}

}  // namespace

AggregateParts aggregate_parts(const std::string& query) {
  const std::string_view text = query;
  const auto tokens = tokens_of(text);
  if (tokens.empty() || tokens.front().word != "SELECT") refuse("of a query that does not begin with SELECT");
  AggregateParts parts;
  std::string* part = &parts.select_list;
  std::size_t start = tokens.front().end;
  const auto end_part = [&](const Token& next) { *part = trimmed(text.substr(start, next.start - start)); };
  for (std::size_t i = 1; i < tokens.size(); ++i) {
    const auto& [from, to, depth, word] = tokens[i];
    if (depth != 0 || tokens[i - 1].word == ".") continue;
    const bool is_comparison = word == "FROM" && tokens[i - 1].word == "DISTINCT";
    if (word == "FROM" && part == &parts.select_list && !is_comparison) {
      end_part(tokens[i]);
      part = &parts.hypertable;
      start = to;
    } else if (word == "WHERE") {
      end_part(tokens[i]);
      part = &parts.where_clause;
      start = to;
    } else if (word == "GROUP" && i + 1 < tokens.size() && tokens[i + 1].word == "BY") {
      end_part(tokens[i]);
      part = &parts.group_by;
      start = tokens[i + 1].end;
    } else if (word == "HAVING" || word == "ORDER" || word == "LIMIT" || word == "WINDOW" ||
               word == "UNION" || word == "INTERSECT" || word == "EXCEPT") {
      refuse("with " + word);
    } else if (part == &parts.hypertable && (word == "JOIN" || word == ",")) {
      refuse("over joins");
    }
  }
  *part = trimmed(text.substr(start));
  if (parts.hypertable.empty() || parts.group_by.empty()) refuse("without GROUP BY");
  if (parts.hypertable.find_first_of(" \t\n(") != std::string::npos &&
      parts.hypertable.find('"') == std::string::npos)
    refuse("over an alias or a subquery");
  find_bucket(parts);
  return parts;
}

}  // namespace tickstone::market
