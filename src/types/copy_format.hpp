// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
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

/// A row that could not be read. Lifetime of `text` and `error`: the call.
struct CopyBadRow {
  std::uint64_t line_number;
  std::string_view text;  // as it stood in the input, without its line end; empty in the binary format
  const Error& error;
};

/// Reads COPY's input, in chunks that may end anywhere, into the columns of a batch.
///
/// Errors: as PostgreSQL's, with its context (`COPY trades, line 3, column price: "abc"`); the batch then
/// ends with the last whole row. With a bad row handler such rows are handed there and reading goes on.
class CopyReader {
 public:
  CopyReader(const CopyOptions& options, std::vector<CopyColumn> columns, std::string relation_name,
             const FormatContext& context = {});

  /// Without one the first bad row throws. Broken structure (unterminated quote, mixed line ends) throws
  /// always.
  void set_bad_row_handler(std::function<void(const CopyBadRow&)> on_bad_row) {
    on_bad_row_ = std::move(on_bad_row);
  }

  /// Gets the line number of each row that is appended to a batch. Lifetime: as long as rows are read.
  void set_line_numbers(std::vector<std::uint64_t>* lines) { lines_ = lines; }

  /// An empty batch with a column for each one that is not ignored.
  Batch make_batch() const;
  /// Appends the rows that `chunk` completes.
  void feed(std::string_view chunk, Batch& into);
  /// Appends the last row where it lacks its line end. Errors also: BadCopyFileFormat for binary input cut
  /// short.
  void finish(Batch& into);

  std::uint64_t row_count() const { return row_count_; }
  std::uint64_t bad_row_count() const { return bad_row_count_; }
  /// Of the row read last, counted from 1.
  std::uint64_t line_number() const { return is_binary() ? binary_row_ : splitter_.line_number(); }

 private:
  /// A text that was read before, and what it became.
  struct Known {
    std::string text;  // empty: none yet
    std::string bytes;
  };
  struct Target {
    bool force_null = false;
    bool force_not_null = false;
    bool (*append_fast)(Column&, std::string_view, const FormatContext&) = nullptr;
    std::vector<Known> known;  // of arrays; empty for others
  };

  bool is_binary() const { return options_.format == CopyFormat::Binary; }
  void take_rows(Batch& into);
  void take_row(Batch& into);
  void append_known(Column& column, std::string_view text, Target& target);
  void append_fields(std::span<const CopyField> fields, Batch& into);
  void check_header() const;
  void read_binary(Batch& into);
  bool read_binary_header();
  bool read_binary_row(Batch& into);
  void append_binary_row(std::string_view row, Batch& into);
  void reject_or_throw(Error& error, Batch& into, std::size_t rows_before);
  Error& with_row_context(Error& error) const;
  Error& with_column_context(Error& error, std::size_t column, const CopyField* field) const;

  CopyOptions options_;
  std::vector<CopyColumn> columns_;
  std::vector<Target> targets_;  // as columns_
  std::string relation_name_;
  FormatContext context_;
  CopySplitter splitter_;
  std::function<void(const CopyBadRow&)> on_bad_row_;
  std::vector<std::uint64_t>* lines_ = nullptr;
  std::uint64_t row_count_ = 0;
  std::uint64_t bad_row_count_ = 0;
  bool header_pending_ = false;

  std::string binary_kept_;
  std::size_t binary_at_ = 0;
  std::uint64_t binary_row_ = 0;
  bool binary_header_done_ = false;
  bool binary_ended_ = false;
};

/// Writes rows in COPY's formats: start, any number of batches, end.
class CopyWriter {
 public:
  CopyWriter(const CopyOptions& options, std::vector<CopyColumn> columns, const FormatContext& context = {});

  /// The header line or the binary signature, where there is one.
  void append_start(std::string& out) const;
  /// Rows `[from, to)`; columns in the order given to the constructor.
  void append_rows(std::string& out, std::span<const ColumnView> columns, std::size_t from,
                   std::size_t to) const;
  void append_batch(std::string& out, const Batch& batch) const;
  /// The binary trailer.
  void append_end(std::string& out) const;

 private:
  struct Shape {
    bool is_plain = false;  // no text of this type ever needs quotes or escapes
    bool force_quote = false;
  };
  void append_row(std::string& out, std::span<const ColumnView> columns, std::size_t row,
                  std::string& text) const;
  void append_binary_row(std::string& out, std::span<const ColumnView> columns, std::size_t row) const;
  void append_escaped(std::string& out, std::string_view text) const;
  void append_csv(std::string& out, std::string_view text, bool force_quote) const;

  CopyOptions options_;
  std::vector<CopyColumn> columns_;
  std::vector<Shape> shapes_;
  FormatContext context_;
};

}  // namespace tickstone
