// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace tickstone {

__extension__ typedef __int128 Int128;

/// An exact decimal number, as a NUMERIC column holds it: `unscaled / 10^scale`.
///
/// Range: at most 38 digits, of which `scale` (0 to 38) stand behind the point. Nothing is ever rounded.
struct Decimal {
  Int128 unscaled = 0;
  std::uint8_t scale = 0;

  /// PostgreSQL's numeric text: `-1.50`, `1e-5`, ` 42 `. Errors: InvalidTextRepresentation (22P02),
  /// NumericValueOutOfRange (22003) past 38 digits, InvalidParameterValue (22023) for NaN and infinities.
  static Decimal parse(std::string_view text);
  /// The shortest decimal that reads back as `value`. Errors: as `parse`.
  static Decimal of(double value);

  /// Without trailing zeros of the fraction: `187.15`, `-0.00001234`, `5`.
  std::string to_string() const;
  /// The nearest double.
  double to_double() const;

  /// By value: 1.50 equals 1.5.
  friend std::strong_ordering operator<=>(const Decimal& a, const Decimal& b);
  friend bool operator==(const Decimal& a, const Decimal& b) { return (a <=> b) == 0; }
};

}  // namespace tickstone
