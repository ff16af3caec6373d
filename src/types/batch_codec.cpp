// SPDX-License-Identifier: Apache-2.0
// A batch as bytes, little-endian:
//
//   u32 column count | u64 row count | for each column:
//     u8 type | u8 is_array | i16 precision | i16 scale | u8 physical | u8 layout scale | u8 has validity
//     validity: (rows + 63) / 64 words of 8 bytes, where there is one
//     fixed width: rows * width bytes      Bytes: u32 heap size | rows + 1 offsets of 4 bytes | heap
#include <limits>

#include <tickstone/error.hpp>

#include "base/fixed_bytes.hpp"
#include "types/column.hpp"

namespace tickstone {

namespace {

constexpr std::uint8_t kLastType = static_cast<std::uint8_t>(TypeId::Enum);
constexpr std::uint8_t kLastPhysical = static_cast<std::uint8_t>(Physical::Bytes);

void require(bool condition, const char* what) {
  if (!condition) throw Error(ErrorCode::DataCorrupted, std::string("damaged batch: ") + what);
}

template <typename T>
std::vector<T> get_vector(ByteReader& in, std::size_t count) {
  // Checked before anything is allocated: a damaged count must not ask for memory that the record cannot
  // fill.
  require(count <= in.remaining() / sizeof(T), "a column ends too early");
  const auto bytes = in.get_bytes(count * sizeof(T));
  std::vector<T> values(count);
  if (count > 0) __builtin_memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

void encode_column(const Column& column, ByteWriter& out) {
  const auto view = column.view();
  const SqlType& type = column.type();
  FixedBytes<16> head;
  head.put(static_cast<std::uint8_t>(type.id));
  head.put(static_cast<std::uint8_t>(type.is_array ? 1 : 0));
  head.put(type.precision);
  head.put(type.scale);
  head.put(static_cast<std::uint8_t>(view.layout.physical));
  head.put(view.layout.scale);
  head.put(static_cast<std::uint8_t>(view.validity != nullptr ? 1 : 0));
  out.put_bytes(head.bytes());
  if (view.validity != nullptr) out.put_raw(view.validity, (view.size + 63) / 64 * 8);
  if (view.layout.physical == Physical::Bytes) {
    const std::uint32_t heap_size = view.offsets[view.size];
    out.put(heap_size);
    out.put_raw(view.offsets, (view.size + 1) * 4);
    out.put_raw(view.heap, heap_size);
  } else {
    out.put_raw(view.data, view.size * width_bytes(view.layout.physical));
  }
}

void check_layout(const SqlType& type, ColumnLayout layout) {
  if (type.id == TypeId::Numeric && !type.is_array) {
    require(layout.physical == Physical::Int64 || layout.physical == Physical::Int128, "layout of numeric");
    require(layout.scale <= kMaxNumericDigits, "scale of numeric");
  } else {
    require(layout.physical == physical_of(type) && layout.scale == 0, "layout does not match the type");
  }
}

Column decode_column(ByteReader& in, std::size_t rows) {
  const auto id = in.get<std::uint8_t>();
  const auto is_array = in.get<std::uint8_t>();
  SqlType type;
  type.precision = in.get<std::int16_t>();
  type.scale = in.get<std::int16_t>();
  const auto physical = in.get<std::uint8_t>();
  const auto scale = in.get<std::uint8_t>();
  const auto has_validity = in.get<std::uint8_t>();
  require(id <= kLastType && is_array <= 1, "unknown type");
  require(physical <= kLastPhysical && has_validity <= 1, "unknown layout");
  type.id = static_cast<TypeId>(id);
  type.is_array = is_array != 0;
  const ColumnLayout layout{static_cast<Physical>(physical), scale};
  check_layout(type, layout);

  std::vector<std::uint64_t> validity;
  if (has_validity != 0) validity = get_vector<std::uint64_t>(in, (rows + 63) / 64);
  std::vector<std::byte> data;
  std::vector<std::uint32_t> offsets;
  std::vector<char> heap;
  if (layout.physical == Physical::Bytes) {
    const auto heap_size = in.get<std::uint32_t>();
    offsets = get_vector<std::uint32_t>(in, rows + 1);
    heap = get_vector<char>(in, heap_size);
    require(offsets.front() == 0 && offsets.back() == heap_size, "offsets do not span the heap");
    for (std::size_t row = 0; row < rows; ++row) require(offsets[row] <= offsets[row + 1], "offsets go back");
  } else {
    const std::size_t width = width_bytes(layout.physical);
    require(rows <= in.remaining() / width, "a column ends too early");
    data = get_vector<std::byte>(in, rows * width);
    if (layout.physical == Physical::Bool) {
      for (const auto value : data) require(value <= std::byte{1}, "a boolean is neither 0 nor 1");
    }
  }
  return Column::from_parts(type, layout, rows, std::move(data), std::move(offsets), std::move(heap),
                            std::move(validity));
}

}  // namespace

void encode_batch(const Batch& batch, ByteWriter& out) {
  out.put(static_cast<std::uint32_t>(batch.columns.size()));
  out.put(static_cast<std::uint64_t>(batch.row_count()));
  for (const auto& column : batch.columns) {
    TICKSTONE_CHECK(column.size() == batch.row_count());
    encode_column(column, out);
  }
}

Batch decode_batch(ByteReader& in) {
  constexpr std::size_t kColumnHeaderBytes = 9;
  const auto column_count = in.get<std::uint32_t>();
  const auto rows = in.get<std::uint64_t>();
  require(column_count <= in.remaining() / kColumnHeaderBytes, "more columns than bytes");
  // Keeps the sums below from wrapping; a column of that many rows could not have been written.
  require(rows < std::numeric_limits<std::uint64_t>::max() / 64, "row count");
  Batch batch;
  batch.columns.reserve(column_count);
  for (std::uint32_t i = 0; i < column_count; ++i) batch.columns.push_back(decode_column(in, rows));
  if (column_count == 0) batch.zero_column_rows = rows;
  return batch;
}

}  // namespace tickstone
