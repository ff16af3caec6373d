// SPDX-License-Identifier: Apache-2.0
#include "types/field_parser.hpp"

#include <bit>
#include <charconv>
#include <cstring>
#include <limits>

#include <fast_float/fast_float.h>

#include "types/decimal.hpp"
#include "types/powers_of_ten.hpp"
#include "types/timestamp.hpp"

namespace tickstone {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

template <typename T>
bool append_integer(Column& column, std::string_view text, const FormatContext&) {
  T value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size()) return false;
  column.append_fixed(value);
  return true;
}

bool append_double(Column& column, std::string_view text, const FormatContext&) {
  if (text.empty() ||
      !(is_digit(text.front()) || (text.front() == '-' && text.size() > 1 && is_digit(text[1])))) {
    return false;  // words, spaces and signs
  }
  double value{};
  const auto [end, problem] = fast_float::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size()) return false;
  if (value == 0 || value > std::numeric_limits<double>::max() ||
      value < std::numeric_limits<double>::lowest()) {
    return false;  // perhaps out of range, which is an error elsewhere
  }
  column.append_fixed(value);
  return true;
}

bool append_boolean(Column& column, std::string_view text, const FormatContext&) {
  if (text == "t" || text == "true") {
    column.append_fixed(std::uint8_t{1});
  } else if (text == "f" || text == "false") {
    column.append_fixed(std::uint8_t{0});
  } else {
    return false;
  }
  return true;
}

bool append_ascii(Column& column, std::string_view text, const FormatContext&) {
  std::uint64_t high_bits = 0;
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + i, 8);
    high_bits |= word | (word - 0x0101010101010101ULL);  // a zero byte borrows
  }
  for (; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    high_bits |= byte == 0 ? 0x80 : byte;
  }
  if ((high_bits & 0x8080808080808080ULL) != 0) return false;
  column.append_bytes(text);
  return true;
}

constexpr std::uint64_t kZeros = 0x3030303030303030ULL;  // eight times '0'

template <typename T>
std::uint64_t load(const char* at) {
  T word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

/// One to eight characters behind as many '0' as make eight; the first one in the lowest byte.
std::uint64_t load_right(const char* at, std::size_t size) {
  if (size == 8) return load<std::uint64_t>(at);
  std::uint64_t word;
  if (size >= 4) {
    word = load<std::uint32_t>(at) | load<std::uint32_t>(at + size - 4) << (8 * (size - 4));
  } else if (size >= 2) {
    word = load<std::uint16_t>(at) | load<std::uint16_t>(at + size - 2) << (8 * (size - 2));
  } else {
    word = static_cast<unsigned char>(*at);
  }
  return word << (8 * (8 - size)) | kZeros >> (8 * size);
}

/// A bit set in each byte of `digits` (characters exclusive or '0') that is no digit.
std::uint64_t no_digits(std::uint64_t digits) {
  return (digits | (digits + 0x7676767676767676ULL)) & 0x8080808080808080ULL;
}

/// The number that eight digits (0 to 9, the highest in the lowest byte) make.
std::uint64_t number_of(std::uint64_t digits) {
  digits = digits * 10 + (digits >> 8);
  return ((digits & 0x000000FF000000FFULL) * (100 + (1'000'000ULL << 32)) +
          ((digits >> 16) & 0x000000FF000000FFULL) * (1 + (10'000ULL << 32))) >>
         32;
}

/// Up to eight characters, without a step for each. False where they are written otherwise, or the column has
/// to become wider for them.
bool append_short_numeric(Column& column, const char* at, std::size_t size, bool is_negative) {
  std::uint64_t digits = load_right(at, size) ^ kZeros;
  int scale = 0;
  constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
  const std::uint64_t other = digits ^ (kOnes * ('.' ^ '0'));
  const std::uint64_t points = (other - kOnes) & ~other & (kOnes << 7);  // its lowest bit is exact
  if (points != 0) {
    if (size == 1) return false;
    // What is left of the point moves over it.
    const int shift = std::countr_zero(points) - 7;
    scale = 7 - shift / 8;
    const std::uint64_t left = digits & ((std::uint64_t{1} << shift) - 1);
    const std::uint64_t right = shift == 56 ? 0 : digits >> (shift + 8) << (shift + 8);
    digits = left << 8 | right;
  }
  if (no_digits(digits) != 0) return false;
  const int behind = column.layout().scale - scale;
  if (behind < 0 || behind > kMaxInt64Digits - 8) return false;
  const auto value =
      static_cast<std::int64_t>(number_of(digits)) * kPowersOfTen[static_cast<std::size_t>(behind)];
  column.append_fixed(is_negative ? -value : value);
  return true;
}

/// Digits with at most one point, 18 digits in all.
bool append_numeric(Column& column, std::string_view text, const FormatContext&) {
  const char* at = text.data();
  const char* const end = at + text.size();
  const bool is_negative = at < end && *at == '-';
  if (is_negative) ++at;
  const auto layout = column.layout();
  const bool may_fit = layout.physical == Physical::Int64 && column.type().precision < 0;
  if (may_fit && at < end && end - at <= 8 &&
      append_short_numeric(column, at, static_cast<std::size_t>(end - at), is_negative)) {
    return true;
  }
  if (end - at > kMaxInt64Digits + 1) return false;
  std::int64_t unscaled = 0;
  int digit_count = 0;
  int scale = -1;  // no point yet
  int zeros = 0;   // at the end of the fraction: not kept
  for (; at < end; ++at) {
    if (*at == '.' && scale < 0) {
      scale = 0;
      zeros = 0;
      continue;
    }
    if (!is_digit(*at)) return false;
    if (++digit_count > kMaxInt64Digits) return false;
    unscaled = unscaled * 10 + (*at - '0');
    if (scale >= 0) ++scale;
    zeros = *at == '0' ? zeros + 1 : 0;
  }
  if (digit_count == 0) return false;
  if (scale > 0) {
    for (; zeros > 0 && scale > 0; --zeros, --scale) unscaled /= 10;
  }
  Decimal value{is_negative ? -unscaled : unscaled, static_cast<std::uint8_t>(scale < 0 ? 0 : scale)};
  // Where the column's form fits as it is, no question need be asked of its other rows.
  if (may_fit && value.scale <= layout.scale) {
    const int room = kMaxInt64Digits - digit_count - (layout.scale - value.scale);
    if (room >= 0) {
      column.append_fixed(static_cast<std::int64_t>(value.unscaled) *
                          kPowersOfTen[static_cast<std::size_t>(layout.scale - value.scale)]);
      return true;
    }
  }
  column.append_decimal(value);
  return true;
}

bool read_two(const char* at, int& value) {
  if (!is_digit(at[0]) || !is_digit(at[1])) return false;
  value = (at[0] - '0') * 10 + (at[1] - '0');
  return true;
}

/// Eight characters: '0' stands for any digit, others for themselves.
struct Pattern {
  std::uint64_t wanted = 0;
  std::uint64_t signs = 0;  // all bits where no digit is
  constexpr explicit Pattern(const char (&text)[9]) {
    for (int i = 0; i < 8; ++i) {
      wanted |= std::uint64_t{static_cast<unsigned char>(text[i])} << (8 * i);
      signs |= text[i] == '0' ? 0 : std::uint64_t{0xFF} << (8 * i);
    }
  }
};
constexpr Pattern kYearAndMonth{"0000-00-"};
constexpr Pattern kTimeOfDay{"00:00:00"};

/// False where the eight characters are not so. Byte i of `pairs` is the number that digits i and i + 1 make.
bool read_pattern(const char* at, const Pattern& pattern, std::uint64_t& pairs) {
  const std::uint64_t digits = load<std::uint64_t>(at) ^ pattern.wanted;
  if ((no_digits(digits) | (digits & pattern.signs)) != 0) return false;
  pairs = digits * 10 + (digits >> 8);
  return true;
}

int pair_at(std::uint64_t pairs, int at) { return static_cast<int>((pairs >> (8 * at)) & 0xFF); }

/// `YYYY-MM-DD` of years 1 to 9999.
bool read_iso_date(std::string_view text, std::int32_t& days) {
  static constexpr int kMonthDays[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  std::uint64_t pairs;
  int day;
  if (text.size() < 10 || !read_pattern(text.data(), kYearAndMonth, pairs) || !read_two(text.data() + 8, day))
    return false;
  const int year = pair_at(pairs, 0) * 100 + pair_at(pairs, 2);
  const int month = pair_at(pairs, 5);
  if (year == 0 || month < 1 || month > 12 || day < 1 || day > kMonthDays[month - 1]) return false;
  const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  if (month == 2 && day == 29 && !is_leap) return false;
  // Days from 1970, with years that start in March so that the leap day comes last.
  const int y = month <= 2 ? year - 1 : year;
  const int era = y / 400;
  const int year_of_era = y - era * 400;
  const int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  days = era * 146097 + day_of_era - 719468;
  return true;
}

bool append_date(Column& column, std::string_view text, const FormatContext&) {
  std::int32_t days;
  if (text.size() != 10 || !read_iso_date(text, days)) return false;
  column.append_fixed(days);
  return true;
}

/// `YYYY-MM-DD HH:MM:SS[.ffffff]`; `rest` is what follows.
bool read_iso_timestamp(std::string_view text, std::int64_t& us, std::string_view& rest) {
  std::int32_t days;
  std::uint64_t pairs;
  if (text.size() < 19 || !read_iso_date(text, days) || (text[10] != ' ' && text[10] != 'T') ||
      !read_pattern(text.data() + 11, kTimeOfDay, pairs)) {
    return false;
  }
  const int hours = pair_at(pairs, 0);
  const int minutes = pair_at(pairs, 3);
  const int seconds = pair_at(pairs, 6);
  if (hours > 23 || minutes > 59 || seconds > 59) return false;
  us = days * kMicrosPerDay + ((hours * 60 + minutes) * 60 + seconds) * kMicrosPerSecond;
  rest = text.substr(19);
  if (rest.empty() || rest.front() != '.') return true;
  static constexpr int kScales[] = {1'000'000, 100'000, 10'000, 1'000, 100, 10, 1};
  std::size_t digits = 0;
  int fraction = 0;
  for (rest.remove_prefix(1); digits < rest.size() && is_digit(rest[digits]); ++digits) {
    if (digits == 6) return false;  // to be rounded
    fraction = fraction * 10 + (rest[digits] - '0');
  }
  us += std::int64_t{fraction} * kScales[digits];
  rest.remove_prefix(digits);
  return true;
}

bool append_plain_timestamp(Column& column, std::string_view text, const FormatContext&) {
  std::int64_t us;
  std::string_view rest;
  if (!read_iso_timestamp(text, us, rest) || !rest.empty()) return false;
  column.append_fixed(us);
  return true;
}

bool append_zoned_timestamp(Column& column, std::string_view text, const FormatContext& context) {
  std::int64_t us;
  std::string_view rest;
  if (!read_iso_timestamp(text, us, rest)) return false;
  if (rest.empty()) {
    if (!context.zone->is_utc()) us = context.zone->to_utc_us(us);
  } else if (rest.front() == '+' || rest.front() == '-') {
    int hours, minutes = 0;
    if (rest.size() != 3 && !(rest.size() == 6 && rest[3] == ':')) return false;
    if (!read_two(rest.data() + 1, hours) || (rest.size() == 6 && !read_two(rest.data() + 4, minutes)))
      return false;
    if (hours > 15 || minutes > 59) return false;
    const std::int64_t shift = (hours * 60 + minutes) * 60 * kMicrosPerSecond;
    us += rest.front() == '+' ? -shift : shift;
  } else if (rest != "Z") {
    return false;
  }
  column.append_fixed(us);
  return true;
}

}  // namespace

FieldParser find_field_parser(const SqlType& type, const FormatContext&) {
  if (type.is_array) return nullptr;
  switch (type.id) {
    case TypeId::Boolean:
      return append_boolean;
    case TypeId::SmallInt:
      return append_integer<std::int16_t>;
    case TypeId::Integer:
      return append_integer<std::int32_t>;
    case TypeId::BigInt:
      return append_integer<std::int64_t>;
    case TypeId::Double:
      return append_double;
    case TypeId::Numeric:
      return append_numeric;
    case TypeId::Text:
      return append_ascii;
    case TypeId::Varchar:
      return type.precision < 0 ? append_ascii : nullptr;
    case TypeId::Date:
      return append_date;
    case TypeId::Timestamp:
      return type.precision < 0 ? append_plain_timestamp : nullptr;
    case TypeId::TimestampTz:
      return type.precision < 0 ? append_zoned_timestamp : nullptr;
    default:
      return nullptr;
  }
}

}  // namespace tickstone
