// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace tickstone {

/// A UUID column holds the 16 bytes as one big-endian number.
///
/// Text: 32 hexadecimal digits, with or without braces, a hyphen allowed after every fourth.
std::optional<Int128> parse_uuid(std::string_view text);
void append_uuid(std::string& out, Int128 uuid);

}  // namespace tickstone
