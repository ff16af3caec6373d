// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "types/json_node.hpp"
#include "types/utf8.hpp"

namespace tickstone {

namespace {

constexpr int kMaxDepth = 1000;
// What PostgreSQL's numeric holds: digits before and after the point.
constexpr std::int64_t kMaxWholeDigits = 131'072;
constexpr std::int64_t kMaxFractionDigits = 16'383;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// 1.5e3 as 1500: jsonb keeps numbers as NUMERIC, which has no exponent but keeps the zeros that were
/// written.
std::string expand_number(std::string_view text) {
  const bool is_negative = text.front() == '-';
  if (is_negative) text.remove_prefix(1);
  std::int64_t exponent = 0;
  if (const auto e = text.find_first_of("eE"); e != std::string_view::npos) {
    std::string_view digits = text.substr(e + 1);
    const bool is_down = digits.front() == '-';
    if (digits.front() == '-' || digits.front() == '+') digits.remove_prefix(1);
    for (const char c : digits) exponent = std::min<std::int64_t>(exponent * 10 + (c - '0'), 1'000'000'000);
    if (is_down) exponent = -exponent;
    text = text.substr(0, e);
  }
  std::string digits;
  std::int64_t fraction_digits = 0;
  if (const auto point = text.find('.'); point != std::string_view::npos) {
    digits = std::string(text.substr(0, point)) + std::string(text.substr(point + 1));
    fraction_digits = static_cast<std::int64_t>(text.size() - point - 1);
  } else {
    digits = text;
  }
  fraction_digits -= exponent;
  const bool is_zero = digits.find_first_not_of('0') == std::string::npos;
  if (is_zero) {
    digits = "0";
    fraction_digits = std::max<std::int64_t>(fraction_digits, 0);
  }
  const auto whole_digits = static_cast<std::int64_t>(digits.size()) - fraction_digits;
  if ((!is_zero && whole_digits > kMaxWholeDigits) || fraction_digits > kMaxFractionDigits) {
    throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
  }
  std::string out;
  if (fraction_digits <= 0) {
    out = digits + std::string(static_cast<std::size_t>(is_zero ? 0 : -fraction_digits), '0');
  } else {
    const auto fraction_size = static_cast<std::size_t>(fraction_digits);
    if (digits.size() <= fraction_size) digits.insert(0, fraction_size - digits.size() + 1, '0');
    out =
        digits.substr(0, digits.size() - fraction_size) + "." + digits.substr(digits.size() - fraction_size);
  }
  const auto first = out.find_first_not_of('0');
  if (first == std::string::npos) {
    out = "0";
  } else {
    out.erase(0, out[first] == '.' ? first - 1 : first);
  }
  return is_negative && !is_zero ? "-" + out : out;
}

class JsonParser {
 public:
  JsonParser(std::string_view text, JsonUse use) : text_(text), is_decoded_(use == JsonUse::Decode) {}

  JsonNode run() {
    JsonNode node = value();
    skip_space();
    fail_unless_token();
    if (!at_end()) fail_expected("end of input");
    return node;
  }

 private:
  [[noreturn]] void fail(const std::string& detail) const {
    throw Error(ErrorCode::InvalidTextRepresentation, "invalid input syntax for type json", detail);
  }
  [[noreturn]] void fail_expected(std::string_view wanted) const {
    if (at_end()) fail("The input string ended unexpectedly.");
    fail(fmt::format("Expected {}, but found \"{}\".", wanted, token()));
  }
  [[noreturn]] void fail_token() const {
    if (at_end()) fail("The input string ended unexpectedly.");
    fail(fmt::format("Token \"{}\" is invalid.", token()));
  }
  /// What stands here, for messages: a sign, a string, or all that looks like one word.
  std::string token() const {
    if (std::string_view("{}[]:,").find(peek()) != std::string_view::npos) return std::string(1, peek());
    std::size_t end = at_;
    if (peek() == '"') {
      for (++end; end < text_.size() && text_[end] != '"'; ++end) {
        if (text_[end] == '\\') ++end;
      }
      return std::string(text_.substr(at_, std::min(end + 1, text_.size()) - at_));
    }
    if (peek() == '-' || is_digit(peek())) {
      while (end < text_.size() &&
             (is_word(text_[end]) || std::string_view("+-.").find(text_[end]) != std::string_view::npos)) {
        ++end;
      }
    }
    while (end < text_.size() && is_word(text_[end])) ++end;
    return std::string(text_.substr(at_, std::max<std::size_t>(end - at_, 1)));
  }

  bool at_end() const { return at_ >= text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  void skip_space() {
    while (!at_end() && (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r')) ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_end() || peek() != c) return false;
    ++at_;
    return true;
  }
  /// A wrong sign is one thing, what is no token at all another.
  void fail_unless_token() {
    if (at_end()) return;
    const std::size_t start = at_;
    if (peek() == '"') {
      string();
    } else if (peek() == '-' || is_digit(peek())) {
      number();
    } else if (std::string_view("{}[]:,").find(peek()) == std::string_view::npos) {
      const auto word = token();
      if (word != "true" && word != "false" && word != "null") fail_token();
    }
    at_ = start;
  }

  JsonNode value() {
    skip_space();
    JsonNode node;
    switch (peek()) {
      case '{':
        object(node);
        return node;
      case '[':
        array(node);
        return node;
      case '"':
        node.kind = JsonNode::Kind::String;
        node.text = string();
        return node;
      default:
        break;
    }
    if (peek() == '-' || is_digit(peek())) {
      node.kind = JsonNode::Kind::Number;
      node.text = number();
      return node;
    }
    fail_unless_token();
    const auto word = at_end() ? std::string() : token();
    if (word == "true") {
      node.kind = JsonNode::Kind::True;
    } else if (word == "false") {
      node.kind = JsonNode::Kind::False;
    } else if (word != "null") {
      fail_expected("JSON value");
    }
    at_ += word.size();
    return node;
  }

  void descend() {
    if (++depth_ > kMaxDepth) {
      throw Error(ErrorCode::ProgramLimitExceeded, "JSON is nested too deeply",
                  fmt::format("At most {} levels are allowed.", kMaxDepth));
    }
  }

  void array(JsonNode& node) {
    node.kind = JsonNode::Kind::Array;
    descend();
    ++at_;
    if (!take(']')) {
      while (true) {
        auto element = value();
        if (is_decoded_) node.elements.push_back(std::move(element));
        if (take(']')) break;
        if (take(',')) continue;
        fail_unless_token();
        fail_expected("\",\" or \"]\"");
      }
    }
    --depth_;
  }

  void object(JsonNode& node) {
    node.kind = JsonNode::Kind::Object;
    descend();
    ++at_;
    if (!take('}')) {
      bool is_first = true;
      while (true) {
        skip_space();
        if (peek() != '"') {
          fail_unless_token();
          fail_expected(is_first ? "string or \"}\"" : "string");
        }
        is_first = false;
        auto key = string();
        if (!take(':')) {
          fail_unless_token();
          fail_expected("\":\"");
        }
        auto member = value();
        if (is_decoded_) node.members.push_back({std::move(key), std::move(member)});
        if (take('}')) break;
        if (take(',')) continue;
        fail_unless_token();
        fail_expected("\",\" or \"}\"");
      }
    }
    --depth_;
    order_members(node.members);
  }

  static void order_members(std::vector<JsonMember>& members) {
    const auto is_before = [](const auto& a, const auto& b) {
      if (a.key.size() != b.key.size()) return a.key.size() < b.key.size();
      return a.key < b.key;
    };
    // Stable from the back: the last of equal keys comes first and is the one that stays.
    std::reverse(members.begin(), members.end());
    std::stable_sort(members.begin(), members.end(), is_before);
    const auto same = [](const auto& a, const auto& b) { return a.key == b.key; };
    members.erase(std::unique(members.begin(), members.end(), same), members.end());
  }

  std::string number() {
    const std::size_t start = at_;
    std::size_t at = at_;
    const auto here = [&] { return at < text_.size() ? text_[at] : '\0'; };
    bool is_fine = true;
    if (here() == '-') ++at;
    if (here() == '0') {
      ++at;
    } else if (is_digit(here())) {
      while (is_digit(here())) ++at;
    } else {
      is_fine = false;
    }
    if (here() == '.') {
      ++at;
      is_fine = is_fine && is_digit(here());
      while (is_digit(here())) ++at;
    }
    if (here() == 'e' || here() == 'E') {
      ++at;
      if (here() == '+' || here() == '-') ++at;
      is_fine = is_fine && is_digit(here());
      while (is_digit(here())) ++at;
    }
    for (; is_word(here()); ++at) is_fine = false;
    if (!is_fine) fail(fmt::format("Token \"{}\" is invalid.", text_.substr(start, at - start)));
    at_ = at;
    return is_decoded_ ? expand_number(text_.substr(start, at - start)) : std::string();
  }

  std::uint32_t four_hex_digits() {
    std::uint32_t code = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = peek();
      std::uint32_t digit = 16;
      if (is_digit(c)) digit = static_cast<std::uint32_t>(c - '0');
      if (c >= 'a' && c <= 'f') digit = static_cast<std::uint32_t>(c - 'a') + 10;
      if (c >= 'A' && c <= 'F') digit = static_cast<std::uint32_t>(c - 'A') + 10;
      if (digit == 16) {
        if (at_end()) fail_open_string();
        fail("\"\\u\" must be followed by four hexadecimal digits.");
      }
      code = code * 16 + digit;
      ++at_;
    }
    return code;
  }

  [[noreturn]] void fail_open_string() const {
    fail(fmt::format("Token \"{}\" is invalid.", text_.substr(string_start_)));
  }

  std::string string() {
    string_start_ = at_++;
    std::string out;
    std::uint32_t high_surrogate = 0;
    while (true) {
      if (at_end()) fail_open_string();
      const char c = text_[at_++];
      if (c == '"') break;
      if (static_cast<unsigned char>(c) < 0x20) {
        fail(fmt::format("Character with value 0x{:02x} must be escaped.", static_cast<unsigned char>(c)));
      }
      if (c != '\\') {
        if (high_surrogate != 0) fail_surrogate();
        if (is_decoded_) out.push_back(c);
        continue;
      }
      if (at_end()) fail_open_string();
      const char escape = text_[at_++];
      if (escape == 'u') {
        unicode(four_hex_digits(), high_surrogate, out);
        continue;
      }
      if (high_surrogate != 0) fail_surrogate();
      static constexpr std::string_view kEscapes = "\"\\/bfnrt";
      static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
      const auto which = kEscapes.find(escape);
      if (which == std::string_view::npos) {
        std::size_t size = 1;
        while (at_ - 1 + size < text_.size() &&
               (static_cast<unsigned char>(text_[at_ - 1 + size]) & 0xc0) == 0x80)
          ++size;
        fail(fmt::format("Escape sequence \"\\{}\" is invalid.", text_.substr(at_ - 1, size)));
      }
      out.push_back(kMeanings[which]);
    }
    if (high_surrogate != 0) fail_surrogate();
    return out;
  }

  [[noreturn]] void fail_surrogate() const { fail("Unicode low surrogate must follow a high surrogate."); }

  void unicode(std::uint32_t code, std::uint32_t& high_surrogate, std::string& out) const {
    if (!is_decoded_) return;  // json keeps its text, whatever it stands for
    if (code >= 0xd800 && code <= 0xdbff) {
      if (high_surrogate != 0) fail("Unicode high surrogate must not follow a high surrogate.");
      high_surrogate = code;
      return;
    }
    if (code >= 0xdc00 && code <= 0xdfff) {
      if (high_surrogate == 0) fail_surrogate();
      code = 0x10000 + ((high_surrogate - 0xd800) << 10) + (code - 0xdc00);
      high_surrogate = 0;
    } else if (high_surrogate != 0) {
      fail_surrogate();
    }
    if (code == 0) {
      throw Error(ErrorCode::UntranslatableCharacter, "unsupported Unicode escape sequence",
                  "\\u0000 cannot be converted to text.");
    }
    append_utf8(out, code);
  }

  std::string_view text_;
  bool is_decoded_;
  std::size_t at_ = 0;
  std::size_t string_start_ = 0;
  int depth_ = 0;
};

}  // namespace

JsonNode parse_json(std::string_view text, JsonUse use) {
  check_utf8(text);
  return JsonParser(text, use).run();
}

}  // namespace tickstone
