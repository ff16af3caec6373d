// SPDX-License-Identifier: Apache-2.0
#include "base/byte_size.hpp"

#include <charconv>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

namespace tickstone {

namespace {

struct ByteUnit {
  std::string_view name;
  int bits;
};

constexpr ByteUnit kPrintedUnits[] = {{"bytes", 0}, {"kB", 10}, {"MB", 20},
                                      {"GB", 30},   {"TB", 40}, {"PB", 50}};
constexpr ByteUnit kSettingUnits[] = {{"B", 0}, {"kB", 10}, {"MB", 20}, {"GB", 30}, {"TB", 40}};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

std::string format_bytes(std::int64_t bytes) {
  if (bytes > -10 * 1024 && bytes < 10 * 1024) return fmt::format("{} bytes", bytes);
  // Each unit is held doubled, so that its last bit says which way to round.
  std::int64_t doubled = bytes / 512;
  std::size_t unit = 1;
  constexpr std::size_t kLast = std::size(kPrintedUnits) - 1;
  while (unit < kLast && std::llabs(doubled) >= 2 * 10 * 1024 - 1) {
    doubled /= 1024;
    ++unit;
  }
  const std::int64_t rounded = (doubled + (doubled < 0 ? -1 : 1)) / 2;
  return fmt::format("{} {}", rounded, kPrintedUnits[unit].name);
}

std::optional<std::int64_t> parse_bytes(std::string_view text, std::int64_t default_unit_bytes) {
  text = trimmed(text);
  double number = 0;
  const auto [end, problem] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (problem != std::errc{} || !(number >= 0)) return std::nullopt;
  const auto unit = trimmed(text.substr(static_cast<std::size_t>(end - text.data())));
  double unit_bytes = 0;
  if (unit.empty()) unit_bytes = static_cast<double>(default_unit_bytes);
  for (const auto& row : kSettingUnits) {
    if (unit == row.name) unit_bytes = std::ldexp(1.0, row.bits);
  }
  const double bytes = std::rint(number * unit_bytes);
  if (unit_bytes == 0 || !(bytes < 9.2e18)) return std::nullopt;
  return static_cast<std::int64_t>(bytes);
}

}  // namespace tickstone
