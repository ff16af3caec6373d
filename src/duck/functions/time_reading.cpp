// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "duck/functions/date_fields.hpp"
#include "duck/functions/time_format.hpp"

// to_date and to_timestamp: a text read by a template.

namespace tickstone::duck {

namespace {

constexpr std::array<std::string_view, 12> kMonths = {"january",   "february", "march",    "april",
                                                      "may",       "june",     "july",     "august",
                                                      "september", "october",  "november", "december"};
constexpr std::array<std::string_view, 7> kDays = {"sunday",   "monday", "tuesday", "wednesday",
                                                   "thursday", "friday", "saturday"};
constexpr std::array<std::string_view, 12> kRoman = {"xii", "xi", "x",  "ix",  "viii", "vii",
                                                     "vi",  "v",  "iv", "iii", "ii",   "i"};
constexpr std::int64_t kJulianOfUnixEpoch = 2'440'588;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

/// Of a year with fewer than four digits: the one nearest to 2020.
std::int32_t full_year(std::int32_t year) {
  if (year < 70) return year + 2000;
  if (year < 100) return year + 1900;
  if (year < 520) return year + 2000;
  if (year < 1000) return year + 1000;
  return year;
}

class TimeReader {
 public:
  TimeReader(std::string_view text, std::string_view format)
      : text_(text), parts_(parse_time_template(format)), is_fixed_(has_fixed_prefix(format)) {}

  ReadTime run() {
    int skipped = 0;
    for (std::size_t i = 0; i < parts_.size() && at_ < text_.size(); ++i) {
      const TimePart& part = parts_[i];
      const bool is_field = part.field != TimeField::Text && part.field != TimeField::Separator;
      if (!is_fixed_ && (is_field || i == 0)) skipped += skip_spaces();
      if (part.field == TimeField::Separator) {
        if (is_fixed_) {
          ++at_;
        } else {
          --skipped;
          if (at_ < text_.size() && (is_space(text_[at_]) || is_separator(text_[at_]))) {
            ++at_;
            ++skipped;
          }
        }
        continue;
      }
      if (part.field == TimeField::Text) {
        // Of more spaces than the template has, some stand for its text.
        if (!is_fixed_ && skipped > 0) {
          --skipped;
        } else {
          ++at_;
        }
        continue;
      }
      read_field(part, i);
      if (part.has_ordinal) at_ = std::min(at_ + 2, text_.size());
      if (!is_fixed_) skipped = skip_spaces();
    }
    return finish();
  }

 private:
  static bool has_fixed_prefix(std::string_view format) {
    return format.starts_with("FX") || format.starts_with("fx");
  }
  static bool is_separator(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte < 0x7f && std::isalnum(byte) == 0;
  }

  int skip_spaces() {
    int count = 0;
    while (at_ < text_.size() && is_space(text_[at_])) {
      ++at_;
      ++count;
    }
    return count;
  }

  /// Whether what follows part `i` can be no digit, so that its number may be of any length.
  bool ends_before_digit(std::size_t i) const {
    if (parts_[i].has_ordinal || i + 1 >= parts_.size()) return true;
    const TimePart& next = parts_[i + 1];
    if (next.field == TimeField::Text || next.field == TimeField::Separator) return !is_digit(next.text[0]);
    return !is_numeric_field(next.field);
  }

  std::int64_t number(const TimePart& part, std::size_t i, int width, int* digits_read = nullptr) {
    skip_spaces();
    const std::size_t start = at_;
    std::size_t at = at_;
    if (at < text_.size() && (text_[at] == '-' || text_[at] == '+')) ++at;
    const bool is_open = part.is_filled || width == 0 || ends_before_digit(i);
    const std::size_t limit =
        is_open ? text_.size() : std::min(text_.size(), start + static_cast<std::size_t>(width));
    if (!is_open && text_.size() - start < static_cast<std::size_t>(width)) {
      throw Error(
          ErrorCode::InvalidDatetimeFormat,
          fmt::format("source string too short for \"{}\" formatting field", part.text),
          fmt::format("Field requires {} characters, but only {} remain.", width, text_.size() - start),
          "If your source string is not fixed-width, try using the \"FM\" modifier.");
    }
    const std::size_t first = at;
    std::int64_t value = 0;
    while (at < limit && is_digit(text_[at])) {
      value = value * 10 + (text_[at++] - '0');
      if (value > INT32_MAX) {
        throw Error(ErrorCode::DatetimeFieldOverflow,
                    fmt::format("value for \"{}\" in source string is out of range", part.text),
                    fmt::format("Value must be in the range {} to {}.", INT32_MIN, INT32_MAX));
      }
    }
    if (at == first) {
      throw Error(ErrorCode::InvalidDatetimeFormat,
                  fmt::format("invalid value \"{}\" for \"{}\"",
                              text_.substr(start, std::max<std::size_t>(1, limit - start)), part.text),
                  "Value must be an integer.");
    }
    if (!is_open && at < limit) {
      throw Error(
          ErrorCode::InvalidDatetimeFormat,
          fmt::format("invalid value \"{}\" for \"{}\"", text_.substr(start, limit - start), part.text),
          fmt::format("Field requires {} characters, but only {} could be parsed.", width, at - start),
          "If your source string is not fixed-width, try using the \"FM\" modifier.");
    }
    if (digits_read != nullptr) *digits_read = static_cast<int>(at - first);
    if (text_[start] == '-') value = -value;
    at_ = at;
    return value;
  }

  void set(std::optional<std::int32_t>& field, std::int64_t value, const TimePart& part) {
    const auto narrow = static_cast<std::int32_t>(value);
    if (field && *field != narrow) {
      throw Error(ErrorCode::InvalidDatetimeFormat,
                  fmt::format("conflicting values for \"{}\" field in formatting string", part.text),
                  "This value contradicts a previous setting for the same field type.");
    }
    field = narrow;
  }

  template <std::size_t size>
  std::int32_t name(const TimePart& part, const std::array<std::string_view, size>& names,
                    std::size_t length) {
    for (std::size_t i = 0; i < size; ++i) {
      const std::string_view candidate = names[i].substr(0, length);
      if (text_.size() - at_ < candidate.size()) continue;
      bool is_same = true;
      for (std::size_t c = 0; c < candidate.size() && is_same; ++c)
        is_same = std::tolower(static_cast<unsigned char>(text_[at_ + c])) == candidate[c];
      if (!is_same) continue;
      at_ += candidate.size();
      return static_cast<std::int32_t>(i);
    }
    std::size_t end = at_;
    while (end < text_.size() && !is_space(text_[end])) ++end;
    throw Error(ErrorCode::InvalidDatetimeFormat,
                fmt::format("invalid value \"{}\" for \"{}\"", text_.substr(at_, end - at_), part.text),
                "The given value did not match any of the allowed values for this field.");
  }

  void read_field(const TimePart& part, std::size_t i) {
    switch (part.field) {
      case TimeField::Hour24:
        set(hour_, number(part, i, 2), part);
        return;
      case TimeField::Hour12:
        set(hour_, number(part, i, 2), part);
        is_12_hours_ = true;
        return;
      case TimeField::Minute:
        set(minute_, number(part, i, 2), part);
        return;
      case TimeField::Second:
        set(second_, number(part, i, 2), part);
        return;
      case TimeField::SecondOfDay:
        set(second_of_day_, number(part, i, 5), part);
        return;
      case TimeField::Fraction: {
        int digits = 0;
        std::int64_t value = number(part, i, part.digits, &digits);
        for (; digits < 6; ++digits) value *= 10;
        micros_ = value;
        return;
      }
      case TimeField::Meridiem: {
        const bool has_points = at_ + 1 < text_.size() && text_[at_ + 1] == '.';
        static constexpr std::array<std::string_view, 2> kPlain = {"am", "pm"};
        static constexpr std::array<std::string_view, 2> kPointed = {"a.m.", "p.m."};
        is_afternoon_ = name(part, has_points ? kPointed : kPlain, 4) == 1;
        is_12_hours_ = true;
        return;
      }
      case TimeField::Era: {
        const bool has_points = at_ + 1 < text_.size() && text_[at_ + 1] == '.';
        static constexpr std::array<std::string_view, 2> kPlain = {"ad", "bc"};
        static constexpr std::array<std::string_view, 2> kPointed = {"a.d.", "b.c."};
        is_before_christ_ = name(part, has_points ? kPointed : kPlain, 4) == 1;
        return;
      }
      case TimeField::YearComma: {
        const std::int64_t thousands = number(part, i, 1);
        if (at_ < text_.size() && text_[at_] == ',') ++at_;
        set(year_, thousands * 1000 + number(part, i, 3), part);
        return;
      }
      case TimeField::Year:
      case TimeField::IsoYear: {
        int digits = 0;
        auto value = static_cast<std::int32_t>(number(part, i, part.digits, &digits));
        if (part.digits < 4 && digits < 4) value = full_year(value);
        set(part.field == TimeField::Year ? year_ : iso_year_, value, part);
        return;
      }
      case TimeField::MonthName:
        set(month_, name(part, kMonths, 9) + 1, part);
        return;
      case TimeField::MonthAbbreviation:
        set(month_, name(part, kMonths, 3) + 1, part);
        return;
      case TimeField::Month:
        set(month_, number(part, i, 2), part);
        return;
      case TimeField::MonthRoman:
        set(month_, 12 - name(part, kRoman, 4), part);
        return;
      case TimeField::DayName:
        set(weekday_, name(part, kDays, 9), part);
        return;
      case TimeField::DayAbbreviation:
        set(weekday_, name(part, kDays, 3), part);
        return;
      case TimeField::DayOfYear:
        set(day_of_year_, number(part, i, 3), part);
        return;
      case TimeField::IsoDayOfYear:
        set(iso_day_of_year_, number(part, i, 3), part);
        return;
      case TimeField::Day:
        set(day_, number(part, i, 2), part);
        return;
      case TimeField::DayOfWeek:
        set(weekday_, number(part, i, 1) - 1, part);
        return;
      case TimeField::IsoDayOfWeek:
        set(weekday_, number(part, i, 1) % 7, part);
        return;
      case TimeField::WeekOfMonth:
        set(week_of_month_, number(part, i, 1), part);
        return;
      case TimeField::WeekOfYear:
        set(week_of_year_, number(part, i, 2), part);
        return;
      case TimeField::IsoWeek:
        set(iso_week_, number(part, i, 2), part);
        return;
      case TimeField::Century:
        set(century_, number(part, i, 2), part);
        return;
      case TimeField::Julian:
        set(julian_, number(part, i, 0), part);
        return;
      case TimeField::Quarter:
        number(part, i, 1);  // read and left alone, as PostgreSQL does
        return;
      case TimeField::ZoneHours: {
        const bool has_sign =
            at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-' || text_[at_] == ' ');
        zone_sign_ = has_sign && text_[at_] == '-' ? -1 : 1;
        if (has_sign) ++at_;
        zone_seconds_ = static_cast<std::int32_t>(number(part, i, 2) * 3600);
        return;
      }
      case TimeField::ZoneMinutes:
        zone_seconds_ = zone_seconds_.value_or(0) + static_cast<std::int32_t>(number(part, i, 2) * 60);
        return;
      case TimeField::ZoneName:
      case TimeField::ZoneOffset:
        throw Error(ErrorCode::FeatureNotSupported,
                    fmt::format("formatting field \"{}\" is only supported in to_char", part.text));
      case TimeField::Text:
      case TimeField::Separator:
        return;
    }
  }

  [[noreturn]] void fail_range() const {
    throw Error(ErrorCode::DatetimeFieldOverflow,
                fmt::format("date/time field value out of range: \"{}\"", text_));
  }

  std::int64_t time_of_day() const {
    std::int32_t hour = hour_.value_or(0);
    std::int32_t minute = minute_.value_or(0);
    std::int32_t second = second_.value_or(0);
    if (second_of_day_) {
      hour = *second_of_day_ / 3600;
      minute = *second_of_day_ / 60 % 60;
      second = *second_of_day_ % 60;
    }
    if (is_12_hours_) {
      if (hour_ && (hour < 1 || hour > 12)) {
        throw Error(ErrorCode::InvalidDatetimeFormat,
                    fmt::format("hour \"{}\" is invalid for the 12-hour clock", hour), {},
                    "Use the 24-hour clock, or give an hour between 1 and 12.");
      }
      if (is_afternoon_ && *is_afternoon_ && hour < 12) hour += 12;
      if ((!is_afternoon_ || !*is_afternoon_) && hour == 12 && is_afternoon_) hour = 0;
    }
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) fail_range();
    return ((hour * std::int64_t{60} + minute) * 60 + second) * kMicrosPerSecond + micros_;
  }

  std::int32_t date() const {
    if (julian_) return static_cast<std::int32_t>(*julian_ - kJulianOfUnixEpoch);
    if (iso_year_ && (iso_week_ || iso_day_of_year_)) return iso_date();
    std::int32_t year = year_.value_or(0);
    if (century_) {
      if (year_) {
        year = *year_ % 100 == 0 ? *century_ * 100 : (*century_ - 1) * 100 + *year_ % 100;
      } else {
        year = (*century_ - 1) * 100 + 1;
      }
    } else if (!year_ && iso_year_) {
      year = *iso_year_;
    }
    if (is_before_christ_ && year > 0) year = 1 - year;
    std::int32_t month = month_.value_or(1);
    std::int32_t day = day_.value_or(1);
    std::optional<std::int32_t> from_start = day_of_year_;
    if (week_of_year_ && !from_start) from_start = (*week_of_year_ - 1) * 7 + 1;
    if (week_of_month_ && !day_) day = (*week_of_month_ - 1) * 7 + 1;
    if (from_start && !(month_ && day_)) {
      if (!year_) {
        throw Error(ErrorCode::InvalidDatetimeFormat,
                    "cannot calculate day of year without year information");
      }
      const bool is_leap = days_in_month(year, 2) == 29;
      if (*from_start < 1 || *from_start > (is_leap ? 366 : 365)) fail_range();
      return days_from_civil({year, 1, 1}) + *from_start - 1;
    }
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) fail_range();
    return days_from_civil({year, month, day});
  }

  std::int32_t iso_date() const {
    // The Monday of the week that holds January 4th begins the year.
    const std::int32_t fourth = days_from_civil({*iso_year_, 1, 4});
    const std::int32_t start = fourth - (day_of_week(fourth) + 6) % 7;
    if (iso_day_of_year_) return start + *iso_day_of_year_ - 1;
    if (*iso_week_ < 1 || *iso_week_ > 53) fail_range();
    return start + (*iso_week_ - 1) * 7 + (weekday_ ? (*weekday_ + 6) % 7 : 0);
  }

  ReadTime finish() const {
    ReadTime out;
    out.time_us = time_of_day();
    out.days = date();
    if (zone_seconds_) out.offset_seconds = zone_sign_ * *zone_seconds_;
    return out;
  }

  std::string_view text_;
  std::vector<TimePart> parts_;
  bool is_fixed_;
  std::size_t at_ = 0;
  std::optional<std::int32_t> hour_, minute_, second_, second_of_day_;
  std::int64_t micros_ = 0;
  bool is_12_hours_ = false;
  std::optional<bool> is_afternoon_;
  bool is_before_christ_ = false;
  std::optional<std::int32_t> year_, iso_year_, century_, month_, day_, day_of_year_, iso_day_of_year_,
      weekday_;
  std::optional<std::int32_t> week_of_month_, week_of_year_, iso_week_, julian_;
  int zone_sign_ = 1;
  std::optional<std::int32_t> zone_seconds_;
};

}  // namespace

ReadTime read_time(std::string_view text, std::string_view format_text) {
  return TimeReader(text, format_text).run();
}

}  // namespace tickstone::duck
