// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/big_endian.hpp"
#include "base/check.hpp"
#include "types/binary_format.hpp"
#include "types/copy_format.hpp"

namespace tickstone {
namespace {

constexpr std::string_view kBinarySignature{"PGCOPY\n\377\r\n\0", 11};

/// Types whose text is made of digits, letters and these signs only, never of free text.
bool has_tame_text(const SqlType& type) {
  if (type.is_array) return false;
  switch (type.id) {
    case TypeId::Boolean:
    case TypeId::SmallInt:
    case TypeId::Integer:
    case TypeId::BigInt:
    case TypeId::Real:
    case TypeId::Double:
    case TypeId::Numeric:
    case TypeId::Date:
    case TypeId::Time:
    case TypeId::Timestamp:
    case TypeId::TimestampTz:
    case TypeId::TimestampNs:
    case TypeId::Interval:
    case TypeId::Uuid:
    case TypeId::Oid:
      return true;
    default:
      return false;
  }
}

/// Could the character stand in the text of a type that `has_tame_text`?
bool is_tame(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '-' ||
         c == '.' || c == ':' || c == ' ' || c == ',';
}

bool could_be_tame(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_tame);
}

}  // namespace

CopyWriter::CopyWriter(const CopyOptions& options, std::vector<CopyColumn> columns,
                       const FormatContext& context)
    : options_(options), columns_(std::move(columns)), context_(context) {
  const bool is_csv = options.format == CopyFormat::Csv;
  // A comma stands in no number or time, though dates in words would have one.
  const auto clashes = [](char c) { return is_tame(c) && c != ','; };
  const bool tame_is_plain = !clashes(options.delimiter) && !could_be_tame(options.null_text) &&
                             (!is_csv || (!clashes(options.quote) && !clashes(options.escape)));
  for (const auto& column : columns_) {
    Shape shape;
    shape.force_quote = is_csv && (options.force_quote_all ||
                                   std::find(options.force_quote.begin(), options.force_quote.end(),
                                             column.name) != options.force_quote.end());
    shape.is_plain = tame_is_plain && !shape.force_quote && has_tame_text(column.type);
    shapes_.push_back(shape);
  }
}

void CopyWriter::append_start(std::string& out) const {
  if (options_.format == CopyFormat::Binary) {
    out.append(kBinarySignature);
    out.append(8, '\0');
    return;
  }
  if (options_.header == CopyHeader::None) return;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) out.push_back(options_.delimiter);
    if (options_.format == CopyFormat::Csv) {
      append_csv(out, columns_[i].name, false);
    } else {
      append_escaped(out, columns_[i].name);
    }
  }
  out.push_back('\n');
}

void CopyWriter::append_end(std::string& out) const {
  if (options_.format == CopyFormat::Binary) append_big_endian(out, std::int16_t{-1});
}

void CopyWriter::append_batch(std::string& out, const Batch& batch) const {
  std::vector<ColumnView> views;
  for (const auto& column : batch.columns) views.push_back(column.view());
  append_rows(out, views, 0, batch.row_count());
}

void CopyWriter::append_rows(std::string& out, std::span<const ColumnView> columns, std::size_t from,
                             std::size_t to) const {
  TICKSTONE_CHECK(columns.size() == columns_.size());
  if (options_.format == CopyFormat::Binary) {
    for (std::size_t row = from; row < to; ++row) append_binary_row(out, columns, row);
    return;
  }
  std::string text;
  for (std::size_t row = from; row < to; ++row) append_row(out, columns, row, text);
}

void CopyWriter::append_row(std::string& out, std::span<const ColumnView> columns, std::size_t row,
                            std::string& text) const {
  const bool is_csv = options_.format == CopyFormat::Csv;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) out.push_back(options_.delimiter);
    const auto& column = columns[i];
    if (column.is_null(row)) {
      out.append(options_.null_text);
      continue;
    }
    if (shapes_[i].is_plain) {
      append_text(out, column, row, context_);
      continue;
    }
    std::string_view value;
    const auto id = column.type.id;
    if (!column.type.is_array && (id == TypeId::Text || id == TypeId::Varchar)) {
      value = column.bytes(row);
    } else {
      text.clear();
      append_text(text, column, row, context_);
      value = text;
    }
    if (is_csv) {
      append_csv(out, value, shapes_[i].force_quote);
    } else {
      append_escaped(out, value);
    }
  }
  out.push_back('\n');
}

void CopyWriter::append_binary_row(std::string& out, std::span<const ColumnView> columns,
                                   std::size_t row) const {
  append_big_endian(out, static_cast<std::int16_t>(columns.size()));
  for (const auto& column : columns) append_binary_field(out, column, row);
}

void CopyWriter::append_escaped(std::string& out, std::string_view text) const {
  for (const char c : text) {
    switch (c) {
      case '\b':
        out.append("\\b");
        break;
      case '\f':
        out.append("\\f");
        break;
      case '\n':
        out.append("\\n");
        break;
      case '\r':
        out.append("\\r");
        break;
      case '\t':
        out.append("\\t");
        break;
      case '\v':
        out.append("\\v");
        break;
      case '\\':
        out.append("\\\\");
        break;
      default:
        if (c == options_.delimiter) out.push_back('\\');
        out.push_back(c);
        break;
    }
  }
}

void CopyWriter::append_csv(std::string& out, std::string_view text, bool force_quote) const {
  bool needs_quotes = force_quote || text == options_.null_text || (columns_.size() == 1 && text == "\\.");
  if (!needs_quotes) {
    const char special[] = {options_.delimiter, options_.quote, '\n', '\r'};
    needs_quotes = text.find_first_of(std::string_view(special, 4)) != std::string_view::npos;
  }
  if (!needs_quotes) {
    out.append(text);
    return;
  }
  out.push_back(options_.quote);
  for (const char c : text) {
    if (c == options_.quote || c == options_.escape) out.push_back(options_.escape);
    out.push_back(c);
  }
  out.push_back(options_.quote);
}

}  // namespace tickstone
