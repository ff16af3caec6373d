// SPDX-License-Identifier: Apache-2.0
#include "duck/rows_in_order.hpp"

#include <cstdint>

#include <duckdb/common/vector_operations/vector_operations.hpp>

namespace tickstone::duck {

namespace {

using duckdb::DataChunk;
using duckdb::idx_t;
using duckdb::UnifiedVectorFormat;

/// Of the rows of which the keys before do not decide, those of which this one does not either; false where a
/// row belongs before the one that it follows. `undecided` are numbers of rows from 1 on.
bool keep_undecided(const UnifiedVectorFormat& format, const OrderKey& key,
                    std::vector<std::uint32_t>& undecided) {
  std::size_t kept = 0;
  for (const std::uint32_t row : undecided) {
    // A dictionary's text that follows itself.
    const bool is_same = format.sel->get_index(row - 1) == format.sel->get_index(row);
    const int order = is_same ? 0 : key.order(format, row - 1, format, row);
    if (order > 0) return false;
    if (order == 0) undecided[kept++] = row;
  }
  undecided.resize(kept);
  return true;
}

/// Whether the rows of a chunk follow each other in order.
bool are_in_order(DataChunk& rows, const std::vector<OrderKey>& keys) {
  std::vector<std::uint32_t> undecided(rows.size() > 0 ? rows.size() - 1 : 0);
  for (std::size_t i = 0; i < undecided.size(); ++i) undecided[i] = static_cast<std::uint32_t>(i + 1);
  for (const OrderKey& key : keys) {
    if (undecided.empty()) break;
    UnifiedVectorFormat format;
    rows.data[key.column].ToUnifiedFormat(rows.size(), format);
    if (!keep_undecided(format, key, undecided)) return false;
  }
  return true;
}

/// The order of the one row of `a`, which has the keys' columns alone, and the first row of `b`.
int order_of_rows(DataChunk& a, DataChunk& b, const std::vector<OrderKey>& keys, bool b_has_keys_alone) {
  for (std::size_t k = 0; k < keys.size(); ++k) {
    UnifiedVectorFormat left;
    UnifiedVectorFormat right;
    a.data[k].ToUnifiedFormat(a.size(), left);
    b.data[b_has_keys_alone ? k : keys[k].column].ToUnifiedFormat(b.size(), right);
    const int order = keys[k].order(left, 0, right, 0);
    if (order != 0) return order;
  }
  return 0;
}

}  // namespace

RowsInOrder::RowsInOrder(duckdb::ClientContext& context, const std::vector<OrderKey>& keys) : keys_(keys) {
  duckdb::vector<duckdb::LogicalType> types;
  for (const OrderKey& key : keys) types.push_back(key.type);
  first_.Initialize(duckdb::Allocator::Get(context), types, 1);
  last_.Initialize(duckdb::Allocator::Get(context), types, 1);
}

bool RowsInOrder::follow(DataChunk& rows) {
  if (rows.size() == 0 || !is_in_order_) return is_in_order_;
  is_in_order_ =
      (last_.size() == 0 || order_of_rows(last_, rows, keys_, false) <= 0) && are_in_order(rows, keys_);
  if (!is_in_order_) return false;
  const auto copy_row = [&](DataChunk& to, idx_t row) {
    to.Reset();
    for (std::size_t k = 0; k < keys_.size(); ++k)
      duckdb::VectorOperations::Copy(rows.data[keys_[k].column], to.data[k], row + 1, row, 0);
    to.SetCardinality(1);
  };
  if (first_.size() == 0) copy_row(first_, 0);
  copy_row(last_, rows.size() - 1);
  return true;
}

bool RowsInOrder::ends_before(RowsInOrder& other) {
  return order_of_rows(last_, other.first_, keys_, true) <= 0;
}

bool RowsInOrder::begins_before(RowsInOrder& other) {
  return order_of_rows(first_, other.first_, keys_, true) < 0;
}

}  // namespace tickstone::duck
