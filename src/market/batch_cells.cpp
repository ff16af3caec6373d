// SPDX-License-Identifier: Apache-2.0
#include "market/batch_cells.hpp"

#include <algorithm>

#include "market/data_frame_content.hpp"
#include "types/array_value.hpp"
#include "types/json_text.hpp"

namespace tickstone::market {
namespace {

void append_ordered(std::string& order, std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value) ^ (std::uint64_t{1} << 63U);
  for (int shift = 56; shift >= 0; shift -= 8)
    order += static_cast<char>(static_cast<unsigned char>(bits >> static_cast<unsigned>(shift)));
}

/// So that equal bytes are equal values and no cell is the start of another.
void append_ordered(std::string& order, const Parameter& cell) {
  const auto& content = cell.content();
  if (const auto* time = std::get_if<Timestamp>(&content)) {
    append_ordered(order, time->time_since_epoch().count());
  } else if (const auto* number = std::get_if<std::int64_t>(&content)) {
    append_ordered(order, *number);
  } else {
    order += cell.to_text().value_or("");  // holds no zero byte
    order += '\0';
  }
}

Parameter cell_from(ColumnKind kind, const DataFrame& frame, std::size_t row, std::size_t column) {
  if (frame.is_null(row, column)) return Null{};
  switch (kind) {
    case ColumnKind::Text:
      return frame.get<std::string>(row, column);
    case ColumnKind::Numeric:
      return frame.get<Decimal>(row, column);
    case ColumnKind::Integer:
    case ColumnKind::BigInt:
      return frame.get<std::int64_t>(row, column);
    case ColumnKind::Double:
      return frame.get<double>(row, column);
    case ColumnKind::Boolean:
      return frame.get<bool>(row, column);
    case ColumnKind::Time:
      return frame.get<Timestamp>(row, column);
    case ColumnKind::Date:
      return frame.get<Date>(row, column);
    case ColumnKind::Texts: {
      std::vector<std::optional<std::string>> elements;
      for (const auto& element : decode_array(frame.content().batch.columns[column].view().bytes(row)))
        elements.emplace_back(element ? std::optional<std::string>(*element) : std::nullopt);
      return elements;
    }
    case ColumnKind::Json:
      return Json{frame.get<std::string>(row, column)};
  }
  return Null{};
}

bool is_same_cell(const Parameter& a, const Parameter& b) {
  const auto& x = a.content();
  const auto& y = b.content();
  if (x.index() != y.index()) return false;
  if (const auto* json = std::get_if<Json>(&x))
    return compare_jsonb(json->text, std::get<Json>(y).text) == std::strong_ordering::equal;
  if (const auto* number = std::get_if<double>(&x)) {
    const double other = std::get<double>(y);
    return *number == other || (*number != *number && other != other);  // NaN is what it is
  }
  if (const auto* array = std::get_if<Parameter::Array>(&x))
    return std::ranges::equal(*array, std::get<Parameter::Array>(y), is_same_cell);
  return std::visit(
      [&]<typename T>(const T& value) {
        if constexpr (std::is_same_v<T, Parameter::Array>) {
          return false;
        } else {
          return value == std::get<T>(y);
        }
      },
      x);
}

}  // namespace

KeyOrder order_of(const BatchTable& table, const Parameters& cells) {
  KeyOrder order;
  for (const auto c : table.series) append_ordered(order.bytes, cells[c]);
  order.series = order.bytes.size();
  if (table.time) append_ordered(order.bytes, cells[*table.time]);
  for (const auto c : table.key) {
    if (c != table.time && std::ranges::find(table.series, c) == table.series.end())
      append_ordered(order.bytes, cells[c]);
  }
  return order;
}

std::string series_of(const BatchTable& table, const DataFrame& frame, std::size_t row) {
  std::string bytes;
  for (std::size_t i = 0; i < table.series.size(); ++i)
    append_ordered(bytes, cell_from(table.columns[table.series[i]].kind, frame, row, i));
  return bytes;
}

Parameters cells_from(const BatchTable& table, const DataFrame& frame, std::size_t row) {
  Parameters cells;
  cells.reserve(table.columns.size());
  for (std::size_t c = 0; c < table.columns.size(); ++c)
    cells.push_back(cell_from(table.columns[c].kind, frame, row, c));
  return cells;
}

bool is_same(const BatchTable& table, const Parameters& given, const Parameters& stored) {
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    if (table.columns[c].is_compared && !is_same_cell(given[c], stored[c])) return false;
  }
  return true;
}

void append_copy_line(std::string& out, const Parameters& cells) {
  for (std::size_t c = 0; c < cells.size(); ++c) {
    if (c > 0) out += '\t';
    const auto text = cells[c].to_text();
    if (!text) {
      out += "\\N";
      continue;
    }
    for (const char letter : *text) {
      switch (letter) {
        case '\\':
          out += "\\\\";
          break;
        case '\n':
          out += "\\n";
          break;
        case '\r':
          out += "\\r";
          break;
        case '\t':
          out += "\\t";
          break;
        default:
          out += letter;
      }
    }
  }
  out += '\n';
}

}  // namespace tickstone::market
