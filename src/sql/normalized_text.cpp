// SPDX-License-Identifier: Apache-2.0
#include "sql/normalized_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <vector>

#include <tickstone/error.hpp>

#include "base/checksum.hpp"
#include "sql/character_class.hpp"
#include "sql/lexer.hpp"

namespace tickstone::sql {
namespace {

constexpr const char* kHiddenPassword = "'********'";
constexpr std::string_view kMoreRows = " /*, ... */";

// Statements whose constants are data. In others a number may be a part of what they do.
constexpr std::array<std::string_view, 14> kQueries = {"select",  "with",   "values", "table",   "insert",
                                                       "update",  "delete", "merge",  "explain", "call",
                                                       "declare", "fetch",  "copy",   "prepare"};
// Numbers in parentheses after these belong to the type.
constexpr std::array<std::string_view, 12> kTypesWithModifiers = {
    "numeric", "decimal", "varchar", "char",        "character", "varying",
    "bit",     "float",   "time",    "timestamptz", "timestamp", "interval"};
// After these a minus is a sign.
constexpr std::array<std::string_view, 25> kBeforeSign = {
    "select", "and",   "or",    "not", "then",   "else",      "when",    "between", "limit",
    "offset", "by",    "where", "on",  "having", "in",        "like",    "values",  "from",
    "set",    "using", "case",  "is",  "all",    "returning", "interval"};
constexpr std::array<std::string_view, 12> kEndsPositions = {"having", "limit",  "union",  "intersect",
                                                             "except", "window", "offset", "fetch",
                                                             "rows",   "range",  "order",  "for"};

class Words {
 public:
  explicit Words(std::string_view text) : text_(text) {
    Lexer lexer(text);
    for (Token token = lexer.next(); token.kind != TokenKind::End; token = lexer.next())
      tokens_.push_back(token);
  }

  std::size_t size() const { return tokens_.size(); }
  const Token& operator[](std::size_t i) const { return tokens_[i]; }
  std::string_view text(std::size_t i) const {
    return text_.substr(tokens_[i].begin, tokens_[i].end - tokens_[i].begin);
  }
  bool is(std::size_t i, std::string_view lower_word) const {
    return i < tokens_.size() && tokens_[i].kind == TokenKind::Identifier && equals(text(i), lower_word);
  }
  template <std::size_t N>
  bool is_one_of(std::size_t i, const std::array<std::string_view, N>& lower_words) const {
    return std::any_of(lower_words.begin(), lower_words.end(), [&](auto word) { return is(i, word); });
  }
  bool is_sign(std::size_t i, std::string_view sign) const {
    return i < tokens_.size() && tokens_[i].kind != TokenKind::Identifier && text(i) == sign;
  }
  bool is_string(std::size_t i) const {
    if (i >= tokens_.size()) return false;
    const TokenKind kind = tokens_[i].kind;
    return kind == TokenKind::String || kind == TokenKind::EscapeString || kind == TokenKind::BitString ||
           kind == TokenKind::DollarString;
  }
  bool is_number(std::size_t i) const { return i < tokens_.size() && tokens_[i].kind == TokenKind::Number; }

 private:
  static bool equals(std::string_view text, std::string_view lower_word) {
    return text.size() == lower_word.size() && std::equal(text.begin(), text.end(), lower_word.begin(),
                                                          [](char a, char b) { return to_lower(a) == b; });
  }

  std::string_view text_;
  std::vector<Token> tokens_;
};

class Normalizer {
 public:
  explicit Normalizer(std::string_view text) : text_(text), words_(text) {}

  NormalizedStatement run() {
    std::size_t first = 0;
    while (words_.is_sign(first, "(")) ++first;
    is_query_ = words_.is_one_of(first, kQueries);
    is_prepare_ = words_.is(first, "prepare");
    number_ = highest_parameter();
    out_.reserve(text_.size());
    key_.reserve(text_.size());
    for (std::size_t i = 0; i < words_.size();) i = take(i);
    const auto bytes = std::as_bytes(std::span(key_.data(), key_.size()));
    return {std::move(out_), static_cast<std::int64_t>(checksum64(bytes))};
  }

 private:
  std::size_t take(std::size_t i) {
    if (is_constant(i)) return replace(i, i + 1);
    if (is_signed_number(i)) return replace(i, i + 2);
    note_place(i);
    copy(i);
    // Whatever it was called, the same is run.
    if (is_prepare_ && depth_ == 0 && words_.is(i, "as")) is_prepare_ = false, key_.clear();
    return words_.is_sign(i, ")") && ends_row_of_values_ ? skip_rows(i + 1) : i + 1;
  }

  bool is_constant(std::size_t i) const {
    if (words_.is_string(i)) return true;
    if (!is_query_) return false;
    if (words_.is_number(i)) return !is_modifier_ && !is_position(i);
    if (words_.is(i, "null")) return !(i > 0 && (words_.is(i - 1, "is") || words_.is(i - 1, "not")));
    if (words_.is(i, "true") || words_.is(i, "false")) {
      const bool is_test =
          i > 0 && (words_.is(i - 1, "is") || (i > 1 && words_.is(i - 1, "not") && words_.is(i - 2, "is")));
      return !is_test && !(i > 0 && words_.is_sign(i - 1, "."));
    }
    return false;
  }

  bool is_signed_number(std::size_t i) const {
    if (!is_query_ || !words_.is_sign(i, "-") || !words_.is_number(i + 1)) return false;
    if (i == 0) return true;
    const Token& before = words_[i - 1];
    return before.kind == TokenKind::Operator || words_.is_sign(i - 1, "(") || words_.is_sign(i - 1, ",") ||
           words_.is_sign(i - 1, "[") || words_.is_one_of(i - 1, kBeforeSign);
  }

  /// A whole number that stands alone in ORDER BY or GROUP BY.
  bool is_position(std::size_t i) const {
    if (positions_depth_ != depth_) return false;
    const bool begins = words_.is(i - 1, "by") || words_.is_sign(i - 1, ",");
    const bool ends = i + 1 == words_.size() || words_.is_sign(i + 1, ",") || words_.is_sign(i + 1, ")") ||
                      words_[i + 1].kind == TokenKind::Identifier;
    return begins && ends;
  }

  void note_place(std::size_t i) {
    ends_row_of_values_ = false;
    if (words_.is_sign(i, "(")) {
      ++depth_;
      is_modifier_ = i > 0 && words_.is_one_of(i - 1, kTypesWithModifiers);
      if (i > 0 && words_.is(i - 1, "values")) row_depth_ = depth_;
    } else if (words_.is_sign(i, ")")) {
      ends_row_of_values_ = row_depth_ == depth_;
      if (ends_row_of_values_) row_depth_ = -1;
      if (positions_depth_ == depth_) positions_depth_ = -1;
      --depth_;
      is_modifier_ = false;
    } else if (words_.is(i, "by") && i > 0 && (words_.is(i - 1, "order") || words_.is(i - 1, "group"))) {
      positions_depth_ = depth_;
    } else if (positions_depth_ == depth_ && words_.is_one_of(i, kEndsPositions)) {
      positions_depth_ = -1;
    }
  }

  /// Leaves out the rows of constants that follow one; `i` is behind it.
  std::size_t skip_rows(std::size_t i) {
    ends_row_of_values_ = false;
    const std::size_t first = i;
    while (words_.is_sign(i, ",") && words_.is_sign(i + 1, "(")) {
      std::size_t at = i + 2;
      int depth = 1;
      bool is_plain = true;
      for (; at < words_.size() && depth > 0 && is_plain; ++at) {
        if (words_.is_sign(at, "(")) ++depth;
        if (words_.is_sign(at, ")")) --depth;
        is_plain = words_[at].kind != TokenKind::Identifier || is_word_of_constant(at);
      }
      if (!is_plain || depth > 0) break;
      i = at;
    }
    if (i == first) return i;
    out_ += kMoreRows;
    key_ += kMoreRows;
    last_end_ = words_[i - 1].end;
    return i;
  }

  bool is_word_of_constant(std::size_t i) const {
    constexpr std::array<std::string_view, 8> kWords = {"null",  "true", "false",     "default",
                                                        "array", "date", "timestamp", "interval"};
    return words_.is_one_of(i, kWords) || words_.is(i, "timestamptz") || words_.is_sign(i - 1, "::");
  }

  int highest_parameter() const {
    int highest = 0;
    for (std::size_t i = 0; i < words_.size(); ++i) {
      if (words_[i].kind != TokenKind::Parameter) continue;
      int number = 0;
      const auto digits = words_.text(i).substr(1);
      std::from_chars(digits.data(), digits.data() + digits.size(), number);
      highest = std::max(highest, number);
    }
    return highest;
  }

  void begin_token(std::size_t i) {
    const std::size_t begin = words_[i].begin;
    if (!out_.empty()) out_ += text_.substr(last_end_, begin - last_end_);
    if (!key_.empty()) key_ += ' ';
  }

  void copy(std::size_t i) {
    begin_token(i);
    const auto text = words_.text(i);
    out_ += text;
    if (words_[i].kind == TokenKind::Identifier) {
      for (const char c : text) key_ += to_lower(c);
    } else {
      key_ += text;
    }
    last_end_ = words_[i].end;
  }

  std::size_t replace(std::size_t i, std::size_t end) {
    begin_token(i);
    out_ += '$';
    out_ += std::to_string(++number_);
    key_ += '?';
    last_end_ = words_[end - 1].end;
    return end;
  }

  std::string_view text_;
  Words words_;
  bool is_query_ = false, is_prepare_ = false;
  int number_ = 0;
  std::string out_, key_;
  std::size_t last_end_ = 0;  // in the text, of the last token taken
  int depth_ = 0;
  int row_depth_ = -1;        // of the first row of VALUES, while in it
  int positions_depth_ = -1;  // of the ORDER BY or GROUP BY that we are in
  bool is_modifier_ = false;
  bool ends_row_of_values_ = false;
};

}  // namespace

NormalizedStatement normalize_statement(std::string_view statement) { return Normalizer(statement).run(); }

bool may_have_password(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  if (text.empty()) return false;
  const char first = to_lower(text.front());
  const bool is_plain = first >= 'a' && first <= 'z' && first != 'a' && first != 'c';
  return !is_plain || text.find(';') != std::string_view::npos;
}

std::string hide_passwords(std::string_view text) {
  constexpr std::string_view kWord = "password";
  const auto found = std::search(text.begin(), text.end(), kWord.begin(), kWord.end(),
                                 [](char a, char b) { return to_lower(a) == b; });
  if (found == text.end()) return std::string(text);
  try {
    const Words words(text);
    std::string out;
    std::size_t end = 0;
    for (std::size_t i = 1; i < words.size(); ++i) {
      if (!words.is_string(i) || !words.is(i - 1, kWord)) continue;
      out += text.substr(end, words[i].begin - end);
      out += kHiddenPassword;
      end = words[i].end;
    }
    return out += text.substr(end);
  } catch (const Error&) {
    // It ends within a string, which may be the password.
    return std::string(text.begin(), found) + "PASSWORD " + kHiddenPassword;
  }
}

StatementClass class_of_statement(std::string_view statement) {
  constexpr std::array<std::string_view, 11> kDefinitions = {"create", "alter",   "drop",     "comment",
                                                             "grant",  "revoke",  "security", "reassign",
                                                             "import", "refresh", "reindex"};
  constexpr std::array<std::string_view, 5> kModifications = {"insert", "update", "delete", "merge",
                                                              "truncate"};
  const Words words(statement);
  std::size_t first = 0;
  while (words.is_sign(first, "(")) ++first;
  if (words.is(first, "explain")) {
    bool analyzes = false;
    for (++first; first < words.size() && !words.is_one_of(first, kQueries); ++first)
      analyzes |= words.is(first, "analyze");
    if (!analyzes) return StatementClass::Other;
  }
  if (words.is(first, "prepare")) {
    while (first < words.size() && !words.is(first, "as")) ++first;
    ++first;
  }
  if (words.is_one_of(first, kDefinitions)) return StatementClass::Definition;
  if (words.is_one_of(first, kModifications)) return StatementClass::Modification;
  const auto has_word = [&](std::string_view word) {
    for (std::size_t i = first; i < words.size(); ++i) {
      if (words.is(i, word)) return true;
    }
    return false;
  };
  if (words.is(first, "copy") && has_word("from") && !has_word("select") && !words.is_sign(first + 1, "("))
    return StatementClass::Modification;
  if (words.is(first, "with") && (has_word("insert") || has_word("update") || has_word("delete")))
    return StatementClass::Modification;
  if (words.is(first, "select") && has_word("into")) return StatementClass::Definition;
  return StatementClass::Other;
}

}  // namespace tickstone::sql
