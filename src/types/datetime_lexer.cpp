// SPDX-License-Identifier: Apache-2.0
#include "types/datetime_lexer.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include <fast_float/fast_float.h>

namespace tickstone {

namespace {

constexpr std::size_t kMaxTokens = 25;
constexpr std::size_t kMaxTextBytes = 512;
constexpr std::int64_t kMaxHours = 2'562'047'788;  // of an interval: all that its microseconds hold

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_punctuation(char c) { return c > ' ' && c < '\x7f' && !is_digit(c) && !is_alpha(c); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

constexpr std::string_view kMonths[] = {"january",   "february", "march",    "april",
                                        "may",       "june",     "july",     "august",
                                        "september", "october",  "november", "december"};
constexpr std::string_view kWeekdays[] = {"sunday",   "monday", "tuesday", "wednesday", "thursday", "friday",
                                          "saturday", "tues",   "thur",    "thurs",     "weds"};
constexpr std::string_view kKeywords[] = {
    "ad",     "allballs", "am",  "at", "bc", "d", "dst", "epoch", "h",        "infinity", "j",        "jd",
    "julian", "m",        "now", "on", "pm", "s", "t",   "today", "tomorrow", "y",        "yesterday"};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::optional<std::vector<DatetimeToken>> run() {
    using Kind = DatetimeToken::Kind;
    if (text_.size() > kMaxTextBytes) return std::nullopt;
    while (at_ < text_.size()) {
      if (is_space(peek())) {
        ++at_;
        continue;
      }
      if (tokens_.size() >= kMaxTokens) return std::nullopt;
      token_.clear();
      if (is_digit(peek())) {
        number_or_date();
      } else if (peek() == '.') {
        take();
        take_while(is_digit);
        push(Kind::Number);
      } else if (is_alpha(peek())) {
        word_or_date();
      } else if (peek() == '+' || peek() == '-') {
        take();
        while (is_space(peek())) ++at_;
        if (is_digit(peek())) {
          take_while([](char c) { return is_digit(c) || c == ':' || c == '.' || c == '-'; });
          push(Kind::Signed);
        } else if (is_alpha(peek())) {
          take_while(is_alpha);
          push(Kind::SignedWord);
        } else {
          return std::nullopt;
        }
      } else if (is_punctuation(peek())) {
        ++at_;  // separates, and means nothing
      } else {
        return std::nullopt;
      }
    }
    return std::move(tokens_);
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void take() { token_.push_back(lower(text_[at_++])); }
  template <typename Predicate>
  void take_while(Predicate predicate) {
    while (at_ < text_.size() && predicate(text_[at_])) take();
  }
  void push(DatetimeToken::Kind kind) { tokens_.push_back({kind, token_}); }

  void number_or_date() {
    using Kind = DatetimeToken::Kind;
    take_while(is_digit);
    if (peek() == ':') {
      take_while([](char c) { return is_digit(c) || c == ':' || c == '.'; });
      push(Kind::Time);
      return;
    }
    const char delimiter = peek();
    if (delimiter != '-' && delimiter != '/' && delimiter != '.') {
      push(Kind::Number);
      return;
    }
    take();
    if (!is_digit(peek())) {  // a month's name in the middle
      take_while([delimiter](char c) { return is_digit(c) || is_alpha(c) || c == delimiter; });
      push(Kind::Date);
      return;
    }
    take_while(is_digit);
    auto kind = delimiter == '.' ? Kind::Number : Kind::Date;
    if (peek() == delimiter) {
      kind = Kind::Date;
      take_while([delimiter](char c) { return is_digit(c) || c == delimiter; });
    }
    push(kind);
  }

  void word_or_date() {
    using Kind = DatetimeToken::Kind;
    take_while(is_alpha);
    const char next = peek();
    bool is_joined = next == '-' || next == '/' || next == '.';
    if (next == '+' || is_digit(next)) is_joined = !is_datetime_keyword(token_);
    if (is_joined || next == '_') {
      take_while([](char c) {
        return is_digit(c) || is_alpha(c) || c == '+' || c == '-' || c == '/' || c == '_' || c == '.' ||
               c == ':';
      });
      push(Kind::Date);
      return;
    }
    push(Kind::Word);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string token_;
  std::vector<DatetimeToken> tokens_;
};

}  // namespace

std::optional<std::vector<DatetimeToken>> lex_datetime(std::string_view text) { return Lexer(text).run(); }

int month_of_name(std::string_view lower_case) {
  if (lower_case == "sept") return 9;
  for (std::size_t i = 0; i < std::size(kMonths); ++i) {
    if (lower_case == kMonths[i] || lower_case == kMonths[i].substr(0, 3)) return static_cast<int>(i) + 1;
  }
  return 0;
}

bool is_weekday_name(std::string_view lower_case) {
  return std::any_of(std::begin(kWeekdays), std::end(kWeekdays), [&](std::string_view day) {
    return lower_case == day || lower_case == day.substr(0, 3);
  });
}

bool is_datetime_keyword(std::string_view word) {
  return month_of_name(word) != 0 || is_weekday_name(word) ||
         std::find(std::begin(kKeywords), std::end(kKeywords), word) != std::end(kKeywords);
}

std::optional<std::int32_t> read_int(std::string_view digits) {
  if (digits.empty()) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : digits) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
    if (value > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
  }
  return static_cast<std::int32_t>(value);
}

DatetimeProblem read_fraction(std::string_view digits, std::int32_t& micros, std::int32_t& nanos) {
  micros = 0;
  nanos = 0;
  if (!std::all_of(digits.begin(), digits.end(), is_digit)) return DatetimeProblem::BadFormat;
  if (digits.empty()) return DatetimeProblem::None;
  std::int64_t ten_digits = 0;
  for (std::size_t i = 0; i < 10; ++i)
    ten_digits = ten_digits * 10 + (i < digits.size() ? digits[i] - '0' : 0);
  nanos = static_cast<std::int32_t>((ten_digits + 5) / 10);
  if (digits.size() <= 6) {
    micros = static_cast<std::int32_t>(ten_digits / 10'000);
  } else {
    // Through a double and to the even neighbour, as PostgreSQL rounds.
    std::string text = "0.";
    text += digits;
    double fraction = 0;
    fast_float::from_chars(text.data(), text.data() + text.size(), fraction);
    micros = static_cast<std::int32_t>(std::rint(fraction * 1e6));
  }
  return DatetimeProblem::None;
}

DatetimeProblem read_clock(std::string_view text, ClockFields& clock) {
  clock = ClockFields{};
  std::string_view parts[3];
  std::string_view fraction;
  bool has_fraction = false;
  if (const auto point = text.find('.'); point != std::string_view::npos) {
    has_fraction = true;
    fraction = text.substr(point + 1);
    text = text.substr(0, point);
  }
  std::size_t count = 0;
  while (true) {
    if (count == 3) return DatetimeProblem::BadFormat;
    const auto colon = text.find(':');
    parts[count++] = text.substr(0, colon);
    if (colon == std::string_view::npos) break;
    text = text.substr(colon + 1);
  }
  if (count < 2) return DatetimeProblem::BadFormat;
  std::int64_t numbers[3] = {0, 0, 0};
  for (std::size_t i = 0; i < count; ++i) {
    if (parts[i].empty() || !std::all_of(parts[i].begin(), parts[i].end(), is_digit)) {
      // `12:` and `12:30:` end early, which PostgreSQL reads as zero.
      if (!(i + 1 == count && parts[i].empty() && !has_fraction)) return DatetimeProblem::BadFormat;
      continue;
    }
    for (const char c : parts[i]) {
      numbers[i] = numbers[i] * 10 + (c - '0');
      if (numbers[i] > kMaxHours) return DatetimeProblem::FieldOverflow;
    }
  }
  if (has_fraction) {
    const auto problem = read_fraction(fraction, clock.micros, clock.nanos);
    if (problem != DatetimeProblem::None) return problem;
  }
  if (count == 2 && has_fraction) {  // mm:ss.f
    clock.hour = 0;
    numbers[2] = numbers[1];
    numbers[1] = numbers[0];
  } else {
    clock.hour = numbers[0];
  }
  if (numbers[1] > 59 || numbers[2] > 60) return DatetimeProblem::FieldOverflow;
  clock.minute = static_cast<std::int32_t>(numbers[1]);
  clock.second = static_cast<std::int32_t>(numbers[2]);
  return DatetimeProblem::None;
}

}  // namespace tickstone
