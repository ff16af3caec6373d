// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace tickstone {

/// What the setting DateStyle says: how dates and times are written, and which of the fields of `01/02/2026`
/// is the month.
struct DateStyle {
  enum class Format : std::uint8_t { Iso, Sql, Postgres, German };
  enum class Order : std::uint8_t { MonthDayYear, DayMonthYear, YearMonthDay };
  Format format = Format::Iso;
  Order order = Order::MonthDayYear;
  friend bool operator==(const DateStyle&, const DateStyle&) = default;
};

/// How the setting IntervalStyle has intervals written. SqlStandard reads them otherwise, too: the sign that
/// stands first is that of all fields.
enum class IntervalStyle : std::uint8_t { Postgres, PostgresVerbose, SqlStandard, Iso8601 };

}  // namespace tickstone
