// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tickstone {

/// As pg_size_pretty: `8192 bytes`, `10 kB`, `1024 MB`.
std::string format_bytes(std::int64_t bytes);
/// A memory setting: `64MB`, `1.5 GB`, `512kB`, or a bare number of `default_unit_bytes`; units are B, kB,
/// MB, GB, TB. Nothing for other text and for what is negative or past 64 bits.
std::optional<std::int64_t> parse_bytes(std::string_view text, std::int64_t default_unit_bytes = 1);

}  // namespace tickstone
