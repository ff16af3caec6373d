// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace tickstone {

/// The wall clock and the monotonic clock, injected so that tests decide the time.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Units: microseconds since 1970-01-01 00:00 UTC.
  virtual std::int64_t now_us() const;
  /// Units: nanoseconds from an arbitrary start, never going back.
  virtual std::int64_t monotonic_ns() const;
};

/// The machine's clock. Lifetime: the process.
const Clock& system_clock();

}  // namespace tickstone
