// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "types/date_style.hpp"

namespace tickstone {

/// PostgreSQL's interval: three parts that are not interchangeable.
struct IntervalValue {
  std::int32_t months = 0;
  std::int32_t days = 0;
  std::int64_t micros = 0;
  friend bool operator==(const IntervalValue&, const IntervalValue&) = default;
};

/// As an Int128 column holds it: months in the top 32 bits, days in the next 32, microseconds in the low 64.
Int128 pack_interval(const IntervalValue& value);
IntervalValue unpack_interval(Int128 packed);

/// Every form of PostgreSQL's `postgres` style and ISO 8601 input: '1 day', '5 minutes', '1:30:00',
/// '60.000s', 'P1DT2H', '1 mon ago'.
std::optional<IntervalValue> parse_interval(std::string_view text,
                                            IntervalStyle style = IntervalStyle::Postgres);
/// IntervalStyle postgres: `1 day 02:00:00`.
std::string format_interval(const IntervalValue& value);
std::string format_interval(const IntervalValue& value, IntervalStyle style);

}  // namespace tickstone
