// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "types/copy_options.hpp"

namespace tickstone {

/// One field of a row, escapes and quotes resolved. FORCE_NULL and FORCE_NOT_NULL are the caller's: it has
/// both flags.
struct CopyField {
  std::string_view text;
  bool is_null_text = false;  // the text is the NULL string (before escapes, in the text format)
  bool is_quoted = false;     // CSV: any part of it stood in quotes
  /// NULL by the format's plain rule.
  bool is_null() const { return is_null_text && !is_quoted; }
};

/// Cuts COPY's text and CSV formats into rows of fields; chunks of input may end anywhere.
///
/// Lifetime: fields and `row_text` are views into the chunk or the splitter, valid until the next call.
/// Errors: BadCopyFileFormat (mixed line ends, unterminated quotes, a corrupt end marker),
/// ProgramLimitExceeded for a row of more than 1 GiB. Cost: at memory speed for fields without quotes and
/// escapes; nothing is copied but the rows that chunks cut.
class CopySplitter {
 public:
  enum class Step : std::uint8_t { Row, NeedMore, End };

  explicit CopySplitter(const CopyOptions& options);

  /// Gives the next chunk. Only at the start or after `next` said NeedMore. Lifetime: `chunk` until the next
  /// NeedMore.
  void push(std::string_view chunk);
  /// Says that no chunk follows; the last row may lack its line end.
  void finish();
  Step next();

  std::span<const CopyField> fields() const { return {fields_.data(), field_count_}; }
  std::string_view row_text() const { return row_text_; }
  /// 1-based; of a row with line ends in quotes, its last line.
  std::uint64_t line_number() const { return line_number_; }

 private:
  enum class LineEnd : std::uint8_t { Unknown, Lf, Cr, CrLf };
  enum class Cut : std::uint8_t { Row, Incomplete, End };
  class Scan;

  Cut cut_csv_row();
  Cut cut_text_row();
  Cut cut_quoted_field(Scan& scan, std::size_t field_start, std::size_t& ends_at);
  Cut end_row_at(std::size_t at);
  Cut end_row(std::size_t at, std::size_t end_size);
  Cut at_end_marker(std::size_t at) const;
  void keep_rest();
  /// Member by member: a field that is copied as a whole waits for its parts to be stored.
  void add_field(std::string_view text, bool is_null_text, bool is_quoted) {
    if (field_count_ == fields_.size()) fields_.resize(2 * field_count_ + 16);
    CopyField& field = fields_[field_count_++];
    field.text = text;
    field.is_null_text = is_null_text;
    field.is_quoted = is_quoted;
  }
  void add_plain_field(std::size_t from, std::size_t to) {
    const std::string_view text(data_.data() + from, to - from);
    add_field(text, text.size() == options_.null_text.size() && text == options_.null_text, false);
  }
  void add_unquoted_field(std::size_t from, std::size_t to);
  void add_unescaped_field(std::size_t from, std::size_t to);
  void add_scratch_field(std::size_t scratch_from, bool is_null_text, bool is_quoted);
  [[noreturn]] void fail_line_end(bool is_carriage_return) const;

  CopyOptions options_;
  char special_[5];  // the bytes that the scan stops at
  LineEnd line_end_ = LineEnd::Unknown;
  bool is_finished_ = false;
  bool is_ended_ = false;
  bool in_kept_ = false;  // data_ is kept_
  std::uint64_t line_number_ = 0;
  std::uint64_t newlines_in_quotes_ = 0;

  std::string kept_;          // the start of a row that a chunk cut, then what followed it
  std::size_t retry_at_ = 0;  // a long cut row is not looked at again before so much is there
  std::string_view data_;
  std::size_t row_start_ = 0;
  std::size_t block_start_ = 0;
  std::uint64_t block_bits_ = 0;
  bool block_is_loaded_ = false;

  struct ScratchField {
    std::size_t field;
    std::size_t from;
    std::size_t size;
  };
  std::vector<CopyField> fields_;  // the row's come first; the others wait for use
  std::size_t field_count_ = 0;
  std::string scratch_;
  std::vector<ScratchField> scratch_fields_;
  std::string_view row_text_;
};

}  // namespace tickstone
