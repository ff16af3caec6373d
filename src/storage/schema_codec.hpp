// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.hpp"
#include "storage/numeric_layout.hpp"
#include "storage/schema.hpp"
#include "types/value.hpp"

namespace tickstone::storage {

// What log records and the manifest are made of. Errors of reading: DataCorrupted.

void put_schema(const TableSchema& schema, ByteWriter& out);
TableSchema get_schema(ByteReader& in);
void put_value(const Value& value, ByteWriter& out);
Value get_value(ByteReader& in);
void put_layout(const TableLayout& layout, ByteWriter& out);
TableLayout get_layout(ByteReader& in);

/// A count and the elements.
template <typename T>
void put_list(const std::vector<T>& values, ByteWriter& out) {
  out.put(static_cast<std::uint32_t>(values.size()));
  for (const T& value : values) out.put(value);
}
template <typename T>
std::vector<T> get_list(ByteReader& in) {
  const auto count = in.get<std::uint32_t>();
  if (count > in.remaining() / sizeof(T)) throw Error(ErrorCode::DataCorrupted, "a list ends too early");
  std::vector<T> values;
  values.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) values.push_back(in.get<T>());
  return values;
}

}  // namespace tickstone::storage
