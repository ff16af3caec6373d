// SPDX-License-Identifier: Apache-2.0
#include "cli/row_loader.hpp"

#include <tickstone/error.hpp>

#include "catalog/catalog.hpp"

namespace tickstone::cli {
namespace {

std::vector<CopyColumn> kept(const std::vector<CopyColumn>& columns) {
  std::vector<CopyColumn> kept;
  for (const auto& column : columns) {
    if (!column.is_ignored) kept.push_back(column);
  }
  return kept;
}

std::string copy_statement(const std::string& table, const std::vector<CopyColumn>& columns) {
  std::string names;
  for (const auto& column : kept(columns))
    names += (names.empty() ? "" : ", ") + catalog::quote_identifier(column.name);
  return "COPY " + table + " (" + names + ") FROM STDIN";
}

std::string csv_field(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

/// Integrity violations and bad data are the rows' own fault.
bool is_of_rows(const Error& error) {
  const auto state = sqlstate(error.code());
  return state.starts_with("23") || state.starts_with("22");
}

}  // namespace

RejectFile::~RejectFile() {
  if (file_ != nullptr) std::fclose(file_);
}

void RejectFile::add(const std::string& file, std::uint64_t line, const std::string& reason,
                     std::string_view row) {
  if (file_ == nullptr) {
    file_ = std::fopen(path_.c_str(), "w");
    if (file_ == nullptr) throw Error(ErrorCode::IoError, "could not write reject file \"" + path_ + "\"");
    std::fputs("file,line,reason,row\n", file_);
  }
  ++row_count_;
  while (!row.empty() && (row.back() == '\n' || row.back() == '\r')) row.remove_suffix(1);
  const std::string text =
      csv_field(file) + "," + std::to_string(line) + "," + csv_field(reason) + "," + csv_field(row) + "\n";
  if (std::fputs(text.c_str(), file_) < 0)
    throw Error(ErrorCode::IoError, "could not write reject file \"" + path_ + "\"");
}

RowLoader::RowLoader(QueryTarget& target, const std::string& table, const std::vector<CopyColumn>& columns,
                     RejectFile& rejects, std::string file)
    : target_(target),
      copy_(copy_statement(table, columns)),
      writer_(CopyOptions::text(), kept(columns)),
      rejects_(rejects),
      file_(std::move(file)) {}

void RowLoader::load(const Batch& batch, const std::vector<std::uint64_t>& lines) {
  if (batch.row_count() > 0) load_range(batch, lines, 0, batch.row_count());
}

void RowLoader::load_range(const Batch& batch, const std::vector<std::uint64_t>& lines, std::size_t from,
                           std::size_t to) {
  std::vector<ColumnView> views;
  for (const auto& column : batch.columns) views.push_back(column.view());
  try {
    constexpr std::size_t kChunkRows = 2'000;
    std::size_t at = from;
    row_count_ += target_.copy_in(copy_, [&](std::string& chunk) {
      chunk.clear();
      if (at == to) return false;
      const std::size_t end = std::min(to, at + kChunkRows);
      writer_.append_rows(chunk, views, at, end);
      at = end;
      return true;
    });
  } catch (const Error& error) {
    if (!is_of_rows(error)) throw;
    if (to - from == 1) {
      std::string row;
      writer_.append_rows(row, views, from, to);
      rejects_.add(file_, lines[from],
                   error.message() + (error.detail().empty() ? "" : ": " + error.detail()), row);
      return;
    }
    const std::size_t middle = from + (to - from) / 2;
    load_range(batch, lines, from, middle);
    load_range(batch, lines, middle, to);
  }
}

}  // namespace tickstone::cli
