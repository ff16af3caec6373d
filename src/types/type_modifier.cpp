// SPDX-License-Identifier: Apache-2.0
#include "types/type_modifier.hpp"

#include <limits>

#include <tickstone/error.hpp>

#include "types/timestamp.hpp"
#include "types/utf8.hpp"

namespace tickstone {

std::string_view fit_length(const SqlType& type, std::string_view text, LengthRule rule,
                            std::string& buffer) {
  if (type.precision < 0) return text;
  const auto limit = static_cast<std::size_t>(type.precision);
  // No text has more characters than bytes.
  const bool is_short = text.size() <= limit;
  const std::size_t kept = is_short ? text.size() : utf8_prefix_bytes(text, limit);
  if (kept < text.size()) {
    const bool is_space_only = text.find_first_not_of(' ', kept) == std::string_view::npos;
    if (!is_space_only && rule == LengthRule::Refuse) {
      throw Error(ErrorCode::StringDataRightTruncation, "value too long for type " + to_sql(type));
    }
    return text.substr(0, kept);
  }
  if (type.id != TypeId::Char) return text;
  const std::size_t length = utf8_length(text);
  if (length >= limit) return text;
  buffer.assign(text);
  buffer.append(limit - length, ' ');
  return buffer;
}

std::int64_t round_fraction(const SqlType& type, std::int64_t us, std::int64_t from_us) {
  if (type.precision < 0 || type.precision >= 6) return us;
  if (us == kTimestampInfinity || us == kTimestampNegInfinity) return us;
  std::int64_t step = 1;
  for (int i = type.precision; i < 6; ++i) step *= 10;
  // Near the ends of the range the distance does not fit 64 bits, nor would the rounded value.
  std::int64_t distance = 0;
  if (__builtin_sub_overflow(us, from_us, &distance)) return us;
  const std::int64_t size = distance < 0 ? -distance : distance;
  if (size > std::numeric_limits<std::int64_t>::max() - step) return us;
  const std::int64_t rounded = (size + step / 2) / step * step;
  std::int64_t result = 0;
  if (__builtin_add_overflow(from_us, distance < 0 ? -rounded : rounded, &result)) return us;
  return result;
}

}  // namespace tickstone
