// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tickstone/arrow.hpp>
#include <tickstone/decimal.hpp>
#include <tickstone/timestamp.hpp>

namespace tickstone {

/// One column's name and type as SQL writes it: `numeric`, `timestamp with time zone`, `text[]`.
struct ColumnInfo {
  std::string name;
  std::string type;
};

/// The rows of a query, column by column.
///
/// Cells are read by position, 0-based, or by a column's name. `get<T>` takes bool, std::int32_t,
/// std::int64_t, double, Decimal, std::string, Timestamp, Date and std::vector<std::string> (arrays);
/// `std::optional` of one where the cell may be NULL. Numbers convert where nothing is lost (double: to the
/// nearest); any cell reads as std::string, in PostgreSQL's text.
///
/// Errors: UndefinedColumn (42703), NullValueNotAllowed (22004) for a NULL that was not asked for as an
/// optional, DatatypeMismatch (42804), NumericValueOutOfRange (22003), InvalidParameterValue (22023) for a
/// row past the end. Lifetime: copies share the rows, which live as long as any of them. Threads: any, it
/// never changes.
class DataFrame {
 public:
  DataFrame();

  std::size_t row_count() const;
  std::size_t column_count() const;
  bool is_empty() const { return row_count() == 0; }
  const std::vector<ColumnInfo>& columns() const;
  /// Position of the first column of that name.
  std::size_t position(std::string_view column) const;

  bool is_null(std::size_t row, std::size_t column) const;
  template <typename T>
  T get(std::size_t row, std::size_t column) const;
  template <typename T>
  T get(std::size_t row, std::string_view column) const {
    return get<T>(row, position(column));
  }
  /// A whole column at once.
  template <typename T>
  std::vector<T> values(std::size_t column) const;
  template <typename T>
  std::vector<T> values(std::string_view column) const {
    return values<T>(position(column));
  }

  /// As an Arrow struct array (a record batch): NUMERIC as decimal128, TIMESTAMPTZ as timestamp[us, UTC],
  /// DATE as date32, text and JSON as utf8, arrays of text as list<utf8>; types that Arrow does not have as
  /// utf8.
  ///
  /// Shape: fills both structures, which the caller releases by their `release`; fixed-width columns, texts
  /// and null maps are shared with this frame, not copied. Errors: ProgramLimitExceeded (54000) past 2 GiB of
  /// text in a column.
  void export_to_arrow(ArrowArray* array, ArrowSchema* schema) const;

  /// An aligned table, as psql prints it, of the first `max_rows` rows.
  std::string to_string(std::size_t max_rows = 20) const;

  struct Content;
  explicit DataFrame(std::shared_ptr<const Content> content) : content_(std::move(content)) {}
  const Content& content() const { return *content_; }

 private:
  std::shared_ptr<const Content> content_;
};

}  // namespace tickstone
