// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/big_endian.hpp"
#include "base/check.hpp"
#include "types/binary_format.hpp"
#include "types/copy_format.hpp"
#include "types/field_parser.hpp"

namespace tickstone {
namespace {

constexpr std::size_t kShownBytes = 100;
/// Arrays are mostly short lists of codes, of which a table has few.
constexpr std::size_t kKnownTexts = 64;
constexpr std::size_t kMaxKnownBytes = 64;
constexpr std::string_view kBinarySignature{"PGCOPY\n\377\r\n\0", 11};
constexpr std::size_t kMaxBinaryRowBytes = std::size_t{1} << 30;

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// At most 100 bytes of input for an error's context, cut between characters.
std::string shown(std::string_view text) {
  if (text.size() <= kShownBytes) return std::string(text);
  std::size_t size = kShownBytes;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return std::string(text.substr(0, size)) + "...";
}

void truncate(Batch& batch, std::size_t rows) {
  for (auto& column : batch.columns) {
    if (column.size() > rows) column.truncate(rows);
  }
  if (batch.columns.empty()) batch.zero_column_rows = rows;
}

Error bad_format(const std::string& message) { return Error(ErrorCode::BadCopyFileFormat, message); }

}  // namespace

CopyReader::CopyReader(const CopyOptions& options, std::vector<CopyColumn> columns, std::string relation_name,
                       const FormatContext& context)
    : options_(options),
      columns_(std::move(columns)),
      relation_name_(std::move(relation_name)),
      context_(context),
      splitter_(options),
      header_pending_(options.header != CopyHeader::None) {
  for (const auto& column : columns_) {
    Target target;
    target.force_null = contains(options.force_null, column.name);
    target.force_not_null = contains(options.force_not_null, column.name);
    target.append_fast = find_field_parser(column.type, context);
    if (column.type.is_array) target.known.resize(kKnownTexts);
    targets_.push_back(target);
  }
}

Batch CopyReader::make_batch() const {
  Batch batch;
  for (const auto& column : columns_) {
    if (!column.is_ignored) batch.columns.emplace_back(column.type);
  }
  return batch;
}

void CopyReader::feed(std::string_view chunk, Batch& into) {
  if (is_binary()) {
    binary_kept_.append(chunk);
    read_binary(into);
    return;
  }
  try {
    splitter_.push(chunk);
    take_rows(into);
  } catch (Error& error) {
    // What the splitter threw has no row to show.
    if (error.context().empty()) {
      error.in_context("COPY " + relation_name_ + ", line " + std::to_string(splitter_.line_number() + 1));
    }
    throw;
  }
}

void CopyReader::finish(Batch& into) {
  if (is_binary()) {
    if (!binary_header_done_) {
      throw bad_format("COPY file signature not recognized")
          .in_context("COPY " + relation_name_ + ", line 1");
    }
    if (!binary_kept_.empty()) {
      Error error = bad_format("unexpected EOF in COPY data");
      ++binary_row_;
      throw with_row_context(error);
    }
    return;
  }
  try {
    splitter_.finish();
    take_rows(into);
  } catch (Error& error) {
    if (error.context().empty()) {
      error.in_context("COPY " + relation_name_ + ", line " + std::to_string(splitter_.line_number() + 1));
    }
    throw;
  }
}

void CopyReader::take_rows(Batch& into) {
  while (splitter_.next() == CopySplitter::Step::Row) {
    if (header_pending_) {
      header_pending_ = false;
      if (options_.header == CopyHeader::Match) check_header();
      continue;
    }
    take_row(into);
  }
}

void CopyReader::take_row(Batch& into) {
  const auto rows_before = into.row_count();
  try {
    append_fields(splitter_.fields(), into);
    ++row_count_;
    if (lines_ != nullptr) lines_->push_back(splitter_.line_number());
  } catch (Error& error) {
    reject_or_throw(error, into, rows_before);
  }
}

/// Parses a text, or takes what an equal one became before.
void CopyReader::append_known(Column& column, std::string_view text, Target& target) {
  if (target.known.empty() || text.size() < 2 || text.size() > kMaxKnownBytes)
    return append_parsed(column, text, context_);
  std::size_t hash = text.size();
  for (const char c : text) hash = hash * 31 + static_cast<unsigned char>(c);
  Known& known = target.known[(hash ^ hash >> 6) % kKnownTexts];
  if (known.text == text) return column.append_bytes(known.bytes);
  append_parsed(column, text, context_);
  known.text = text;
  known.bytes = column.bytes(column.size() - 1);
}

void CopyReader::append_fields(std::span<const CopyField> fields, Batch& into) {
  if (fields.size() > columns_.size()) {
    // A table without columns has rows that are empty lines.
    if (!columns_.empty() || fields.size() != 1 || !fields[0].text.empty()) {
      Error error = bad_format("extra data after last expected column");
      throw with_row_context(error);
    }
  }
  if (fields.size() < columns_.size()) {
    Error error = bad_format("missing data for column \"" + columns_[fields.size()].name + "\"");
    throw with_row_context(error);
  }
  std::size_t batch_column = 0;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].is_ignored) continue;
    const auto& field = fields[i];
    auto& target = targets_[i];
    auto& column = into.columns[batch_column++];
    const bool is_null = field.is_null_text && (field.is_quoted ? target.force_null : !target.force_not_null);
    if (is_null) {
      column.append_null();
      continue;
    }
    try {
      if (target.append_fast != nullptr && target.append_fast(column, field.text, context_)) continue;
      append_known(column, field.text, target);
    } catch (Error& error) {
      throw with_column_context(error, i, &field);
    }
  }
  if (batch_column == 0) ++into.zero_column_rows;
}

void CopyReader::check_header() const {
  const auto fields = splitter_.fields();
  if (fields.size() != columns_.size()) {
    Error error = bad_format("wrong number of fields in header line: got " + std::to_string(fields.size()) +
                             ", expected " + std::to_string(columns_.size()));
    throw with_row_context(error);
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!fields[i].is_null() && fields[i].text == columns_[i].name) continue;
    const std::string got = fields[i].is_null() ? "null value (\"" + options_.null_text + "\")"
                                                : "\"" + std::string(fields[i].text) + "\"";
    Error error = bad_format("column name mismatch in header line field " + std::to_string(i + 1) + ": got " +
                             got + ", expected \"" + columns_[i].name + "\"");
    throw with_row_context(error);
  }
}

void CopyReader::reject_or_throw(Error& error, Batch& into, std::size_t rows_before) {
  truncate(into, rows_before);
  if (!on_bad_row_) throw error;
  ++bad_row_count_;
  on_bad_row_({line_number(), is_binary() ? std::string_view{} : splitter_.row_text(), error});
}

Error& CopyReader::with_row_context(Error& error) const {
  std::string context = "COPY " + relation_name_ + ", line " + std::to_string(line_number());
  if (!is_binary()) context += ": \"" + shown(splitter_.row_text()) + "\"";
  return error.in_context(std::move(context));
}

Error& CopyReader::with_column_context(Error& error, std::size_t column, const CopyField* field) const {
  std::string context = "COPY " + relation_name_ + ", line " + std::to_string(line_number()) + ", column " +
                        columns_[column].name;
  if (field != nullptr) context += ": \"" + shown(field->text) + "\"";
  return error.in_context(std::move(context));
}

// Binary: signature, 32 bits of flags, an extension with its length; rows of a 16-bit field count and
// length-prefixed fields; a field count of -1 ends them.

void CopyReader::read_binary(Batch& into) {
  if (!binary_ended_ && (binary_header_done_ || read_binary_header())) {
    while (!binary_ended_ && read_binary_row(into)) {
    }
  }
  if (binary_ended_) {
    if (binary_kept_.size() > binary_at_) {
      throw bad_format("received copy data after EOF marker");
    }
  }
  binary_kept_.erase(0, binary_at_);
  binary_at_ = 0;
  if (binary_kept_.size() > kMaxBinaryRowBytes) {
    throw Error(ErrorCode::ProgramLimitExceeded, "row of COPY input is too long");
  }
}

bool CopyReader::read_binary_header() {
  const auto fail = [&](const std::string& message) {
    return bad_format(message).in_context("COPY " + relation_name_ + ", line 1");
  };
  const auto have = std::string_view(binary_kept_);
  const auto compared = std::min(have.size(), kBinarySignature.size());
  if (have.substr(0, compared) != kBinarySignature.substr(0, compared)) {
    throw fail("COPY file signature not recognized");
  }
  if (have.size() < kBinarySignature.size() + 8) return false;
  const auto flags = load_big_endian<std::uint32_t>(have.data() + kBinarySignature.size());
  if ((flags & (1U << 16)) != 0) throw fail("invalid COPY file header (WITH OIDS)");
  if ((flags & 0xFFFF0000U) != 0) throw fail("unrecognized critical flags in COPY file header");
  const auto extension_bytes = load_big_endian<std::int32_t>(have.data() + kBinarySignature.size() + 4);
  if (extension_bytes < 0) throw fail("invalid COPY file header (missing length)");
  const auto size = kBinarySignature.size() + 8 + static_cast<std::size_t>(extension_bytes);
  if (have.size() < size) return false;
  binary_at_ = size;
  binary_header_done_ = true;
  return true;
}

bool CopyReader::read_binary_row(Batch& into) {
  const auto have = std::string_view(binary_kept_).substr(binary_at_);
  if (have.size() < 2) return false;
  const auto field_count = load_big_endian<std::int16_t>(have.data());
  if (field_count == -1) {
    binary_ended_ = true;
    binary_at_ += 2;
    return false;
  }
  if (field_count < 0 || static_cast<std::size_t>(field_count) != columns_.size()) {
    ++binary_row_;
    Error error = bad_format("row field count is " + std::to_string(field_count) + ", expected " +
                             std::to_string(columns_.size()));
    throw with_row_context(error);
  }
  std::size_t at = 2;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (have.size() < at + 4) return false;
    const auto size = load_big_endian<std::int32_t>(have.data() + at);
    at += 4;
    if (size < -1) {
      ++binary_row_;
      Error error = bad_format("invalid field size");
      throw with_column_context(error, i, nullptr);
    }
    if (size > 0) at += static_cast<std::size_t>(size);
  }
  if (have.size() < at) return false;
  ++binary_row_;
  const auto rows_before = into.row_count();
  try {
    append_binary_row(have.substr(2, at - 2), into);
    ++row_count_;
  } catch (Error& error) {
    reject_or_throw(error, into, rows_before);
  }
  binary_at_ += at;
  return true;
}

void CopyReader::append_binary_row(std::string_view row, Batch& into) {
  std::size_t batch_column = 0;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const auto size = load_big_endian<std::int32_t>(row.data());
    row.remove_prefix(4);
    const auto bytes = row.substr(0, size < 0 ? 0 : static_cast<std::size_t>(size));
    row.remove_prefix(bytes.size());
    if (columns_[i].is_ignored) continue;
    auto& column = into.columns[batch_column++];
    if (size < 0) {
      column.append_null();
      continue;
    }
    try {
      // A text is the same in this format.
      const bool is_text = column.type().id == TypeId::Text || column.type().id == TypeId::Varchar;
      if (is_text && targets_[i].append_fast != nullptr && targets_[i].append_fast(column, bytes, context_))
        continue;
      // A label is its text in this format, too.
      column.type().is_enum() ? append_parsed(column, bytes, context_) : append_received(column, bytes);
    } catch (Error& error) {
      throw with_column_context(error, i, nullptr);
    }
  }
  if (batch_column == 0) ++into.zero_column_rows;
}

}  // namespace tickstone
