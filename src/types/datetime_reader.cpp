// SPDX-License-Identifier: Apache-2.0
#include "types/datetime_reader.hpp"

#include <algorithm>
#include <cmath>

#include <fast_float/fast_float.h>

#include <tickstone/error.hpp>

#include "types/zone_abbreviation.hpp"

namespace tickstone {

namespace {

constexpr std::int32_t kMaxYear = 5'874'897;  // PostgreSQL's last date
constexpr std::int32_t kJulianDayOf1970 = 2'440'588;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return c >= 'a' && c <= 'z'; }

class DatetimeReader {
 public:
  DatetimeReader(std::int32_t local_today, DatetimeWanted wanted, DateStyle::Order order,
                 DatetimeFields& fields)
      : today_(local_today), is_clock_wanted_(wanted == DatetimeWanted::Clock), order_(order), out_(fields) {}

  DatetimeProblem run(const std::vector<DatetimeToken>& tokens) {
    using Kind = DatetimeToken::Kind;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const auto& token = tokens[i];
      auto problem = DatetimeProblem::None;
      switch (token.kind) {
        case Kind::Number:
          problem = number_token(token.text);
          break;
        case Kind::Date:
          problem = date_token(token.text);
          break;
        case Kind::Time:
          problem = time_token(token.text);
          break;
        case Kind::Signed:
          problem = offset_token(token.text);
          break;
        case Kind::Word:
        case Kind::SignedWord:
          problem = word_token(token, i + 1 < tokens.size() ? &tokens[i + 1] : nullptr);
          break;
      }
      if (problem != DatetimeProblem::None) return problem;
    }
    return finish(tokens.empty());
  }

 private:
  enum class Next : std::uint8_t { Anything, Clock, JulianDay };
  enum class HalfDay : std::uint8_t { None, Am, Pm };

  bool has_whole_date() const { return has_year_ && has_month_ && has_day_; }
  bool has_any_date() const { return has_year_ || has_month_ || has_day_; }

  DatetimeProblem set_year(std::int32_t year, std::size_t digits) {
    if (has_year_) return DatetimeProblem::BadFormat;
    has_year_ = true;
    year_ = year;
    has_two_digit_year_ = digits <= 2;
    return DatetimeProblem::None;
  }
  DatetimeProblem set_month(std::int32_t month) {
    if (has_month_) return DatetimeProblem::BadFormat;
    has_month_ = true;
    month_ = month;
    return DatetimeProblem::None;
  }
  DatetimeProblem set_day(std::int32_t day) {
    if (has_day_) return DatetimeProblem::BadFormat;
    has_day_ = true;
    day_ = day;
    return DatetimeProblem::None;
  }
  DatetimeProblem set_clock(std::int64_t hour, std::int32_t minute, std::int32_t second, std::int32_t micros,
                            std::int32_t nanos) {
    if (has_clock_) return DatetimeProblem::BadFormat;
    // 24:00:00 is the one time of hour 24.
    if (hour > 24 || minute > 59 || second > 60 || (hour == 24 && (minute > 0 || second > 0 || micros > 0))) {
      return DatetimeProblem::FieldOverflow;
    }
    has_clock_ = true;
    hour_ = static_cast<std::int32_t>(hour);
    minute_ = minute;
    second_ = second;
    micros_ = micros;
    nanos_ = nanos;
    return DatetimeProblem::None;
  }
  DatetimeProblem set_offset(std::int32_t seconds) {
    if (has_zone_) return DatetimeProblem::BadFormat;
    has_zone_ = true;
    out_.offset_seconds = seconds;
    return DatetimeProblem::None;
  }
  DatetimeProblem set_zone(const TimeZone* zone) {
    if (has_zone_) return DatetimeProblem::BadFormat;
    has_zone_ = true;
    out_.zone = zone;
    return DatetimeProblem::None;
  }

  DatetimeProblem time_token(const std::string& text) {
    next_ = Next::Anything;
    ClockFields clock;
    if (const auto problem = read_clock(text, clock); problem != DatetimeProblem::None) return problem;
    return set_clock(clock.hour, clock.minute, clock.second, clock.micros, clock.nanos);
  }

  DatetimeProblem offset_token(const std::string& text) {
    std::int32_t seconds = 0;
    if (const auto problem = read_zone_offset(text, seconds); problem != DatetimeProblem::None)
      return problem;
    return set_offset(seconds);
  }

  DatetimeProblem number_token(const std::string& text) {
    if (next_ == Next::JulianDay) {
      next_ = Next::Anything;
      return julian_day(text);
    }
    if (next_ == Next::Clock || is_clock_wanted_) {
      next_ = Next::Anything;
      return run_together(text, true);
    }
    const auto point = text.find('.');
    if (point != std::string::npos && !has_any_date()) return joined_date(text);
    if (point != std::string::npos && point > 2) return run_together(text, has_whole_date());
    if (text.size() >= 6 && (!has_whole_date() || !has_clock_)) return run_together(text, has_whole_date());
    return plain_number(text);
  }

  /// The one number of a date whose meaning follows from what is known already, and from DateStyle.
  DatetimeProblem plain_number(std::string_view text) {
    std::string_view fraction;
    std::string_view digits = text;
    if (const auto point = text.find('.'); point != std::string_view::npos) {
      if (point > 2) return run_together(text, has_whole_date());
      digits = text.substr(0, point);
      fraction = text.substr(point);
    }
    const auto number = read_int(digits);
    if (!number) return is_number(digits) ? DatetimeProblem::FieldOverflow : DatetimeProblem::BadFormat;
    if (digits.size() == 3 && has_year_ && !has_month_ && !has_day_ && *number >= 1 && *number <= 366) {
      has_day_of_year_ = has_month_ = has_day_ = true;
      day_of_year_ = *number;
      return fraction.empty() ? DatetimeProblem::None : DatetimeProblem::BadFormat;
    }
    if (!fraction.empty()) return DatetimeProblem::BadFormat;
    if (has_whole_date()) return run_together(text, true);
    if (!has_year_ && !has_month_ && !has_day_) {
      if (digits.size() >= 3 || order_ == DateStyle::Order::YearMonthDay)
        return set_year(*number, digits.size());
      return order_ == DateStyle::Order::DayMonthYear ? set_day(*number) : set_month(*number);
    }
    if (has_year_ && has_month_) {
      if (has_text_month_ && digits.size() >= 3 && has_two_digit_year_) {
        // The first number was the day: dd-mon-yyyy.
        day_ = year_;
        has_day_ = true;
        year_ = *number;
        has_two_digit_year_ = false;
        return DatetimeProblem::None;
      }
      return set_day(*number);
    }
    if (has_month_ && has_day_) return set_year(*number, digits.size());
    if (has_year_) return set_month(*number);
    if (has_month_) {
      if (has_text_month_ && (digits.size() >= 3 || order_ == DateStyle::Order::YearMonthDay))
        return set_year(*number, digits.size());
      return set_day(*number);
    }
    return set_month(*number);  // a day alone
  }

  /// yyyymmdd, yymmdd, hhmmss[.f], hhmm.
  DatetimeProblem run_together(std::string_view text, bool is_date_known) {
    std::string_view digits = text;
    std::int32_t micros = 0;
    std::int32_t nanos = 0;
    bool has_fraction = false;
    if (const auto point = text.find('.'); point != std::string_view::npos) {
      has_fraction = true;
      digits = text.substr(0, point);
      const auto problem = read_fraction(text.substr(point + 1), micros, nanos);
      if (problem != DatetimeProblem::None) return problem;
    }
    if (!is_number(digits)) return DatetimeProblem::BadFormat;
    if (!has_fraction && !is_date_known && digits.size() >= 6) {
      const auto year_digits = digits.size() - 4;
      const auto year = read_int(digits.substr(0, year_digits));
      if (!year) return DatetimeProblem::FieldOverflow;
      if (has_any_date()) return DatetimeProblem::BadFormat;
      has_month_ = has_day_ = true;
      month_ = *read_int(digits.substr(year_digits, 2));
      day_ = *read_int(digits.substr(year_digits + 2));
      return set_year(*year, year_digits);
    }
    if (has_clock_) return DatetimeProblem::BadFormat;
    if (digits.size() == 6) {
      return set_clock(*read_int(digits.substr(0, 2)), *read_int(digits.substr(2, 2)),
                       *read_int(digits.substr(4)), micros, nanos);
    }
    if (digits.size() == 4) {
      return set_clock(*read_int(digits.substr(0, 2)), *read_int(digits.substr(2)), 0, micros, nanos);
    }
    return DatetimeProblem::BadFormat;
  }

  DatetimeProblem date_token(const std::string& text) {
    if (next_ == Next::JulianDay) {  // a Julian day and a zone in one
      next_ = Next::Anything;
      const auto sign = text.find_first_of("+-");
      if (sign == std::string::npos) return DatetimeProblem::BadFormat;
      if (const auto problem = julian_day(text.substr(0, sign)); problem != DatetimeProblem::None)
        return problem;
      return offset_token(text.substr(sign));
    }
    if (next_ == Next::Clock || (has_month_ && has_day_)) {
      if (is_digit(text.front()) || next_ == Next::Clock) {  // hhmmss-zz
        next_ = Next::Anything;
        const auto sign = text.find('-');
        if (sign == std::string::npos) return DatetimeProblem::BadFormat;
        if (const auto problem = offset_token(text.substr(sign)); problem != DatetimeProblem::None)
          return problem;
        return run_together(text.substr(0, sign), true);
      }
      const auto* zone = find_named_time_zone(text);
      if (zone == nullptr) {
        throw Error(ErrorCode::InvalidParameterValue, "time zone \"" + text + "\" not recognized");
      }
      return set_zone(zone);
    }
    return joined_date(text);
  }

  /// The parts of 2026-01-05, 1/5/2026, 5-jan-2026: names of months first, then numbers in their order.
  DatetimeProblem joined_date(std::string_view text) {
    std::vector<std::string_view> parts;
    for (std::size_t at = 0; at < text.size();) {
      if (!is_digit(text[at]) && !is_alpha(text[at])) {
        ++at;
        continue;
      }
      const std::size_t start = at;
      const bool is_numeric = is_digit(text[at]);
      while (at < text.size() && (is_numeric ? is_digit(text[at]) : is_alpha(text[at]))) ++at;
      parts.push_back(text.substr(start, at - start));
    }
    for (auto& part : parts) {
      if (!is_alpha(part.front())) continue;
      const int month = month_of_name(part);
      if (month == 0 || has_month_) return DatetimeProblem::BadFormat;
      set_month(month);
      has_text_month_ = true;
      part = {};
    }
    for (const auto& part : parts) {
      if (part.empty()) continue;
      if (has_whole_date()) return DatetimeProblem::BadFormat;
      if (const auto problem = plain_number(part); problem != DatetimeProblem::None) {
        return problem;
      }
    }
    return has_whole_date() ? DatetimeProblem::None : DatetimeProblem::BadFormat;
  }

  DatetimeProblem julian_day(std::string_view text) {
    const auto point = text.find('.');
    const auto day = read_int(text.substr(0, point));
    if (!day || has_any_date()) return day ? DatetimeProblem::BadFormat : DatetimeProblem::FieldOverflow;
    const std::int64_t days = std::int64_t{*day} - kJulianDayOf1970;
    if (days > kDateInfinity - 1) return DatetimeProblem::FieldOverflow;
    has_year_ = has_month_ = has_day_ = is_day_number_ = true;
    out_.days = static_cast<std::int32_t>(days);
    if (point == std::string_view::npos) return DatetimeProblem::None;
    double fraction = 0;
    const auto digits = text.substr(point);
    const std::string full = "0" + std::string(digits);
    fast_float::from_chars(full.data(), full.data() + full.size(), fraction);
    const auto micros = static_cast<std::int64_t>(fraction * static_cast<double>(kMicrosPerDay));
    const auto second = micros / kMicrosPerSecond;
    const auto rest = static_cast<std::int32_t>(micros % kMicrosPerSecond);
    return set_clock(second / 3600, static_cast<std::int32_t>(second / 60 % 60),
                     static_cast<std::int32_t>(second % 60), rest, rest * 1000);
  }

  DatetimeProblem word_token(const DatetimeToken& token, const DatetimeToken* following) {
    const std::string& word = token.text;
    using Kind = DatetimeFields::Kind;
    if (token.kind == DatetimeToken::Kind::SignedWord) {
      if (word == "-infinity") return special(Kind::NegInfinity);
      return DatetimeProblem::BadFormat;
    }
    if (const auto offset = zone_abbreviation_offset(word)) return set_offset(*offset);
    if (const int month = month_of_name(word); month != 0) {
      // A number taken for the month was the day.
      if (has_month_ && !has_text_month_ && !has_day_ && month_ >= 1 && month_ <= 31) {
        has_day_ = true;
        day_ = month_;
        has_month_ = false;
      }
      has_text_month_ = true;
      return set_month(month);
    }
    if (is_weekday_name(word) || word == "at" || word == "on") return DatetimeProblem::None;
    if (word == "infinity") return special(Kind::Infinity);
    if (word == "epoch") return special(Kind::Epoch);
    if (word == "now") return special(Kind::Now);
    if (word == "today") return relative_day(0);
    if (word == "tomorrow") return relative_day(1);
    if (word == "yesterday") return relative_day(-1);
    if (word == "allballs") {
      if (const auto problem = set_offset(0); problem != DatetimeProblem::None) return problem;
      return set_clock(0, 0, 0, 0, 0);
    }
    if (word == "am" || word == "pm") {
      if (half_day_ != HalfDay::None) return DatetimeProblem::BadFormat;
      half_day_ = word == "am" ? HalfDay::Am : HalfDay::Pm;
      return DatetimeProblem::None;
    }
    if (word == "ad" || word == "bc") {
      if (has_era_) return DatetimeProblem::BadFormat;
      has_era_ = true;
      is_bc_ = word == "bc";
      return DatetimeProblem::None;
    }
    if (word == "t") {  // between date and time in ISO 8601
      using TokenKind = DatetimeToken::Kind;
      const bool is_clock_next =
          following != nullptr && (following->kind == TokenKind::Number ||
                                   following->kind == TokenKind::Time || following->kind == TokenKind::Date);
      if ((!has_whole_date() && !is_clock_wanted_) || !is_clock_next) return DatetimeProblem::BadFormat;
      next_ = Next::Clock;
      return DatetimeProblem::None;
    }
    if (word == "j" || word == "jd" || word == "julian") {
      next_ = Next::JulianDay;
      return DatetimeProblem::None;
    }
    if (is_datetime_keyword(word)) return DatetimeProblem::BadFormat;
    const auto* zone = find_named_time_zone(word);
    return zone == nullptr ? DatetimeProblem::BadFormat : set_zone(zone);
  }

  DatetimeProblem special(DatetimeFields::Kind kind) {
    if (has_any_date() || has_clock_ || is_special_) return DatetimeProblem::BadFormat;
    is_special_ = true;
    out_.kind = kind;
    return DatetimeProblem::None;
  }

  DatetimeProblem relative_day(std::int32_t shift) {
    if (has_any_date() || is_special_) return DatetimeProblem::BadFormat;
    has_year_ = has_month_ = has_day_ = is_day_number_ = true;
    out_.days = today_ + shift;
    return DatetimeProblem::None;
  }

  DatetimeProblem finish(bool is_empty) {
    if (is_empty || next_ != Next::Anything) return DatetimeProblem::BadFormat;
    if (is_special_) {
      const bool is_alone = !has_any_date() && !has_clock_ && half_day_ == HalfDay::None && !has_era_;
      return is_alone ? DatetimeProblem::None : DatetimeProblem::BadFormat;
    }
    if (has_any_date()) {
      if (const auto problem = finish_date(); problem != DatetimeProblem::None) return problem;
    }
    if (half_day_ != HalfDay::None) {
      if (hour_ > 12) return DatetimeProblem::FieldOverflow;
      if (half_day_ == HalfDay::Am && hour_ == 12) hour_ = 0;
      if (half_day_ == HalfDay::Pm && hour_ != 12) hour_ += 12;
    }
    if (has_any_date() && !has_whole_date()) return DatetimeProblem::BadFormat;
    out_.has_date = has_whole_date();
    out_.has_clock = has_clock_;
    out_.clock_us = (std::int64_t{hour_} * 3600 + minute_ * 60 + second_) * kMicrosPerSecond + micros_;
    out_.sub_us_nanos = nanos_ - micros_ * 1000;
    return DatetimeProblem::None;
  }

  DatetimeProblem finish_date() {
    if (is_day_number_) return DatetimeProblem::None;
    if (has_year_) {
      if (is_bc_) {
        if (year_ <= 0) return DatetimeProblem::FieldOverflow;
        year_ = 1 - year_;
      } else if (has_two_digit_year_) {
        year_ += year_ < 70 ? 2000 : 1900;
      } else if (year_ <= 0) {
        return DatetimeProblem::FieldOverflow;
      }
    }
    if (has_month_ && !has_day_of_year_ && (month_ < 1 || month_ > 12))
      return DatetimeProblem::MonthDayOverflow;
    if (has_day_ && !has_day_of_year_ && (day_ < 1 || day_ > 31)) return DatetimeProblem::MonthDayOverflow;
    if (!has_whole_date()) return DatetimeProblem::BadFormat;
    if (year_ > kMaxYear) {  // counted no further: out of range for whatever is made of it
      out_.days = kDateInfinity - 1;
      return DatetimeProblem::None;
    }
    if (has_day_of_year_) {
      out_.days = days_from_civil({year_, 1, 1}) + day_of_year_ - 1;
      return DatetimeProblem::None;
    }
    if (day_ > days_in_month(year_, month_)) return DatetimeProblem::FieldOverflow;
    out_.days = days_from_civil({year_, month_, day_});
    return DatetimeProblem::None;
  }

  static bool is_number(std::string_view text) {
    for (const char c : text) {
      if (!is_digit(c)) return false;
    }
    return !text.empty();
  }

  std::int32_t today_;
  bool is_clock_wanted_;
  DateStyle::Order order_;
  DatetimeFields& out_;
  std::int32_t year_ = 0, month_ = 0, day_ = 0, day_of_year_ = 0;
  std::int32_t hour_ = 0, minute_ = 0, second_ = 0, micros_ = 0, nanos_ = 0;
  bool has_year_ = false, has_month_ = false, has_day_ = false, has_day_of_year_ = false;
  bool has_clock_ = false, has_zone_ = false, has_era_ = false, is_bc_ = false;
  bool has_text_month_ = false, has_two_digit_year_ = false;
  bool is_day_number_ = false;  // out_.days is set
  bool is_special_ = false;
  Next next_ = Next::Anything;
  HalfDay half_day_ = HalfDay::None;
};

}  // namespace

DatetimeProblem read_zone_offset(std::string_view text, std::int32_t& seconds_east) {
  if (text.size() < 2 || (text.front() != '+' && text.front() != '-')) return DatetimeProblem::BadFormat;
  const bool is_west = text.front() == '-';
  text.remove_prefix(1);
  std::string_view parts[3];
  std::size_t count = 0;
  while (true) {
    if (count == 3) return DatetimeProblem::BadFormat;
    const auto colon = text.find(':');
    parts[count++] = text.substr(0, colon);
    if (colon == std::string_view::npos) break;
    text = text.substr(colon + 1);
  }
  std::int32_t numbers[3] = {0, 0, 0};
  // What follows the digits is refused last: a number too large is the better message.
  const auto rest_at = std::min(parts[count - 1].find_first_not_of("0123456789"), parts[count - 1].size());
  const bool has_rest = rest_at < parts[count - 1].size();
  parts[count - 1] = parts[count - 1].substr(0, rest_at);
  for (std::size_t i = 0; i < count; ++i) {
    const auto number = read_int(parts[i]);
    if (!number) return DatetimeProblem::BadFormat;
    numbers[i] = *number;
  }
  if (count == 1 && parts[0].size() > 2) {
    numbers[1] = numbers[0] % 100;
    numbers[0] /= 100;
  }
  if (numbers[0] > 15 || numbers[1] > 59 || numbers[2] > 59) return DatetimeProblem::ZoneOverflow;
  if (has_rest) return DatetimeProblem::BadFormat;
  const std::int32_t size = numbers[0] * 3600 + numbers[1] * 60 + numbers[2];
  seconds_east = is_west ? -size : size;
  return DatetimeProblem::None;
}

DatetimeProblem read_datetime(std::string_view text, std::int32_t local_today, DatetimeWanted wanted,
                              DateStyle::Order order, DatetimeFields& fields) {
  fields = DatetimeFields{};
  const auto tokens = lex_datetime(text);
  if (!tokens) return DatetimeProblem::BadFormat;
  return DatetimeReader(local_today, wanted, order, fields).run(*tokens);
}

}  // namespace tickstone
