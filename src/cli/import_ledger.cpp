// SPDX-License-Identifier: Apache-2.0
#include "cli/import_ledger.hpp"

#include <tickstone/error.hpp>

namespace tickstone::cli {
namespace {

const auto kIgnore = [](const market::TextResult&) {};

constexpr const char* kOfFile =
    " WHERE table_name = $1 AND file_name = $2 AND file_bytes = $3 AND file_hash = $4";

Parameters key_of(const std::string& table, const FileIdentity& file) {
  return {table, file.name, static_cast<std::int64_t>(file.size_bytes), file.hash};
}

std::int64_t number(std::uint64_t value) { return static_cast<std::int64_t>(value); }

}  // namespace

RowCounts& RowCounts::operator+=(const RowCounts& other) {
  added += other.added;
  changed += other.changed;
  same += other.same;
  rejected += other.rejected;
  return *this;
}

ImportLedger::ImportLedger(market::Connection& target, std::string table)
    : target_(target), table_(std::move(table)) {
  bool is_there = false;
  target_.run_script("SELECT 1 FROM pg_class WHERE oid = to_regclass('tickstone_imports')",
                     [&](const market::TextResult& result) { is_there = !result.rows.empty(); });
  if (is_there) return;
  target_.run_script(
      "CREATE TABLE IF NOT EXISTS tickstone_imports (table_name TEXT NOT NULL, file_name TEXT NOT NULL, "
      "file_bytes BIGINT NOT NULL, file_hash TEXT NOT NULL, format TEXT NOT NULL, last_line BIGINT NOT NULL, "
      "rows_new BIGINT NOT NULL, rows_changed BIGINT NOT NULL, rows_same BIGINT NOT NULL, "
      "rows_rejected BIGINT NOT NULL, reject_file TEXT NOT NULL, reject_bytes BIGINT NOT NULL, "
      "is_complete BOOLEAN NOT NULL, started_at TIMESTAMPTZ NOT NULL DEFAULT now(), "
      "updated_at TIMESTAMPTZ NOT NULL DEFAULT now(), "
      "PRIMARY KEY (table_name, file_name, file_bytes, file_hash))",
      kIgnore);
}

std::optional<ImportProgress> ImportLedger::find(const FileIdentity& file) {
  std::optional<ImportProgress> progress;
  market::RowHandler handler;
  handler.on_rows = [&](Batch&& rows) {
    const auto count = [&](std::size_t column) {
      return static_cast<std::uint64_t>(rows.columns[column].fixed<std::int64_t>(0));
    };
    progress = ImportProgress{count(0),
                              {count(1), count(2), count(3), count(4)},
                              std::string(rows.columns[5].bytes(0)),
                              count(6),
                              rows.columns[7].fixed<std::uint8_t>(0) != 0};
  };
  target_.query(
      std::string("SELECT last_line, rows_new, rows_changed, rows_same, rows_rejected, reject_file, "
                  "reject_bytes, is_complete FROM tickstone_imports") +
          kOfFile,
      key_of(table_, file), handler);
  return progress;
}

void ImportLedger::advance(const FileIdentity& file, const std::string& format, const ImportProgress& before,
                           const ImportProgress& after) {
  Parameters parameters = key_of(table_, file);
  // The row may be new: it is there from now on, so that the update can tell who is first.
  parameters.emplace_back(format);
  target_.query(
      "INSERT INTO tickstone_imports (table_name, file_name, file_bytes, file_hash, format, last_line, "
      "rows_new, "
      "rows_changed, rows_same, rows_rejected, reject_file, reject_bytes, is_complete) "
      "VALUES ($1, $2, $3, $4, $5, 0, 0, 0, 0, 0, '', 0, false) ON CONFLICT DO NOTHING",
      parameters);
  parameters = key_of(table_, file);
  for (const auto value : {after.last_line, after.rows.added, after.rows.changed, after.rows.same,
                           after.rows.rejected, after.reject_bytes})
    parameters.emplace_back(number(value));
  parameters.emplace_back(after.reject_file);
  parameters.emplace_back(after.is_complete);
  parameters.emplace_back(number(before.last_line));
  const std::string tag = target_.query(
      std::string(
          "UPDATE tickstone_imports SET last_line = $5, rows_new = $6, rows_changed = $7, rows_same = $8, "
          "rows_rejected = $9, reject_bytes = $10, reject_file = $11, is_complete = $12, "
          "updated_at = now()") +
          kOfFile + " AND last_line = $13 AND NOT is_complete",
      parameters);
  if (market::rows_of_tag(tag) == 1) return;
  throw Error(ErrorCode::ObjectInUse, "another import of file \"" + file.name + "\" is under way", {},
              "What it has loaded stays; run this import again when it has ended.");
}

void ImportLedger::forget(const FileIdentity& file) {
  target_.query(std::string("DELETE FROM tickstone_imports") + kOfFile, key_of(table_, file));
}

}  // namespace tickstone::cli
