// SPDX-License-Identifier: Apache-2.0
#include "engine/row_keys.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/checksum.hpp"
#include "types/decimal.hpp"

namespace tickstone::engine {
namespace {

template <typename T>
void append_raw(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append_value_bytes(std::string& out, const ColumnView& column, std::size_t row) {
  switch (column.layout.physical) {
    case Physical::Bytes: {
      auto text = column.bytes(row);
      if (column.type.id == TypeId::Char && !column.type.is_array) {
        while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
      }
      append_raw(out, static_cast<std::uint32_t>(text.size()));
      out.append(text);
      return;
    }
    case Physical::Float32:
    case Physical::Float64: {
      double number = column.number(row);
      if (number == 0) number = 0;  // -0
      if (std::isnan(number)) number = std::numeric_limits<double>::quiet_NaN();
      append_raw(out, number);
      return;
    }
    case Physical::Int64:
      if (column.layout.scale == 0 && column.type.id != TypeId::Numeric) {
        append_raw(out, column.fixed<std::int64_t>(row));
        return;
      }
      [[fallthrough]];
    default: {
      Int128 integer = column.integer(row);
      if (column.type.id == TypeId::Numeric) {
        const Decimal value = trimmed({integer, column.layout.scale});
        integer = value.unscaled;
        out += static_cast<char>(value.scale);
      }
      append_raw(out, integer);
      return;
    }
  }
}

}  // namespace

void append_key_bytes(std::string& out, std::span<const ColumnView> columns, std::size_t row) {
  for (const auto& column : columns) {
    const bool is_null = column.is_null(row);
    out += is_null ? '\0' : '\1';
    if (!is_null) append_value_bytes(out, column, row);
  }
}

bool has_null(std::span<const ColumnView> columns, std::size_t row) {
  for (const auto& column : columns) {
    if (column.is_null(row)) return true;
  }
  return false;
}

std::vector<ColumnView> views_of(const Batch& batch, std::span<const std::size_t> columns) {
  std::vector<ColumnView> views;
  views.reserve(columns.size());
  for (const auto index : columns) views.push_back(batch.columns[index].view());
  return views;
}

Batch pick_columns(const Batch& batch, std::span<const std::size_t> columns) {
  Batch out;
  out.columns.reserve(columns.size());
  for (const auto index : columns) out.columns.push_back(batch.columns[index]);
  return out;
}

Batch pick_rows(const Batch& batch, std::span<const std::uint32_t> rows) {
  std::vector<std::size_t> all(batch.columns.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return pick(batch, all, rows);
}

Batch pick(const Batch& batch, std::span<const std::size_t> columns, std::span<const std::uint32_t> rows) {
  Batch out;
  out.columns.reserve(columns.size());
  for (const auto index : columns) {
    const Column& source = batch.columns[index];
    Column& column = out.columns.emplace_back(source.type(), source.layout());
    column.append_rows(source.view(), rows.data(), rows.size());
  }
  out.zero_column_rows = rows.size();
  return out;
}

void append_batch(Batch& into, const Batch& rows) {
  if (into.columns.empty()) {
    into = rows;
    return;
  }
  for (std::size_t i = 0; i < into.columns.size(); ++i) into.columns[i].append_all(rows.columns[i].view());
}

std::uint64_t RowKeys::insert(std::span<const ColumnView> columns, std::size_t row, std::uint64_t number) {
  bytes_.clear();
  append_key_bytes(bytes_, columns, row);
  const auto bytes = std::as_bytes(std::span(bytes_));
  const std::uint64_t low = checksum64(bytes);
  const std::uint64_t high = checksum64(bytes, 1);
  if (2 * size_ >= slots_.size()) grow();
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = low & mask;
  for (; slots_[at].is_taken; at = (at + 1) & mask) {
    if (slots_[at].low == low && slots_[at].high == high) return slots_[at].number;
  }
  slots_[at] = {low, high, number, true};
  ++size_;
  return number;
}

void RowKeys::grow() {
  std::vector<Slot> larger(std::max<std::size_t>(64, 4 * slots_.size()));
  const std::size_t mask = larger.size() - 1;
  for (const Slot& slot : slots_) {
    if (!slot.is_taken) continue;
    std::size_t at = slot.low & mask;
    while (larger[at].is_taken) at = (at + 1) & mask;
    larger[at] = slot;
  }
  slots_ = std::move(larger);
}

}  // namespace tickstone::engine
