// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace tickstone::storage {

/// Some of the rows of a layer, a bit each.
class RowMarks {
 public:
  explicit RowMarks(std::uint64_t row_count) : words_((row_count + 63) / 64) {}
  bool has(std::uint64_t row) const { return ((words_[row / 64] >> (row % 64)) & 1) != 0; }
  /// False where it was marked already.
  bool set(std::uint64_t row) {
    const std::uint64_t bit = std::uint64_t{1} << (row % 64);
    if ((words_[row / 64] & bit) != 0) return false;
    words_[row / 64] |= bit;
    ++count_;
    return true;
  }
  std::uint64_t count() const { return count_; }

 private:
  std::vector<std::uint64_t> words_;
  std::uint64_t count_ = 0;
};

}  // namespace tickstone::storage
