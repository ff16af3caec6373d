// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include <tickstone/data_frame.hpp>

#include "market/batch_table.hpp"

namespace tickstone::market {

/// A key as bytes that sort as (series, time, rest of the key); `series` of them are the series.
struct KeyOrder {
  std::string bytes;
  std::size_t series = 0;
};
KeyOrder order_of(const BatchTable& table, const Parameters& cells);

/// The series' bytes of `order_of`, of a frame whose first columns are the series'.
std::string series_of(const BatchTable& table, const DataFrame& frame, std::size_t row);

/// A row of a frame that has the table's columns, as BatchRow has it.
Parameters cells_from(const BatchTable& table, const DataFrame& frame, std::size_t row);
/// Whether the compared columns of both are equal: numbers and JSON by value.
bool is_same(const BatchTable& table, const Parameters& given, const Parameters& stored);

/// A line of COPY's text format.
void append_copy_line(std::string& out, const Parameters& cells);

}  // namespace tickstone::market
