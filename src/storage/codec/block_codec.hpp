// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
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
  Related = 8,
};

inline constexpr std::size_t kMaxBlockRows = 65536;

/// A column of the same rows that a block may be written relative to: an ask to its bid, a high to its open.
struct RelatedColumn {
  std::uint16_t number = 0;  // what the block will call it
  ColumnView rows;           // Flat
};
/// Reads the block of a related column in the layout asked for. Errors: DataCorrupted.
using ReadRelated =
    std::function<std::shared_ptr<const DecodedBlock>(std::uint16_t number, ColumnLayout layout)>;

/// Appends a Flat column of 1 to kMaxBlockRows rows, packed by the codec that needs the fewest bytes. Returns
/// which it was.
Codec encode_block(const ColumnView& column, ByteWriter& out, std::span<const RelatedColumn> related = {});

/// Reads what `encode_block` wrote into the layout asked for (a NUMERIC may be wider than it was written).
/// Errors: DataCorrupted; also for a block relative to another without `read_related`.
std::shared_ptr<const DecodedBlock> decode_block(std::span<const std::byte> encoded, const SqlType& type,
                                                 ColumnLayout layout, std::size_t row_count,
                                                 std::uint64_t dictionary_id,
                                                 const ReadRelated& read_related = {});

}  // namespace tickstone::storage
