// SPDX-License-Identifier: Apache-2.0
#include "storage/row_checksum.hpp"

#include <cstring>

#include "base/checksum.hpp"
#include "base/short_text.hpp"
#include "types/decimal.hpp"

namespace tickstone::storage {

namespace {

constexpr std::uint64_t kNullHash = 0x5851F42D4C957F2DULL;

std::uint64_t mix(std::uint64_t value) {
  value ^= value >> 32;
  value *= 0xD6E8FEB86659FD93ULL;
  value ^= value >> 32;
  value *= 0xD6E8FEB86659FD93ULL;
  return value ^ (value >> 32);
}

std::uint64_t hash_bytes(std::string_view text) {
  return checksum64(std::as_bytes(std::span(text.data(), text.size())));
}

/// Hashes need no mixing: folding a cell into its row does that.
std::uint64_t hash_wide(UInt128 value) {
  return static_cast<std::uint64_t>(value) ^ static_cast<std::uint64_t>(value >> 64) * kTextFactor;
}

/// Cells of one column, each folded into the hash of its row.
struct Folding {
  const ColumnView& column;
  const std::uint32_t* rows;  // nullptr: all, in order
  std::uint64_t* row_hashes;
  std::size_t count;
  std::uint64_t seed;

  void fold(std::size_t i, std::uint64_t hash) const {
    row_hashes[i] = folded_product(row_hashes[i] ^ hash ^ seed, seed | 1);
  }
  /// `hash(row)` is asked of the rows that are not null.
  template <typename Hash>
  void each(const Hash& hash) const {
    if (rows == nullptr && column.validity == nullptr) {
      for (std::size_t row = 0; row < count; ++row) fold(row, hash(row));
      return;
    }
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t row = rows == nullptr ? i : rows[i];
      fold(i, column.is_null(row) ? kNullHash : hash(row));
    }
  }
  /// `hash(value)` of the cells' values.
  template <typename T, typename Hash>
  void each_fixed(const Hash& hash) const {
    if (column.form != ColumnView::Form::Flat)
      return each([&](std::size_t row) { return hash(column.fixed<T>(row)); });
    const auto* values = static_cast<const char*>(column.data);
    each([&](std::size_t row) {
      T value;
      std::memcpy(&value, values + row * sizeof(T), sizeof(T));
      return hash(value);
    });
  }
  void each_text(std::vector<std::uint64_t>& dictionary_hashes) const {
    if (column.form == ColumnView::Form::Dictionary && column.dictionary->size <= count) {
      dictionary_hashes.resize(column.dictionary->size);
      for (std::size_t i = 0; i < dictionary_hashes.size(); ++i)
        dictionary_hashes[i] = hash_bytes(column.dictionary->bytes(i));
      return each([&](std::size_t row) { return dictionary_hashes[column.codes[row]]; });
    }
    // Sorted rows repeat their neighbours' texts.
    std::string_view last;
    std::uint64_t last_hash = hash_bytes(last);
    each([&](std::size_t row) {
      const std::string_view text = column.bytes(row);
      if (!equal_texts(text, last)) {
        last = text;
        last_hash = hash_bytes(text);
      }
      return last_hash;
    });
  }
};

}  // namespace

void RowChecksum::add(const std::vector<ColumnId>& ids, const std::vector<ColumnView>& columns,
                      const std::uint32_t* rows, std::size_t count) {
  row_hashes_.assign(count, 0);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const ColumnView& column = columns[c];
    const Folding folding{column, rows, row_hashes_.data(), count, mix(ids[c] + 1)};
    if (column.layout.physical == Physical::Bytes) {
      folding.each_text(text_hashes_);
      continue;
    }
    if (column.type.id == TypeId::Numeric && !column.type.is_array) {
      // As a number of the finest scale, modulo 2^128.
      const auto factor = static_cast<UInt128>(power_of_ten(kMaxNumericDigits - column.layout.scale));
      const auto hash = [&](auto value) { return hash_wide(static_cast<UInt128>(Int128{value}) * factor); };
      if (column.layout.physical == Physical::Int64) {
        folding.each_fixed<std::int64_t>(hash);
      } else {
        folding.each_fixed<Int128>(hash);
      }
      continue;
    }
    const auto same = [](auto value) { return static_cast<std::uint64_t>(value); };
    switch (width_bytes(column.layout.physical)) {
      case 1:
        folding.each_fixed<std::uint8_t>(same);
        break;
      case 2:
        folding.each_fixed<std::uint16_t>(same);
        break;
      case 4:
        folding.each_fixed<std::uint32_t>(same);
        break;
      case 8:
        folding.each_fixed<std::uint64_t>(same);
        break;
      default:
        folding.each_fixed<UInt128>([](UInt128 value) { return hash_wide(value); });
    }
  }
  for (const std::uint64_t hash : row_hashes_) sum_ += mix(hash);
  row_count_ += count;
}

}  // namespace tickstone::storage
