// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tickstone/error.hpp>

#include "types/column.hpp"
#include "types/copy_options.hpp"
#include "types/copy_splitter.hpp"
#include "types/value.hpp"

namespace tickstone {

/// A row that could not be read. Lifetime of `text`: the call.
struct CopyBadRow {
  std::uint64_t line_number;
  std::string_view text;  // as it stood in the input, without its line end
  const Error& error;
};

/// Reads COPY's input, in chunks that may end anywhere, into the columns of a batch.
///
/// Errors: as PostgreSQL's, with its context (`COPY trades, line 3, column price: "abc"`); the batch then ends with the
/// last whole row. With `on_bad_row` such rows are handed there and reading goes on.
class CopyReader {
 public:
  CopyReader(const CopyOptions& options, std::vector<CopyColumn> columns, std::string relation_name,
             const FormatContext& context = {});

  /// Without it the first bad row throws. Broken structure (unterminated quote, mixed line ends) throws always.
  void set_bad_row_handler(std::function<void(const CopyBadRow&)> on_bad_row) { on_bad_row_ = std::move(on_bad_row); }

  /// An empty batch with a column for each one that is not ignored.
  Batch make_batch() const;
  /// Appends the rows that `chunk` completes.
  void feed(std::string_view chunk, Batch& into);
  /// Appends the last row where it lacks its line end. Errors also: BadCopyFileFormat for binary input cut short.
  void finish(Batch& into);

  std::uint64_t row_count() const { return row_count_; }
  std::uint64_t bad_row_count() const { return bad_row_count_; }

 private:
  enum class Nullness : std::uint8_t { Plain, ForceNull, ForceNotNull, Both };
  struct Target {
    std::size_t batch_column;
    Nullness nullness = Nullness::Plain;
    bool (*append_fast)(Column&, std::string_view, const FormatContext&) = nullptr;
  };

  void take_rows(Batch& into);
  void take_row(Batch& into);
  void take_header();
  void read_binary(Batch& into);
  void read_binary_row(std::string_view row, Batch& into);
  bool is_null(const CopyField& field, Nullness nullness) const;
  [[noreturn]] void fail_at(Error error, std::uint64_t line, std::size_t column, const CopyField* field) const;
  void reject_or_throw(Error& error, Batch& into, std::size_t rows_before);

  CopyOptions options_;
  std::vector<CopyColumn> columns_;
  std::vector<Target> targets_;
  std::string relation_name_;
  FormatContext context_;
  CopySplitter splitter_;
  std::function<void(const CopyBadRow&)> on_bad_row_;
  std::uint64_t row_count_ = 0;
  std::uint64_t bad_row_count_ = 0;
  bool header_pending_ = false;

  // Binary format.
  std::string binary_kept_;
  bool binary_header_done_ = false;
  bool binary_ended_ = false;
};

/// Writes rows in COPY's formats: header, any number of batches, end.
class CopyWriter {
 public:
  CopyWriter(const CopyOptions& options, std::vector<CopyColumn> columns, const FormatContext& context = {});

  /// The header line or the binary signature, where there is one.
  void append_start(std::string& out) const;
  /// Rows `[from, to)`; columns in the order given to the constructor.
  void append_rows(std::string& out, std::span<const ColumnView> columns, std::size_t from, std::size_t to) const;
  void append_row(std::string& out, std::span<const ColumnView> columns, std::size_t row) const {
    append_rows(out, columns, row, row + 1);
  }
  void append_batch(std::string& out, const Batch& batch) const;
  void append_end(std::string& out) const;

 private:
  struct Shape {
    bool is_plain;  // no text of this type needs quotes or escapes
    bool force_quote;
  };
  void append_text_field(std::string& out, std::string_view text) const;
  void append_csv_field(std::string& out, std::string_view text, bool force_quote) const;

  CopyOptions options_;
  std::vector<CopyColumn> columns_;
  std::vector<Shape> shapes_;
  FormatContext context_;
};

}  // namespace tickstone
