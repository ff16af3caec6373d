// SPDX-License-Identifier: Apache-2.0
#include "types/interval.hpp"

namespace tickstone {

Int128 pack_interval(const IntervalValue& value) {
  const UInt128 months = static_cast<std::uint32_t>(value.months);
  const UInt128 days = static_cast<std::uint32_t>(value.days);
  return static_cast<Int128>(months << 96 | days << 64 | static_cast<std::uint64_t>(value.micros));
}

IntervalValue unpack_interval(Int128 packed) {
  const auto bits = static_cast<UInt128>(packed);
  return {static_cast<std::int32_t>(static_cast<std::uint32_t>(bits >> 96)),
          static_cast<std::int32_t>(static_cast<std::uint32_t>(bits >> 64)),
          static_cast<std::int64_t>(static_cast<std::uint64_t>(bits))};
}

}  // namespace tickstone
