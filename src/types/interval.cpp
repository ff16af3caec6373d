// SPDX-License-Identifier: Apache-2.0
#include "types/interval.hpp"

#include <fmt/format.h>

namespace tickstone {

namespace {

/// `1 year`, `-2 mons`; a positive part after a negative one shows its sign.
void append_part(std::string& out, std::int64_t value, std::string_view unit, bool& is_after_negative) {
  if (value == 0) return;
  if (!out.empty()) out.push_back(' ');
  if (is_after_negative && value > 0) out.push_back('+');
  out += fmt::format("{} {}{}", value, unit, value == 1 ? "" : "s");
  is_after_negative = value < 0;
}

}  // namespace

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

std::string format_interval(const IntervalValue& value) {
  std::string out;
  bool is_after_negative = false;
  append_part(out, value.months / 12, "year", is_after_negative);
  append_part(out, value.months % 12, "mon", is_after_negative);
  append_part(out, value.days, "day", is_after_negative);
  if (value.micros == 0 && !out.empty()) return out;
  if (!out.empty()) out.push_back(' ');
  if (value.micros < 0) {
    out.push_back('-');
  } else if (is_after_negative) {
    out.push_back('+');
  }
  const auto bits = static_cast<std::uint64_t>(value.micros);
  const std::uint64_t micros = value.micros < 0 ? 0 - bits : bits;
  const std::uint64_t seconds = micros / 1'000'000;
  out += fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  if (micros % 1'000'000 != 0) {
    out += fmt::format(".{:06}", micros % 1'000'000);
    while (out.back() == '0') out.pop_back();
  }
  return out;
}

}  // namespace tickstone
