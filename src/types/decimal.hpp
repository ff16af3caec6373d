// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tickstone/decimal.hpp>

#include "base/bytes.hpp"

namespace tickstone {

inline constexpr int kMaxNumericDigits = 38;
/// The most digits that an Int64 column holds: any such value, whatever its leading digit.
inline constexpr int kMaxInt64Digits = 18;

/// 10^exponent, exponent in [0, 38].
Int128 power_of_ten(int exponent);
/// Decimal digits of |value|; 0 has none.
int digit_count(Int128 value);

/// Parses PostgreSQL's numeric text ("-1.50", "1e-5", " 42 "); trailing zeros of the fraction are dropped.
/// Returns nothing for text that is not a number. Errors: NumericValueOutOfRange past 38 digits;
/// InvalidParameterValue for NaN and infinities, with the hint to use DOUBLE PRECISION.
std::optional<Decimal> parse_decimal(std::string_view text);
/// Without trailing zeros of the fraction: 187.15, -0.00001234, 5.
std::string format_decimal(Decimal value);
void append_decimal(std::string& out, Int128 unscaled, int scale);

/// `value` at another scale; rounds half away from zero when the scale shrinks (PostgreSQL's rule), nothing
/// where it overflows.
std::optional<Int128> rescale(Int128 unscaled, int from_scale, int to_scale);
/// The same value at its smallest scale.
Decimal trimmed(Decimal value);
double to_double(Decimal value);
/// The shortest decimal that reads back as `value`, as PostgreSQL casts float8 to numeric (15 digits).
std::optional<Decimal> decimal_from_double(double value);
int compare(Decimal a, Decimal b);

}  // namespace tickstone
