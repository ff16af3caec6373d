// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "types/decimal.hpp"
#include "types/timestamp.hpp"

namespace tickstone {

// Values of few bytes, written where there is room for the longest: results of many rows are mostly made of
// them. Each gives the end of what it has written, and writes what the functions that append to a string do.

/// Of a decimal: sign, point and 39 digits, of which one may be the zero before the point.
inline constexpr std::size_t kMostDecimalBytes = 48;
/// As `append_decimal`. `scale` is in [0, 38].
char* put_decimal(char* at, std::int64_t unscaled, int scale);
char* put_decimal(char* at, Int128 unscaled, int scale);

/// Moments as `append_timestamptz` and `append_timestamp` write them (DateStyle ISO), those of one day after
/// the other faster: the day's text is kept.
class MomentWriter {
 public:
  static constexpr std::size_t kMostBytes = 64;

  /// With the offset of `zone`, which stays; nullptr: without one.
  explicit MomentWriter(const TimeZone* zone) : zone_(zone), is_utc_(zone != nullptr && zone->is_utc()) {}

  char* put(char* at, std::int64_t us);

 private:
  const TimeZone* zone_;
  bool is_utc_;
  // The local day that `day_` is the text of, with a blank behind it.
  std::int64_t day_start_us_ = 0, day_end_us_ = 0;
  std::size_t day_bytes_ = 0;
  bool is_bc_ = false;
  char day_[24];
};

}  // namespace tickstone
