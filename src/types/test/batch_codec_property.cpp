// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tickstone/error.hpp>

#include "types/column.hpp"
#include "types/value.hpp"

namespace tickstone {
namespace {

SqlType any_type() {
  return *rc::gen::element(SqlType::of(TypeId::Boolean), SqlType::of(TypeId::SmallInt),
                           SqlType::of(TypeId::Date), SqlType::of(TypeId::TimestampTz),
                           SqlType::of(TypeId::Double), SqlType::of(TypeId::Real),
                           SqlType::of(TypeId::Numeric), SqlType::numeric(30, 4), SqlType::of(TypeId::Uuid),
                           SqlType{TypeId::Varchar, false, 9}, SqlType::array_of(TypeId::Text));
}

void append_any(Column& column) {
  if (*rc::gen::inRange(0, 4) == 0) {
    column.append_null();
    return;
  }
  const auto number = *rc::gen::arbitrary<std::int64_t>();
  switch (column.layout().physical) {
    case Physical::Bool:
      column.append_fixed(static_cast<std::uint8_t>(number & 1));
      break;
    case Physical::Int16:
      column.append_fixed(static_cast<std::int16_t>(number));
      break;
    case Physical::Int32:
    case Physical::Float32:
      column.append_fixed(static_cast<std::int32_t>(number));
      break;
    case Physical::Int64:
    case Physical::Float64:
      column.append_fixed(number);
      break;
    case Physical::Int128:
      column.append_fixed(static_cast<Int128>(number));
      break;
    case Physical::Bytes:
      column.append_bytes(*rc::gen::arbitrary<std::string>());
      break;
  }
}

Batch any_batch() {
  Batch batch;
  const int column_count = *rc::gen::inRange(0, 5);
  const int row_count = *rc::gen::inRange(0, 150);
  for (int i = 0; i < column_count; ++i) {
    batch.columns.emplace_back(any_type());
    for (int row = 0; row < row_count; ++row) append_any(batch.columns.back());
  }
  if (column_count == 0) batch.zero_column_rows = static_cast<std::size_t>(row_count);
  return batch;
}

std::vector<std::byte> encoded(const Batch& batch) {
  ByteWriter out;
  encode_batch(batch, out);
  return out.take();
}

RC_GTEST_PROP(BatchCodecProperty, RoundTrips, ()) {
  const auto batch = any_batch();
  const auto bytes = encoded(batch);
  ByteReader in(bytes);
  const auto read = decode_batch(in);
  RC_ASSERT(in.at_end());
  RC_ASSERT(read.row_count() == batch.row_count());
  RC_ASSERT(read.columns.size() == batch.columns.size());
  for (std::size_t i = 0; i < read.columns.size(); ++i) {
    RC_ASSERT(read.columns[i].type() == batch.columns[i].type());
    RC_ASSERT(read.columns[i].layout() == batch.columns[i].layout());
    for (std::size_t row = 0; row < read.row_count(); ++row) {
      const bool is_null = batch.columns[i].is_null(row);
      RC_ASSERT(read.columns[i].is_null(row) == is_null);
    }
  }
  // Byte for byte the same again: the values are all there.
  RC_ASSERT(encoded(read) == bytes);
}

RC_GTEST_PROP(BatchCodecProperty, DamageIsAnErrorOrAnotherBatch, ()) {
  auto bytes = encoded(any_batch());
  const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
  const auto bit = *rc::gen::inRange(0, 8);
  bytes[at] ^= static_cast<std::byte>(1 << bit);
  if (*rc::gen::arbitrary<bool>()) bytes.resize(*rc::gen::inRange<std::size_t>(0, bytes.size()));
  try {
    ByteReader in(bytes);
    const auto read = decode_batch(in);
    for (const auto& column : read.columns) {
      RC_ASSERT(column.size() == read.row_count());
      for (std::size_t row = 0; row < column.size(); ++row) value_at(column.view(), row);
    }
  } catch (const Error& error) {
    RC_ASSERT(error.code() == ErrorCode::DataCorrupted);
  }
}

}  // namespace
}  // namespace tickstone
