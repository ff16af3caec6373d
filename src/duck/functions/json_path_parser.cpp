// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "duck/functions/json_path.hpp"

namespace tickstone::duck {
namespace {

using Kind = JsonPathNode::Kind;
using Node = std::unique_ptr<JsonPathNode>;

struct Token {
  enum class Type : std::uint8_t { End, Symbol, Name, String, Number, Variable } type = Type::End;
  std::string text;  // decoded
};

bool is_name_part(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) != 0 || c == '_' || byte >= 0x80;
}

/// Bounds of a path: it is walked by recursion, along its steps as well.
constexpr std::size_t kMostNodes = 4000;
constexpr int kMostNested = 500;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) { advance(); }

  JsonPath parse() {
    JsonPath path;
    if (is_name("strict") || is_name("lax")) {
      path.is_strict = token_.text == "strict";
      advance();
    }
    path.top = either();
    if (token_.type != Token::Type::End) fail();
    return path;
  }

 private:
  [[noreturn]] void fail() const {
    throw Error(ErrorCode::SyntaxError,
                token_.type == Token::Type::End
                    ? "syntax error at end of jsonpath input"
                    : "syntax error at or near \"" + token_.text + "\" of jsonpath input");
  }

  // Tokens

  void advance() {
    skip_blanks();
    token_ = {};
    if (at_ >= text_.size()) return;
    const char c = text_[at_];
    if (c == '"') {
      token_ = {Token::Type::String, quoted()};
    } else if (c == '$') {
      ++at_;
      if (at_ < text_.size() && text_[at_] == '"') {
        token_ = {Token::Type::Variable, quoted()};
      } else if (at_ < text_.size() && is_name_part(text_[at_])) {
        token_ = {Token::Type::Variable, word()};
      } else {
        token_ = {Token::Type::Symbol, "$"};
      }
    } else if (std::isdigit(static_cast<unsigned char>(c)) != 0 ||
               (c == '.' && at_ + 1 < text_.size() &&
                std::isdigit(static_cast<unsigned char>(text_[at_ + 1])) != 0 && !follows_value_)) {
      token_ = {Token::Type::Number, number()};
    } else if (is_name_part(c)) {
      token_ = {Token::Type::Name, word()};
    } else {
      token_ = {Token::Type::Symbol, symbol()};
    }
    follows_value_ = token_.type != Token::Type::Symbol || token_.text == ")" || token_.text == "]" ||
                     token_.text == "$" || token_.text == "@" || token_.text == "*";
  }

  void skip_blanks() {
    for (;;) {
      while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
      if (text_.substr(at_, 2) != "/*") return;
      const auto end = text_.find("*/", at_ + 2);
      at_ = end == std::string_view::npos ? text_.size() : end + 2;
    }
  }

  std::string word() {
    std::string word;
    while (at_ < text_.size() && is_name_part(text_[at_])) word += text_[at_++];
    return word;
  }

  std::string number() {
    const auto begin = at_;
    const auto digits = [&] {
      while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    };
    digits();
    if (at_ < text_.size() && text_[at_] == '.') {
      // `1.type()` is none: a name follows the point.
      const bool is_point = at_ + 1 >= text_.size() || !is_name_part(text_[at_ + 1]) ||
                            std::isdigit(static_cast<unsigned char>(text_[at_ + 1])) != 0;
      if (is_point && text_.substr(at_, 2) != "..") {
        ++at_;
        digits();
      }
    }
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      ++at_;
      if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
      digits();
    }
    if (at_ < text_.size() && is_name_part(text_[at_]))
      throw Error(ErrorCode::SyntaxError, "trailing junk after numeric literal in jsonpath input");
    std::string number(text_.substr(begin, at_ - begin));
    if (number.front() == '.') number.insert(0, "0");
    if (number.back() == '.') number.pop_back();
    return number;
  }

  /// A text in quotes; its escapes are JSON's and some more, which JSON's parser need not know.
  std::string quoted() {
    std::string json = "\"";
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] != '\\') {
        json += text_[at_];
        continue;
      }
      ++at_;
      if (at_ >= text_.size()) break;
      constexpr std::string_view kJson = "\"\\/bfnrtu";
      const char c = text_[at_];
      if (kJson.find(c) != std::string_view::npos) {
        json += '\\';
        json += c;
      } else if (c == 'v') {
        json += "\\u000b";
      } else if (c == 'x') {
        json += "\\u00" + std::string(text_.substr(at_ + 1, 2));
        at_ += 2;
      } else {
        json += c;
      }
    }
    if (at_ >= text_.size())
      throw Error(ErrorCode::SyntaxError, "unterminated quoted string at end of jsonpath input");
    ++at_;
    return parse_json(json + "\"", JsonUse::Decode).text;
  }

  std::string symbol() {
    static constexpr std::array<std::string_view, 8> kLong = {"**", "==", "!=", "<>", "<=", ">=", "&&", "||"};
    for (const auto candidate : kLong) {
      if (text_.substr(at_, candidate.size()) != candidate) continue;
      at_ += candidate.size();
      return std::string(candidate);
    }
    return std::string(1, text_[at_++]);
  }

  bool is_symbol(std::string_view symbol) const {
    return token_.type == Token::Type::Symbol && token_.text == symbol;
  }
  bool is_name(std::string_view name) const {
    return token_.type == Token::Type::Name && token_.text == name;
  }
  bool take(std::string_view symbol) {
    if (!is_symbol(symbol)) return false;
    advance();
    return true;
  }
  bool take_name(std::string_view name) {
    if (!is_name(name)) return false;
    advance();
    return true;
  }
  void expect(std::string_view symbol) {
    if (!take(symbol)) fail();
  }

  [[noreturn]] static void fail_as_complex() {
    throw Error(ErrorCode::StatementTooComplex, "jsonpath is too complex", {},
                fmt::format("It may have {} operators and steps, and {} levels of brackets.", kMostNodes,
                            kMostNested));
  }

  Node make(Kind kind, std::string text = {}) {
    if (++node_count_ > kMostNodes) fail_as_complex();
    auto node = std::make_unique<JsonPathNode>();
    node->kind = kind;
    node->text = std::move(text);
    return node;
  }
  Node above(Kind kind, Node below, std::string text = {}) {
    Node node = make(kind, std::move(text));
    node->children.push_back(std::move(below));
    return node;
  }
  Node joined(Kind kind, Node left, Node right, std::string text = {}) {
    Node node = above(kind, std::move(left), std::move(text));
    node->children.push_back(std::move(right));
    return node;
  }

  // From the weakest to the strongest

  Node either() {
    Node left = both();
    while (take("||")) left = joined(Kind::Or, predicate(std::move(left)), predicate(both()));
    return left;
  }

  Node both() {
    Node left = negation();
    while (take("&&")) left = joined(Kind::And, predicate(std::move(left)), predicate(negation()));
    return left;
  }

  Node negation() {
    if (!take("!")) return comparison();
    if (!is_symbol("(") && !is_name("exists")) fail();
    if (++nested_ > kMostNested) fail_as_complex();
    Node node = above(Kind::Not, predicate(primary()));
    --nested_;
    return node;
  }

  Node predicate(Node node) const {
    if (!node->is_predicate()) fail();
    return node;
  }

  Node comparison() {
    Node left = sum();
    static constexpr std::array<std::string_view, 7> kOperators = {"==", "!=", "<>", "<=", ">=", "<", ">"};
    for (const auto op : kOperators) {
      if (!is_symbol(op)) continue;
      advance();
      return joined(Kind::Compare, std::move(left), sum(), op == "<>" ? "!=" : std::string(op));
    }
    if (take_name("starts")) {
      if (!take_name("with")) fail();
      Node with = primary();
      if (with->kind != Kind::Variable &&
          (with->kind != Kind::Literal || with->literal.kind != JsonNode::Kind::String))
        fail();
      return joined(Kind::StartsWith, std::move(left), std::move(with));
    }
    if (take_name("like_regex")) {
      if (token_.type != Token::Type::String) fail();
      Node node = above(Kind::LikeRegex, std::move(left), token_.text);
      advance();
      if (take_name("flag")) {
        if (token_.type != Token::Type::String) fail();
        node->flags = token_.text;
        advance();
      }
      return node;
    }
    return left;
  }

  Node sum() {
    Node left = product();
    while (is_symbol("+") || is_symbol("-")) {
      const std::string op = token_.text;
      advance();
      left = joined(Kind::Arithmetic, std::move(left), product(), op);
    }
    return left;
  }

  Node product() {
    Node left = sign();
    while (is_symbol("*") || is_symbol("/") || is_symbol("%")) {
      const std::string op = token_.text;
      advance();
      left = joined(Kind::Arithmetic, std::move(left), sign(), op);
    }
    return left;
  }

  Node sign() {
    if (++nested_ > kMostNested) fail_as_complex();
    Node node;
    if (is_symbol("+") || is_symbol("-")) {
      const std::string op = token_.text;
      advance();
      node = above(Kind::Arithmetic, sign(), op);
    } else {
      node = steps(primary());
    }
    --nested_;
    return node;
  }

  Node literal(JsonNode::Kind kind, std::string text = {}) {
    Node node = make(Kind::Literal);
    node->literal.kind = kind;
    node->literal.text = std::move(text);
    return node;
  }

  Node primary() {
    const Token token = token_;
    if (token.type == Token::Type::End) fail();
    if (take("(")) {
      Node inner = either();
      expect(")");
      if (take_name("is")) {
        if (!take_name("unknown")) fail();
        return above(Kind::IsUnknown, predicate(std::move(inner)));
      }
      return steps(std::move(inner));
    }
    if (is_name("exists")) {
      advance();
      expect("(");
      Node inner = sum();
      expect(")");
      return above(Kind::Exists, std::move(inner));
    }
    advance();
    switch (token.type) {
      case Token::Type::String:
        return literal(JsonNode::Kind::String, token.text);
      case Token::Type::Number:
        return literal(JsonNode::Kind::Number, parse_json(token.text, JsonUse::Decode).text);
      case Token::Type::Variable:
        return make(Kind::Variable, token.text);
      case Token::Type::Name:
        if (token.text == "null") return literal(JsonNode::Kind::Null);
        if (token.text == "true") return literal(JsonNode::Kind::True);
        if (token.text == "false") return literal(JsonNode::Kind::False);
        if (token.text == "last") {
          if (subscripts_ == 0)
            throw Error(ErrorCode::SyntaxError, "LAST is allowed only in array subscripts");
          return make(Kind::Last);
        }
        break;
      case Token::Type::Symbol:
        if (token.text == "$") return make(Kind::Root);
        if (token.text == "@") {
          if (filters_ == 0) throw Error(ErrorCode::SyntaxError, "@ is not allowed in root expressions");
          return make(Kind::Current);
        }
        break;
      case Token::Type::End:
        break;
    }
    token_ = token;
    fail();
  }

  Node steps(Node node) {
    for (;;) {
      if (take(".")) {
        node = step(std::move(node));
      } else if (take("[")) {
        node = elements(std::move(node));
      } else if (take("?")) {
        expect("(");
        ++filters_;
        Node condition = predicate(either());
        --filters_;
        expect(")");
        node = joined(Kind::Filter, std::move(node), std::move(condition));
      } else {
        return node;
      }
    }
  }

  Node step(Node node) {
    if (take("*")) return above(Kind::AnyMember, std::move(node));
    if (take("**")) return descendants(std::move(node));
    if (token_.type != Token::Type::Name && token_.type != Token::Type::String) fail();
    const bool may_be_method = token_.type == Token::Type::Name;
    const std::string name = token_.text;
    advance();
    if (!may_be_method || !is_symbol("(")) return above(Kind::Member, std::move(node), name);
    static constexpr std::array<std::string_view, 6> kMethods = {"type",    "size",  "double",
                                                                 "ceiling", "floor", "abs"};
    if (name == "datetime" || name == "keyvalue")
      throw Error(ErrorCode::FeatureNotSupported, "." + name + "() of jsonpath is not supported");
    bool is_known = false;
    for (const auto method : kMethods) is_known = is_known || name == method;
    if (!is_known) fail();
    advance();
    expect(")");
    return above(Kind::Method, std::move(node), name);
  }

  std::size_t level() {
    if (take_name("last")) return std::numeric_limits<std::size_t>::max();
    std::size_t number = 0;
    const auto& text = token_.text;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (token_.type != Token::Type::Number || read.ec != std::errc() || read.ptr != text.data() + text.size())
      fail();
    advance();
    return number;
  }

  Node descendants(Node node) {
    node = above(Kind::Descendants, std::move(node));
    node->most = std::numeric_limits<std::size_t>::max();
    if (take("{")) {
      node->least = node->most = level();
      if (take_name("to")) node->most = level();
      expect("}");
    }
    return node;
  }

  Node elements(Node node) {
    if (take("*")) {
      expect("]");
      return above(Kind::AnyElement, std::move(node));
    }
    node = above(Kind::Elements, std::move(node));
    ++subscripts_;
    do {
      const std::size_t from = node->children.size();
      node->children.push_back(sum());
      std::size_t to = 0;
      if (take_name("to")) {
        to = node->children.size();
        node->children.push_back(sum());
      }
      node->ranges.emplace_back(from, to);
    } while (take(","));
    --subscripts_;
    expect("]");
    return node;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Token token_;
  bool follows_value_ = false;
  int filters_ = 0, subscripts_ = 0, nested_ = 0;
  std::size_t node_count_ = 0;
};

}  // namespace

JsonPath parse_json_path(std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    throw Error(ErrorCode::InvalidTextRepresentation,
                "invalid input syntax for type jsonpath: \"" + std::string(text) + "\"");
  }
  return Parser(text).parse();
}

}  // namespace tickstone::duck
