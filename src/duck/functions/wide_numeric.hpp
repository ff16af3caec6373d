// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/multiprecision/cpp_int.hpp>

#include "types/decimal.hpp"

namespace tickstone::duck {

/// A NUMERIC of any number of digits: `unscaled / 10^scale`, without trailing zeros behind the point.
struct WideNumeric {
  boost::multiprecision::cpp_int unscaled;
  int scale = 0;
};

WideNumeric to_wide(Decimal value);
/// Nothing past 38 digits.
std::optional<Decimal> to_decimal(const WideNumeric& value);
/// Errors: InvalidTextRepresentation; InvalidParameterValue for NaN and infinities.
WideNumeric parse_wide(std::string_view text);
std::string to_text(const WideNumeric& value);
double to_double(const WideNumeric& value);

/// Bytes that are in the order of the numbers, one form for each number.
std::string encode_wide(const WideNumeric& value);
WideNumeric decode_wide(std::string_view bytes);
/// The same for numbers of at most 38 digits, which nearly all are; nothing for others.
std::string encode_wide(Decimal value);
std::optional<Decimal> decode_decimal(std::string_view bytes);

// As PostgreSQL computes them: sums, differences and products exact, quotients with its choice of digits.
// Errors: DivisionByZero; NumericValueOutOfRange past PostgreSQL's own limits.
WideNumeric wide_add(const WideNumeric& a, const WideNumeric& b);
WideNumeric wide_subtract(const WideNumeric& a, const WideNumeric& b);
WideNumeric wide_multiply(const WideNumeric& a, const WideNumeric& b);
WideNumeric wide_divide(const WideNumeric& a, const WideNumeric& b);
WideNumeric wide_remainder(const WideNumeric& a, const WideNumeric& b);
/// Rounded to `digits` behind the point (before it where negative), half away from zero; or cut.
WideNumeric wide_round(const WideNumeric& value, int digits);
WideNumeric wide_truncate(const WideNumeric& value, int digits);
int wide_sign(const WideNumeric& value);
/// Digits that PostgreSQL gives a quotient.
int wide_quotient_scale(const WideNumeric& a, const WideNumeric& b);
WideNumeric wide_divide_at(const WideNumeric& a, const WideNumeric& b, int scale);
/// The square root rounded to `scale` digits.
WideNumeric wide_root(const WideNumeric& value, int scale);

}  // namespace tickstone::duck
