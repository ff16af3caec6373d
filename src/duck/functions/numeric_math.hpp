// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "types/decimal.hpp"

namespace tickstone::duck {

/// The scale that a quotient's column has: PostgreSQL picks one for each value, at least 16 significant
/// digits, which these hold for quotients down to 0.0001. Smaller ones that need more are an overflow, at
/// which the statement is run again with numbers of any digits. Trailing zeros are not kept, so nothing
/// shows.
inline constexpr int kQuotientScale = 20;
/// Products have room for every digit up to this scale; past it they have room for so many, and one that has
/// more is an overflow, so that whole digits have room too.
inline constexpr int kProductScale = 24;

/// PostgreSQL's select_div_scale: the digits after the point of `a / b`.
int quotient_scale(Decimal a, Decimal b);
/// `a / b` at `result_scale`, rounded to PostgreSQL's digits, half away from zero. `b` is not zero. Nothing
/// where 38 digits or that scale do not suffice for them.
std::optional<Int128> divide(Decimal a, Decimal b, int result_scale);
/// `value / divisor` rounded half away from zero.
Int128 divide_rounded(Int128 value, Int128 divisor);
/// `a * b` (unscaled) divided by 10^drop; nothing past 38 digits, or where digits would be lost.
std::optional<Int128> multiply_exactly(Int128 a, Int128 b, int drop);
/// `value` at another scale; nothing where it does not fit or digits would be lost.
std::optional<Int128> rescale_exactly(Int128 unscaled, int from_scale, int to_scale);
bool fits_38_digits(Int128 value);

/// PostgreSQL's sqrt, exp, ln, log10 and power of numeric, with its choice of digits. Errors: 2201E, 2201F,
/// 22003 as PostgreSQL words them.
Decimal numeric_sqrt(Decimal value);
Decimal numeric_exp(Decimal value);
Decimal numeric_ln(Decimal value);
Decimal numeric_log(Decimal base, Decimal value);
Decimal numeric_power(Decimal base, Decimal exponent);
/// Rounded to `scale` digits, which may be negative; half away from zero, or towards zero.
std::optional<Decimal> numeric_round(Decimal value, int scale);
Decimal numeric_truncate(Decimal value, int scale);

/// 128 bits where DuckDB keeps aggregates' states: it aligns them to 8 bytes.
__extension__ typedef __int128 LooseInt128 __attribute__((aligned(8)));
__extension__ typedef unsigned __int128 LooseUInt128 __attribute__((aligned(8)));

/// Sums of n values and of their squares at `scale`, exact: the variance or its root as PostgreSQL computes
/// it.
struct SquareSums {
  std::uint64_t count = 0;
  LooseInt128 sum = 0;
  // The sum of squares, 256 bits: low and high half.
  LooseUInt128 squares_low = 0;
  LooseUInt128 squares_high = 0;

  void add(Int128 value);
  void merge(const SquareSums& other);
};
enum class Spread : std::uint8_t { VarianceSample, VariancePopulation, DeviationSample, DeviationPopulation };
/// Nothing where there are too few values.
std::optional<Decimal> spread_of(const SquareSums& sums, int scale, Spread spread);

}  // namespace tickstone::duck
