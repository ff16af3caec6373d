// SPDX-License-Identifier: Apache-2.0
#include "types/binary_numeric.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include <tickstone/error.hpp>

#include "base/big_endian.hpp"
#include "types/binary_receiver.hpp"
#include "types/powers_of_ten.hpp"

namespace tickstone {

namespace {

constexpr std::uint16_t kNumericPositive = 0x0000;
constexpr std::uint16_t kNumericNegative = 0x4000;
constexpr std::uint16_t kNumericNan = 0xC000;
constexpr std::uint16_t kNumericInfinity = 0xD000;
constexpr std::uint16_t kNumericNegativeInfinity = 0xF000;
constexpr int kMaxDisplayScale = 16383;

/// Base-10000 digits, most significant first, without zeros at the ends.
template <typename Unsigned>
char* put_numeric_digits(char* field, Unsigned magnitude, int scale, bool is_negative) {
  while (scale >= 4 && magnitude % 10000 == 0 && magnitude != 0) {
    magnitude /= 10000;
    scale -= 4;
  }
  while (scale > 0 && magnitude % 10 == 0) {  // the display scale is that of the text form
    magnitude /= 10;
    --scale;
  }
  constexpr std::size_t kMostGroups = 12;
  std::array<std::uint16_t, kMostGroups> groups;  // least significant first
  std::size_t count = 0;
  const int odd = scale % 4;
  int fraction_groups = (scale + 3) / 4;
  if (odd != 0) {
    static constexpr std::uint16_t kPowers[] = {1, 10, 100, 1000};
    groups[count++] =
        static_cast<std::uint16_t>(static_cast<std::uint16_t>(magnitude % kPowers[odd]) * kPowers[4 - odd]);
    magnitude /= kPowers[odd];
  }
  while (magnitude != 0) {
    groups[count++] = static_cast<std::uint16_t>(magnitude % 10000);
    magnitude /= 10000;
  }
  std::size_t first = 0;
  while (first < count && groups[first] == 0) ++first;
  while (count > first && groups[count - 1] == 0) --count;
  const auto digits = static_cast<std::int16_t>(count - first);
  const auto weight = digits == 0 ? 0 : static_cast<int>(count) - fraction_groups - 1;
  store_big_endian(field, static_cast<std::int32_t>(8 + 2 * digits));
  store_big_endian(field + 4, digits);
  store_big_endian(field + 6, static_cast<std::int16_t>(weight));
  store_big_endian(field + 8, is_negative && digits != 0 ? kNumericNegative : kNumericPositive);
  store_big_endian(field + 10, static_cast<std::uint16_t>(scale));
  char* end = field + 12;
  for (std::size_t i = count; i > first; --i, end += 2) store_big_endian(end, groups[i - 1]);
  return end;
}

/// A number of few groups of digits, `whole_groups` of them before the point, of whose fraction
/// `display_scale` digits count; in least form, as its text would be read.
template <typename Unsigned>
Decimal decimal_of(std::span<const std::uint16_t> groups, int fraction_groups, int display_scale,
                   bool is_negative) {
  Unsigned magnitude = 0;
  for (const auto group : groups) magnitude = magnitude * 10000 + group;
  int scale = 4 * fraction_groups;
  for (; scale > display_scale; --scale) magnitude /= 10;
  if (magnitude == 0) return {};
  for (; scale > 0 && magnitude % 10 == 0; --scale) magnitude /= 10;
  const auto unscaled = static_cast<Int128>(magnitude);
  return {is_negative ? -unscaled : unscaled, static_cast<std::uint8_t>(scale)};
}

}  // namespace

char* put_numeric_field(char* at, Int128 unscaled, int scale) {
  const bool is_negative = unscaled < 0;
  const UInt128 magnitude = is_negative ? -static_cast<UInt128>(unscaled) : static_cast<UInt128>(unscaled);
  if (magnitude <= UINT64_MAX) {
    return put_numeric_digits(at, static_cast<std::uint64_t>(magnitude), scale, is_negative);
  }
  return put_numeric_digits(at, magnitude, scale, is_negative);
}

void append_numeric_field(std::string& out, std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  const auto point = std::min(text.find('.'), text.size());
  std::string digits(text.substr(0, point));
  const std::size_t scale = point < text.size() ? text.size() - point - 1 : 0;
  digits.insert(0, (4 - point % 4) % 4, '0');
  const auto weight = static_cast<int>(digits.size() / 4) - 1;
  if (scale > 0) digits.append(text.substr(point + 1));
  digits.append((4 - digits.size() % 4) % 4, '0');
  std::size_t first = 0;
  std::size_t last = digits.size();
  while (first < last && digits.compare(first, 4, "0000") == 0) first += 4;
  while (last > first && digits.compare(last - 4, 4, "0000") == 0) last -= 4;
  const auto count = static_cast<std::int16_t>((last - first) / 4);
  append_big_endian(out, static_cast<std::int32_t>(8 + 2 * count));
  append_big_endian(out, count);
  append_big_endian(out, static_cast<std::int16_t>(count == 0 ? 0 : weight - static_cast<int>(first / 4)));
  append_big_endian(out, is_negative ? kNumericNegative : kNumericPositive);
  append_big_endian(out, static_cast<std::uint16_t>(scale));
  for (std::size_t at = first; at < last; at += 4) {
    std::uint16_t group = 0;
    for (std::size_t i = at; i < at + 4; ++i)
      group = static_cast<std::uint16_t>(group * 10 + (digits[i] - '0'));
    append_big_endian(out, group);
  }
}

Decimal receive_decimal(std::string_view bytes) {
  Receiver in(bytes);
  const int digit_count = in.take<std::uint16_t>();
  const int weight = in.take<std::int16_t>();
  const auto sign = in.take<std::uint16_t>();
  const int display_scale = in.take<std::uint16_t>();
  if (sign == kNumericNan) return *parse_decimal("NaN");  // throws what the text form throws
  if (sign == kNumericInfinity) return *parse_decimal("Infinity");
  if (sign == kNumericNegativeInfinity) return *parse_decimal("-Infinity");
  if (sign != kNumericPositive && sign != kNumericNegative)
    fail_format("invalid sign in external \"numeric\" value");
  if (display_scale > kMaxDisplayScale) fail_format("invalid scale in external \"numeric\" value");
  if (static_cast<std::size_t>(digit_count) * 2 != in.remaining()) fail_format();

  const int lowest = weight - digit_count + 1;
  const int last = std::max(lowest, -(display_scale + 3) / 4);
  // 16 digits before the point and as many behind it, or fewer, need no text.
  constexpr int kFewGroups = 4;
  if (weight < kFewGroups && last >= -kFewGroups) {
    std::array<std::uint16_t, 2 * kFewGroups> few{};
    const int first = std::max(weight, 0);
    const int fraction_groups = std::max(-last, 0);
    for (int i = 0; i < digit_count; ++i) {
      const auto group = in.take<std::uint16_t>();
      if (group >= 10000) fail_format("invalid digit in external \"numeric\" value");
      const int at = first - (weight - i);
      if (at <= first + fraction_groups) few[static_cast<std::size_t>(at)] = group;
    }
    const std::span used(few.data(), static_cast<std::size_t>(first + 1 + fraction_groups));
    const bool is_negative = sign == kNumericNegative;
    return used.size() <= kFewGroups
               ? decimal_of<std::uint64_t>(used, fraction_groups, display_scale, is_negative)
               : decimal_of<UInt128>(used, fraction_groups, display_scale, is_negative);
  }

  // As text: numbers of any length are cut and checked where text is.
  std::string text = sign == kNumericNegative ? "-" : "";
  const auto append_group = [&](int group) {
    char digits[4];
    for (int i = 3; i >= 0; --i, group /= 10) digits[i] = static_cast<char>('0' + group % 10);
    text.append(digits, 4);
  };
  std::vector<std::uint16_t> groups(static_cast<std::size_t>(digit_count));
  for (auto& group : groups) {
    group = in.take<std::uint16_t>();
    if (group >= 10000) fail_format("invalid digit in external \"numeric\" value");
  }
  const auto group_at = [&](int exponent) -> int {  // of 10000^exponent
    const int index = weight - exponent;
    return index >= 0 && index < digit_count ? groups[static_cast<std::size_t>(index)] : 0;
  };
  if (digit_count > 0 && weight > 16) {
    throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
  }
  text += '0';
  for (int exponent = std::max(weight, 0); exponent >= 0; --exponent) append_group(group_at(exponent));
  text += '.';
  const auto fraction_at = text.size();
  for (int exponent = -1; exponent >= last; --exponent) append_group(group_at(exponent));
  text.resize(std::min(text.size(), fraction_at + static_cast<std::size_t>(display_scale)));
  const auto decimal = parse_decimal(text);
  if (!decimal) fail_format();
  return *decimal;
}

std::optional<std::int64_t> receive_short_decimal(std::string_view bytes, int scale) {
  constexpr std::size_t kHeadBytes = 8;
  constexpr int kMostGroups = 4;
  if (bytes.size() < kHeadBytes) return std::nullopt;
  const int count = load_big_endian<std::uint16_t>(bytes.data());
  const int weight = load_big_endian<std::int16_t>(bytes.data() + 2);
  const auto sign = load_big_endian<std::uint16_t>(bytes.data() + 4);
  const int display_scale = load_big_endian<std::uint16_t>(bytes.data() + 6);
  const int lowest = weight - count + 1;  // power of 10000
  if (count > kMostGroups || bytes.size() != kHeadBytes + 2 * static_cast<std::size_t>(count) ||
      (sign != kNumericPositive && sign != kNumericNegative) || weight >= kMostGroups ||
      lowest < -kMostGroups || display_scale > scale || scale > 4 * kMostGroups) {
    return std::nullopt;
  }
  std::int64_t magnitude = 0;
  for (int i = 0; i < count; ++i) {
    const auto group = load_big_endian<std::uint16_t>(bytes.data() + kHeadBytes + 2 * i);
    if (group >= 10000) return std::nullopt;
    magnitude = magnitude * 10000 + group;
  }
  // What lies behind the display scale does not count.
  int digits = std::max(0, -4 * lowest);
  if (digits > display_scale) {
    magnitude /= kPowersOfTen[static_cast<std::size_t>(digits - display_scale)];
    digits = display_scale;
  }
  const int raised = scale - digits + std::max(0, 4 * lowest);
  if (magnitude == 0) return 0;
  if (raised > 16) return std::nullopt;
  const Int128 unscaled = Int128{magnitude} * kPowersOfTen[static_cast<std::size_t>(raised)];
  if (unscaled >= Int128{100} * kPowersOfTen[16]) return std::nullopt;
  return static_cast<std::int64_t>(sign == kNumericNegative ? -unscaled : unscaled);
}

}  // namespace tickstone
