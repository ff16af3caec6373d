// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tickstone {

/// A POSIX TZ string such as `EST5EDT,M3.2.0,M11.1.0`: the rule of a zone for ever.
struct PosixZoneRule {
  /// When a change happens each year: in local time of the offset before it.
  struct Change {
    enum class Kind : std::uint8_t { MonthWeekDay, JulianWithoutLeapDay, DayOfYear };
    Kind kind = Kind::MonthWeekDay;
    std::int32_t month = 0;
    std::int32_t week = 0;
    std::int32_t day = 0;
    std::int32_t second = 7200;
  };
  struct Local {
    std::int32_t offset_seconds = 0;  // east of UTC
    std::string abbreviation;
    bool is_daylight = false;
  };

  Local standard;
  std::optional<Local> daylight;
  Change start;  // of daylight time
  Change end;

  const Local& at_utc(std::int64_t utc_second) const;
  /// The first change after that instant; nothing where the offset never changes.
  std::optional<std::int64_t> next_change_after(std::int64_t utc_second) const;
};

/// Errors: nothing for text that is no rule. Sign as POSIX has it: `UTC+3` is three hours west.
std::optional<PosixZoneRule> parse_posix_zone_rule(std::string_view text);

}  // namespace tickstone
