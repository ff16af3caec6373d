// SPDX-License-Identifier: Apache-2.0
#include "storage/schema_codec.hpp"

#include <algorithm>

#include "storage/row_time.hpp"

namespace tickstone::storage {

namespace {

[[noreturn]] void fail(const char* what) { throw Error(ErrorCode::DataCorrupted, what); }

void put_type(const SqlType& type, ByteWriter& out) {
  out.put(static_cast<std::uint8_t>(type.id));
  out.put(static_cast<std::uint8_t>(type.is_array ? 1 : 0));
  out.put(type.precision);
  out.put(type.scale);
}

SqlType get_type(ByteReader& in) {
  SqlType type;
  const auto id = in.get<std::uint8_t>();
  if (id > static_cast<std::uint8_t>(TypeId::Enum)) fail("unknown type");
  type.id = static_cast<TypeId>(id);
  type.is_array = in.get<std::uint8_t>() != 0;
  type.precision = in.get<std::int16_t>();
  type.scale = in.get<std::int16_t>();
  return type;
}

void need_columns(const TableSchema& schema, const std::vector<ColumnId>& columns) {
  for (const ColumnId column : columns) {
    if (schema.find(column) == nullptr) fail("a key names a column that the table does not have");
  }
}

}  // namespace

void put_schema(const TableSchema& schema, ByteWriter& out) {
  out.put(schema.id);
  out.put_string(schema.name);
  out.put(static_cast<std::uint32_t>(schema.columns.size()));
  for (const auto& column : schema.columns) {
    out.put(column.id);
    out.put_string(column.name);
    put_type(column.type, out);
    out.put(static_cast<std::uint8_t>(column.not_null ? 1 : 0));
  }
  put_list(schema.primary_key, out);
  out.put_string(schema.primary_key_name);
  put_list(schema.series_key, out);
  out.put(static_cast<std::uint8_t>(schema.time_column ? 1 : 0));
  out.put(schema.time_column.value_or(0));
  out.put(schema.chunk_interval);
  out.put(schema.chunk_origin);
}

TableSchema get_schema(ByteReader& in) {
  TableSchema schema;
  schema.id = in.get<TableId>();
  schema.name = in.get_string();
  const auto count = in.get<std::uint32_t>();
  for (std::uint32_t i = 0; i < count; ++i) {
    ColumnSchema column;
    column.id = in.get<ColumnId>();
    column.name = in.get_string();
    column.type = get_type(in);
    column.not_null = in.get<std::uint8_t>() != 0;
    schema.columns.push_back(std::move(column));
  }
  schema.primary_key = get_list<ColumnId>(in);
  schema.primary_key_name = in.get_string();
  schema.series_key = get_list<ColumnId>(in);
  const bool has_time = in.get<std::uint8_t>() != 0;
  const auto time_column = in.get<ColumnId>();
  if (has_time) schema.time_column = time_column;
  schema.chunk_interval = in.get<std::int64_t>();
  schema.chunk_origin = in.get<std::int64_t>();
  need_columns(schema, schema.primary_key);
  need_columns(schema, schema.series_key);
  if (has_time) {
    need_columns(schema, {time_column});
    if (!is_time_column_type(schema.find(time_column)->type))
      fail("a table's time is a column of another type");
  }
  return schema;
}

void put_value(const Value& value, ByteWriter& out) {
  put_type(value.type, out);
  out.put(static_cast<std::uint8_t>(value.is_null ? 1 : 0));
  out.put(value.scale);
  out.put(value.integer);
  out.put(value.number);
  out.put_string(value.text);
}

Value get_value(ByteReader& in) {
  Value value;
  value.type = get_type(in);
  value.is_null = in.get<std::uint8_t>() != 0;
  value.scale = in.get<std::uint8_t>();
  value.integer = in.get<Int128>();
  value.number = in.get<double>();
  value.text = in.get_string();
  return value;
}

void put_layout(const TableLayout& layout, ByteWriter& out) {
  out.put(static_cast<std::uint32_t>(layout.columns.size()));
  for (std::size_t i = 0; i < layout.columns.size(); ++i) {
    out.put(static_cast<std::uint8_t>(layout.columns[i].physical));
    out.put(layout.columns[i].scale);
    out.put(layout.integer_digits[i]);
  }
}

TableLayout get_layout(ByteReader& in) {
  TableLayout layout;
  const auto count = in.get<std::uint32_t>();
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto physical = in.get<std::uint8_t>();
    if (physical > static_cast<std::uint8_t>(Physical::Bytes)) fail("unknown layout");
    const auto scale = in.get<std::uint8_t>();
    layout.columns.push_back({static_cast<Physical>(physical), scale});
    layout.integer_digits.push_back(in.get<std::uint8_t>());
  }
  return layout;
}

}  // namespace tickstone::storage
