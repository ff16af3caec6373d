// SPDX-License-Identifier: Apache-2.0
#include "duck/functions/numeric_math.hpp"

#include <algorithm>
#include <cmath>

#include <boost/multiprecision/cpp_dec_float.hpp>
#include <boost/multiprecision/cpp_int.hpp>

#include <tickstone/error.hpp>

namespace tickstone::duck {

namespace {

using BigInt = boost::multiprecision::cpp_int;
using BigFloat = boost::multiprecision::number<boost::multiprecision::cpp_dec_float<60>>;

UInt128 magnitude(Int128 value) {
  return value < 0 ? UInt128{0} - static_cast<UInt128>(value) : static_cast<UInt128>(value);
}

/// PostgreSQL's numeric counts in digits of base 10,000: the weight of the first, and the first itself.
struct Leading {
  int weight = 0;
  int digit = 0;
};

Leading leading_of(Decimal value) {
  if (value.unscaled == 0) return {};
  const UInt128 u = magnitude(value.unscaled);
  const int exponent = digit_count(value.unscaled) - 1 - value.scale;
  const int weight = exponent >= 0 ? exponent / 4 : -((-exponent + 3) / 4);
  // value / 10^(4 * weight), of which at most four digits stand before the point.
  const int shift = 4 * weight + value.scale;
  UInt128 digit;
  if (shift >= 0) {
    digit = shift <= 38 ? u / static_cast<UInt128>(power_of_ten(shift)) : 0;
  } else {
    digit = u * static_cast<UInt128>(power_of_ten(-shift));
  }
  return {weight, static_cast<int>(digit)};
}

int display_scale(Decimal value) { return trimmed(value).scale; }

BigInt to_big(Int128 value) {
  BigInt big = static_cast<std::uint64_t>(magnitude(value) >> 64);
  big <<= 64;
  big |= static_cast<std::uint64_t>(magnitude(value));
  return value < 0 ? BigInt(-big) : big;
}

std::optional<Int128> from_big(const BigInt& big) {
  const BigInt size = abs(big);
  if (size >= to_big(power_of_ten(38))) return std::nullopt;
  const auto low = static_cast<std::uint64_t>(size & BigInt(UINT64_MAX));
  const auto high = static_cast<std::uint64_t>(size >> 64);
  const auto value = static_cast<Int128>((static_cast<UInt128>(high) << 64) | low);
  return big < 0 ? -value : value;
}

BigInt big_power_of_ten(int exponent) {
  return boost::multiprecision::pow(BigInt(10), static_cast<unsigned>(exponent));
}

/// Rounds half away from zero.
BigInt big_divide_rounded(const BigInt& value, const BigInt& divisor) {
  BigInt quotient;
  BigInt remainder;
  boost::multiprecision::divide_qr(value, divisor, quotient, remainder);
  if (abs(remainder) * 2 >= abs(divisor)) quotient += (value < 0) == (divisor < 0) ? 1 : -1;
  return quotient;
}

[[noreturn]] void overflow() {
  throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
}

BigFloat to_float(Decimal value) {
  BigFloat result(to_big(value.unscaled));
  return result / BigFloat(big_power_of_ten(value.scale));
}

/// `value` rounded to `scale` digits, as many of them as 38 digits leave room for.
Decimal from_float(const BigFloat& value, int scale) {
  if (!boost::multiprecision::isfinite(value)) overflow();
  for (int digits = std::clamp(scale, 0, 38); digits >= 0; --digits) {
    const BigFloat scaled = boost::multiprecision::round(value * BigFloat(big_power_of_ten(digits)));
    if (abs(scaled) < BigFloat(to_big(power_of_ten(38)))) {
      const auto unscaled = from_big(scaled.convert_to<BigInt>());
      if (unscaled) return trimmed(Decimal{*unscaled, static_cast<std::uint8_t>(digits)});
    }
    // Past 10^38 there is no scale that helps.
    if (digits == 0) break;
  }
  overflow();
}

constexpr int kSignificantDigits = 16;
constexpr int kMaxScale = 38;

/// How large |ln(value)| is, in decimal digits before the point; negative for digits after it.
int ln_digits(Decimal value) {
  const BigFloat number = to_float(value);
  if (number <= 0) return 0;
  const BigFloat natural = abs(log(number));
  if (natural == 0) return 0;
  return static_cast<int>(trunc(log10(natural)).convert_to<long>());
}

}  // namespace

bool fits_38_digits(Int128 value) {
  static const Int128 kLimit = power_of_ten(kMaxNumericDigits);
  return value < kLimit && value > -kLimit;
}

int quotient_scale(Decimal a, Decimal b) {
  const Leading left = leading_of(a);
  const Leading right = leading_of(b);
  int weight = left.weight - right.weight;
  if (left.digit <= right.digit) --weight;
  int scale = std::max(kSignificantDigits - weight * 4, 0);
  // The digits that the operands show matter only where they are more.
  if (std::max(a.scale, b.scale) > scale) scale = std::max({scale, display_scale(a), display_scale(b)});
  return scale;
}

Int128 divide_rounded(Int128 value, Int128 divisor) {
  const Int128 quotient = value / divisor;
  const UInt128 remainder = magnitude(value % divisor);
  const UInt128 size = magnitude(divisor);
  if (remainder < size - remainder) return quotient;
  return (value < 0) == (divisor < 0) ? quotient + 1 : quotient - 1;
}

std::optional<Int128> divide(Decimal a, Decimal b, int result_scale) {
  const int scale = quotient_scale(a, b);
  const int shift = scale + b.scale - a.scale;
  Int128 quotient;
  if (shift >= 0 && digit_count(a.unscaled) + shift <= kMaxNumericDigits) {
    quotient = divide_rounded(a.unscaled * power_of_ten(shift), b.unscaled);
  } else {
    BigInt numerator = to_big(a.unscaled);
    BigInt denominator = to_big(b.unscaled);
    if (shift >= 0) {
      numerator *= big_power_of_ten(shift);
    } else {
      denominator *= big_power_of_ten(-shift);
    }
    const auto rounded = from_big(big_divide_rounded(numerator, denominator));
    if (!rounded) return std::nullopt;
    quotient = *rounded;
  }
  return rescale_exactly(quotient, scale, result_scale);
}

std::optional<Int128> rescale_exactly(Int128 unscaled, int from_scale, int to_scale) {
  if (to_scale >= from_scale) return rescale(unscaled, from_scale, to_scale);
  const int drop = from_scale - to_scale;
  if (drop > kMaxNumericDigits) return unscaled == 0 ? std::optional<Int128>(0) : std::nullopt;
  const Int128 unit = power_of_ten(drop);
  if (unscaled % unit != 0) return std::nullopt;
  return unscaled / unit;
}

std::optional<Int128> multiply_exactly(Int128 a, Int128 b, int drop) {
  Int128 product;
  if (!__builtin_mul_overflow(a, b, &product)) {
    const auto kept = rescale_exactly(product, drop, 0);
    return kept && fits_38_digits(*kept) ? kept : std::nullopt;
  }
  if (drop <= 0) return std::nullopt;
  BigInt quotient;
  BigInt remainder;
  boost::multiprecision::divide_qr(BigInt(to_big(a) * to_big(b)), big_power_of_ten(drop), quotient,
                                   remainder);
  return remainder == 0 ? from_big(quotient) : std::nullopt;
}

Decimal numeric_sqrt(Decimal value) {
  if (value.unscaled < 0) {
    throw Error(ErrorCode::InvalidArgumentForPower, "cannot take square root of a negative number");
  }
  if (value.unscaled == 0) return {};
  const int weight = (leading_of(value).weight + 1) * 4 / 2 - 1;
  const int scale = std::clamp(std::max(kSignificantDigits - weight, display_scale(value)), 0, kMaxScale);
  return from_float(sqrt(to_float(value)), scale);
}

Decimal numeric_exp(Decimal value) {
  const double digits = std::clamp(to_double(value) * 0.434294481903252, -2000.0, 2000.0);
  if (digits > 38) overflow();
  const int scale =
      std::clamp(std::max(kSignificantDigits - static_cast<int>(digits), display_scale(value)), 0, kMaxScale);
  return from_float(exp(to_float(value)), scale);
}

Decimal numeric_ln(Decimal value) {
  if (value.unscaled == 0)
    throw Error(ErrorCode::InvalidArgumentForLogarithm, "cannot take logarithm of zero");
  if (value.unscaled < 0) {
    throw Error(ErrorCode::InvalidArgumentForLogarithm, "cannot take logarithm of a negative number");
  }
  const int scale =
      std::clamp(std::max(kSignificantDigits - ln_digits(value), display_scale(value)), 0, kMaxScale);
  return from_float(log(to_float(value)), scale);
}

Decimal numeric_log(Decimal base, Decimal value) {
  for (const Decimal& one : {base, value}) {
    if (one.unscaled == 0)
      throw Error(ErrorCode::InvalidArgumentForLogarithm, "cannot take logarithm of zero");
    if (one.unscaled < 0) {
      throw Error(ErrorCode::InvalidArgumentForLogarithm, "cannot take logarithm of a negative number");
    }
  }
  const BigFloat divisor = log(to_float(base));
  if (divisor == 0) throw Error(ErrorCode::DivisionByZero, "division by zero");
  const BigFloat result = log(to_float(value)) / divisor;
  const int digits = ln_digits(value) - ln_digits(base);
  const int scale = std::clamp(
      std::max({kSignificantDigits - digits, display_scale(base), display_scale(value)}), 0, kMaxScale);
  return from_float(result, scale);
}

Decimal numeric_power(Decimal base, Decimal exponent) {
  const Decimal power = trimmed(exponent);
  if (base.unscaled == 0 && power.unscaled < 0) {
    throw Error(ErrorCode::InvalidArgumentForPower, "zero raised to a negative power is undefined");
  }
  if (base.unscaled < 0 && power.scale > 0) {
    throw Error(ErrorCode::InvalidArgumentForPower,
                "a negative number raised to a non-integer power yields a complex result");
  }
  if (power.unscaled == 0) return {1, 0};
  if (base.unscaled == 0) return {};
  const BigFloat exact_base = to_float(base);
  const BigFloat exact_power = to_float(power);
  const double digits = (exact_power * log10(abs(exact_base))).convert_to<double>();
  if (digits > 38) overflow();
  const int scale = std::clamp(
      std::max({kSignificantDigits - static_cast<int>(digits), display_scale(base), display_scale(power)}), 0,
      kMaxScale);
  if (digits < -60) return {};
  return from_float(pow(exact_base, exact_power), scale);
}

std::optional<Decimal> numeric_round(Decimal value, int scale) {
  if (scale >= value.scale) return value;
  if (scale >= 0) {
    return Decimal{divide_rounded(value.unscaled, power_of_ten(value.scale - scale)),
                   static_cast<std::uint8_t>(scale)};
  }
  const int drop = value.scale - scale;
  if (drop > 38) return Decimal{};
  const Int128 rounded = divide_rounded(value.unscaled, power_of_ten(drop));
  const auto back = rescale(rounded, 0, -scale);
  if (!back) return std::nullopt;
  return Decimal{*back, 0};
}

Decimal numeric_truncate(Decimal value, int scale) {
  if (scale >= value.scale) return value;
  const int drop = value.scale - scale;
  if (drop > 38) return {};
  const Int128 cut = value.unscaled / power_of_ten(drop);
  if (scale >= 0) return {cut, static_cast<std::uint8_t>(scale)};
  return {cut * power_of_ten(-scale), 0};
}

void SquareSums::add(Int128 value) {
  ++count;
  Int128 total;
  if (__builtin_add_overflow(static_cast<Int128>(sum), value, &total)) overflow();
  sum = total;
  const UInt128 size = magnitude(value);
  UInt128 low;
  UInt128 high = 0;
  if (size >> 64 == 0) {
    low = size * size;
  } else {
    const UInt128 a = size >> 64;
    const UInt128 b = size & UINT64_MAX;
    const UInt128 cross = a * b;
    low = b * b;
    high = a * a + (cross >> 63);
    const UInt128 shifted = cross << 65;
    low += shifted;
    if (low < shifted) ++high;
  }
  squares_low += low;
  if (squares_low < low) ++squares_high;
  squares_high += high;
}

void SquareSums::merge(const SquareSums& other) {
  count += other.count;
  Int128 total;
  if (__builtin_add_overflow(static_cast<Int128>(sum), static_cast<Int128>(other.sum), &total)) overflow();
  sum = total;
  squares_low += other.squares_low;
  if (squares_low < other.squares_low) ++squares_high;
  squares_high += other.squares_high;
}

std::optional<Decimal> spread_of(const SquareSums& sums, int scale, Spread spread) {
  const bool is_sample = spread == Spread::VarianceSample || spread == Spread::DeviationSample;
  if (sums.count == 0 || (is_sample && sums.count == 1)) return std::nullopt;
  BigInt squares = static_cast<std::uint64_t>(sums.squares_high >> 64);
  for (const UInt128 part :
       {sums.squares_high & UINT64_MAX, sums.squares_low >> 64, sums.squares_low & UINT64_MAX}) {
    squares <<= 64;
    squares |= static_cast<std::uint64_t>(part);
  }
  const BigInt count = sums.count;
  const BigInt total = to_big(sums.sum);
  const BigInt numerator = count * squares - total * total;
  if (numerator <= 0) return Decimal{};
  const BigInt denominator = count * (is_sample ? count - 1 : count);
  const BigFloat variance =
      BigFloat(numerator) / BigFloat(denominator) / BigFloat(big_power_of_ten(2 * scale));
  const bool is_root = spread == Spread::DeviationSample || spread == Spread::DeviationPopulation;
  // PostgreSQL divides with select_div_scale and takes the root to as many digits.
  const BigFloat left = BigFloat(numerator) / BigFloat(big_power_of_ten(2 * scale));
  const auto weight_of = [](const BigFloat& value, BigFloat& digit) {
    const int exponent = static_cast<int>(floor(log10(value)).convert_to<long>());
    const int weight = exponent >= 0 ? exponent / 4 : -((-exponent + 3) / 4);
    digit = floor(value / pow(BigFloat(10), 4 * weight));
    return weight;
  };
  BigFloat left_digit;
  BigFloat right_digit;
  int weight = weight_of(left, left_digit) - weight_of(BigFloat(denominator), right_digit);
  if (left_digit <= right_digit) --weight;
  const int digits = std::max(kSignificantDigits - weight * 4, 0);
  const Decimal rounded = from_float(variance, std::min(digits, kMaxScale));
  return is_root ? from_float(sqrt(to_float(rounded)), std::min(digits, kMaxScale)) : rounded;
}

}  // namespace tickstone::duck
