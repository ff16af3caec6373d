// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <charconv>

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

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& lower_words) {
  for (const std::string_view word : lower_words) {
    if (equals_word(text, word)) return true;
  }
  return false;
}

constexpr std::array<std::string_view, 7> kComparisons = {"=", "<", ">", "<=", ">=", "<>", "!="};

// After these a condition begins in which a literal is only compared; after others a literal may have to be
// the same as another one (SELECT a > 5 ... GROUP BY a > 5).
constexpr std::array<std::string_view, 2> kOpensCondition = {"where", "on"};
constexpr std::array<std::string_view, 18> kClosesCondition = {
    "select", "from", "group", "order", "having", "window", "union",   "intersect", "except",
    "join",   "left", "right", "inner", "full",   "cross",  "natural", "values",    "over"};

// What may follow a lifted literal: nothing that would bind tighter than the comparison.
constexpr std::array<std::string_view, 21> kMayFollow = {
    "and",   "or",    "group",     "order",  "having", "limit",   "offset",
    "fetch", "union", "intersect", "except", "window", "then",    "join",
    "left",  "right", "inner",     "full",   "cross",  "natural", "for"};

// The types that a literal may be cast to and still be lifted, as psycopg2 writes them.
constexpr std::array<std::string_view, 12> kLiftedCasts = {"timestamptz", "timestamp", "date",    "text",
                                                           "varchar",     "integer",   "int",     "int4",
                                                           "int8",        "bigint",    "boolean", "uuid"};

// A WITH may write, and FOR UPDATE locks: these take the general way.
constexpr std::array<std::string_view, 4> kWrites = {"insert", "update", "delete", "merge"};

class Lifter {
 public:
  explicit Lifter(std::string_view text) : text_(text) {}

  std::optional<LiftedStatement> run() {
    Lexer lexer(text_);
    for (Token token = lexer.next(); token.kind != TokenKind::End; token = lexer.next()) {
      if (token.kind == TokenKind::Parameter) return std::nullopt;
      tokens_.push_back(token);
      if (token.kind == TokenKind::Identifier && is_one_of(text(tokens_.size() - 1), kWrites))
        return std::nullopt;
    }
    if (tokens_.empty() || tokens_[0].kind != TokenKind::Identifier ||
        !(is_word(0, "select") || is_word(0, "with"))) {
      return std::nullopt;
    }
    out_.shape.reserve(text_.size());
    bool in_condition = false;
    std::vector<bool> outer;
    for (std::size_t i = 0; i < tokens_.size();) {
      if (is_word_token(i)) {
        if (is_one_of(text(i), kOpensCondition) && !(i > 0 && is_word(i - 1, "distinct"))) {
          in_condition = true;
        } else if (is_one_of(text(i), kClosesCondition) && !opens_call(i)) {
          in_condition = false;
        }
        const bool is_offset = is_word(i, "offset");
        const bool is_limit = is_word(i, "limit");
        // Pages differ in their OFFSET. A LIMIT without one stays: known first rows need no sort of all, and
        // the first row within a query may be an as-of join.
        const bool is_of_page = is_offset || is_word(i + 2, "offset") || (i >= 2 && is_word(i - 2, "offset"));
        copy(i++);
        if (is_limit || is_offset) {
          in_condition = false;
          if (is_of_page && i < tokens_.size() && tokens_[i].kind == TokenKind::Number &&
              is_plain_integer(i) && may_follow(i + 1))
            lift(i++);
          continue;
        }
        if (in_condition && is_word(i - 1, "between")) lift_between(i);
        if (in_condition && is_word(i - 1, "in") && is_punctuation(i, '(')) lift_list(i);
        continue;
      }
      if (is_punctuation(i, '(')) {
        outer.push_back(in_condition);
      } else if (is_punctuation(i, ')') && !outer.empty()) {
        in_condition = outer.back();
        outer.pop_back();
      }
      const bool is_comparison = tokens_[i].kind == TokenKind::Operator && is_one_of(text(i), kComparisons);
      copy(i++);
      if (is_comparison && in_condition) lift_operand(i);
    }
    return std::move(out_);
  }

 private:
  std::string_view text(std::size_t i) const {
    return text_.substr(tokens_[i].begin, tokens_[i].end - tokens_[i].begin);
  }
  bool is_word_token(std::size_t i) const {
    return i < tokens_.size() && tokens_[i].kind == TokenKind::Identifier;
  }
  bool is_word(std::size_t i, std::string_view word) const {
    return is_word_token(i) && equals_word(text(i), word);
  }
  bool is_punctuation(std::size_t i, char c) const {
    return i < tokens_.size() && tokens_[i].kind == TokenKind::Punctuation && text(i).size() == 1 &&
           text(i)[0] == c;
  }
  bool opens_call(std::size_t i) const {
    return is_punctuation(i + 1, '(') && (is_word(i, "left") || is_word(i, "right"));
  }
  bool is_plain_integer(std::size_t i) const {
    return text(i).find_first_not_of("0123456789") == std::string_view::npos;
  }

  bool is_minus(std::size_t i) const {
    return i + 1 < tokens_.size() && tokens_[i].kind == TokenKind::Operator && text(i) == "-" &&
           tokens_[i + 1].kind == TokenKind::Number && tokens_[i + 1].begin == tokens_[i].end;
  }

  bool is_literal(std::size_t i) const {
    if (i >= tokens_.size()) return false;
    if (is_minus(i)) return true;
    const TokenKind kind = tokens_[i].kind;
    return kind == TokenKind::Number || (kind == TokenKind::String && text(i)[0] == '\'') ||
           kind == TokenKind::EscapeString;
  }
  std::size_t after_literal(std::size_t i) const { return is_minus(i) ? i + 2 : i + 1; }

  /// Where a cast that may stay after a lifted literal ends; `i` itself where there is none.
  std::size_t after_cast(std::size_t i) const {
    if (i + 1 < tokens_.size() && tokens_[i].kind == TokenKind::Punctuation && text(i) == "::" &&
        is_word_token(i + 1) && is_one_of(text(i + 1), kLiftedCasts)) {
      return i + 2;
    }
    return i;
  }

  bool may_follow(std::size_t i) const {
    if (i >= tokens_.size() || is_punctuation(i, ')') || is_punctuation(i, ';')) return true;
    return is_word_token(i) && is_one_of(text(i), kMayFollow) && !opens_call(i);
  }

  void separate() {
    if (!out_.shape.empty()) out_.shape += ' ';
  }

  void copy(std::size_t i) {
    separate();
    if (tokens_[i].kind == TokenKind::Identifier) {
      for (const char c : text(i)) out_.shape += to_lower(c);
    } else {
      out_.shape += text(i);
    }
  }

  void lift(std::size_t i) {
    LiftedStatement::Literal literal;
    const std::size_t at = is_minus(i) ? i + 1 : i;
    literal.kind = tokens_[at].kind;
    if (at != i) literal.text = "-";
    append_literal_text(literal.text, literal.kind, text(at));
    out_.literals.push_back(std::move(literal));
    separate();
    out_.shape += '$';
    out_.shape += std::to_string(out_.literals.size());
  }

  void copy_range(std::size_t from, std::size_t to) {
    for (; from < to; ++from) copy(from);
  }

  void lift_operand(std::size_t& i) {
    if (!is_literal(i)) return;
    const std::size_t cast = after_literal(i);
    const std::size_t end = after_cast(cast);
    if (!may_follow(end)) return;
    lift(i);
    copy_range(cast, end);
    i = end;
  }

  void lift_between(std::size_t& i) {
    if (!is_literal(i)) return;
    const std::size_t low_cast = after_literal(i);
    const std::size_t low_end = after_cast(low_cast);
    if (!is_word(low_end, "and") || !is_literal(low_end + 1)) return;
    const std::size_t high = low_end + 1;
    const std::size_t high_cast = after_literal(high);
    const std::size_t high_end = after_cast(high_cast);
    if (!may_follow(high_end)) return;
    lift(i);
    copy_range(low_cast, high);
    lift(high);
    copy_range(high_cast, high_end);
    i = high_end;
  }

  /// `i` is at the parenthesis of IN (literal, literal, ...).
  void lift_list(std::size_t& i) {
    std::size_t at = i + 1;
    for (;;) {
      if (!is_literal(at)) return;
      at = after_literal(at);
      if (is_punctuation(at, ')')) break;
      if (!is_punctuation(at, ',')) return;
      ++at;
    }
    if (!may_follow(at + 1)) return;
    while (i <= at) {
      if (is_literal(i)) {
        lift(i);
        i = after_literal(i);
      } else {
        copy(i++);
      }
    }
  }

  std::string_view text_;
  std::vector<Token> tokens_;
  LiftedStatement out_;
};

}  // namespace

std::optional<LiftedStatement> lift_literals(std::string_view statement) { return Lifter(statement).run(); }

}  // namespace tickstone::sql
