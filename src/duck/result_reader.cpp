// SPDX-License-Identifier: Apache-2.0
#include "duck/result_reader.hpp"

#include "duck/functions/wide_functions.hpp"
#include "duck/logical_types.hpp"
#include "types/array_value.hpp"
#include "types/value.hpp"

namespace tickstone::duck {

namespace {

using duckdb::idx_t;
using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::PhysicalType;
using duckdb::UnifiedVectorFormat;
using duckdb::Vector;

std::vector<std::uint64_t> validity_of(const UnifiedVectorFormat& format, idx_t row_count) {
  std::vector<std::uint64_t> words;
  if (format.validity.AllValid()) return words;
  words.assign((row_count + 63) / 64, 0);
  bool has_null = false;
  for (idx_t i = 0; i < row_count; ++i) {
    if (format.validity.RowIsValid(format.sel->get_index(i))) {
      words[i / 64] |= std::uint64_t{1} << (i % 64);
    } else {
      has_null = true;
    }
  }
  if (!has_null) words.clear();
  return words;
}

/// Copies fixed-width values, changed by `convert`; null rows get whatever lies there.
template <typename From, typename To, typename Convert>
std::vector<std::byte> gather(const UnifiedVectorFormat& format, idx_t row_count, Convert convert) {
  std::vector<std::byte> data(row_count * sizeof(To));
  const auto* source = reinterpret_cast<const From*>(format.data);
  auto* target = data.data();
  for (idx_t i = 0; i < row_count; ++i) {
    const To value = convert(source[format.sel->get_index(i)]);
    std::memcpy(target + i * sizeof(To), &value, sizeof(To));
  }
  return data;
}

template <typename T>
std::vector<std::byte> copy(const UnifiedVectorFormat& format, idx_t row_count) {
  if (!format.sel->IsSet()) {
    const auto* source = reinterpret_cast<const std::byte*>(format.data);
    return {source, source + row_count * sizeof(T)};
  }
  return gather<T, T>(format, row_count, [](const T& value) { return value; });
}

Column fixed_column(const SqlType& type, ColumnLayout layout, idx_t row_count,
                    const UnifiedVectorFormat& format, std::vector<std::byte> data) {
  return Column::from_parts(type, layout, row_count, std::move(data), {}, {}, validity_of(format, row_count));
}

Column text_column(const SqlType& type, const UnifiedVectorFormat& format, idx_t row_count) {
  const auto* strings = reinterpret_cast<const duckdb::string_t*>(format.data);
  auto validity = validity_of(format, row_count);
  std::size_t total = 0;
  for (idx_t i = 0; i < row_count; ++i) {
    const auto at = format.sel->get_index(i);
    if (format.validity.RowIsValid(at)) total += strings[at].GetSize();
  }
  if (total > UINT32_MAX) throw Error(ErrorCode::ProgramLimitExceeded, "result batch exceeds 4 GB of text");
  std::vector<std::uint32_t> offsets;
  offsets.reserve(row_count + 1);
  offsets.push_back(0);
  std::vector<char> heap;
  heap.reserve(total);
  for (idx_t i = 0; i < row_count; ++i) {
    const auto at = format.sel->get_index(i);
    if (format.validity.RowIsValid(at)) {
      const auto& text = strings[at];
      heap.insert(heap.end(), text.GetData(), text.GetData() + text.GetSize());
    }
    offsets.push_back(static_cast<std::uint32_t>(heap.size()));
  }
  return Column::from_parts(type, initial_layout(type), row_count, {}, std::move(offsets), std::move(heap),
                            std::move(validity));
}

/// The labels of an ENUM as texts.
Column label_column(const UnifiedVectorFormat& format, idx_t row_count, const LogicalType& type) {
  Column column(SqlType::of(TypeId::Text));
  for (idx_t row = 0; row < row_count; ++row) {
    const auto at = format.sel->get_index(row);
    if (!format.validity.RowIsValid(at)) {
      column.append_null();
      continue;
    }
    const idx_t code = type.InternalType() == PhysicalType::UINT8
                           ? reinterpret_cast<const std::uint8_t*>(format.data)[at]
                       : type.InternalType() == PhysicalType::UINT16
                           ? reinterpret_cast<const std::uint16_t*>(format.data)[at]
                           : reinterpret_cast<const std::uint32_t*>(format.data)[at];
    const auto label = duckdb::EnumType::GetString(type, code);
    column.append_bytes({label.GetData(), label.GetSize()});
  }
  return column;
}

/// Numbers of any digits: a NUMERIC column where its layout holds them all, else their text.
Column wide_column(const UnifiedVectorFormat& format, idx_t row_count, LongNumbers long_numbers) {
  const auto* values = reinterpret_cast<const duckdb::string_t*>(format.data);
  const auto bytes_at = [&](idx_t row) -> std::optional<std::string_view> {
    const auto at = format.sel->get_index(row);
    if (!format.validity.RowIsValid(at)) return std::nullopt;
    return std::string_view(values[at].GetData(), values[at].GetSize());
  };
  try {
    Column column(SqlType::of(TypeId::Numeric));
    for (idx_t row = 0; row < row_count; ++row) {
      const auto bytes = bytes_at(row);
      if (!bytes) {
        column.append_null();
        continue;
      }
      const auto decimal = decode_decimal(*bytes);
      if (!decimal) throw Error(ErrorCode::NumericValueOutOfRange, "value overflows numeric format");
      column.append_decimal(*decimal);
    }
    return column;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::NumericValueOutOfRange || long_numbers == LongNumbers::Refused) throw;
  }
  Column column(SqlType::of(TypeId::Text));
  for (idx_t row = 0; row < row_count; ++row) {
    const auto bytes = bytes_at(row);
    if (bytes) {
      column.append_bytes(to_text(decode_wide(*bytes)));
    } else {
      column.append_null();
    }
  }
  return column;
}

/// `(1,"a b",)`: PostgreSQL's text of a row.
std::string record_text(const duckdb::Value& value) {
  std::string text = "(";
  bool first = true;
  for (const auto& child : duckdb::StructValue::GetChildren(value)) {
    if (!first) text += ',';
    first = false;
    if (child.IsNull()) continue;
    const std::string part =
        child.type().id() == LogicalTypeId::STRUCT ? record_text(child) : to_text(from_duck(child));
    const bool quote = part.empty() || part.find_first_of("(),\"\\ \t\n") != std::string::npos;
    if (!quote) {
      text += part;
      continue;
    }
    text += '"';
    for (const char c : part) {
      if (c == '"' || c == '\\') text += c;
      text += c;
    }
    text += '"';
  }
  return text + ")";
}

std::string nested_array_text(const duckdb::Value& value) {
  std::string text = "{";
  bool first = true;
  for (const auto& child : duckdb::ListValue::GetChildren(value)) {
    if (!first) text += ',';
    first = false;
    if (child.IsNull()) {
      text += "NULL";
    } else if (child.type().id() == LogicalTypeId::LIST &&
               duckdb::ListType::GetChildType(child.type()).id() == LogicalTypeId::LIST) {
      text += nested_array_text(child);
    } else {
      text += to_text(from_duck(child));
    }
  }
  return text + "}";
}

/// The way for the rare: through DuckDB's boxed values.
Column boxed_column(const SqlType& type, Vector& vector, idx_t row_count) {
  Column column(type);
  for (idx_t i = 0; i < row_count; ++i) {
    const duckdb::Value value = vector.GetValue(i);
    if (value.IsNull()) {
      column.append_null();
    } else if (value.type().id() == LogicalTypeId::STRUCT) {
      column.append_bytes(record_text(value));
    } else if (value.type().id() == LogicalTypeId::LIST && !type.is_array) {
      column.append_bytes(nested_array_text(value));
    } else {
      Value ours = from_duck(value);
      ours.type = type;
      append_value(column, ours);
    }
  }
  return column;
}

}  // namespace

Column column_from_vector(Vector& vector, idx_t row_count, LongNumbers long_numbers) {
  const LogicalType& type = vector.GetType();
  const SqlType sql_type = sql_type_of(type);
  const ColumnLayout layout = layout_of(type, sql_type);
  if (type.id() == LogicalTypeId::LIST && sql_type.is_array &&
      duckdb::ListType::GetChildType(type).id() == LogicalTypeId::VARCHAR) {
    // Arrays of text are common; go straight to the encoding.
    UnifiedVectorFormat format;
    vector.ToUnifiedFormat(row_count, format);
    auto& child = duckdb::ListVector::GetEntry(vector);
    UnifiedVectorFormat child_format;
    child.ToUnifiedFormat(duckdb::ListVector::GetListSize(vector), child_format);
    const auto* entries = reinterpret_cast<const duckdb::list_entry_t*>(format.data);
    const auto* strings = reinterpret_cast<const duckdb::string_t*>(child_format.data);
    Column column(sql_type);
    for (idx_t i = 0; i < row_count; ++i) {
      const auto at = format.sel->get_index(i);
      if (!format.validity.RowIsValid(at)) {
        column.append_null();
        continue;
      }
      ArrayBuilder builder;
      for (idx_t k = 0; k < entries[at].length; ++k) {
        const auto child_at = child_format.sel->get_index(entries[at].offset + k);
        if (!child_format.validity.RowIsValid(child_at)) {
          builder.add_null();
        } else {
          builder.add({strings[child_at].GetData(), strings[child_at].GetSize()});
        }
      }
      column.append_bytes(builder.finish());
    }
    return column;
  }
  if (sql_type.is_array) return boxed_column(sql_type, vector, row_count);

  UnifiedVectorFormat format;
  vector.ToUnifiedFormat(row_count, format);
  const auto fixed = [&](std::vector<std::byte> data) {
    return fixed_column(sql_type, layout, row_count, format, std::move(data));
  };
  switch (type.id()) {
    case LogicalTypeId::BOOLEAN:
      return fixed(gather<std::uint8_t, std::uint8_t>(format, row_count,
                                                      [](std::uint8_t v) { return v != 0 ? 1 : 0; }));
    case LogicalTypeId::TINYINT:
      return fixed(gather<std::int8_t, std::int16_t>(format, row_count, [](std::int8_t v) { return v; }));
    case LogicalTypeId::UTINYINT:
      return fixed(gather<std::uint8_t, std::int16_t>(format, row_count, [](std::uint8_t v) { return v; }));
    case LogicalTypeId::SMALLINT:
      return fixed(copy<std::int16_t>(format, row_count));
    case LogicalTypeId::USMALLINT:
      return fixed(gather<std::uint16_t, std::int32_t>(format, row_count, [](std::uint16_t v) { return v; }));
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::DATE:
      return fixed(copy<std::int32_t>(format, row_count));
    case LogicalTypeId::UINTEGER:
      return fixed(gather<std::uint32_t, std::int64_t>(format, row_count, [](std::uint32_t v) { return v; }));
    case LogicalTypeId::BIGINT:
    case LogicalTypeId::TIME:
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_NS:
    case LogicalTypeId::TIMESTAMP_TZ:
      return fixed(copy<std::int64_t>(format, row_count));
    case LogicalTypeId::UBIGINT:
      return fixed(
          gather<std::uint64_t, Int128>(format, row_count, [](std::uint64_t v) { return Int128{v}; }));
    case LogicalTypeId::HUGEINT:
      return fixed(copy<duckdb::hugeint_t>(format, row_count));
    case LogicalTypeId::UUID:
      return fixed(gather<duckdb::hugeint_t, Int128>(
          format, row_count, [](duckdb::hugeint_t v) { return flip_uuid(to_int128(v)); }));
    case LogicalTypeId::FLOAT:
      return fixed(copy<float>(format, row_count));
    case LogicalTypeId::DOUBLE:
      return fixed(copy<double>(format, row_count));
    case LogicalTypeId::INTERVAL:
      return fixed(gather<duckdb::interval_t, Int128>(
          format, row_count, [](const duckdb::interval_t& v) { return pack_duck_interval(v); }));
    case LogicalTypeId::DECIMAL:
      switch (type.InternalType()) {
        case PhysicalType::INT16:
          return fixed(
              gather<std::int16_t, std::int64_t>(format, row_count, [](std::int16_t v) { return v; }));
        case PhysicalType::INT32:
          return fixed(
              gather<std::int32_t, std::int64_t>(format, row_count, [](std::int32_t v) { return v; }));
        case PhysicalType::INT64:
          return fixed(copy<std::int64_t>(format, row_count));
        default:
          return fixed(copy<duckdb::hugeint_t>(format, row_count));
      }
    case LogicalTypeId::ENUM:
      return label_column(format, row_count, type);
    case LogicalTypeId::VARCHAR:
    case LogicalTypeId::BLOB:
      if (is_wide_numeric(type)) return wide_column(format, row_count, long_numbers);
      return text_column(sql_type, format, row_count);
    case LogicalTypeId::SQLNULL: {
      Column column(sql_type);
      for (idx_t i = 0; i < row_count; ++i) column.append_null();
      return column;
    }
    default:
      return boxed_column(sql_type, vector, row_count);
  }
}

Batch batch_from_chunk(duckdb::DataChunk& chunk, LongNumbers long_numbers) {
  Batch batch;
  batch.columns.reserve(chunk.ColumnCount());
  for (auto& vector : chunk.data)
    batch.columns.push_back(column_from_vector(vector, chunk.size(), long_numbers));
  batch.zero_column_rows = chunk.size();
  return batch;
}

}  // namespace tickstone::duck
