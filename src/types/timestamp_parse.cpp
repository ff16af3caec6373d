// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <tickstone/error.hpp>

#include "types/datetime_reader.hpp"
#include "types/timestamp.hpp"

namespace tickstone {

namespace {

constexpr std::int64_t kFirstDay = -2'440'588;        // 4714-11-24 BC, where PostgreSQL's calendar starts
constexpr std::int64_t kLastDateDay = 2'145'042'905;  // 5874897-12-31
constexpr std::int64_t kNanosPerMicro = 1000;

[[noreturn]] void throw_out_of_range(std::string_view what, std::string_view text) {
  throw Error(ErrorCode::DatetimeFieldOverflow,
              std::string(what) + " out of range: \"" + std::string(text) + "\"");
}

/// Nothing for bad syntax; other problems are thrown.
bool read_or_throw(std::string_view text, std::int32_t local_today, DateStyle::Order order,
                   DatetimeFields& fields, DatetimeWanted wanted = DatetimeWanted::Date) {
  switch (read_datetime(text, local_today, wanted, order, fields)) {
    case DatetimeProblem::None:
      return true;
    case DatetimeProblem::BadFormat:
      return false;
    case DatetimeProblem::FieldOverflow:
      throw_out_of_range("date/time field value", text);
    case DatetimeProblem::MonthDayOverflow:
      throw Error(ErrorCode::DatetimeFieldOverflow,
                  "date/time field value out of range: \"" + std::string(text) + "\"", {},
                  "Perhaps you need a different \"datestyle\" setting.");
    case DatetimeProblem::ZoneOverflow:
      throw Error(ErrorCode::InvalidTimeZoneDisplacement,
                  "time zone displacement out of range: \"" + std::string(text) + "\"");
    case DatetimeProblem::IntervalOverflow:
      break;
  }
  return false;
}

std::int64_t floor_days(std::int64_t us) {
  const std::int64_t days = us / kMicrosPerDay;
  return us % kMicrosPerDay < 0 ? days - 1 : days;
}

std::int32_t today_of(std::int64_t local_now_us) {
  return static_cast<std::int32_t>(floor_days(local_now_us));
}

/// Wall time as microseconds; nothing where 64 bits do not hold it.
std::optional<std::int64_t> wall_us(const DatetimeFields& fields) {
  const Int128 us = Int128{fields.days} * kMicrosPerDay + fields.clock_us;
  if (fields.days < kFirstDay || us >= kTimestampInfinity || us <= kTimestampNegInfinity) return std::nullopt;
  return static_cast<std::int64_t>(us);
}

bool is_in_range(std::int64_t us) { return us >= kFirstDay * kMicrosPerDay && us < kTimestampInfinity; }

/// What the common form says: `YYYY-MM-DD[ T]HH:MM:SS[.f...][zone]`, all digits where they belong.
struct CommonForm {
  std::int64_t wall_us = 0;
  std::int32_t sub_us_nanos = 0;
  bool has_offset = false;
  std::int32_t offset_seconds = 0;
};

bool two_digits(const char* at, std::int32_t& value) {
  const auto high = static_cast<unsigned>(at[0] - '0');
  const auto low = static_cast<unsigned>(at[1] - '0');
  value = static_cast<std::int32_t>(high * 10 + low);
  return high < 10 && low < 10;
}

bool read_common_date(const char* at, std::int32_t& days) {
  std::int32_t century = 0, rest = 0, month = 0, day = 0;
  if (!two_digits(at, century) || !two_digits(at + 2, rest) || at[4] != '-' || !two_digits(at + 5, month) ||
      at[7] != '-' || !two_digits(at + 8, day)) {
    return false;
  }
  const std::int32_t year = century * 100 + rest;
  if (year == 0 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) return false;
  days = days_from_civil({year, month, day});
  return true;
}

/// `+hh`, `+hhmm`, `+hh:mm`, Z.
bool read_common_offset(const char* at, std::size_t size, std::int32_t& seconds) {
  if (size == 1) {
    seconds = 0;
    return *at == 'Z' || *at == 'z';
  }
  if (*at != '+' && *at != '-') return false;
  std::int32_t hours = 0, minutes = 0;
  if (size < 3 || !two_digits(at + 1, hours)) return false;
  if (size == 5) {
    if (!two_digits(at + 3, minutes)) return false;
  } else if (size == 6) {
    if (at[3] != ':' || !two_digits(at + 4, minutes)) return false;
  } else if (size != 3) {
    return false;
  }
  if (hours > 15 || minutes > 59) return false;
  seconds = (hours * 60 + minutes) * 60;
  if (*at == '-') seconds = -seconds;
  return true;
}

/// False leaves the text to the full reader, right or wrong.
bool read_common_form(std::string_view text, std::size_t max_fraction_digits, CommonForm& form) {
  if (text.size() < 19) return false;
  const char* at = text.data();
  std::int32_t days = 0, hour = 0, minute = 0, second = 0;
  if (!read_common_date(at, days)) return false;
  if (at[10] != ' ' && at[10] != 'T') return false;
  if (!two_digits(at + 11, hour) || at[13] != ':' || !two_digits(at + 14, minute) || at[16] != ':' ||
      !two_digits(at + 17, second) || hour > 23 || minute > 59 || second > 59) {
    return false;
  }
  std::int64_t us = ((std::int64_t{days} * 24 + hour) * 60 + minute) * 60 + second;
  us *= kMicrosPerSecond;
  std::size_t next = 19;
  if (next < text.size() && at[next] == '.') {
    ++next;
    std::int64_t nanos = 0;
    std::size_t count = 0;
    for (; next < text.size() && at[next] >= '0' && at[next] <= '9'; ++next, ++count) {
      if (count == max_fraction_digits) return false;
      nanos = nanos * 10 + (at[next] - '0');
    }
    for (std::size_t i = count; i < 9; ++i) nanos *= 10;
    us += nanos / kNanosPerMicro;
    form.sub_us_nanos = static_cast<std::int32_t>(nanos % kNanosPerMicro);
  }
  form.wall_us = us;
  if (next == text.size()) return true;
  form.has_offset = true;
  return read_common_offset(at + next, text.size() - next, form.offset_seconds);
}

std::int64_t utc_of(const CommonForm& form, const TimeZone& zone) {
  if (form.has_offset) return form.wall_us - form.offset_seconds * kMicrosPerSecond;
  return zone.is_utc() ? form.wall_us : zone.to_utc_us(form.wall_us);
}

/// The instant of `fields`; nothing where they hold no date.
std::optional<std::int64_t> utc_of(const DatetimeFields& fields, std::string_view text, const TimeZone& zone,
                                   std::int64_t now_us) {
  switch (fields.kind) {
    case DatetimeFields::Kind::Infinity:
      return kTimestampInfinity;
    case DatetimeFields::Kind::NegInfinity:
      return kTimestampNegInfinity;
    case DatetimeFields::Kind::Epoch:
      return 0;
    case DatetimeFields::Kind::Now:
      return now_us;
    case DatetimeFields::Kind::Fields:
      break;
  }
  if (!fields.has_date) return std::nullopt;
  const auto wall = wall_us(fields);
  if (!wall) throw_out_of_range("timestamp", text);
  Int128 utc = *wall;
  if (fields.offset_seconds) {
    utc -= Int128{*fields.offset_seconds} * kMicrosPerSecond;
  } else {
    const auto& used = fields.zone != nullptr ? *fields.zone : zone;
    // Within a day of the ends of time the offset itself could leave 64 bits.
    if (*wall > kTimestampInfinity - kMicrosPerDay) throw_out_of_range("timestamp", text);
    utc = used.to_utc_us(*wall);
  }
  if (utc >= kTimestampInfinity || !is_in_range(static_cast<std::int64_t>(utc)))
    throw_out_of_range("timestamp", text);
  return static_cast<std::int64_t>(utc);
}

std::int64_t local_us_of(std::int64_t utc_us, const TimeZone& zone) {
  return utc_us + zone.offset_seconds_at_utc(utc_us) * kMicrosPerSecond;
}

}  // namespace

std::optional<std::int64_t> parse_timestamptz(std::string_view text, const TimeZone& zone,
                                              std::int64_t now_us, DateStyle::Order order) {
  CommonForm form;
  if (read_common_form(text, 6, form)) return utc_of(form, zone);
  DatetimeFields fields;
  if (!read_or_throw(text, today_of(local_us_of(now_us, zone)), order, fields)) return std::nullopt;
  return utc_of(fields, text, zone, now_us);
}

std::optional<std::int64_t> parse_timestamp(std::string_view text, std::int64_t now_us,
                                            DateStyle::Order order) {
  CommonForm form;
  if (read_common_form(text, 6, form)) return form.wall_us;
  DatetimeFields fields;
  if (!read_or_throw(text, today_of(now_us), order, fields)) return std::nullopt;
  // A zone in the text is read and has no meaning.
  fields.offset_seconds = 0;
  return utc_of(fields, text, utc_zone(), now_us);
}

std::optional<std::int64_t> parse_timestamp_ns(std::string_view text, const TimeZone& zone,
                                               DateStyle::Order order) {
  std::int64_t utc = 0;
  std::int32_t nanos = 0;
  CommonForm form;
  if (read_common_form(text, 9, form)) {
    utc = utc_of(form, zone);
    nanos = form.sub_us_nanos;
  } else {
    DatetimeFields fields;
    if (!read_or_throw(text, 0, order, fields)) return std::nullopt;
    if (fields.kind == DatetimeFields::Kind::Now) return std::nullopt;
    const auto instant = utc_of(fields, text, zone, 0);
    if (!instant) return std::nullopt;
    if (*instant == kTimestampInfinity || *instant == kTimestampNegInfinity) return instant;
    utc = *instant;
    nanos = fields.sub_us_nanos;
  }
  const Int128 ns = Int128{utc} * kNanosPerMicro + nanos;
  if (ns >= kTimestampInfinity || ns <= kTimestampNegInfinity) throw_out_of_range("timestamp", text);
  return static_cast<std::int64_t>(ns);
}

std::optional<std::int32_t> parse_date(std::string_view text, std::int64_t now_us, DateStyle::Order order) {
  if (text.size() == 10) {
    std::int32_t days = 0;
    if (read_common_date(text.data(), days)) return days;
  }
  DatetimeFields fields;
  if (!read_or_throw(text, today_of(now_us), order, fields)) return std::nullopt;
  switch (fields.kind) {
    case DatetimeFields::Kind::Infinity:
      return kDateInfinity;
    case DatetimeFields::Kind::NegInfinity:
      return kDateNegInfinity;
    case DatetimeFields::Kind::Epoch:
      return 0;
    case DatetimeFields::Kind::Now:
      return today_of(now_us);
    case DatetimeFields::Kind::Fields:
      break;
  }
  if (!fields.has_date) return std::nullopt;
  if (fields.days < kFirstDay || fields.days > kLastDateDay) throw_out_of_range("date", text);
  return fields.days;
}

std::optional<std::int64_t> parse_time(std::string_view text) {
  DatetimeFields fields;
  if (!read_or_throw(text, 0, DateStyle::Order::MonthDayYear, fields, DatetimeWanted::Clock))
    return std::nullopt;
  if (fields.kind != DatetimeFields::Kind::Fields || !fields.has_clock) return std::nullopt;
  return fields.clock_us;
}

std::int64_t add_interval(std::int64_t us, const IntervalValue& interval, const TimeZone& zone) {
  if (us == kTimestampInfinity || us == kTimestampNegInfinity) return us;
  const auto check = [](bool is_fine) {
    if (!is_fine) throw Error(ErrorCode::DatetimeFieldOverflow, "timestamp out of range");
  };
  if (interval.months != 0 && interval.days != 0) {
    // One after the other, as PostgreSQL: months may lead into an hour that is left out.
    us = add_interval(us, IntervalValue{.months = interval.months}, zone);
    return add_interval(us, IntervalValue{.days = interval.days, .micros = interval.micros}, zone);
  }
  if (interval.months != 0 || interval.days != 0) {
    std::int64_t local = local_us_of(us, zone);
    std::int64_t days = floor_days(local);
    const std::int64_t clock = local - days * kMicrosPerDay;
    if (interval.months != 0) {
      auto date = civil_from_days(static_cast<std::int32_t>(days));
      const std::int64_t month = std::int64_t{date.year} * 12 + date.month - 1 + interval.months;
      std::int64_t year = month / 12;
      if (month % 12 < 0) --year;
      check(year > -10'000 && year < 1'000'000);
      date.year = static_cast<std::int32_t>(year);
      date.month = static_cast<std::int32_t>(month - year * 12) + 1;
      date.day = std::min(date.day, days_in_month(date.year, date.month));
      days = days_from_civil(date);
    }
    days += interval.days;
    const Int128 moved = Int128{days} * kMicrosPerDay + clock;
    check(days >= kFirstDay && moved < kTimestampInfinity - kMicrosPerDay);
    us = zone.is_utc() ? static_cast<std::int64_t>(moved) : zone.to_utc_us(static_cast<std::int64_t>(moved));
  }
  std::int64_t sum = 0;
  check(!__builtin_add_overflow(us, interval.micros, &sum) && is_in_range(sum));
  return sum;
}

}  // namespace tickstone
