// SPDX-License-Identifier: Apache-2.0
#include "types/uuid_v7.hpp"

#include <tickstone/error.hpp>

namespace tickstone {

namespace {

constexpr std::int64_t kMostMilliseconds = (std::int64_t{1} << 48) - 1;

}  // namespace

std::optional<int> uuid_version(Int128 uuid) {
  const auto bits = static_cast<UInt128>(uuid);
  if (((bits >> 62) & 3) != 2) return std::nullopt;
  return static_cast<int>((bits >> 76) & 15);
}

std::optional<std::int64_t> uuid_v7_time(Int128 uuid, UuidTime precision) {
  if (uuid_version(uuid) != 7) return std::nullopt;
  const auto bits = static_cast<UInt128>(uuid);
  const std::int64_t us = uuid_leading_time(uuid);
  if (precision == UuidTime::Milliseconds) return us;
  const auto fraction = static_cast<std::int64_t>((bits >> 64) & 4095);
  return us + (fraction + 1) * 1000 / 4096;
}

std::int64_t uuid_leading_time(Int128 uuid) {
  return static_cast<std::int64_t>(static_cast<UInt128>(uuid) >> 80) * 1000;
}

std::optional<Int128> uuid_floor(std::int64_t us) {
  if (us <= 0) return Int128{0};
  const std::int64_t milliseconds = us / 1000 + (us % 1000 == 0 ? 0 : 1);
  if (milliseconds > kMostMilliseconds) return std::nullopt;
  return static_cast<Int128>(static_cast<UInt128>(milliseconds) << 80);
}

Int128 uuid_v7_of(std::int64_t us, std::uint64_t random) {
  if (us < 0 || us / 1000 > kMostMilliseconds)
    throw Error(ErrorCode::DatetimeFieldOverflow, "timestamp out of range for a UUID of version 7");
  const auto milliseconds = static_cast<UInt128>(us / 1000);
  const auto fraction = static_cast<UInt128>((us % 1000) * 4096 / 1000);
  const UInt128 high = milliseconds << 16 | UInt128{7} << 12 | fraction;
  const std::uint64_t low = (random >> 2) | (std::uint64_t{1} << 63);
  return static_cast<Int128>(high << 64 | low);
}

}  // namespace tickstone
