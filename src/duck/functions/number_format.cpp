// SPDX-License-Identifier: Apache-2.0
#include "duck/functions/number_format.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include <tickstone/error.hpp>

namespace tickstone::duck {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// "st", "nd", "rd" or "th" after a whole number.
std::string ordinal_suffix(const std::string& digits, bool is_upper) {
  const char last = digits.back();
  const bool is_teen = digits.size() > 1 && digits[digits.size() - 2] == '1';
  const char* suffix = is_teen ? "th" : last == '1' ? "st" : last == '2' ? "nd" : last == '3' ? "rd" : "th";
  std::string out = suffix;
  if (is_upper)
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::toupper(c); });
  return out;
}

bool starts_with_word(std::string_view text, std::string_view word) {
  if (text.size() < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (std::toupper(static_cast<unsigned char>(text[i])) != word[i]) return false;
  }
  return true;
}

}  // namespace

NumberFormat::NumberFormat(std::string_view text) {
  while (!text.empty()) text.remove_prefix(read_part(text));
}

void NumberFormat::add_sign(Part part) {
  const bool is_taken = sign_ != SignPlace::BeforeNumber;
  switch (part) {
    case Part::Sign:
      if (sign_ == SignPlace::Leading || sign_ == SignPlace::Trailing)
        throw Error(ErrorCode::SyntaxError, "cannot use \"S\" twice");
      if (is_taken)
        throw Error(ErrorCode::SyntaxError, "cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together");
      // An S with no digit before it stands at the left of the number, else at its right.
      sign_ = whole_ == 0 && !has_point_ ? SignPlace::Leading : SignPlace::Trailing;
      return;
    case Part::Text:  // PR
      if (is_taken)
        throw Error(ErrorCode::SyntaxError, "cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together");
      sign_ = SignPlace::Brackets;
      return;
    default:
      if (sign_ == SignPlace::Leading || sign_ == SignPlace::Trailing) {
        throw Error(ErrorCode::SyntaxError,
                    fmt::format("cannot use \"S\" and \"{}\" together", part == Part::Minus  ? "MI"
                                                                        : part == Part::Plus ? "PL"
                                                                                             : "SG"));
      }
      // PL alone writes a plus; a minus still stands before the number.
      if (part != Part::Plus) sign_ = SignPlace::Own;
  }
  elements_.push_back({part, {}});
}

/// Takes the part that `rest` begins with; returns its length.
std::size_t NumberFormat::read_part(std::string_view rest) {
  const auto is = [&](std::string_view word) { return starts_with_word(rest, word); };
  const char c = rest[0];
  if (c == '"') {
    std::string quoted;
    std::size_t i = 1;
    for (; i < rest.size() && rest[i] != '"'; ++i) {
      if (rest[i] == '\\' && i + 1 < rest.size()) ++i;
      quoted += rest[i];
    }
    elements_.push_back({Part::Text, quoted});
    return std::min(i + 1, rest.size());
  }
  if (c == '\\' && rest.size() > 1 && rest[1] == '"') {
    elements_.push_back({Part::Text, "\""});
    return 2;
  }
  if (c == '9' || c == '0') {
    if (sign_ == SignPlace::Brackets) throw Error(ErrorCode::SyntaxError, "\"9\" must be ahead of \"PR\"");
    if (has_point_) {
      ++fraction_;
      if (c == '0') fraction_zeros_ = fraction_;
    } else {
      if (has_shift_) ++shift_;
      if (c == '0' && first_zero_ < 0) first_zero_ = whole_;
      ++whole_;
    }
    elements_.push_back({c == '0' ? Part::Zero : Part::Digit, {}});
    return 1;
  }
  if (c == '.' || c == 'D' || c == 'd') {
    if (has_point_) throw Error(ErrorCode::SyntaxError, "multiple decimal points");
    if (has_shift_) throw Error(ErrorCode::SyntaxError, "cannot use \"V\" and decimal point together");
    has_point_ = true;
    elements_.push_back({Part::Point, {}});
    return 1;
  }
  if (c == ',' || c == 'G' || c == 'g') {
    elements_.push_back({Part::Group, {}});
    return 1;
  }
  if (is("EEEE")) {
    if (is_exponential_) throw Error(ErrorCode::SyntaxError, "cannot use \"EEEE\" twice");
    if (sign_ != SignPlace::BeforeNumber || is_filled_ || has_shift_ || is_roman_) {
      throw Error(ErrorCode::SyntaxError, "\"EEEE\" is incompatible with other formats", {},
                  "\"EEEE\" may only be used together with digit and decimal point patterns.");
    }
    is_exponential_ = true;
    return 4;
  }
  if (is("FM")) {
    is_filled_ = true;
    return 2;
  }
  if (is("MI") || is("PL") || is("SG")) {
    add_sign(is("MI") ? Part::Minus : is("PL") ? Part::Plus : Part::Either);
    return 2;
  }
  if (is("PR")) {
    add_sign(Part::Text);
    return 2;
  }
  if (is("RN")) {
    is_roman_ = true;
    is_lower_roman_ = c == 'r';
    return 2;
  }
  if (is("TH")) {
    elements_.push_back({Part::Ordinal, std::string(rest.substr(0, 2))});
    return 2;
  }
  if (c == 'S' || c == 's') {
    add_sign(Part::Sign);
    return 1;
  }
  if (c == 'V' || c == 'v') {
    if (has_point_) throw Error(ErrorCode::SyntaxError, "cannot use \"V\" and decimal point together");
    has_shift_ = true;
    return 1;
  }
  if (c == 'L' || c == 'l') {
    elements_.push_back({Part::Currency, {}});
    return 1;
  }
  if (c == 'B' || c == 'b') return 1;
  elements_.push_back({Part::Text, std::string(1, c)});
  return 1;
}

std::string NumberFormat::roman(const std::string& digits) const {
  static constexpr std::pair<int, const char*> kNumerals[] = {
      {1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"},
      {40, "XL"},  {10, "X"},   {9, "IX"},  {5, "V"},    {4, "IV"},  {1, "I"}};
  int left = digits.size() > 4 ? 0 : std::stoi(digits);
  std::string out;
  if (left < 1 || left > 3999) return std::string(15, '#');
  for (const auto& [value, numeral] : kNumerals) {
    for (; left >= value; left -= value) out += numeral;
  }
  if (is_lower_roman_)
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return is_filled_ ? out : std::string(15 - std::min<std::size_t>(15, out.size()), ' ') + out;
}

std::string NumberFormat::print(std::string digits, bool is_negative) const {
  if (is_exponential_) return (is_negative ? "-" : " ") + digits;
  if (is_roman_) return is_negative ? std::string(15, '#') : roman(digits.substr(0, digits.find('.')));

  const auto point = digits.find('.');
  std::string whole = digits.substr(0, point);
  std::string fraction = point == std::string::npos ? "" : digits.substr(point + 1);
  fraction.resize(static_cast<std::size_t>(fraction_), '0');
  const bool overflows = static_cast<int>(whole.size()) > whole_;
  if (overflows) {
    whole.assign(static_cast<std::size_t>(whole_), '#');
    fraction.assign(fraction.size(), '#');
  }
  const int blank = whole_ - static_cast<int>(whole.size());
  // A zero before the point is not written when digits follow, unless a 0 asks for it.
  const bool drops_zero = whole == "0" && fraction_ > 0 && first_zero_ < 0 && blank >= 0;
  int shown_fraction = fraction_;
  if (is_filled_ && !overflows) {
    while (shown_fraction > fraction_zeros_ && fraction[static_cast<std::size_t>(shown_fraction) - 1] == '0')
      --shown_fraction;
  }
  const bool keeps_zero = drops_zero && is_filled_ && shown_fraction == 0 && has_point_;

  std::string out;
  bool has_sign = sign_ == SignPlace::Own;
  bool has_digit = false;
  const auto put_sign = [&] {
    if (has_sign) return;
    switch (sign_) {
      case SignPlace::Leading:
        out += is_negative ? '-' : '+';
        break;
      case SignPlace::Brackets:
        if (is_negative || !is_filled_) out += is_negative ? '<' : ' ';
        break;
      case SignPlace::BeforeNumber:
        if (is_negative || !is_filled_) out += is_negative ? '-' : ' ';
        break;
      case SignPlace::Trailing:
      case SignPlace::Own:
        return;
    }
    has_sign = true;
  };
  const int positions = whole_ + fraction_ + (has_point_ ? 1 : 0);
  int seen = 0;
  const auto after_position = [&] {
    if (++seen != positions) return;
    if (sign_ == SignPlace::Trailing) out += is_negative ? '-' : '+';
    if (sign_ == SignPlace::Brackets && (is_negative || !is_filled_)) out += is_negative ? '>' : ' ';
  };
  int at = 0;           // position before the point
  int fraction_at = 0;  // and after it
  bool past_point = false;
  for (const Element& element : elements_) {
    switch (element.part) {
      case Part::Digit:
      case Part::Zero:
        if (past_point) {
          put_sign();
          if (fraction_at < shown_fraction) out += fraction[static_cast<std::size_t>(fraction_at)];
          ++fraction_at;
        } else {
          const bool is_last = at + 1 == whole_;
          if (at < blank) {
            if (first_zero_ >= 0 && at >= first_zero_) {
              put_sign();
              out += '0';
              has_digit = true;
            } else if (!is_filled_) {
              out += ' ';
            }
          } else if (drops_zero && is_last) {
            if (keeps_zero) {
              put_sign();
              out += '0';
            } else if (!is_filled_) {
              out += ' ';
            }
          } else {
            put_sign();
            out += whole[static_cast<std::size_t>(at - blank)];
            has_digit = true;
          }
          ++at;
        }
        after_position();
        break;
      case Part::Point:
        put_sign();
        past_point = true;
        out += '.';
        after_position();
        break;
      case Part::Group:
        if (has_digit) {
          out += ',';
        } else if (!is_filled_) {
          out += ' ';
        }
        break;
      case Part::Minus:
        if (is_negative || !is_filled_) out += is_negative ? '-' : ' ';
        break;
      case Part::Plus:
        if (!is_negative || !is_filled_) out += is_negative ? ' ' : '+';
        break;
      case Part::Either:
        out += is_negative ? '-' : '+';
        break;
      case Part::Currency:
        out += ' ';
        break;
      case Part::Ordinal:
        if (!is_negative && !has_point_ && !overflows) out += ordinal_suffix(whole, element.text[0] == 'T');
        break;
      case Part::Text:
        out += element.text;
        break;
      case Part::Sign:
        break;
    }
  }
  return out;
}

std::string NumberFormat::read(std::string_view text) const {
  std::size_t at = 0;
  bool is_negative = false;
  bool has_sign = false;
  const auto take_sign = [&] {
    while (at < text.size() && text[at] == ' ') ++at;
    if (has_sign || at >= text.size()) return;
    const char c = text[at];
    if (c == '-' || c == '+' || (c == '<' && sign_ == SignPlace::Brackets)) {
      is_negative = c != '+';
      has_sign = true;
      ++at;
    }
  };
  std::string whole;
  std::string fraction;
  bool past_point = false;
  for (const Element& element : elements_) {
    if (at >= text.size()) break;
    switch (element.part) {
      case Part::Digit:
      case Part::Zero:
        if (whole.empty() && fraction.empty()) take_sign();
        if (at < text.size() && is_digit(text[at])) {
          (past_point ? fraction : whole) += text[at++];
        } else if (at < text.size() && text[at] == '.' && !past_point && has_point_) {
          // Fewer digits than the template has: the point comes early.
        } else if (at < text.size() && text[at] == ' ') {
          ++at;
        }
        break;
      case Part::Point:
        // Digits that the template has no place for are skipped, as PostgreSQL does.
        if (text[at] == '.') ++at;
        past_point = true;
        break;
      case Part::Group:
        if (text[at] == ',') ++at;
        break;
      case Part::Minus:
      case Part::Plus:
      case Part::Either:
        take_sign();
        break;
      case Part::Currency:
        if (!is_digit(text[at]) && text[at] != '.' && text[at] != ',' && text[at] != '-' && text[at] != '+')
          ++at;
        break;
      case Part::Ordinal:
        for (int i = 0; i < 2 && at < text.size() && std::isalpha(static_cast<unsigned char>(text[at])); ++i)
          ++at;
        break;
      case Part::Text:
        for (std::size_t i = 0; i < element.text.size() && at < text.size() && !is_digit(text[at]); ++i) ++at;
        break;
      case Part::Sign:
        break;
    }
  }
  if (!has_sign && sign_ != SignPlace::BeforeNumber && at < text.size() && text[at] == '-')
    is_negative = true;
  if (whole.empty() && fraction.empty())
    throw Error(ErrorCode::InvalidTextRepresentation,
                fmt::format("invalid input syntax for type numeric: \"{}\"",
                            text.empty() || is_negative ? "-" : " "));
  std::string out = is_negative ? "-" : "";
  out += whole.empty() ? "0" : whole;
  if (!fraction.empty()) out += "." + fraction;
  return out;
}

}  // namespace tickstone::duck
