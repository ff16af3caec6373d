// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "catalog/catalog.hpp"

namespace tickstone::catalog {

/// A value of a system relation's row as code writes it; the column's type decides how it is stored.
class Cell {
 public:
  Cell(std::nullptr_t) {}                                       // NOLINT(google-explicit-constructor)
  Cell(bool value) : value_(std::int64_t{value}) {}             // NOLINT(google-explicit-constructor)
  Cell(char value) : value_(std::string(value != 0, value)) {}  // NOLINT(google-explicit-constructor)
  template <std::integral T>
  Cell(T value) : value_(static_cast<std::int64_t>(value)) {}         // NOLINT(google-explicit-constructor)
  Cell(double value) : value_(value) {}                               // NOLINT(google-explicit-constructor)
  Cell(const char* value) : value_(std::string(value)) {}             // NOLINT(google-explicit-constructor)
  Cell(std::string value) : value_(std::move(value)) {}               // NOLINT(google-explicit-constructor)
  Cell(std::string_view value) : value_(std::string(value)) {}        // NOLINT(google-explicit-constructor)
  Cell(IntervalValue value) : value_(value) {}                        // NOLINT(google-explicit-constructor)
  Cell(std::vector<std::string> value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  template <typename T>
  Cell(const std::optional<T>& value) {  // NOLINT(google-explicit-constructor)
    if (value) *this = Cell(*value);
  }

  /// An array of integers (int2[], oid[], ...).
  static Cell integers(std::vector<std::int64_t> values);
  void append_to(Column& column) const;

 private:
  std::variant<std::monostate, std::int64_t, double, std::string, std::vector<std::string>,
               std::vector<std::int64_t>, IntervalValue>
      value_;
};

struct Field {
  std::string_view column;
  Cell value;
};

/// Fills a batch of a system relation row by row.
class RowWriter {
 public:
  /// What a row has in columns that it does not name.
  enum class Unnamed : std::uint8_t {
    Null,
    Zero  // as in the tables of pg_catalog: zero in columns of fixed width, NULL in others
  };
  RowWriter(const std::vector<SystemColumn>& columns, Unnamed unnamed);

  void add(std::initializer_list<Field> fields) { add(std::span(fields.begin(), fields.size())); }
  void add(std::span<const Field> fields);
  /// All rows of a batch of the same relation.
  void add_all(const Batch& rows);
  Batch take() { return std::move(batch_); }

 private:
  std::size_t column_index(std::string_view name);

  const std::vector<SystemColumn>& columns_;
  Unnamed unnamed_;
  Batch batch_;
  std::vector<const Cell*> cells_;
  std::size_t last_index_ = 0;
};

}  // namespace tickstone::catalog
