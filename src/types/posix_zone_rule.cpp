// SPDX-License-Identifier: Apache-2.0
#include "types/posix_zone_rule.hpp"

#include <limits>

#include "types/timestamp.hpp"

namespace tickstone {

namespace {

constexpr std::int64_t kSecondsPerDay = 86'400;

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class RuleReader {
 public:
  explicit RuleReader(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  char peek() const { return at_end() ? '\0' : text_[at_]; }

  std::string name() {
    const std::size_t start = at_;
    if (take('<')) {
      while (!at_end() && text_[at_] != '>') ++at_;
      std::string quoted(text_.substr(start + 1, at_ - start - 1));
      if (!take('>')) failed_ = true;
      return quoted;
    }
    while (is_alpha(peek())) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }
  std::int32_t number(std::int32_t least, std::int32_t most) {
    std::int32_t value = 0;
    if (!is_digit(peek())) failed_ = true;
    while (is_digit(peek())) {
      value = value * 10 + (text_[at_++] - '0');
      if (value > most) failed_ = true;
      if (failed_) return 0;
    }
    if (value < least) failed_ = true;
    return value;
  }
  /// hh[:mm[:ss]] with a sign.
  std::int32_t seconds() {
    std::int32_t sign = 1;
    if (take('-')) {
      sign = -1;
    } else {
      take('+');
    }
    std::int32_t value = number(0, 24 * 7 - 1) * 3600;
    if (take(':')) value += number(0, 59) * 60;
    if (take(':')) value += number(0, 59);
    return sign * value;
  }
  PosixZoneRule::Change change() {
    using Kind = PosixZoneRule::Change::Kind;
    PosixZoneRule::Change result;
    if (take('M')) {
      result.kind = Kind::MonthWeekDay;
      result.month = number(1, 12);
      if (!take('.')) failed_ = true;
      result.week = number(1, 5);
      if (!take('.')) failed_ = true;
      result.day = number(0, 6);
    } else if (take('J')) {
      result.kind = Kind::JulianWithoutLeapDay;
      result.day = number(1, 365);
    } else {
      result.kind = Kind::DayOfYear;
      result.day = number(0, 365);
    }
    if (take('/')) result.second = seconds();
    return result;
  }
  void fail() { failed_ = true; }
  bool failed() const { return failed_; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

/// Seconds since 1970 of the change in that year, on the wall clock before it.
std::int64_t local_second_of(const PosixZoneRule::Change& change, std::int32_t year) {
  using Kind = PosixZoneRule::Change::Kind;
  std::int64_t day = 0;
  switch (change.kind) {
    case Kind::MonthWeekDay: {
      const std::int32_t first = days_from_civil({year, change.month, 1});
      std::int32_t weekday = (first + 4) % 7;  // 1970-01-01 was a Thursday
      if (weekday < 0) weekday += 7;
      std::int32_t offset = (change.day - weekday + 7) % 7 + (change.week - 1) * 7;
      if (offset >= days_in_month(year, change.month)) offset -= 7;
      day = first + offset;
      break;
    }
    case Kind::JulianWithoutLeapDay:
      day = days_from_civil({year, 1, 1}) + change.day - 1;
      if (change.day >= 60 && days_in_month(year, 2) == 29) ++day;
      break;
    case Kind::DayOfYear:
      day = days_from_civil({year, 1, 1}) + change.day;
      break;
  }
  return day * kSecondsPerDay + change.second;
}

std::int32_t year_of(std::int64_t second) {
  std::int64_t day = second / kSecondsPerDay;
  if (second % kSecondsPerDay < 0) --day;
  return civil_from_days(static_cast<std::int32_t>(day)).year;
}

}  // namespace

const PosixZoneRule::Local& PosixZoneRule::at_utc(std::int64_t utc_second) const {
  if (!daylight) return standard;
  const std::int32_t year = year_of(utc_second + standard.offset_seconds);
  const std::int64_t starts = local_second_of(start, year) - standard.offset_seconds;
  const std::int64_t ends = local_second_of(end, year) - daylight->offset_seconds;
  const bool is_daylight =
      starts < ends ? utc_second >= starts && utc_second < ends : utc_second >= starts || utc_second < ends;
  return is_daylight ? *daylight : standard;
}

std::optional<std::int64_t> PosixZoneRule::next_change_after(std::int64_t utc_second) const {
  if (!daylight) return std::nullopt;
  const std::int32_t around = year_of(utc_second);
  std::int64_t next = std::numeric_limits<std::int64_t>::max();
  for (std::int32_t year = around - 1; year <= around + 1; ++year) {
    for (const std::int64_t change : {local_second_of(start, year) - standard.offset_seconds,
                                      local_second_of(end, year) - daylight->offset_seconds}) {
      if (change > utc_second && change < next) next = change;
    }
  }
  return next;
}

std::optional<PosixZoneRule> parse_posix_zone_rule(std::string_view text) {
  RuleReader in(text);
  PosixZoneRule rule;
  rule.standard.abbreviation = in.name();
  if (in.at_end()) return std::nullopt;  // a name alone says no offset
  rule.standard.offset_seconds = -in.seconds();
  if (!in.at_end() && !in.failed()) {
    PosixZoneRule::Local daylight;
    daylight.abbreviation = in.name();
    daylight.is_daylight = true;
    if (daylight.abbreviation.empty()) in.fail();
    daylight.offset_seconds = rule.standard.offset_seconds + 3600;
    if (!in.at_end() && in.peek() != ',') daylight.offset_seconds = -in.seconds();
    rule.daylight = daylight;
    if (in.at_end()) {  // the rule of the United States, where none is written
      rule.start = {PosixZoneRule::Change::Kind::MonthWeekDay, 3, 2, 0, 7200};
      rule.end = {PosixZoneRule::Change::Kind::MonthWeekDay, 11, 1, 0, 7200};
    } else {
      if (!in.take(',')) in.fail();
      rule.start = in.change();
      if (!in.take(',')) in.fail();
      rule.end = in.change();
    }
  }
  if (in.failed() || !in.at_end()) return std::nullopt;
  return rule;
}

}  // namespace tickstone
