// SPDX-License-Identifier: Apache-2.0
#include "types/decimal.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>

#include <fast_float/fast_float.h>

#include <tickstone/error.hpp>

#include "base/check.hpp"
#include "types/powers_of_ten.hpp"
#include "types/short_field.hpp"

namespace tickstone {

namespace {

constexpr std::array<Int128, 39> make_powers() {
  std::array<Int128, 39> powers{};
  Int128 power = 1;
  for (std::size_t i = 0; i < powers.size(); ++i) {
    powers[i] = power;
    if (i + 1 < powers.size()) power *= 10;
  }
  return powers;
}
constexpr std::array<Int128, 39> kPowers = make_powers();

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

UInt128 magnitude(Int128 value) {
  return value < 0 ? UInt128{0} - static_cast<UInt128>(value) : static_cast<UInt128>(value);
}

[[noreturn]] void throw_too_many_digits() {
  throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format",
              "NUMERIC holds at most 38 digits.");
}

/// "nan", "inf", "infinity", any case, after the sign.
bool is_special(std::string_view text) {
  auto same = [&](std::string_view word) {
    if (text.size() != word.size()) return false;
    for (std::size_t i = 0; i < word.size(); ++i) {
      if ((text[i] | 0x20) != word[i]) return false;
    }
    return true;
  };
  return same("nan") || same("inf") || same("infinity");
}

/// Writes the digits of `value` to the end of `buffer`, returns where they start.
char* write_digits(UInt128 value, char* end) {
  while (value > UINT64_MAX) {
    constexpr std::uint64_t kPart = 10'000'000'000'000'000'000ULL;
    auto part = static_cast<std::uint64_t>(value % kPart);
    value /= kPart;
    for (int i = 0; i < 19; ++i) {
      *--end = static_cast<char>('0' + part % 10);
      part /= 10;
    }
  }
  auto rest = static_cast<std::uint64_t>(value);
  do {
    *--end = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  return end;
}

}  // namespace

Int128 power_of_ten(int exponent) {
  TICKSTONE_CHECK(exponent >= 0 && exponent <= kMaxNumericDigits);
  return kPowers[static_cast<std::size_t>(exponent)];
}

int digit_count(Int128 value) {
  const UInt128 size = magnitude(value);
  if (size == 0) return 0;
  const auto high = static_cast<std::uint64_t>(size >> 64);
  const int bits =
      high != 0 ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll(static_cast<std::uint64_t>(size));
  const int guess = bits * 1233 >> 12;  // floor(bits * log10(2)), at most one too low
  if (guess > kMaxNumericDigits) return guess;
  return guess + (size >= static_cast<UInt128>(kPowers[static_cast<std::size_t>(guess)]) ? 1 : 0);
}

std::optional<Decimal> parse_decimal(std::string_view text) {
  std::size_t at = 0;
  std::size_t end = text.size();
  while (at < end && is_space(text[at])) ++at;
  while (end > at && is_space(text[end - 1])) --end;
  bool is_negative = false;
  if (at < end && (text[at] == '-' || text[at] == '+')) is_negative = text[at++] == '-';

  if (at < end && !is_digit(text[at]) && text[at] != '.') {
    if (is_special(text.substr(at, end - at))) {
      throw Error(ErrorCode::InvalidParameterValue, "NUMERIC cannot hold NaN or infinity", {},
                  "DOUBLE PRECISION holds them.");
    }
    return std::nullopt;
  }

  UInt128 digits = 0;
  int digit_total = 0;    // significant digits in `digits`
  int pending_zeros = 0;  // zeros not yet multiplied in: they may be trailing
  std::int64_t exponent = 0;
  bool has_digit = false;
  bool in_fraction = false;
  for (; at < end; ++at) {
    const char c = text[at];
    if (c == '.') {
      if (in_fraction) return std::nullopt;
      in_fraction = true;
      continue;
    }
    if (!is_digit(c)) break;
    has_digit = true;
    if (in_fraction) --exponent;
    if (c == '0') {
      if (digit_total > 0) ++pending_zeros;
      continue;
    }
    if (digit_total + pending_zeros + 1 > kMaxNumericDigits) throw_too_many_digits();
    digits = digits * static_cast<UInt128>(kPowers[static_cast<std::size_t>(pending_zeros + 1)]) +
             static_cast<unsigned>(c - '0');
    digit_total += pending_zeros + 1;
    pending_zeros = 0;
  }
  if (!has_digit) return std::nullopt;
  if (at < end && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    bool is_exponent_negative = false;
    if (at < end && (text[at] == '-' || text[at] == '+')) is_exponent_negative = text[at++] == '-';
    if (at == end || !is_digit(text[at])) return std::nullopt;
    std::int64_t written = 0;
    for (; at < end && is_digit(text[at]); ++at) {
      if (written < 1'000'000'000) written = written * 10 + (text[at] - '0');
    }
    exponent += is_exponent_negative ? -written : written;
  }
  if (at != end) return std::nullopt;
  if (digits == 0) return Decimal{};

  exponent += pending_zeros;
  Decimal result;
  if (exponent >= 0) {
    if (digit_total + exponent > kMaxNumericDigits) throw_too_many_digits();
    digits *= static_cast<UInt128>(kPowers[static_cast<std::size_t>(exponent)]);
  } else {
    if (exponent < -kMaxNumericDigits) throw_too_many_digits();
    result.scale = static_cast<std::uint8_t>(-exponent);
  }
  result.unscaled = is_negative ? -static_cast<Int128>(digits) : static_cast<Int128>(digits);
  return result;
}

char* put_decimal(char* at, std::int64_t unscaled, int scale) {
  auto size = static_cast<std::uint64_t>(unscaled);
  if (unscaled < 0) {
    *at++ = '-';
    size = 0 - size;
  }
  if (size == 0) {
    *at = '0';
    return at + 1;
  }
  // Trailing zeros of the fraction.
  for (; scale >= 4 && size % 10'000 == 0; scale -= 4) size /= 10'000;
  for (; scale > 0 && size % 10 == 0; --scale) size /= 10;
  std::uint64_t whole = size, fraction = 0;
  if (scale >= static_cast<int>(kPowersOfTen.size())) {
    whole = 0;
    fraction = size;
  } else if (scale > 0) {
    const auto power = static_cast<std::uint64_t>(kPowersOfTen[static_cast<std::size_t>(scale)]);
    whole = size / power;
    fraction = size % power;
  }
  if (whole < 10) {
    *at++ = static_cast<char>('0' + whole);
  } else {
    at = std::to_chars(at, at + kMostDecimalBytes, whole).ptr;
  }
  if (scale == 0) return at;
  *at = '.';
  char* const end = at + 1 + scale;
  for (char* digit = end; digit > at + 1; fraction /= 10) *--digit = static_cast<char>('0' + fraction % 10);
  return end;
}

char* put_decimal(char* at, Int128 unscaled, int scale) {
  if (unscaled >= INT64_MIN && unscaled <= INT64_MAX)
    return put_decimal(at, static_cast<std::int64_t>(unscaled), scale);
  UInt128 size = magnitude(unscaled);
  while (scale > 0 && size > UINT64_MAX && size % 10 == 0) {  // trailing zeros of the fraction
    size /= 10;
    --scale;
  }
  if (size <= UINT64_MAX) {
    auto small = static_cast<std::uint64_t>(size);
    for (; scale > 0 && small % 10 == 0; --scale) small /= 10;
    size = small;
  }
  char buffer[kMostDecimalBytes];
  char* const end = buffer + sizeof(buffer);
  char* start = write_digits(size, end);
  if (scale > 0) {
    while (end - start <= scale) *--start = '0';  // one digit before the point at least
    std::memmove(start - 1, start, static_cast<std::size_t>(end - start - scale));
    --start;
    end[-scale - 1] = '.';
  }
  if (unscaled < 0) *--start = '-';
  std::memcpy(at, start, static_cast<std::size_t>(end - start));
  return at + (end - start);
}

void append_decimal(std::string& out, Int128 unscaled, int scale) {
  char text[kMostDecimalBytes];
  out.append(text, put_decimal(text, unscaled, scale));
}

std::string format_decimal(Decimal value) {
  std::string out;
  append_decimal(out, value.unscaled, value.scale);
  return out;
}

std::optional<Int128> rescale(Int128 unscaled, int from_scale, int to_scale) {
  if (unscaled == 0 || from_scale == to_scale) return unscaled;
  if (to_scale > from_scale) {
    const int shift = to_scale - from_scale;
    if (shift > kMaxNumericDigits || digit_count(unscaled) + shift > kMaxNumericDigits) return std::nullopt;
    return unscaled * kPowers[static_cast<std::size_t>(shift)];
  }
  const int shift = from_scale - to_scale;
  if (shift > kMaxNumericDigits) return Int128{0};
  const Int128 power = kPowers[static_cast<std::size_t>(shift)];
  Int128 quotient = unscaled / power;
  const Int128 rest = unscaled % power;
  const Int128 size = rest < 0 ? -rest : rest;
  if (size >= power - size) quotient += unscaled < 0 ? -1 : 1;
  return quotient;
}

Decimal trimmed(Decimal value) {
  if (value.unscaled == 0) return Decimal{};
  while (value.scale > 0 && value.unscaled % 10 == 0) {
    value.unscaled /= 10;
    --value.scale;
  }
  return value;
}

double to_double(Decimal value) {
  static constexpr double kExactPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                            1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                            1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  constexpr Int128 kExactLimit = Int128{1} << 53;
  if (value.unscaled <= kExactLimit && value.unscaled >= -kExactLimit && value.scale <= 22) {
    // Both sides are exact doubles, so that the quotient is rounded once.
    return static_cast<double>(static_cast<std::int64_t>(value.unscaled)) / kExactPowers[value.scale];
  }
  const std::string text = format_decimal(value);
  double number = 0;
  fast_float::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::optional<Decimal> decimal_from_double(double value) {
  if (!std::isfinite(value) || std::fabs(value) >= 1e38) return std::nullopt;
  if (std::fabs(value) < 5e-39) return Decimal{};
  char text[64];
  const int size = std::snprintf(text, sizeof(text), "%.15g", value);
  std::string_view digits(text, static_cast<std::size_t>(size));
  if (std::fabs(value) < 1e-22) {  // the last digits may lie past the 38th place: round them off there
    const int fixed_size = std::snprintf(text, sizeof(text), "%.38f", value);
    digits = std::string_view(text, static_cast<std::size_t>(fixed_size));
  }
  return parse_decimal(digits);
}

int compare(Decimal a, Decimal b) {
  if (a.scale == b.scale) return a.unscaled < b.unscaled ? -1 : a.unscaled > b.unscaled ? 1 : 0;
  const int sign_a = a.unscaled < 0 ? -1 : a.unscaled > 0 ? 1 : 0;
  const int sign_b = b.unscaled < 0 ? -1 : b.unscaled > 0 ? 1 : 0;
  if (sign_a != sign_b) return sign_a < sign_b ? -1 : 1;
  if (sign_a == 0) return 0;
  // The side of the smaller scale is brought to the other's; where that overflows it is the larger in
  // magnitude.
  if (a.scale < b.scale) {
    const auto lifted = rescale(a.unscaled, a.scale, b.scale);
    if (!lifted) return sign_a;
    return *lifted < b.unscaled ? -1 : *lifted > b.unscaled ? 1 : 0;
  }
  return -compare(b, a);
}

Decimal Decimal::parse(std::string_view text) {
  if (const auto value = parse_decimal(text)) return *value;
  throw Error(ErrorCode::InvalidTextRepresentation,
              "invalid input syntax for type numeric: \"" + std::string(text) + "\"");
}

Decimal Decimal::of(double value) {
  if (!std::isfinite(value)) {
    throw Error(ErrorCode::InvalidParameterValue, "NUMERIC holds no NaN and no infinity", {},
                "Use a DOUBLE PRECISION column.");
  }
  if (const auto decimal = decimal_from_double(value)) return *decimal;
  throw Error(ErrorCode::NumericValueOutOfRange, "value does not fit into 38 digits");
}

std::string Decimal::to_string() const { return format_decimal(*this); }
double Decimal::to_double() const { return tickstone::to_double(*this); }

std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) {
  const int order = compare(a, b);
  return order < 0   ? std::strong_ordering::less
         : order > 0 ? std::strong_ordering::greater
                     : std::strong_ordering::equal;
}

}  // namespace tickstone
