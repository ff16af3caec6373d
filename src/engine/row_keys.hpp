// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "types/column.hpp"

namespace tickstone::engine {

/// Appends bytes that are equal exactly where the values of two rows are (NUMERIC of any layout, blank-padded
/// text).
void append_key_bytes(std::string& out, std::span<const ColumnView> columns, std::size_t row);
bool has_null(std::span<const ColumnView> columns, std::size_t row);

/// Some columns of a batch. Lifetime: the batch's.
std::vector<ColumnView> views_of(const Batch& batch, std::span<const std::size_t> columns);
/// Some columns of a batch, copied; all rows, or those listed.
Batch pick_columns(const Batch& batch, std::span<const std::size_t> columns);
Batch pick_rows(const Batch& batch, std::span<const std::uint32_t> rows);
Batch pick(const Batch& batch, std::span<const std::size_t> columns, std::span<const std::uint32_t> rows);
void append_batch(Batch& into, const Batch& rows);

/// The keys met so far, by 128 bits of each: no two are taken for one within the life of a database.
class RowKeys {
 public:
  /// The number given with the first row of this key, or `number` where it is the first.
  std::uint64_t insert(std::span<const ColumnView> columns, std::size_t row, std::uint64_t number);
  std::size_t size() const { return size_; }

 private:
  struct Slot {
    std::uint64_t low = 0, high = 0;
    std::uint64_t number = 0;
    bool is_taken = false;
  };
  void grow();

  std::vector<Slot> slots_;  // a power of two, at most half of them taken
  std::size_t size_ = 0;
  std::string bytes_;
};

}  // namespace tickstone::engine
