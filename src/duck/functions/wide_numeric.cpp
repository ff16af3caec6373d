// SPDX-License-Identifier: Apache-2.0
#include "duck/functions/wide_numeric.hpp"

#include <algorithm>
#include <cstdlib>

#include <tickstone/error.hpp>

namespace tickstone::duck {

namespace {

using BigInt = boost::multiprecision::cpp_int;

/// PostgreSQL's limits: digits before and behind the point.
constexpr int kMostWholeDigits = 131'072;
constexpr int kMostScale = 16'383;
constexpr int kSignificantDigits = 16;

BigInt power(int exponent) {
  static const auto* const kSmall = [] {
    auto* powers = new std::vector<BigInt>(128);
    BigInt value = 1;
    for (BigInt& one : *powers) {
      one = value;
      value *= 10;
    }
    return powers;
  }();
  if (exponent < 128) return (*kSmall)[static_cast<std::size_t>(exponent)];
  return boost::multiprecision::pow(BigInt(10), static_cast<unsigned>(exponent));
}

std::string digits_of(const BigInt& value) { return BigInt(abs(value)).str(); }

BigInt from_int128(Int128 value) {
  const bool is_negative = value < 0;
  const UInt128 size = is_negative ? UInt128{0} - static_cast<UInt128>(value) : static_cast<UInt128>(value);
  BigInt big = static_cast<std::uint64_t>(size >> 64);
  big <<= 64;
  big |= static_cast<std::uint64_t>(size);
  return is_negative ? BigInt(-big) : big;
}

[[noreturn]] void overflow() {
  throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
}

/// Rounds half away from zero.
BigInt divide_rounded(const BigInt& value, const BigInt& divisor) {
  BigInt quotient;
  BigInt remainder;
  boost::multiprecision::divide_qr(value, divisor, quotient, remainder);
  if (abs(remainder) * 2 >= abs(divisor)) quotient += (value < 0) == (divisor < 0) ? 1 : -1;
  return quotient;
}

WideNumeric trimmed(WideNumeric value) {
  if (value.unscaled == 0) return {};
  if (value.scale > 0) {
    const std::string digits = digits_of(value.unscaled);
    int zeros = 0;
    while (zeros < value.scale && digits[digits.size() - 1 - static_cast<std::size_t>(zeros)] == '0') ++zeros;
    if (zeros > 0) {
      value.unscaled /= power(zeros);
      value.scale -= zeros;
    }
    if (static_cast<int>(digits.size()) - value.scale - zeros > kMostWholeDigits) overflow();
  }
  return value;
}

/// Brings two numbers to one scale.
int align(const WideNumeric& a, const WideNumeric& b, BigInt& left, BigInt& right) {
  const int scale = std::max(a.scale, b.scale);
  left = a.scale == scale ? a.unscaled : BigInt(a.unscaled * power(scale - a.scale));
  right = b.scale == scale ? b.unscaled : BigInt(b.unscaled * power(scale - b.scale));
  return scale;
}

/// The weight of the first digit of base 10,000, and that digit.
struct Leading {
  int weight = 0;
  int digit = 0;
};

Leading leading_of(const WideNumeric& value) {
  if (value.unscaled == 0) return {};
  const std::string digits = digits_of(value.unscaled);
  const int exponent = static_cast<int>(digits.size()) - 1 - value.scale;
  const int weight = exponent >= 0 ? exponent / 4 : -((-exponent + 3) / 4);
  const int count = exponent - 4 * weight + 1;  // decimal digits in the first
  int digit = 0;
  for (int i = 0; i < count; ++i)
    digit =
        digit * 10 + (i < static_cast<int>(digits.size()) ? digits[static_cast<std::size_t>(i)] - '0' : 0);
  return {weight, digit};
}

// A byte for the sign, four for the power of ten, then two digits a byte. Of negative numbers all but the
// first is turned over, and a byte above all others ends them, so that the longer one comes first.
std::string encode_digits(std::string digits, int scale, bool is_negative) {
  const int exponent = static_cast<int>(digits.size()) - scale;
  while (digits.back() == '0') digits.pop_back();
  if (digits.size() % 2 != 0) digits += '0';
  std::string out(1, is_negative ? '\0' : '\2');
  const auto biased = static_cast<std::uint32_t>(exponent) + 0x8000'0000U;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(biased >> shift);
  for (std::size_t i = 0; i < digits.size(); i += 2)
    out += static_cast<char>((digits[i] - '0') * 10 + (digits[i + 1] - '0') + 1);
  if (is_negative) {
    for (std::size_t i = 1; i < out.size(); ++i) out[i] = static_cast<char>(~out[i]);
    out += '\xff';
  }
  return out;
}

}  // namespace

WideNumeric to_wide(Decimal value) { return trimmed({from_int128(value.unscaled), value.scale}); }

std::optional<Decimal> to_decimal(const WideNumeric& value) {
  if (value.scale > kMaxNumericDigits) return std::nullopt;
  const BigInt size = abs(value.unscaled);
  if (size >= power(kMaxNumericDigits)) return std::nullopt;
  const auto low = static_cast<std::uint64_t>(size & BigInt(UINT64_MAX));
  const auto high = static_cast<std::uint64_t>(size >> 64);
  const auto unscaled = static_cast<Int128>((static_cast<UInt128>(high) << 64) | low);
  return Decimal{value.unscaled < 0 ? -unscaled : unscaled, static_cast<std::uint8_t>(value.scale)};
}

WideNumeric parse_wide(std::string_view text) {
  const auto fail = [&]() {
    throw Error(ErrorCode::InvalidTextRepresentation,
                "invalid input syntax for type numeric: \"" + std::string(text) + "\"");
  };
  std::string_view rest = text;
  const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
  while (!rest.empty() && is_space(rest.back())) rest.remove_suffix(1);
  if (rest.size() >= 3 &&
      std::isalpha(static_cast<unsigned char>(rest[rest[0] == '-' || rest[0] == '+' ? 1 : 0])) != 0) {
    // NaN and the infinities, in the words of the narrow form.
    if (!parse_decimal(text)) fail();
  }
  bool is_negative = false;
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) {
    is_negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  std::string digits;
  int scale = 0;
  bool has_point = false;
  std::size_t at = 0;
  for (; at < rest.size(); ++at) {
    const char c = rest[at];
    if (c == '.' && !has_point) {
      has_point = true;
    } else if (c >= '0' && c <= '9') {
      digits += c;
      if (has_point) ++scale;
    } else {
      break;
    }
  }
  if (digits.empty()) fail();
  int exponent = 0;
  if (at < rest.size()) {
    if (rest[at] != 'e' && rest[at] != 'E') fail();
    const std::string power_text(rest.substr(at + 1));
    char* end = nullptr;
    const long parsed = std::strtol(power_text.c_str(), &end, 10);
    if (power_text.empty() || *end != '\0' || is_space(power_text[0])) fail();
    if (parsed > kMostWholeDigits || parsed < -2 * kMostScale) overflow();
    exponent = static_cast<int>(parsed);
  }
  const auto first = std::min(digits.find_first_not_of('0'), digits.size() - 1);
  WideNumeric value{BigInt(digits.substr(first)), scale - exponent};
  if (is_negative) value.unscaled = -value.unscaled;
  if (value.scale < 0) {
    if (static_cast<int>(digits.size() - first) - value.scale > kMostWholeDigits) overflow();
    value.unscaled *= power(-value.scale);
    value.scale = 0;
  }
  if (value.scale > kMostScale) value = wide_round(value, kMostScale);
  return trimmed(std::move(value));
}

std::string to_text(const WideNumeric& value) {
  std::string digits = digits_of(value.unscaled);
  const auto scale = static_cast<std::size_t>(value.scale);
  if (scale > 0) {
    if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
    digits.insert(digits.size() - scale, 1, '.');
  }
  return value.unscaled < 0 ? "-" + digits : digits;
}

double to_double(const WideNumeric& value) { return std::strtod(to_text(value).c_str(), nullptr); }

std::string encode_wide(const WideNumeric& value) {
  if (value.unscaled == 0) return std::string(1, '\1');
  return encode_digits(digits_of(value.unscaled), value.scale, value.unscaled < 0);
}

std::string encode_wide(Decimal value) {
  if (value.unscaled == 0) return std::string(1, '\1');
  std::string digits;
  append_decimal(digits, value.unscaled < 0 ? -value.unscaled : value.unscaled, 0);
  return encode_digits(std::move(digits), value.scale, value.unscaled < 0);
}

std::optional<Decimal> decode_decimal(std::string_view bytes) {
  if (bytes.size() < 6) return Decimal{};
  const bool is_negative = bytes[0] == '\0';
  if (is_negative) bytes.remove_suffix(1);
  constexpr std::size_t kHead = 5;
  if (bytes.size() > kHead + kMaxNumericDigits / 2) return std::nullopt;
  const unsigned char mask = is_negative ? 0xff : 0;
  std::uint32_t biased = 0;
  for (std::size_t i = 1; i < kHead; ++i)
    biased = biased << 8 | static_cast<unsigned char>(static_cast<unsigned char>(bytes[i]) ^ mask);
  const auto exponent = static_cast<std::int32_t>(biased - 0x8000'0000U);
  Int128 unscaled = 0;
  for (std::size_t i = kHead; i < bytes.size(); ++i)
    unscaled = unscaled * 100 + static_cast<unsigned char>(static_cast<unsigned char>(bytes[i]) ^ mask) - 1;
  int scale = 2 * static_cast<int>(bytes.size() - kHead) - exponent;
  if (scale > 0 && unscaled % 10 == 0) {
    unscaled /= 10;
    --scale;
  }
  if (scale > kMaxNumericDigits || exponent > kMaxNumericDigits) return std::nullopt;
  if (scale < 0) {
    unscaled *= power_of_ten(-scale);
    scale = 0;
  }
  return Decimal{is_negative ? -unscaled : unscaled, static_cast<std::uint8_t>(scale)};
}

WideNumeric decode_wide(std::string_view bytes) {
  if (bytes.size() < 6) return {};
  const bool is_negative = bytes[0] == '\0';
  if (is_negative) bytes.remove_suffix(1);
  const unsigned char mask = is_negative ? 0xff : 0;
  const auto byte_at = [&](std::size_t i) {
    return static_cast<unsigned char>(static_cast<unsigned char>(bytes[i]) ^ mask);
  };
  std::uint32_t biased = 0;
  for (std::size_t i = 1; i <= 4; ++i) biased = biased << 8 | byte_at(i);
  const auto exponent = static_cast<std::int32_t>(biased - 0x8000'0000U);
  std::string digits;
  for (std::size_t i = 5; i < bytes.size(); ++i) {
    const int pair = byte_at(i) - 1;
    digits += static_cast<char>('0' + pair / 10);
    digits += static_cast<char>('0' + pair % 10);
  }
  const auto first = std::min(digits.find_first_not_of('0'), digits.size() - 1);
  WideNumeric value{BigInt(digits.substr(first)), static_cast<int>(digits.size()) - exponent};
  if (is_negative) value.unscaled = -value.unscaled;
  if (value.scale < 0) {
    value.unscaled *= power(-value.scale);
    value.scale = 0;
  }
  return trimmed(std::move(value));
}

WideNumeric wide_add(const WideNumeric& a, const WideNumeric& b) {
  BigInt left;
  BigInt right;
  const int scale = align(a, b, left, right);
  return trimmed({left + right, scale});
}

WideNumeric wide_subtract(const WideNumeric& a, const WideNumeric& b) {
  BigInt left;
  BigInt right;
  const int scale = align(a, b, left, right);
  return trimmed({left - right, scale});
}

WideNumeric wide_multiply(const WideNumeric& a, const WideNumeric& b) {
  WideNumeric product{a.unscaled * b.unscaled, a.scale + b.scale};
  if (product.scale > kMostScale) product = wide_round(product, kMostScale);
  return trimmed(std::move(product));
}

int wide_quotient_scale(const WideNumeric& a, const WideNumeric& b) {
  const Leading left = leading_of(a);
  const Leading right = leading_of(b);
  int weight = left.weight - right.weight;
  if (left.digit <= right.digit) --weight;
  return std::min(std::max({kSignificantDigits - weight * 4, a.scale, b.scale, 0}), 1000);
}

WideNumeric wide_divide_at(const WideNumeric& a, const WideNumeric& b, int scale) {
  if (b.unscaled == 0) throw Error(ErrorCode::DivisionByZero, "division by zero");
  const int shift = scale + b.scale - a.scale;
  if (shift >= 0) return trimmed({divide_rounded(a.unscaled * power(shift), b.unscaled), scale});
  return trimmed({divide_rounded(a.unscaled, b.unscaled * power(-shift)), scale});
}

WideNumeric wide_divide(const WideNumeric& a, const WideNumeric& b) {
  return wide_divide_at(a, b, wide_quotient_scale(a, b));
}

WideNumeric wide_remainder(const WideNumeric& a, const WideNumeric& b) {
  if (b.unscaled == 0) throw Error(ErrorCode::DivisionByZero, "division by zero");
  BigInt left;
  BigInt right;
  const int scale = align(a, b, left, right);
  return trimmed({left % right, scale});
}

WideNumeric wide_round(const WideNumeric& value, int digits) {
  if (digits >= value.scale) return value;
  const BigInt rounded = divide_rounded(value.unscaled, power(value.scale - digits));
  if (digits >= 0) return trimmed({rounded, digits});
  return trimmed({rounded * power(-digits), 0});
}

WideNumeric wide_truncate(const WideNumeric& value, int digits) {
  if (digits >= value.scale) return value;
  const BigInt cut = value.unscaled / power(value.scale - digits);
  if (digits >= 0) return trimmed({cut, digits});
  return trimmed({cut * power(-digits), 0});
}

int wide_sign(const WideNumeric& value) { return value.unscaled.sign(); }

WideNumeric wide_root(const WideNumeric& value, int scale) {
  // One digit more than is wanted, then rounded: the root of a whole number, cut, cannot be halfway.
  const int digits = scale + 1;
  const int shift = 2 * digits - value.scale;
  const BigInt scaled =
      shift >= 0 ? BigInt(value.unscaled * power(shift)) : BigInt(value.unscaled / power(-shift));
  return wide_round({boost::multiprecision::sqrt(scaled), digits}, scale);
}

}  // namespace tickstone::duck
