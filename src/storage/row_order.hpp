// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "types/column.hpp"
#include "types/value.hpp"

namespace tickstone::storage {

// The order of rows in a segment: numbers by value (NaN above all, decimals of any scale exactly), texts and
// UUIDs by bytes, null above every value and equal to itself. Results are below, equal to or above zero.

int order_cells(const ColumnView& a, std::size_t a_row, const ColumnView& b, std::size_t b_row);
int order_values(const Value& a, const Value& b);

struct RowOrder {
  int order = 0;
  std::size_t column_index = 0;  // the first that differs
};
/// Compares two rows by columns that lie in sort order; `a` and `b` have the same number of them.
RowOrder order_rows(std::span<const ColumnView> a, std::size_t a_row, std::span<const ColumnView> b,
                    std::size_t b_row);
/// The first `key.size()` values of an entry against a key.
int order_prefix(const std::vector<Value>& entry, const std::vector<Value>& key);

}  // namespace tickstone::storage
