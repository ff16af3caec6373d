// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "cli/query_target.hpp"
#include "types/copy_format.hpp"

namespace tickstone::cli {

/// CSV of rows that could not be loaded: file, line, reason, row. Made with the first of them.
class RejectFile {
 public:
  explicit RejectFile(std::string path) : path_(std::move(path)) {}
  ~RejectFile();
  RejectFile(const RejectFile&) = delete;
  RejectFile& operator=(const RejectFile&) = delete;
  void add(const std::string& file, std::uint64_t line, const std::string& reason, std::string_view row);
  std::uint64_t row_count() const { return row_count_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::FILE* file_ = nullptr;
  std::uint64_t row_count_ = 0;
};

/// Loads batches by COPY; where the database refuses one, finds the rows that are to blame by halving and
/// rejects only those.
class RowLoader {
 public:
  static constexpr std::size_t kBatchRows = 100'000;

  RowLoader(QueryTarget& target, const std::string& table, const std::vector<CopyColumn>& columns,
            RejectFile& rejects, std::string file);
  /// `lines`: of each row in its file. Errors: those that are not of the rows (connection, disk).
  void load(const Batch& batch, const std::vector<std::uint64_t>& lines);
  std::uint64_t row_count() const { return row_count_; }

 private:
  void load_range(const Batch& batch, const std::vector<std::uint64_t>& lines, std::size_t from,
                  std::size_t to);

  QueryTarget& target_;
  std::string copy_;
  CopyWriter writer_;
  RejectFile& rejects_;
  std::string file_;
  std::uint64_t row_count_ = 0;
};

}  // namespace tickstone::cli
