// SPDX-License-Identifier: Apache-2.0
#include "types/uuid_text.hpp"

#include "types/bytea_text.hpp"

namespace tickstone {

std::optional<Int128> parse_uuid(std::string_view text) {
  if (!text.empty() && text.front() == '{') {
    if (text.back() != '}') return std::nullopt;
    text = text.substr(1, text.size() - 2);
  }
  UInt128 value = 0;
  int digit_count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '-') {
      if (digit_count % 4 != 0 || digit_count == 0 || digit_count == 32 || text[i - 1] == '-')
        return std::nullopt;
      continue;
    }
    const int digit = hex_digit(text[i]);
    if (digit < 0 || ++digit_count > 32) return std::nullopt;
    value = value << 4 | static_cast<unsigned>(digit);
  }
  if (digit_count != 32) return std::nullopt;
  return static_cast<Int128>(value);
}

void append_uuid(std::string& out, Int128 uuid) {
  static constexpr char kDigits[] = "0123456789abcdef";
  const auto bits = static_cast<UInt128>(uuid);
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) out.push_back('-');
    out.push_back(kDigits[static_cast<unsigned>(bits >> (124 - i * 4)) & 15U]);
  }
}

}  // namespace tickstone
