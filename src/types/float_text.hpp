// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace tickstone {

/// PostgreSQL's output of float8 and float4: the shortest text that reads back (`1e+20`, `0.1`, `Infinity`,
/// `NaN`), or, with `extra_float_digits` of zero or less, so many fewer digits than 15 and 6.
void append_double(std::string& out, double value, int extra_float_digits = 1);
void append_real(std::string& out, float value, int extra_float_digits = 1);

/// PostgreSQL's input of them. Errors: InvalidTextRepresentation, NumericValueOutOfRange.
double parse_double(std::string_view text);
float parse_real(std::string_view text);

}  // namespace tickstone
