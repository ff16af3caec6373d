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

std::string names_of(const std::vector<CopyColumn>& columns) {
  std::string names;
  for (const auto& column : kept(columns))
    names += (names.empty() ? "" : ", ") + catalog::quote_identifier(column.name);
  return names;
}

CopyOptions csv_options(char delimiter) {
  CopyOptions options = CopyOptions::csv();
  options.delimiter = delimiter;
  return options;
}

/// Where rows wait that may be in the table already: a temporary table, found before any other of its name.
std::string next_staging_table() {
  static int count = 0;
  return "tickstone_import_" + std::to_string(++count);
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

RowLoader::RowLoader(market::Connection& target, const std::string& table,
                     const std::vector<CopyColumn>& columns, RejectFile& rejects, std::string file,
                     char delimiter, ExistingRows existing)
    : target_(target),
      table_(table),
      names_(names_of(columns)),
      existing_(existing),
      writer_(CopyOptions::text(), kept(columns)),
      reject_writer_(csv_options(delimiter), kept(columns)),
      rejects_(rejects),
      file_(std::move(file)) {
  if (existing_ != ExistingRows::Skip) return;
  const auto ignore = [](const market::TextResult&) {};
  target_.run_script("SET client_min_messages = warning", ignore);
  staging_ = next_staging_table();
  target_.run_script(
      "CREATE TEMPORARY TABLE " + staging_ + " AS SELECT " + names_ + " FROM " + table_ + " LIMIT 0", ignore);
}

std::uint64_t RowLoader::copy_rows(const std::string& statement, const std::vector<ColumnView>& columns,
                                   std::size_t from, std::size_t to) {
  constexpr std::size_t kChunkRows = 2'000;
  std::size_t at = from;
  return market::rows_of_tag(target_.copy_in(statement, [&](std::string& chunk) {
    chunk.clear();
    if (at == to) return false;
    const std::size_t end = std::min(to, at + kChunkRows);
    writer_.append_rows(chunk, columns, at, end);
    at = end;
    return true;
  }));
}

std::uint64_t RowLoader::copy_new_rows(const std::vector<ColumnView>& columns, std::size_t from,
                                       std::size_t to) {
  const auto ignore = [](const market::TextResult&) {};
  target_.run_script("TRUNCATE " + staging_, ignore);
  copy_rows("COPY " + staging_ + " (" + names_ + ") FROM STDIN", columns, from, to);
  std::uint64_t inserted = 0;
  target_.run_script("INSERT INTO " + table_ + " (" + names_ + ") SELECT " + names_ + " FROM " + staging_ +
                         " ON CONFLICT DO NOTHING",
                     [&](const market::TextResult& result) { inserted = market::rows_of_tag(result.tag); });
  return inserted;
}

void RowLoader::load(const Batch& batch, const std::vector<std::uint64_t>& lines) {
  if (batch.row_count() > 0) load_range(batch, lines, 0, batch.row_count());
}

void RowLoader::load_range(const Batch& batch, const std::vector<std::uint64_t>& lines, std::size_t from,
                           std::size_t to) {
  std::vector<ColumnView> views;
  for (const auto& column : batch.columns) views.push_back(column.view());
  try {
    if (existing_ == ExistingRows::Reject) {
      row_count_ += copy_rows("COPY " + table_ + " (" + names_ + ") FROM STDIN", views, from, to);
    } else {
      const std::uint64_t inserted = copy_new_rows(views, from, to);
      row_count_ += inserted;
      skipped_count_ += to - from - inserted;
    }
  } catch (const Error& error) {
    if (!is_of_rows(error)) throw;
    if (to - from == 1) {
      std::string row;
      reject_writer_.append_rows(row, views, from, to);
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
