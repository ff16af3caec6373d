// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tickstone {

/// A zone, or an abbreviation of one, at one moment.
struct TimeZoneFacts {
  std::string name;
  std::string abbreviation;
  std::int32_t offset_seconds = 0;  // east of UTC
  bool is_daylight = false;
};

/// All zones of the tz database, by name. Cost: reads their files the first time.
std::vector<TimeZoneFacts> all_time_zones(std::int64_t now_us);
/// All abbreviations that dates may have, in capitals.
std::vector<TimeZoneFacts> all_zone_abbreviations();

}  // namespace tickstone
