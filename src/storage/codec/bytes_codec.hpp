// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

#include "base/bytes.hpp"
#include "storage/codec/decoded_block.hpp"

namespace tickstone::storage {

enum class TextForm : std::uint8_t { Whole, Dictionary };

/// Appends texts whole or as a dictionary and codes, whichever is smaller; says which.
TextForm encode_texts(std::span<const std::string_view> rows, ByteWriter& out);

/// These read what it wrote into `block`, whose form they set. Errors: DataCorrupted.
void decode_whole_texts(ByteReader& in, std::size_t row_count, DecodedBlock& block);
void decode_dictionary(ByteReader& in, std::size_t row_count, DecodedBlock& block);

}  // namespace tickstone::storage
