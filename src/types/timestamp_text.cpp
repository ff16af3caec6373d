// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <string_view>

#include "types/short_field.hpp"
#include "types/timestamp.hpp"

namespace tickstone {

namespace {

constexpr char kPairs[] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
    "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

char* put_pair(char* at, std::int32_t value) {
  std::memcpy(at, kPairs + value * 2, 2);
  return at + 2;
}

std::int64_t floor_divide(std::int64_t value, std::int64_t by) {
  return value % by < 0 ? value / by - 1 : value / by;
}

/// At least four digits. `is_bc` when the year is counted backwards: the caller says so at the end.
char* put_date(char* at, std::int32_t days, bool& is_bc) {
  const auto date = civil_from_days(days);
  is_bc = date.year <= 0;
  std::int32_t year = is_bc ? 1 - date.year : date.year;
  if (year < 10'000) {
    at = put_pair(at, year / 100);
    at = put_pair(at, year % 100);
  } else {
    char digits[12];
    char* start = digits + sizeof(digits);
    for (; year != 0; year /= 10) *--start = static_cast<char>('0' + year % 10);
    const auto size = static_cast<std::size_t>(digits + sizeof(digits) - start);
    std::memcpy(at, start, size);
    at += size;
  }
  *at++ = '-';
  at = put_pair(at, date.month);
  *at++ = '-';
  return put_pair(at, date.day);
}

/// hh:mm:ss and the fraction without its trailing zeros.
char* put_clock(char* at, std::int64_t units, std::int64_t units_per_second, int fraction_digits) {
  // Bytes from outside may say what is no time of a day; what is printed must be one.
  const std::int64_t day = 86'400 * units_per_second;
  if (units < 0 || units > day) units = (units % day + day) % day;
  const auto second = static_cast<std::int32_t>(units / units_per_second);
  std::int64_t fraction = units % units_per_second;
  at = put_pair(at, second / 3600);
  *at++ = ':';
  at = put_pair(at, second / 60 % 60);
  *at++ = ':';
  at = put_pair(at, second % 60);
  if (fraction == 0) return at;
  *at++ = '.';
  while (fraction % 10 == 0) {
    fraction /= 10;
    --fraction_digits;
  }
  for (int i = fraction_digits - 1; i >= 0; --i) {
    at[i] = static_cast<char>('0' + fraction % 10);
    fraction /= 10;
  }
  return at + fraction_digits;
}

char* put_offset(char* at, std::int32_t seconds) {
  *at++ = seconds < 0 ? '-' : '+';
  const std::int32_t size = seconds < 0 ? -seconds : seconds;
  // A zone of a POSIX rule may be up to 167 hours away.
  std::int32_t hours = size / 3600;
  if (hours >= 100) {
    *at++ = '1';
    hours -= 100;
  }
  at = put_pair(at, hours);
  if (size % 3600 != 0) {
    *at++ = ':';
    at = put_pair(at, size / 60 % 60);
    if (size % 60 != 0) {
      *at++ = ':';
      at = put_pair(at, size % 60);
    }
  }
  return at;
}

char* put_era(char* at, bool is_bc) {
  if (!is_bc) return at;
  std::memcpy(at, " BC", 3);
  return at + 3;
}

bool append_infinity(std::string& out, std::int64_t value) {
  if (value == kTimestampInfinity) {
    out += "infinity";
  } else if (value == kTimestampNegInfinity) {
    out += "-infinity";
  } else {
    return false;
  }
  return true;
}

void append_moment(std::string& out, std::int64_t local, std::int64_t units_per_second, int fraction_digits,
                   const std::int32_t* offset_seconds) {
  char buffer[64];
  bool is_bc = false;
  const std::int64_t units_per_day = units_per_second * 86'400;
  const std::int64_t days = floor_divide(local, units_per_day);
  char* at = put_date(buffer, static_cast<std::int32_t>(days), is_bc);
  *at++ = ' ';
  // Not by days * units_per_day, which the earliest moments would overflow.
  const std::int64_t within = local % units_per_day;
  at = put_clock(at, within < 0 ? within + units_per_day : within, units_per_second, fraction_digits);
  if (offset_seconds != nullptr) at = put_offset(at, *offset_seconds);
  at = put_era(at, is_bc);
  out.append(buffer, at);
}

}  // namespace

void append_timestamptz(std::string& out, std::int64_t utc_us, const TimeZone& zone) {
  if (append_infinity(out, utc_us)) return;
  std::int32_t offset = zone.is_utc() ? 0 : zone.offset_seconds_at_utc(utc_us);
  std::int64_t local = 0;
  if (__builtin_add_overflow(utc_us, offset * kMicrosPerSecond, &local)) {
    offset = 0;
    local = utc_us;
  }
  append_moment(out, local, kMicrosPerSecond, 6, &offset);
}

void append_timestamp(std::string& out, std::int64_t us) {
  if (append_infinity(out, us)) return;
  append_moment(out, us, kMicrosPerSecond, 6, nullptr);
}

void append_timestamp_ns(std::string& out, std::int64_t ns, const TimeZone& zone) {
  constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
  if (append_infinity(out, ns)) return;
  std::int32_t offset = zone.is_utc() ? 0 : zone.offset_seconds_at_utc(floor_divide(ns, 1000));
  std::int64_t local = 0;
  if (__builtin_add_overflow(ns, offset * kNanosPerSecond, &local)) {
    offset = 0;
    local = ns;
  }
  append_moment(out, local, kNanosPerSecond, 9, &offset);
}

void append_date(std::string& out, std::int32_t days) {
  if (days == kDateInfinity || days == kDateNegInfinity) {
    out += days == kDateInfinity ? "infinity" : "-infinity";
    return;
  }
  char buffer[32];
  bool is_bc = false;
  char* at = put_date(buffer, days, is_bc);
  at = put_era(at, is_bc);
  out.append(buffer, at);
}

char* MomentWriter::put(char* at, std::int64_t us) {
  if (us == kTimestampInfinity || us == kTimestampNegInfinity) {
    constexpr std::string_view kInfinity = "-infinity";
    const auto text = kInfinity.substr(us == kTimestampInfinity ? 1 : 0);
    std::memcpy(at, text.data(), text.size());
    return at + text.size();
  }
  std::int32_t offset = zone_ == nullptr || is_utc_ ? 0 : zone_->offset_seconds_at_utc(us);
  std::int64_t local = us;
  if (offset != 0 && __builtin_add_overflow(us, offset * kMicrosPerSecond, &local)) {
    offset = 0;
    local = us;
  }
  if (local < day_start_us_ || local >= day_end_us_) {
    const std::int64_t days = floor_divide(local, kMicrosPerDay);
    char* end = put_date(day_, static_cast<std::int32_t>(days), is_bc_);
    *end++ = ' ';
    day_bytes_ = static_cast<std::size_t>(end - day_);
    // The earliest and the latest day, whose ends 64 bits do not hold, are written anew each time.
    const bool is_kept = days > INT64_MIN / kMicrosPerDay && days < INT64_MAX / kMicrosPerDay;
    day_start_us_ = is_kept ? days * kMicrosPerDay : 0;
    day_end_us_ = is_kept ? day_start_us_ + kMicrosPerDay : 0;
  }
  std::memcpy(at, day_, day_bytes_);
  std::int64_t within = local % kMicrosPerDay;
  if (within < 0) within += kMicrosPerDay;
  at = put_clock(at + day_bytes_, within, kMicrosPerSecond, 6);
  if (zone_ != nullptr) at = put_offset(at, offset);
  return put_era(at, is_bc_);
}

void append_time(std::string& out, std::int64_t us) {
  char buffer[32];
  out.append(buffer, put_clock(buffer, us, kMicrosPerSecond, 6));
}

}  // namespace tickstone
