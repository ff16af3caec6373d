// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "cli/import_ledger.hpp"
#include "cli/open_connection.hpp"
#include "types/copy_format.hpp"

namespace tickstone::cli {

/// CSV of rows that could not be loaded: file, line, reason, row. Made with the first of them.
class RejectFile {
 public:
  explicit RejectFile(std::string path) : path_(std::move(path)) {}
  ~RejectFile();
  RejectFile(const RejectFile&) = delete;
  RejectFile& operator=(const RejectFile&) = delete;
  /// Goes on with the file of an import before, as it was when it had `size_bytes`.
  void resume(std::uint64_t size_bytes);
  void add(const std::string& file, std::uint64_t line, const std::string& reason, std::string_view row);
  /// Hands what was added to the operating system, and returns the file's size.
  std::uint64_t flush();
  /// Takes back what was added after the file had `size_bytes`.
  void cut(std::uint64_t size_bytes);
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::FILE* file_ = nullptr;
};

/// What becomes of rows whose key is in the table already.
enum class ExistingRows : std::uint8_t { Reject, Skip, Update };

/// Loads batches by COPY; where the database refuses one, finds the rows that are to blame by halving and
/// rejects only those.
class RowLoader {
 public:
  static constexpr std::size_t kBatchRows = 100'000;

  /// `columns`: of the table, with the types of the batches' values. `delimiter`: of rows in the reject file.
  /// Errors: UndefinedObject where rows are to be updated and the table has no primary key.
  RowLoader(market::Connection& target, const std::string& table, const std::vector<CopyColumn>& columns,
            RejectFile& rejects, std::string file, char delimiter, ExistingRows existing);
  /// Within a transaction. `lines`: of each row in its file. Errors: those that are not of the rows
  /// (connection, disk).
  RowCounts load(const Batch& batch, const std::vector<std::uint64_t>& lines);

 private:
  void load_range(const Batch& batch, const std::vector<std::uint64_t>& lines, std::size_t from,
                  std::size_t to, RowCounts& counts);
  void load_rows(const std::vector<ColumnView>& columns, std::size_t from, std::size_t to, RowCounts& counts);
  std::uint64_t copy_rows(const std::string& statement, const std::vector<ColumnView>& columns,
                          std::size_t from, std::size_t to);
  void merge_rows(const std::vector<ColumnView>& columns, std::size_t from, std::size_t to,
                  RowCounts& counts);
  std::uint64_t run(const std::string& sql);

  market::Connection& target_;
  std::string table_;
  std::string names_;    // of the columns
  std::string staging_;  // name of the temporary table, where one is used
  std::string update_;   // what follows ON CONFLICT
  ExistingRows existing_;
  bool has_met_existing_ = false;
  CopyWriter writer_;
  CopyWriter reject_writer_;
  RejectFile& rejects_;
  std::string file_;
};

}  // namespace tickstone::cli
