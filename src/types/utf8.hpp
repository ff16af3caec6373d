// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tickstone {

/// Throws CharacterNotInRepertoire for bytes that are not UTF-8, and for a zero byte, which no text of SQL
/// holds.
void check_utf8(std::string_view text);
/// Characters of valid UTF-8.
std::size_t utf8_length(std::string_view text);
/// Bytes of the first `characters` characters of valid UTF-8, or all.
std::size_t utf8_prefix_bytes(std::string_view text, std::size_t characters);
void append_utf8(std::string& out, std::uint32_t code_point);

}  // namespace tickstone
