// SPDX-License-Identifier: Apache-2.0
#include "catalog/row_writer.hpp"

#include "base/check.hpp"
#include "types/array_value.hpp"
#include "types/decimal.hpp"

namespace tickstone::catalog {
namespace {

void append_integer(Column& column, std::int64_t value) {
  switch (column.layout().physical) {
    case Physical::Bool:
      column.append_fixed<std::uint8_t>(value != 0 ? 1 : 0);
      return;
    case Physical::Int16:
      column.append_fixed(static_cast<std::int16_t>(value));
      return;
    case Physical::Int32:
      column.append_fixed(static_cast<std::int32_t>(value));
      return;
    case Physical::Int64:
      if (column.type().id == TypeId::Numeric) {
        column.append_decimal({value, 0});
      } else {
        column.append_fixed(value);
      }
      return;
    case Physical::Int128:
      column.append_fixed(static_cast<Int128>(value));
      return;
    case Physical::Float32:
      column.append_fixed(static_cast<float>(value));
      return;
    case Physical::Float64:
      column.append_fixed(static_cast<double>(value));
      return;
    case Physical::Bytes:
      column.append_bytes(std::to_string(value));
      return;
  }
}

/// A whole number in digits. A column keeps 38 of them, and a longer one is not known.
void append_digits(Column& column, const std::string& digits) {
  constexpr std::size_t kMostDigits = 38;
  const auto number = digits.size() > kMostDigits ? std::nullopt : parse_decimal(digits);
  if (number) {
    column.append_decimal(*number);
  } else {
    column.append_null();
  }
}

void append_zero(Column& column) {
  const TypeId id = column.type().id;
  if (column.type().is_array) {
    column.append_null();
  } else if (id == TypeId::Name || id == TypeId::InternalChar) {
    column.append_bytes({});
  } else if (column.layout().physical == Physical::Bytes || id == TypeId::TimestampTz) {
    column.append_null();
  } else {
    append_integer(column, 0);
  }
}

std::string encoded_integers(const SqlType& element, const std::vector<std::int64_t>& values) {
  ArrayBuilder builder;
  for (const std::int64_t value : values) {
    const std::size_t width = width_bytes(physical_of(element));
    builder.add({reinterpret_cast<const char*>(&value), width});
  }
  return builder.finish();
}

std::string encoded_texts(const std::vector<std::string>& values) {
  ArrayBuilder builder;
  for (const auto& value : values) builder.add(value);
  return builder.finish();
}

}  // namespace

Cell Cell::integers(std::vector<std::int64_t> values) {
  Cell cell(nullptr);
  cell.value_ = std::move(values);
  return cell;
}

void Cell::append_to(Column& column) const {
  if (std::holds_alternative<std::monostate>(value_)) {
    column.append_null();
  } else if (const auto* integer = std::get_if<std::int64_t>(&value_)) {
    append_integer(column, *integer);
  } else if (const auto* number = std::get_if<double>(&value_)) {
    if (column.layout().physical == Physical::Float32) {
      column.append_fixed(static_cast<float>(*number));
    } else {
      TICKSTONE_CHECK(column.layout().physical == Physical::Float64);
      column.append_fixed(*number);
    }
  } else if (const auto* text = std::get_if<std::string>(&value_)) {
    if (column.type().id == TypeId::Numeric && !column.type().is_array) {
      append_digits(column, *text);
      return;
    }
    TICKSTONE_CHECK(column.layout().physical == Physical::Bytes);
    column.append_bytes(*text);
  } else if (const auto* texts = std::get_if<std::vector<std::string>>(&value_)) {
    column.append_bytes(encoded_texts(*texts));
  } else if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&value_)) {
    column.append_bytes(encoded_integers(column.type().element(), *integers));
  } else {
    column.append_fixed(pack_interval(std::get<IntervalValue>(value_)));
  }
}

RowWriter::RowWriter(const std::vector<SystemColumn>& columns, Unnamed unnamed)
    : columns_(columns), unnamed_(unnamed), cells_(columns.size()) {
  for (const auto& column : columns) batch_.columns.emplace_back(column.type);
}

/// Callers name columns in order, so the search starts after the last one.
std::size_t RowWriter::column_index(std::string_view name) {
  for (std::size_t step = 0; step < columns_.size(); ++step) {
    const std::size_t index = (last_index_ + 1 + step) % columns_.size();
    if (columns_[index].name == name) return last_index_ = index;
  }
  TICKSTONE_CHECK(!"a column that the system relation does not have");
  return 0;
}

void RowWriter::add(std::span<const Field> fields) {
  cells_.assign(columns_.size(), nullptr);
  for (const Field& field : fields) cells_[column_index(field.column)] = &field.value;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    Column& column = batch_.columns[i];
    if (cells_[i] != nullptr) {
      cells_[i]->append_to(column);
    } else if (unnamed_ == Unnamed::Null) {
      column.append_null();
    } else {
      append_zero(column);
    }
  }
}

void RowWriter::add_all(const Batch& rows) {
  for (std::size_t i = 0; i < columns_.size(); ++i) batch_.columns[i].append_all(rows.columns[i].view());
}

}  // namespace tickstone::catalog
