// SPDX-License-Identifier: Apache-2.0
#include "cli/row_source.hpp"

#include <algorithm>

#include <tickstone/error.hpp>

#include "cli/input_file.hpp"
#include "duck/parquet_reader.hpp"
#include "types/copy_format.hpp"

namespace tickstone::cli {
namespace {

std::vector<std::string> split_header(const std::string& line, char delimiter) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"')
      fields.back() += line[++i];
    else if (c == '"')
      quoted = !quoted;
    else if (c == delimiter && !quoted)
      fields.emplace_back();
    else if (c != '\r')
      fields.back() += c;
  }
  return fields;
}

class CsvSource final : public RowSource {
 public:
  CsvSource(const std::string& path, const FileLayout& layout)
      : path_(path), layout_(layout), file_(InputFile::open(path)) {
    std::vector<std::string> names = layout.fields;
    if (layout.format != nullptr && layout.format->header == market::ImportFormat::Header::Perhaps) {
      names = fields_of_format(*layout.format);
    } else if (layout.has_header) {
      const std::string line = take_line();
      if (line.empty()) throw Error(ErrorCode::BadCopyFileFormat, "file \"" + path + "\" is empty");
      names = split_header(line, layout.delimiter);
      skipped_lines_ = 1;
    }
    for (auto& name : names) fields_.push_back({std::move(name), SqlType{}});
    last_line_ = skipped_lines_;
  }

  const std::vector<market::ResultColumn>& fields() const override { return fields_; }

  void read_as(const std::vector<CopyColumn>& fields,
               std::function<void(const BadLine&)> on_bad_line) override {
    CopyOptions options = CopyOptions::csv();
    options.delimiter = layout_.delimiter;
    options.null_text = layout_.null_text;
    reader_ = std::make_unique<CopyReader>(options, fields, "file");
    reader_->set_line_numbers(&lines_);
    reader_->set_bad_row_handler([this, on_bad_line = std::move(on_bad_line)](const CopyBadRow& bad) {
      // COPY's context counts lines from after the header; the column is what it adds.
      std::string reason = bad.error.message();
      if (const auto at = bad.error.context().find("column "); at != std::string::npos)
        reason += " (" + bad.error.context().substr(at) + ")";
      on_bad_line({bad.line_number + skipped_lines_, reason, bad.text});
    });
  }

  bool next(std::size_t row_count, Batch& rows, std::vector<std::uint64_t>& lines) override {
    rows = reader_->make_batch();
    bool has_more = true;
    while (has_more && rows.row_count() < row_count) {
      reader_->feed(chunk_, rows);
      has_more = file_->read(chunk_);
      if (!has_more) reader_->finish(rows);
    }
    lines = std::move(lines_);
    lines_.clear();
    for (auto& line : lines) line += skipped_lines_;
    last_line_ = reader_->line_number() + skipped_lines_;
    return has_more;
  }

  std::uint64_t last_line() const override { return last_line_; }
  std::uint64_t size() const override { return file_->size_bytes(); }
  std::uint64_t position() const override { return file_->position_bytes(); }

 private:
  /// Reads until the first line is whole. Returns its length, with its end.
  std::size_t fill_line() {
    std::string more;
    std::size_t end = chunk_.find('\n');
    while (end == std::string::npos && file_->read(more)) {
      const std::size_t from = chunk_.size();
      chunk_ += more;
      end = chunk_.find('\n', from);
    }
    if (chunk_.starts_with("\xEF\xBB\xBF")) {
      chunk_.erase(0, 3);
      if (end != std::string::npos) end -= 3;
    }
    return end == std::string::npos ? chunk_.size() : end + 1;
  }

  std::string take_line() {
    const std::size_t size = fill_line();
    std::string line = chunk_.substr(0, size);
    chunk_.erase(0, size);
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
    return line;
  }

  /// Names by place. The header, where there is one, has other names in every market; a row starts with a
  /// number.
  std::vector<std::string> fields_of_format(const market::ImportFormat& format) {
    const std::size_t size = fill_line();
    if (size == 0) throw Error(ErrorCode::BadCopyFileFormat, "file \"" + path_ + "\" is empty");
    const bool is_row = chunk_[0] >= '0' && chunk_[0] <= '9';
    const std::size_t count = split_header(chunk_.substr(0, size), layout_.delimiter).size();
    if (count < format.least_fields || count > format.fields.size()) {
      throw Error(ErrorCode::BadCopyFileFormat, "file \"" + path_ + "\" is not of format " + format.name +
                                                    ": its first line has " + std::to_string(count) +
                                                    " fields, not " + std::to_string(format.least_fields) +
                                                    " to " + std::to_string(format.fields.size()));
    }
    if (!is_row) {
      take_line();
      skipped_lines_ = 1;
    }
    return {format.fields.begin(), format.fields.begin() + static_cast<std::ptrdiff_t>(count)};
  }

  std::string path_;
  FileLayout layout_;
  std::unique_ptr<InputFile> file_;
  std::string chunk_;  // read, and not yet given to the reader
  std::vector<market::ResultColumn> fields_;
  std::unique_ptr<CopyReader> reader_;
  std::vector<std::uint64_t> lines_;
  std::uint64_t skipped_lines_ = 0;
  std::uint64_t last_line_ = 0;
};

class ParquetSource final : public RowSource {
 public:
  explicit ParquetSource(const std::string& path) : reader_(duck::ParquetReader::open(path)) {
    for (const auto& column : reader_->columns()) fields_.push_back({column.name, column.type});
  }

  const std::vector<market::ResultColumn>& fields() const override { return fields_; }
  void read_as(const std::vector<CopyColumn>& fields, std::function<void(const BadLine&)>) override {
    wanted_.clear();
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (!fields[i].is_ignored) wanted_.push_back(i);
    }
  }

  bool next(std::size_t row_count, Batch& rows, std::vector<std::uint64_t>& lines) override {
    rows = {};
    lines.clear();
    for (const auto column : wanted_) rows.columns.emplace_back(fields_[column].type);
    Batch part;
    while (lines.size() < row_count) {
      if (!reader_->next(part)) return false;
      for (std::size_t i = 0; i < wanted_.size(); ++i)
        rows.columns[i].append_all(part.columns[wanted_[i]].view());
      for (std::size_t row = 0; row < part.row_count(); ++row) lines.push_back(++last_line_);
    }
    return true;
  }

  std::uint64_t last_line() const override { return last_line_; }
  std::uint64_t size() const override { return reader_->row_count(); }
  std::uint64_t position() const override { return last_line_; }

 private:
  std::unique_ptr<duck::ParquetReader> reader_;
  std::vector<market::ResultColumn> fields_;
  std::vector<std::size_t> wanted_;
  std::uint64_t last_line_ = 0;
};

}  // namespace

std::unique_ptr<RowSource> RowSource::open(const std::string& path, const FileLayout& layout) {
  if (layout.is_parquet) return std::make_unique<ParquetSource>(path);
  return std::make_unique<CsvSource>(path, layout);
}

}  // namespace tickstone::cli
