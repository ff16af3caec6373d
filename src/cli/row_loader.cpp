// SPDX-License-Identifier: Apache-2.0
#include "cli/row_loader.hpp"

#include <algorithm>
#include <atomic>
#include <filesystem>

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
  static std::atomic<int> count = 0;
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

/// Integrity violations and bad data are the rows' own fault; so are two of one key in one update.
bool is_of_rows(const Error& error) {
  const auto state = sqlstate(error.code());
  return state.starts_with("23") || state.starts_with("22") || state == "21000";
}

/// What follows ON CONFLICT to put the new values in the place of the old, where they differ.
std::string update_clause(market::Connection& target, const std::string& table,
                          const std::vector<CopyColumn>& columns) {
  std::vector<std::string> key;
  target.run_script(
      "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = "
      "ANY(i.indkey) "
      "WHERE i.indisprimary AND i.indrelid = " +
          market::quote_literal(table) + "::regclass",
      [&](const market::TextResult& result) {
        for (const auto& row : result.rows) key.push_back(row[0].value_or(""));
      });
  if (key.empty()) {
    throw Error(ErrorCode::UndefinedObject, "table \"" + table + "\" has no primary key to find rows by", {},
                "Use --existing reject, or give the table a primary key.");
  }
  std::string names;
  for (const auto& name : key) names += (names.empty() ? "" : ", ") + catalog::quote_identifier(name);
  std::string set;
  std::string differs;
  for (const auto& column : kept(columns)) {
    if (std::find(key.begin(), key.end(), column.name) != key.end()) continue;
    const std::string name = catalog::quote_identifier(column.name);
    set += (set.empty() ? "" : ", ") + name + " = excluded." + name;
    // JSON has no equality but that of its text.
    const char* cast = column.type.id == TypeId::Json ? "::text" : "";
    differs += (differs.empty() ? "" : " OR ") + ("old." + name) + cast + " IS DISTINCT FROM excluded." +
               name + cast;
  }
  if (set.empty()) return "DO NOTHING";
  return "(" + names + ") DO UPDATE SET " + set + " WHERE " + differs;
}

}  // namespace

RejectFile::~RejectFile() {
  if (file_ != nullptr) std::fclose(file_);
}

void RejectFile::resume(std::uint64_t size_bytes) {
  std::error_code failure;
  if (size_bytes == 0 || file_ != nullptr || !std::filesystem::exists(path_)) return;
  // What was written after the last commit will be written again.
  if (std::filesystem::file_size(path_, failure) > size_bytes)
    std::filesystem::resize_file(path_, size_bytes, failure);
  file_ = failure ? nullptr : std::fopen(path_.c_str(), "a");
  if (file_ == nullptr) throw Error(ErrorCode::IoError, "could not write reject file \"" + path_ + "\"");
}

void RejectFile::add(const std::string& file, std::uint64_t line, const std::string& reason,
                     std::string_view row) {
  if (file_ == nullptr) {
    file_ = std::fopen(path_.c_str(), "w");
    if (file_ == nullptr) throw Error(ErrorCode::IoError, "could not write reject file \"" + path_ + "\"");
    std::fputs("file,line,reason,row\n", file_);
  }
  while (!row.empty() && (row.back() == '\n' || row.back() == '\r')) row.remove_suffix(1);
  const std::string text =
      csv_field(file) + "," + std::to_string(line) + "," + csv_field(reason) + "," + csv_field(row) + "\n";
  if (std::fputs(text.c_str(), file_) < 0)
    throw Error(ErrorCode::IoError, "could not write reject file \"" + path_ + "\"");
}

std::uint64_t RejectFile::flush() {
  if (file_ == nullptr) return 0;
  if (std::fflush(file_) != 0)
    throw Error(ErrorCode::IoError, "could not write reject file \"" + path_ + "\"");
  return static_cast<std::uint64_t>(std::max(0L, std::ftell(file_)));
}

void RejectFile::cut(std::uint64_t size_bytes) {
  if (file_ == nullptr || flush() == size_bytes) return;
  const bool is_empty = size_bytes == 0;
  std::fclose(file_);
  file_ = nullptr;
  std::error_code failure;
  if (is_empty)
    std::filesystem::remove(path_, failure);
  else
    std::filesystem::resize_file(path_, size_bytes, failure);
  if (!failure && !is_empty) file_ = std::fopen(path_.c_str(), "a");
  if (failure || (!is_empty && file_ == nullptr))
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
  if (existing_ == ExistingRows::Reject) return;
  if (existing_ == ExistingRows::Update) update_ = update_clause(target, table, columns);
  staging_ = next_staging_table();
  run("SET client_min_messages = warning");
  run("CREATE TEMPORARY TABLE " + staging_ + " AS SELECT " + names_ + " FROM " + table_ + " LIMIT 0");
}

std::uint64_t RowLoader::run(const std::string& sql) {
  std::uint64_t rows = 0;
  target_.run_script(sql, [&](const market::TextResult& result) { rows = market::rows_of_tag(result.tag); });
  return rows;
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

/// Adds the rows whose key is new, then changes those that were there and differ.
void RowLoader::merge_rows(const std::vector<ColumnView>& columns, std::size_t from, std::size_t to,
                           RowCounts& counts) {
  run("TRUNCATE " + staging_);
  copy_rows("COPY " + staging_ + " (" + names_ + ") FROM STDIN", columns, from, to);
  const std::string insert = "INSERT INTO " + table_ + " AS old (" + names_ + ") SELECT " + names_ +
                             " FROM " + staging_ + " ON CONFLICT ";
  const std::uint64_t added = run(insert + "DO NOTHING");
  std::uint64_t changed = 0;
  if (existing_ == ExistingRows::Update && added < to - from) changed = run(insert + update_);
  counts.added += added;
  counts.changed += changed;
  counts.same += to - from - added - changed;
}

void RowLoader::load_rows(const std::vector<ColumnView>& columns, std::size_t from, std::size_t to,
                          RowCounts& counts) {
  if (has_met_existing_) return merge_rows(columns, from, to, counts);
  try {
    counts.added += copy_rows("COPY " + table_ + " (" + names_ + ") FROM STDIN", columns, from, to);
  } catch (const Error& error) {
    if (existing_ == ExistingRows::Reject || error.code() != ErrorCode::UniqueViolation) throw;
    // Where one row is there already others will be: from now on they are looked for.
    has_met_existing_ = true;
    run("ROLLBACK TO SAVEPOINT tickstone_rows");
    merge_rows(columns, from, to, counts);
  }
}

RowCounts RowLoader::load(const Batch& batch, const std::vector<std::uint64_t>& lines) {
  RowCounts counts;
  if (batch.row_count() > 0) load_range(batch, lines, 0, batch.row_count(), counts);
  return counts;
}

void RowLoader::load_range(const Batch& batch, const std::vector<std::uint64_t>& lines, std::size_t from,
                           std::size_t to, RowCounts& counts) {
  std::vector<ColumnView> views;
  for (const auto& column : batch.columns) views.push_back(column.view());
  run("SAVEPOINT tickstone_rows");
  RowCounts of_range;
  try {
    load_rows(views, from, to, of_range);
  } catch (const Error& error) {
    if (!is_of_rows(error)) throw;
    run("ROLLBACK TO SAVEPOINT tickstone_rows");
    run("RELEASE SAVEPOINT tickstone_rows");
    if (to - from == 1) {
      std::string row;
      reject_writer_.append_rows(row, views, from, to);
      rejects_.add(file_, lines[from],
                   error.message() + (error.detail().empty() ? "" : ": " + error.detail()), row);
      ++counts.rejected;
      return;
    }
    const std::size_t middle = from + (to - from) / 2;
    load_range(batch, lines, from, middle, counts);
    load_range(batch, lines, middle, to, counts);
    return;
  }
  run("RELEASE SAVEPOINT tickstone_rows");
  counts += of_range;
}

}  // namespace tickstone::cli
