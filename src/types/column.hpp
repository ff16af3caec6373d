// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "types/decimal.hpp"
#include "types/sql_type.hpp"

namespace tickstone {

/// A borrowed column: `size` values of one layout. Lifetime: as its owner says.
///
/// Shape: `validity` is nullptr (no nulls) or one bit a row, 1 for a value, lowest bit first. Flat: row i is
/// at `data[i]`. Constant: every row is row 0. Dictionary: row i is `dictionary` row `codes[i]`; a null row
/// may have any code.
struct ColumnView {
  enum class Form : std::uint8_t { Flat, Constant, Dictionary };

  SqlType type;
  ColumnLayout layout;
  Form form = Form::Flat;
  std::size_t size = 0;
  const std::uint64_t* validity = nullptr;
  const void* data = nullptr;              // fixed width values
  const std::uint32_t* offsets = nullptr;  // Bytes: row i is heap[offsets[i], offsets[i + 1])
  const char* heap = nullptr;
  const std::uint32_t* codes = nullptr;    // Dictionary
  const ColumnView* dictionary = nullptr;  // Dictionary: Flat, of unique values
  std::uint64_t dictionary_id = 0;         // changes when the dictionary does; 0 for none
  std::uint64_t bit_offset = 0;            // added to the row index for `validity`

  std::size_t physical_row(std::size_t row) const { return form == Form::Constant ? 0 : row; }
  bool is_null(std::size_t row) const {
    if (validity == nullptr) return false;
    const std::size_t bit = physical_row(row) + bit_offset;
    return ((validity[bit / 64] >> (bit % 64)) & 1U) == 0;
  }
  template <typename T>
  T fixed(std::size_t row) const {
    if (form == Form::Dictionary) return dictionary->fixed<T>(codes[row]);
    T value;
    __builtin_memcpy(&value, static_cast<const char*>(data) + physical_row(row) * sizeof(T), sizeof(T));
    return value;
  }
  std::string_view bytes(std::size_t row) const {
    if (form == Form::Dictionary) return dictionary->bytes(codes[row]);
    const std::size_t r = physical_row(row);
    return {heap + offsets[r], offsets[r + 1] - offsets[r]};
  }
  /// Any of the integer layouts, widened (Bool, Int16, Int32, Int64, Int128).
  Int128 integer(std::size_t row) const;
  double number(std::size_t row) const;  // any numeric layout, scale applied
};

/// An owned, growing column of flat values.
class Column {
 public:
  Column() = default;
  explicit Column(const SqlType& type) : Column(type, initial_layout(type)) {}
  Column(const SqlType& type, ColumnLayout layout) : type_(type), layout_(layout) { reset_offsets(); }

  const SqlType& type() const { return type_; }
  const ColumnLayout& layout() const { return layout_; }
  std::size_t size() const { return size_; }
  /// What the values take, without room to grow.
  std::size_t memory_bytes() const {
    return size_ * width_bytes(layout_.physical) + heap_bytes() + offsets_.size() * 4 + validity_.size() * 8;
  }

  void append_null();
  template <typename T>
  void append_fixed(T value) {
    TICKSTONE_DCHECK(sizeof(T) == width_bytes(layout_.physical));
    const std::size_t at = size_ * sizeof(T);
    if (data_.size() < at + sizeof(T)) grow_data(at + sizeof(T));
    __builtin_memcpy(data_.data() + at, &value, sizeof(T));
    note_valid();
  }
  /// Errors: ProgramLimitExceeded when the heap would pass 4 GiB.
  void append_bytes(std::string_view bytes) {
    TICKSTONE_DCHECK(layout_.physical == Physical::Bytes);
    const std::size_t at = offsets_.back();
    if (heap_.size() - at < bytes.size()) grow_heap(at + bytes.size());
    if (!bytes.empty()) __builtin_memcpy(heap_.data() + at, bytes.data(), bytes.size());
    offsets_.push_back(static_cast<std::uint32_t>(at + bytes.size()));
    note_valid();
  }
  /// Any value into a numeric column, exactly: grows the column's scale or width where needed (all rows are
  /// rewritten). Errors: NumericValueOutOfRange when 38 digits do not suffice. For a declared NUMERIC(p,s):
  /// rounds to s, checks p.
  void append_decimal(Decimal value);
  /// Row `row` of a column of the same type (layouts of NUMERIC may differ: widened as by append_decimal).
  void append_from(const ColumnView& source, std::size_t row);
  void append_all(const ColumnView& source);
  void append_rows(const ColumnView& source, const std::uint32_t* rows, std::size_t count);
  /// Rewrites a NUMERIC column to a wider layout. Errors: NumericValueOutOfRange.
  void widen_to(ColumnLayout layout);
  void reserve(std::size_t rows);
  void clear();
  void truncate(std::size_t rows);
  /// Another type of the same physical form (text and varchar, json and jsonb): the values stay.
  void set_type(const SqlType& type) { type_ = type; }

  bool has_nulls() const { return !validity_.empty(); }
  bool is_null(std::size_t row) const { return view().is_null(row); }
  template <typename T>
  T fixed(std::size_t row) const {
    return view().fixed<T>(row);
  }
  std::string_view bytes(std::size_t row) const { return view().bytes(row); }
  template <typename T>
  T* mutable_data() {
    return reinterpret_cast<T*>(data_.data());
  }

  /// Lifetime: until the column changes.
  ColumnView view() const;

  /// For decoders: takes whole parts at once. Shape: `validity` may be empty; `offsets` has size + 1 entries
  /// for Bytes.
  static Column from_parts(const SqlType& type, ColumnLayout layout, std::size_t size,
                           std::vector<std::byte> data, std::vector<std::uint32_t> offsets,
                           std::vector<char> heap, std::vector<std::uint64_t> validity);

 private:
  void reset_offsets();
  void grow_data(std::size_t bytes);
  void grow_heap(std::size_t bytes);
  std::size_t heap_bytes() const { return offsets_.empty() ? 0 : offsets_.back(); }
  void note_valid() {
    if (!validity_.empty()) set_validity_bit(true);
    ++size_;
  }
  void set_validity_bit(bool is_valid);
  void materialize_validity();
  void narrow_scale();

  SqlType type_;
  ColumnLayout layout_;
  std::size_t size_ = 0;
  std::vector<std::byte> data_;  // size_ values, and room for more behind them
  std::vector<std::uint32_t> offsets_;
  std::vector<char> heap_;               // used up to the last offset
  std::vector<std::uint64_t> validity_;  // empty: no nulls so far
};

/// Owned columns of equal size. "Batch" is always columns in memory; a "chunk" is a partition of a
/// hypertable.
struct Batch {
  std::vector<Column> columns;
  std::size_t row_count() const { return columns.empty() ? zero_column_rows : columns.front().size(); }
  std::size_t zero_column_rows = 0;  // rows of a batch without columns (SELECT FROM t)
  std::size_t memory_bytes() const {
    std::size_t sum = 0;
    for (const auto& column : columns) sum += column.memory_bytes();
    return sum;
  }
};

/// A binary form of a batch for the log: what `decode_batch` reads back exactly. Errors of decode:
/// DataCorrupted.
void encode_batch(const Batch& batch, ByteWriter& out);
Batch decode_batch(ByteReader& in);

}  // namespace tickstone
