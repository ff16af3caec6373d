// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.hpp"
#include "storage/codec/decoded_block.hpp"
#include "types/column.hpp"

namespace tickstone::storage {

/// How the values of a block are packed. The numbers are part of the segment format.
enum class Codec : std::uint8_t {
  AllNull = 0,
  Constant = 1,
  Plain = 2,
  Integers = 3,
  WideIntegers = 4,
  DecimalFloats = 5,
  Texts = 6,
  Dictionary = 7,
};

inline constexpr std::size_t kMaxBlockRows = 65536;

/// Appends a Flat column of 1 to kMaxBlockRows rows, packed by the codec that needs the fewest bytes.
void encode_block(const ColumnView& column, ByteWriter& out);

/// Reads what `encode_block` wrote into the layout asked for (a NUMERIC may be wider than it was written).
/// Errors: DataCorrupted.
std::shared_ptr<const DecodedBlock> decode_block(std::span<const std::byte> encoded, const SqlType& type,
                                                 ColumnLayout layout, std::size_t row_count,
                                                 std::uint64_t dictionary_id);

}  // namespace tickstone::storage
