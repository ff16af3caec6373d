// SPDX-License-Identifier: Apache-2.0
#include "storage/row_checksum.hpp"

#include "base/checksum.hpp"
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

std::uint64_t hash_text(std::string_view text) {
  return checksum64(std::as_bytes(std::span(text.data(), text.size())));
}

std::uint64_t hash_wide(UInt128 value) {
  return mix(static_cast<std::uint64_t>(value)) + static_cast<std::uint64_t>(value >> 64);
}

/// Calls `fold(i, hash)` for each of the rows.
template <typename Hash, typename Fold>
void each_row(const ColumnView& column, const std::uint32_t* rows, std::size_t count, const Hash& hash,
              const Fold& fold) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t row = rows == nullptr ? i : rows[i];
    fold(i, column.is_null(row) ? kNullHash : hash(row));
  }
}

}  // namespace

void RowChecksum::add(const std::vector<ColumnId>& ids, const std::vector<ColumnView>& columns,
                      const std::uint32_t* rows, std::size_t count) {
  row_hashes_.assign(count, 0);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const ColumnView& column = columns[c];
    const std::uint64_t seed = mix(ids[c] + 1);
    const auto fold = [&](std::size_t i, std::uint64_t hash) {
      row_hashes_[i] = mix(row_hashes_[i] + (hash ^ seed));
    };
    if (column.layout.physical == Physical::Bytes) {
      if (column.form == ColumnView::Form::Dictionary && column.dictionary->size <= count) {
        text_hashes_.resize(column.dictionary->size);
        for (std::size_t i = 0; i < text_hashes_.size(); ++i) {
          text_hashes_[i] = hash_text(column.dictionary->bytes(i));
        }
        each_row(
            column, rows, count, [&](std::size_t row) { return text_hashes_[column.codes[row]]; }, fold);
      } else {
        each_row(
            column, rows, count, [&](std::size_t row) { return hash_text(column.bytes(row)); }, fold);
      }
      continue;
    }
    if (column.type.id == TypeId::Numeric && !column.type.is_array) {
      // As a number of the finest scale, modulo 2^128.
      const auto factor = static_cast<UInt128>(power_of_ten(kMaxNumericDigits - column.layout.scale));
      each_row(
          column, rows, count,
          [&](std::size_t row) { return hash_wide(static_cast<UInt128>(column.integer(row)) * factor); },
          fold);
      continue;
    }
    switch (width_bytes(column.layout.physical)) {
      case 1:
        each_row(
            column, rows, count, [&](std::size_t row) { return column.fixed<std::uint8_t>(row); }, fold);
        break;
      case 2:
        each_row(
            column, rows, count, [&](std::size_t row) { return column.fixed<std::uint16_t>(row); }, fold);
        break;
      case 4:
        each_row(
            column, rows, count, [&](std::size_t row) { return column.fixed<std::uint32_t>(row); }, fold);
        break;
      case 8:
        each_row(
            column, rows, count, [&](std::size_t row) { return column.fixed<std::uint64_t>(row); }, fold);
        break;
      default:
        each_row(
            column, rows, count, [&](std::size_t row) { return hash_wide(column.fixed<UInt128>(row)); },
            fold);
    }
  }
  for (const std::uint64_t hash : row_hashes_) sum_ += mix(hash);
  row_count_ += count;
}

}  // namespace tickstone::storage
