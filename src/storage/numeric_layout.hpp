// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "storage/schema.hpp"
#include "types/column.hpp"

namespace tickstone::storage {

/// How a table's columns lie now and what a bare NUMERIC column has held: both numbers only grow, and decide
/// the layout.
struct TableLayout {
  std::vector<ColumnLayout> columns;  // of the schema's columns, in order
  std::vector<std::uint8_t>
      integer_digits;  // most digits before the point of any value so far; bare NUMERIC only

  friend bool operator==(const TableLayout&, const TableLayout&) = default;
};

TableLayout initial_table_layout(const TableSchema& schema);
/// The layout after a schema change: columns that stay keep theirs.
TableLayout carried_layout(const TableLayout& from, const TableSchema& old_schema,
                           const TableSchema& new_schema);

/// `layout` grown so that it holds every value of `columns` exactly (schema columns in order; more are
/// ignored). Errors: NumericValueOutOfRange past 38 digits.
TableLayout widened_for(const TableLayout& layout, const TableSchema& schema,
                        const std::vector<ColumnView>& columns);
/// Whether `widened_for` would leave the layout as it is.
bool holds(const TableLayout& layout, const TableSchema& schema, const std::vector<ColumnView>& columns);
/// The least layout that holds what both do. Errors as above.
TableLayout widened_for(const TableLayout& layout, const TableSchema& schema, const TableLayout& other);

/// Writes `count` rows of a NUMERIC column from `first` on in `target`'s layout; a layout that `widened_for`
/// gave for them fits. Errors: NumericValueOutOfRange where it does not.
void convert_decimals(const ColumnView& source, std::size_t first, std::size_t count, ColumnLayout target,
                      std::byte* out);

}  // namespace tickstone::storage
