// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "types/column.hpp"

namespace tickstone::engine {

/// Tells whether a key comes twice among any number of them, by 128 bits of each (as `RowKeys`): those that
/// do not fit in memory go to a nameless file in sorted runs.
class DistinctKeys {
 public:
  struct Limits {
    std::size_t memory_bytes = 0;
    std::size_t file_bytes = 0;
    std::string directory;  // of the file; empty: all stay in memory
  };
  explicit DistinctKeys(Limits limits) : limits_(std::move(limits)) {}
  ~DistinctKeys();
  DistinctKeys(const DistinctKeys&) = delete;
  DistinctKeys& operator=(const DistinctKeys&) = delete;

  /// False where the key is one of those in memory. Errors: IoError, DiskFull; ConfigurationLimitExceeded.
  bool insert(std::span<const ColumnView> columns, std::size_t row);
  /// Whether some are on disk: only `are_distinct` compares with those.
  bool has_runs() const { return !runs_.empty(); }
  /// Of all that were inserted. Errors: IoError.
  bool are_distinct();

 private:
  struct Key {
    std::uint64_t low = 0, high = 0;
    bool is_empty() const { return low == 0 && high == 0; }
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Run {
    std::uint64_t first = 0, count = 0;  // keys in the file
  };
  class RunReader;

  void grow();
  void write_run();

  Limits limits_;
  std::vector<Key> slots_;  // a power of two, at most three quarters of them taken
  std::size_t taken_ = 0;
  std::vector<Run> runs_;
  std::uint64_t written_ = 0;
  int file_ = -1;
  std::string bytes_;
};

}  // namespace tickstone::engine
