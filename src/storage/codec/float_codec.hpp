// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>

#include "base/bytes.hpp"

namespace tickstone::storage {

/// Appends `values` as integers over a power of ten, those that are no such decimal bit by bit as exceptions.
/// Returns false, and appends nothing, where that would need `limit_bytes` or more.
template <typename Float>
bool encode_decimal_floats(std::span<const Float> values, std::size_t limit_bytes, ByteWriter& out);

/// Reads what it wrote. Errors: DataCorrupted.
template <typename Float>
void decode_decimal_floats(ByteReader& in, std::span<Float> into);

}  // namespace tickstone::storage
