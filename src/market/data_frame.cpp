// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <type_traits>

#include <tickstone/data_frame.hpp>
#include <tickstone/error.hpp>

#include "market/data_frame_content.hpp"
#include "market/text_table.hpp"
#include "types/array_value.hpp"
#include "types/value.hpp"

namespace tickstone {
namespace {

using market::is_number;

template <typename T>
struct OptionalOf {
  static constexpr bool kIs = false;
  using Inner = T;
};
template <typename T>
struct OptionalOf<std::optional<T>> {
  static constexpr bool kIs = true;
  using Inner = T;
};

bool is_float(const SqlType& type) { return type.id == TypeId::Real || type.id == TypeId::Double; }

[[noreturn]] void throw_mismatch(const ColumnInfo& info, const char* wanted) {
  throw Error(ErrorCode::DatatypeMismatch,
              "column \"" + info.name + "\" is of type " + info.type + " and cannot be read as " + wanted, {},
              "Read it as std::string, or cast it in the query.");
}

template <typename Integer>
Integer integer_of(const ColumnView& view, std::size_t row, const ColumnInfo& info) {
  Int128 value = 0;
  if (is_float(view.type)) {
    const double number = view.number(row);
    value = static_cast<Int128>(number);
    if (!(number >= -9.3e18 && number <= 9.3e18) || static_cast<double>(value) != number)
      throw_mismatch(info, "an integer: it has a fraction or is too large");
  } else {
    value = view.integer(row);
    if (view.type.id == TypeId::Numeric) {
      const Decimal decimal = trimmed({value, view.layout.scale});
      if (decimal.scale != 0) throw_mismatch(info, "an integer: it has a fraction");
      value = decimal.unscaled;
    }
  }
  if (value < static_cast<Int128>(std::numeric_limits<Integer>::min()) ||
      value > static_cast<Int128>(std::numeric_limits<Integer>::max())) {
    throw Error(ErrorCode::NumericValueOutOfRange, "a value of column \"" + info.name + "\" does not fit");
  }
  return static_cast<Integer>(value);
}

template <typename T>
T cell_of(const ColumnView& view, std::size_t row, const ColumnInfo& info) {
  const SqlType& type = view.type;
  if constexpr (std::is_same_v<T, std::string>) {
    if (!type.is_array && is_text_like(type.id)) return std::string(view.bytes(row));
    std::string text;
    append_text(text, view, row, FormatContext{});
    return text;
  } else if constexpr (std::is_same_v<T, bool>) {
    if (type.is_array || type.id != TypeId::Boolean) throw_mismatch(info, "bool");
    return view.integer(row) != 0;
  } else if constexpr (std::is_same_v<T, std::int32_t> || std::is_same_v<T, std::int64_t>) {
    if (!is_number(type)) throw_mismatch(info, "an integer");
    return integer_of<T>(view, row, info);
  } else if constexpr (std::is_same_v<T, double>) {
    if (!is_number(type)) throw_mismatch(info, "double");
    return view.number(row);
  } else if constexpr (std::is_same_v<T, Decimal>) {
    if (!is_number(type)) throw_mismatch(info, "Decimal");
    if (is_float(type)) return Decimal::of(view.number(row));
    if (type.id == TypeId::Numeric) return trimmed({view.integer(row), view.layout.scale});
    return {view.integer(row), 0};
  } else if constexpr (std::is_same_v<T, Timestamp>) {
    using std::chrono::microseconds;
    if (type.is_array) throw_mismatch(info, "Timestamp");
    switch (type.id) {
      case TypeId::Timestamp:
      case TypeId::TimestampTz:
        return Timestamp{microseconds{static_cast<std::int64_t>(view.integer(row))}};
      case TypeId::TimestampNs: {
        const auto ns = static_cast<std::int64_t>(view.integer(row));
        if (ns % 1000 != 0) throw_mismatch(info, "Timestamp: it has nanoseconds");
        return Timestamp{microseconds{ns / 1000}};
      }
      case TypeId::Date:
        return Timestamp{std::chrono::days{static_cast<std::int32_t>(view.integer(row))}};
      default:
        throw_mismatch(info, "Timestamp");
    }
  } else if constexpr (std::is_same_v<T, Date>) {
    if (type.is_array || type.id != TypeId::Date) throw_mismatch(info, "Date");
    return Date{std::chrono::days{static_cast<std::int32_t>(view.integer(row))}};
  } else {
    static_assert(std::is_same_v<T, std::vector<std::string>>);
    if (!type.is_array) throw_mismatch(info, "an array");
    std::vector<std::string> elements;
    const SqlType element = type.element();
    for (const auto& bytes : decode_array(view.bytes(row))) {
      if (!bytes)
        throw Error(ErrorCode::NullValueNotAllowed, "an array of column \"" + info.name + "\" has a NULL");
      elements.push_back(is_text_like(element.id) ? std::string(*bytes)
                                                  : to_text(array_element_value(*bytes, element)));
    }
    return elements;
  }
}

template <typename T>
T read_cell(const ColumnView& view, std::size_t row, const ColumnInfo& info) {
  using Optional = OptionalOf<T>;
  if (view.is_null(row)) {
    if constexpr (Optional::kIs) return std::nullopt;
    throw Error(ErrorCode::NullValueNotAllowed,
                "column \"" + info.name + "\" is NULL in row " + std::to_string(row), {},
                "Read it as a std::optional.");
  }
  return cell_of<typename Optional::Inner>(view, row, info);
}

}  // namespace

DataFrame::DataFrame() : content_(std::make_shared<Content>()) {}

std::size_t DataFrame::row_count() const { return content_->batch.row_count(); }
std::size_t DataFrame::column_count() const { return content_->infos.size(); }
const std::vector<ColumnInfo>& DataFrame::columns() const { return content_->infos; }

std::size_t DataFrame::position(std::string_view column) const {
  const auto& infos = content_->infos;
  const auto found = std::ranges::find(infos, column, &ColumnInfo::name);
  if (found == infos.end())
    throw Error(ErrorCode::UndefinedColumn, "column \"" + std::string(column) + "\" does not exist");
  return static_cast<std::size_t>(found - infos.begin());
}

namespace {

const Column& checked_column(const DataFrame::Content& content, std::size_t column) {
  if (column >= content.batch.columns.size())
    throw Error(ErrorCode::UndefinedColumn, "column " + std::to_string(column) + " does not exist");
  return content.batch.columns[column];
}

}  // namespace

bool DataFrame::is_null(std::size_t row, std::size_t column) const {
  const Column& cells = checked_column(*content_, column);
  if (row >= cells.size())
    throw Error(ErrorCode::InvalidParameterValue, "row " + std::to_string(row) + " does not exist");
  return cells.is_null(row);
}

template <typename T>
T DataFrame::get(std::size_t row, std::size_t column) const {
  const Column& cells = checked_column(*content_, column);
  if (row >= cells.size())
    throw Error(ErrorCode::InvalidParameterValue, "row " + std::to_string(row) + " does not exist");
  return read_cell<T>(cells.view(), row, content_->infos[column]);
}

template <typename T>
std::vector<T> DataFrame::values(std::size_t column) const {
  const ColumnView view = checked_column(*content_, column).view();
  std::vector<T> values;
  values.reserve(view.size);
  for (std::size_t row = 0; row < view.size; ++row)
    values.push_back(read_cell<T>(view, row, content_->infos[column]));
  return values;
}

#define TICKSTONE_CELL(...)                                                         \
  template __VA_ARGS__ DataFrame::get<__VA_ARGS__>(std::size_t, std::size_t) const; \
  template std::vector<__VA_ARGS__> DataFrame::values<__VA_ARGS__>(std::size_t) const;
#define TICKSTONE_CELLS(...)  \
  TICKSTONE_CELL(__VA_ARGS__) \
  TICKSTONE_CELL(std::optional<__VA_ARGS__>)
TICKSTONE_CELLS(bool)
TICKSTONE_CELLS(std::int32_t)
TICKSTONE_CELLS(std::int64_t)
TICKSTONE_CELLS(double)
TICKSTONE_CELLS(Decimal)
TICKSTONE_CELLS(std::string)
TICKSTONE_CELLS(Timestamp)
TICKSTONE_CELLS(Date)
TICKSTONE_CELLS(std::vector<std::string>)
#undef TICKSTONE_CELLS
#undef TICKSTONE_CELL

std::string DataFrame::to_string(std::size_t max_rows) const {
  const std::size_t shown = std::min(max_rows, row_count());
  market::TextResult table;
  for (std::size_t c = 0; c < column_count(); ++c)
    table.columns.push_back({columns()[c].name, content_->types[c]});
  table.rows.resize(shown);
  for (std::size_t row = 0; row < shown; ++row) {
    for (std::size_t c = 0; c < column_count(); ++c)
      table.rows[row].push_back(get<std::optional<std::string>>(row, c));
  }
  std::string text = market::text_table(table);
  text += "(" + std::to_string(row_count()) + (row_count() == 1 ? " row" : " rows");
  if (shown < row_count()) text += ", the first " + std::to_string(shown) + " shown";
  return text + ")\n";
}

namespace market {

DataFrame make_data_frame(const std::vector<ResultColumn>& columns, Batch batch) {
  auto content = std::make_shared<DataFrame::Content>();
  for (const auto& column : columns) {
    content->infos.push_back({column.name, to_sql(column.type)});
    content->types.push_back(column.type);
  }
  content->batch = std::move(batch);
  return DataFrame(std::move(content));
}

Batch empty_batch(const std::vector<ResultColumn>& columns) {
  Batch batch;
  for (const auto& column : columns) batch.columns.emplace_back(column.type);
  return batch;
}

}  // namespace market
}  // namespace tickstone
