// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "market/connection.hpp"
#include "market/import_formats.hpp"
#include "types/column.hpp"
#include "types/copy_options.hpp"

namespace tickstone::market {

/// Lower case, with `_` for what is no letter or digit: `Adj Close` and `adj_close` are one name.
std::string plain_name(std::string_view name);

/// How one file becomes rows of one table.
class ImportPlan {
 public:
  /// `fields`: the file's, as its header names them, with their types where the file has any (Unknown: it is
  /// text). Errors: UndefinedColumn, DuplicateColumn, InvalidParameterValue for what the file's name should
  /// say and does not.
  ImportPlan(const ImportMapping& mapping, const std::vector<ResultColumn>& fields,
             const std::vector<ResultColumn>& table, const std::string& table_name,
             const FileNameFacts& facts);

  /// What to read the file's fields as: into the type of the column where nothing else is to be done.
  const std::vector<CopyColumn>& fields() const { return fields_; }
  /// The columns that `convert` gives, with the types of their values.
  const std::vector<CopyColumn>& columns() const { return columns_; }
  /// Fields that no column takes.
  const std::vector<std::string>& unused_fields() const { return unused_fields_; }
  /// For people: `timestamp <- window_start (unix time, ns)`.
  std::vector<std::string> description() const;

  struct BadRow {
    std::size_t row;  // of the batch
    std::string reason;
    std::string text;  // its fields, as CSV
  };
  /// Rows of `fields()` (without those ignored) as rows of `columns()`. What cannot be converted is handed to
  /// `on_bad_row` and left out, its line too.
  Batch convert(Batch&& rows, std::vector<std::uint64_t>& lines,
                const std::function<void(const BadRow&)>& on_bad_row) const;

 private:
  static constexpr std::size_t kNoField = SIZE_MAX;
  struct Made {
    MappedColumn how;
    std::size_t field = kNoField;  // index into the batch of fields
    bool takes_field = false;      // as it is, and nobody else needs it
    bool keeps_nanoseconds = false;
  };

  void map(const ImportMapping& mapping, const std::vector<ResultColumn>& fields,
           const std::vector<ResultColumn>& table, const std::string& table_name, const FileNameFacts& facts);
  Column make_column(const Made& made, const SqlType& type, const Batch& rows,
                     const std::vector<std::uint64_t>& lines, std::vector<BadRow>& bad) const;

  std::vector<CopyColumn> fields_;
  std::vector<CopyColumn> columns_;
  std::vector<Made> made_;  // as columns_
  std::vector<std::string> unused_fields_;
};

}  // namespace tickstone::market
