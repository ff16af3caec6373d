// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "market/import_formats.hpp"
#include "market/import_plan.hpp"

namespace tickstone::cli {

/// How a file's bytes are to be read.
struct FileLayout {
  const market::ImportFormat* format = nullptr;  // of a vendor
  bool is_parquet = false;
  char delimiter = ',';
  std::string null_text;
  bool has_header = true;
  std::vector<std::string> fields;  // without a header
};

struct BadLine {
  std::uint64_t line;
  std::string reason;
  std::string_view text;
};

/// The rows of one file, as they stand in it.
class RowSource {
 public:
  /// Reads as far as the fields' names are. Errors: UndefinedFile, DataCorrupted, BadCopyFileFormat.
  static std::unique_ptr<RowSource> open(const std::string& path, const FileLayout& layout);
  virtual ~RowSource() = default;
  /// Names, and types where the file has them (Unknown: text).
  virtual const std::vector<market::ResultColumn>& fields() const = 0;
  /// How the fields are to be read; once, before the first row.
  virtual void read_as(const std::vector<CopyColumn>& fields,
                       std::function<void(const BadLine&)> on_bad_line) = 0;
  /// About `row_count` rows more, and their lines in the file. False at the end, when there may be some last
  /// rows.
  virtual bool next(std::size_t row_count, Batch& rows, std::vector<std::uint64_t>& lines) = 0;
  /// Up to which all rows have been given.
  virtual std::uint64_t last_line() const = 0;
  /// For progress; 0: unknown.
  virtual std::uint64_t size() const = 0;
  virtual std::uint64_t position() const = 0;
};

}  // namespace tickstone::cli
