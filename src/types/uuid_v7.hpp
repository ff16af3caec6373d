// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.hpp"

namespace tickstone {

/// UUIDs of version 7 (RFC 9562) as 128-bit numbers in the order of their text: 48 bits of milliseconds since
/// 1970, the version, then 12 bits that count the rest of the microseconds in 4096ths of a millisecond.
enum class UuidTime : std::uint8_t { Milliseconds, Microseconds };

/// The version, or nothing for one that is not of RFC 9562's variant.
std::optional<int> uuid_version(Int128 uuid);
/// Microseconds since 1970; nothing for other versions.
std::optional<std::int64_t> uuid_v7_time(Int128 uuid, UuidTime precision);
/// Microseconds since 1970 in the first 48 bits, whatever the version: they never fall where UUIDs rise.
std::int64_t uuid_leading_time(Int128 uuid);
/// Least number that is above all UUIDs whose `uuid_leading_time` is before `us`; nothing where no UUID is
/// that late.
std::optional<Int128> uuid_floor(std::int64_t us);
/// `random` fills the last 62 bits; 0 gives the least of that time. Errors: DatetimeFieldOverflow for a time
/// before 1970, or one that takes more than 48 bits.
Int128 uuid_v7_of(std::int64_t us, std::uint64_t random);

}  // namespace tickstone
