// SPDX-License-Identifier: Apache-2.0
#include "storage/key_codec.hpp"

#include <array>
#include <cmath>
#include <cstring>

#include "base/checksum.hpp"
#include "types/value.hpp"

namespace tickstone::storage {

namespace {

enum KeyTag : char {
  kNullTag = 0,
  kIntegerTag = 1,
  kWideTag = 2,
  kFloatTag = 3,
  kTextTag = 4,
  kDecimalTag = 5
};

template <typename T>
void append_raw(std::string& out, char tag, T value) {
  std::array<char, 1 + sizeof(T)> bytes;
  bytes[0] = tag;
  std::memcpy(bytes.data() + 1, &value, sizeof(T));
  out.append(bytes.data(), bytes.size());
}

/// PostgreSQL's reserved and type-function keywords that people name columns after; such a name is quoted.
bool needs_quotes(std::string_view name) {
  static constexpr std::array<std::string_view, 38> kKeywords = {
      "all",    "analyse", "and",     "any",       "array",  "as",      "asc",      "between",
      "bigint", "boolean", "case",    "check",     "column", "current", "default",  "desc",
      "end",    "float",   "for",     "from",      "group",  "in",      "interval", "limit",
      "not",    "null",    "numeric", "offset",    "on",     "or",      "order",    "real",
      "select", "table",   "time",    "timestamp", "user",   "values"};
  if (name.empty() || !((name[0] >= 'a' && name[0] <= 'z') || name[0] == '_')) return true;
  for (const char c : name) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return true;
  }
  for (const auto keyword : kKeywords) {
    if (name == keyword) return true;
  }
  return false;
}

std::string quoted_name(const std::string& name) {
  if (!needs_quotes(name)) return name;
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

}  // namespace

void append_key_text(std::string& out, std::string_view text) {
  append_raw(out, kTextTag, static_cast<std::uint32_t>(text.size()));
  out.append(text);
}

void append_key_part(std::string& out, const ColumnView& column, std::size_t row) {
  if (column.is_null(row)) {
    out.push_back(kNullTag);
    return;
  }
  if (column.type.id == TypeId::Numeric && !column.type.is_array) {
    const Decimal value = trimmed({column.integer(row), column.layout.scale});
    append_raw(out, kDecimalTag, value.unscaled);
    out.push_back(static_cast<char>(value.scale));
    return;
  }
  switch (column.layout.physical) {
    case Physical::Bool:
    case Physical::Int16:
    case Physical::Int32:
    case Physical::Int64:
      append_raw(out, kIntegerTag, static_cast<std::int64_t>(column.integer(row)));
      return;
    case Physical::Int128:
      append_raw(out, kWideTag, column.integer(row));
      return;
    case Physical::Float32:
    case Physical::Float64: {
      double value = column.number(row);
      if (value == 0) value = 0;  // -0 equals 0
      if (std::isnan(value)) value = std::nan("");
      append_raw(out, kFloatTag, value);
      return;
    }
    case Physical::Bytes:
      append_key_text(out, column.bytes(row));
      return;
  }
}

std::uint64_t hash_key(std::string_view key) {
  return checksum64({reinterpret_cast<const std::byte*>(key.data()), key.size()});
}

std::vector<ColumnView> views_of(const Batch& batch) {
  std::vector<ColumnView> views;
  views.reserve(batch.columns.size());
  for (const auto& column : batch.columns) views.push_back(column.view());
  return views;
}

Batch select_rows(const Batch& batch, const std::vector<std::uint32_t>& rows) {
  Batch selected;
  selected.columns.reserve(batch.columns.size());
  for (const auto& column : batch.columns) {
    auto& target = selected.columns.emplace_back(column.type(), column.layout());
    target.append_rows(column.view(), rows.data(), rows.size());
  }
  return selected;
}

std::string describe_duplicate(const TableSchema& schema, const std::vector<ColumnView>& cells,
                               std::size_t row) {
  std::string names;
  std::string values;
  const auto key = key_columns(schema);
  for (std::size_t i = 0; i < key.size(); ++i) {
    const auto* column = schema.find(key[i]);
    // Storage does not know labels, and a number would mislead.
    if (column != nullptr && column->type.id == TypeId::Enum) return {};
    if (i > 0) {
      names += ", ";
      values += ", ";
    }
    names += column == nullptr ? "row id" : quoted_name(column->name);
    values += to_text(value_at(cells[i], row));
  }
  return "Key (" + names + ")=(" + values + ") already exists.";
}

std::string describe_failing_row(const std::vector<ColumnView>& cells, std::size_t row) {
  std::string values;
  for (const auto& cell : cells) {
    if (!values.empty()) values += ", ";
    values += cell.is_null(row) ? "null" : to_text(value_at(cell, row));
  }
  return "Failing row contains (" + values + ").";
}

}  // namespace tickstone::storage
