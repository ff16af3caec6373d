// SPDX-License-Identifier: Apache-2.0
#include "duck/functions/time_format.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "duck/functions/date_fields.hpp"

namespace tickstone::duck {

namespace {

constexpr std::array<const char*, 12> kMonths = {"January",   "February", "March",    "April",
                                                 "May",       "June",     "July",     "August",
                                                 "September", "October",  "November", "December"};
constexpr std::array<const char*, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                              "Thursday", "Friday", "Saturday"};
constexpr std::array<const char*, 12> kRoman = {"I",   "II",   "III", "IV", "V",  "VI",
                                                "VII", "VIII", "IX",  "X",  "XI", "XII"};
constexpr std::int64_t kJulianOfUnixEpoch = 2'440'588;

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}
std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

/// `name` in the case of the template's word, padded to `width` unless FM.
std::string cased(std::string name, const TimePart& part, std::size_t width) {
  const bool is_first_upper = std::isupper(static_cast<unsigned char>(part.text[0])) != 0;
  const bool is_second_upper = std::isupper(static_cast<unsigned char>(part.text[1])) != 0;
  if (!is_first_upper) {
    name = lower(std::move(name));
  } else if (is_second_upper) {
    name = upper(std::move(name));
  }
  if (!part.is_filled && name.size() < width) name.append(width - name.size(), ' ');
  return name;
}

const char* ordinal_suffix(std::int64_t number) {
  number = number < 0 ? -number : number;
  if (number % 100 >= 11 && number % 100 <= 13) return "th";
  return number % 10 == 1 ? "st" : number % 10 == 2 ? "nd" : number % 10 == 3 ? "rd" : "th";
}

/// Prints the fields of one moment.
class TimePrinter {
 public:
  explicit TimePrinter(const TimeParts& time) : time_(time) {}

  std::string print(const std::vector<TimePart>& format) {
    for (const TimePart& part : format) {
      part_ = &part;
      field();
    }
    return std::move(out_);
  }

 private:
  void field() {
    switch (part_->field) {
      case TimeField::Text:
      case TimeField::Separator:
        out_ += part_->text;
        return;
      case TimeField::Hour24:
        return number(time_.hour, time_.hour >= 0 ? 2 : 3);
      case TimeField::Hour12:
        return number(time_.hour % 12 == 0 ? 12 : time_.hour % 12, time_.hour >= 0 ? 2 : 3);
      case TimeField::Minute:
        return number(time_.minute, time_.minute >= 0 ? 2 : 3);
      case TimeField::Second:
        return number(time_.second, time_.second >= 0 ? 2 : 3);
      case TimeField::SecondOfDay:
        return number(time_.hour * 3600 + time_.minute * 60 + time_.second, 0);
      case TimeField::Fraction: {
        std::int64_t fraction = time_.micros;
        for (int i = part_->digits; i < 6; ++i) fraction /= 10;
        out_ += fmt::format("{:0{}}", fraction, part_->digits);
        return ordinal(fraction);
      }
      case TimeField::Meridiem:
        return word(time_.hour % 24 >= 12 ? "PM" : "AM");
      case TimeField::Era:
        need_moment();
        return word(time_.year <= 0 ? "BC" : "AD");
      case TimeField::YearComma: {
        const std::int32_t year = shown_year();
        out_ += fmt::format("{},{:03}", year / 1000, year % 1000);
        return ordinal(year);
      }
      case TimeField::Year:
        return year_number(shown_year());
      case TimeField::IsoYear:
        need_moment();
        return year_number(iso().year <= 0 ? 1 - iso().year : iso().year);
      case TimeField::MonthName:
      case TimeField::MonthAbbreviation: {
        need_moment();
        std::string name = kMonths[static_cast<std::size_t>(time_.month) - 1];
        const bool is_short = part_->field == TimeField::MonthAbbreviation;
        out_ += cased(is_short ? name.substr(0, 3) : name, *part_, is_short ? 3 : 9);
        return;
      }
      case TimeField::Month:
        return number(time_.month, time_.month >= 0 ? 2 : 3);
      case TimeField::MonthRoman: {
        if (time_.month == 0) return;
        std::string name =
            kRoman[static_cast<std::size_t>(time_.month > 0 ? time_.month : time_.month + 12) - 1];
        if (part_->text[0] == 'r') name = lower(std::move(name));
        if (!part_->is_filled) name.append(4 - name.size(), ' ');
        out_ += name;
        return;
      }
      case TimeField::DayName:
      case TimeField::DayAbbreviation: {
        need_moment();
        std::string name = kDays[static_cast<std::size_t>(day_of_week(time_.days))];
        const bool is_short = part_->field == TimeField::DayAbbreviation;
        out_ += cased(is_short ? name.substr(0, 3) : name, *part_, is_short ? 3 : 9);
        return;
      }
      case TimeField::DayOfYear:
        return number(time_.day_of_year, 3);
      case TimeField::IsoDayOfYear: {
        const IsoWeek week = iso();
        const int weekday = (day_of_week(time_.days) + 6) % 7;
        return number((week.week - 1) * 7 + weekday + 1, 3);
      }
      case TimeField::Day:
        return number(time_.day, 2);
      case TimeField::DayOfWeek:
        need_moment();
        return number(day_of_week(time_.days) + 1, 0);
      case TimeField::IsoDayOfWeek:
        need_moment();
        return number((day_of_week(time_.days) + 6) % 7 + 1, 0);
      case TimeField::WeekOfMonth:
        return number((time_.day - 1) / 7 + 1, 0);
      case TimeField::WeekOfYear:
        return number((time_.day_of_year - 1) / 7 + 1, 2);
      case TimeField::IsoWeek:
        return number(iso().week, 2);
      case TimeField::Century: {
        const std::int32_t year = time_.year;
        const std::int32_t century = time_.is_interval ? year / 100
                                     : year > 0        ? (year + 99) / 100
                                                       : (year - 100) / 100;
        return number(century, century >= 0 ? 2 : 3);
      }
      case TimeField::Julian:
        return number(time_.days + kJulianOfUnixEpoch, 0);
      case TimeField::Quarter:
        if (time_.month == 0) return;
        return number((time_.month - 1) / 3 + 1, 0);
      case TimeField::ZoneName:
        need_moment();
        if (time_.has_zone)
          out_ += std::islower(static_cast<unsigned char>(part_->text[0])) != 0 ? lower(time_.zone_name)
                                                                                : time_.zone_name;
        return;
      case TimeField::ZoneHours:
        need_moment();
        out_ += fmt::format("{}{:02}", time_.offset_seconds < 0 ? '-' : '+',
                            std::abs(time_.offset_seconds) / 3600);
        return;
      case TimeField::ZoneMinutes:
        need_moment();
        out_ += fmt::format("{:02}", std::abs(time_.offset_seconds) / 60 % 60);
        return;
      case TimeField::ZoneOffset: {
        need_moment();
        const std::int32_t seconds = std::abs(time_.offset_seconds);
        out_ += time_.offset_seconds < 0 ? '-' : '+';
        out_ += part_->is_filled ? std::to_string(seconds / 3600) : fmt::format("{:02}", seconds / 3600);
        if (seconds % 3600 != 0) out_ += fmt::format(":{:02}", seconds / 60 % 60);
        return;
      }
    }
  }

  void need_moment() const {
    if (time_.is_interval) {
      throw Error(ErrorCode::InvalidDatetimeFormat, "invalid format specification for an interval value", {},
                  "Intervals are not tied to specific calendar dates.");
    }
  }

  IsoWeek iso() const { return iso_week(time_.days); }
  std::int32_t shown_year() const {
    return time_.is_interval || time_.year > 0 ? time_.year : 1 - time_.year;
  }

  void year_number(std::int32_t year) {
    std::int32_t shown = year;
    if (part_->digits < 4) {
      std::int32_t modulus = 1;
      for (int i = 0; i < part_->digits; ++i) modulus *= 10;
      shown %= modulus;
    }
    number(shown, shown >= 0 ? part_->digits : part_->digits + 1);
  }

  void number(std::int64_t value, int width) {
    out_ += fmt::format("{:0{}}", value, part_->is_filled || width == 0 ? 1 : width);
    ordinal(value);
  }

  void ordinal(std::int64_t value) {
    if (!part_->has_ordinal) return;
    const std::string suffix = ordinal_suffix(value);
    out_ += part_->is_upper_ordinal ? upper(suffix) : suffix;
  }

  void word(std::string text) {
    if (std::islower(static_cast<unsigned char>(part_->text[0])) != 0) text = lower(std::move(text));
    if (part_->has_points) text = {text[0], '.', text[1], '.'};
    out_ += text;
  }

  const TimeParts& time_;
  const TimePart* part_ = nullptr;
  std::string out_;
};

}  // namespace

TimeParts parts_of_local(std::int64_t local_us) {
  const WallTime wall = wall_time(local_us);
  TimeParts parts;
  parts.year = wall.date.year;
  parts.month = wall.date.month;
  parts.day = wall.date.day;
  parts.days = wall.days;
  parts.day_of_year = day_of_year(wall);
  const std::int64_t seconds = wall.time_us / kMicrosPerSecond;
  parts.hour = seconds / 3600;
  parts.minute = seconds / 60 % 60;
  parts.second = seconds % 60;
  parts.micros = wall.time_us % kMicrosPerSecond;
  return parts;
}

TimeParts parts_of_interval(const IntervalValue& interval) {
  TimeParts parts;
  parts.is_interval = true;
  parts.year = interval.months / 12;
  parts.month = interval.months % 12;
  parts.day = interval.days;
  const std::int64_t seconds = interval.micros / kMicrosPerSecond;
  parts.hour = seconds / 3600;
  parts.minute = seconds / 60 % 60;
  parts.second = seconds % 60;
  parts.micros = interval.micros % kMicrosPerSecond;
  parts.day_of_year = interval.months * 30 + interval.days;
  return parts;
}

std::string print_time(const std::vector<TimePart>& format, const TimeParts& time) {
  return TimePrinter(time).print(format);
}

}  // namespace tickstone::duck
