// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "storage/schema.hpp"
#include "types/column.hpp"

namespace tickstone::storage {

/// A checksum of a set of rows, the same in whatever order and layout they come: two copies of the same rows
/// have it in common.
class RowChecksum {
 public:
  /// Adds rows `rows[i]`, or all where `rows` is nullptr, of columns named by `ids`. A NUMERIC counts the
  /// same in every scale.
  void add(const std::vector<ColumnId>& ids, const std::vector<ColumnView>& columns,
           const std::uint32_t* rows, std::size_t count);

  /// Rows of another set, as if they had been added here.
  void add(const RowChecksum& other) {
    row_count_ += other.row_count_;
    sum_ += other.sum_;
  }

  std::uint64_t row_count() const { return row_count_; }
  friend bool operator==(const RowChecksum& a, const RowChecksum& b) {
    return a.row_count_ == b.row_count_ && a.sum_ == b.sum_;
  }

 private:
  std::uint64_t row_count_ = 0;
  std::uint64_t sum_ = 0;
  std::vector<std::uint64_t> row_hashes_;
  std::vector<std::uint64_t> text_hashes_;  // of a dictionary's entries
};

}  // namespace tickstone::storage
