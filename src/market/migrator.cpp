// SPDX-License-Identifier: Apache-2.0
#include "market/migrator.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <tickstone/error.hpp>

namespace tickstone::market {
namespace {

constexpr int kOldestPostgreSql = 150000;

constexpr std::string_view kVersionTable =
    "CREATE TABLE IF NOT EXISTS tickstone_schema_version ("
    "version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, "
    "applied_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_by TEXT NOT NULL DEFAULT current_user, "
    "duration_ms BIGINT NOT NULL)";

std::chrono::milliseconds since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
}

}  // namespace

Migrator::Migrator(Connection& connection, Home home)
    : connection_(connection), home_(home), migrations_(schema_migrations(home)) {}

void Migrator::check_server(const SchemaStatus& before) {
  if (home_ == Home::TimescaleDb) check_license();
  if (home_ != Home::PostgreSql) return;
  const int version = std::stoi(rows_of("SHOW server_version_num").at(0).at(0).value());
  if (version < kOldestPostgreSql) {
    throw Error(
        ErrorCode::FeatureNotSupported,
        fmt::format("the schema needs PostgreSQL 15 or later, or TimescaleDB; this is {}", version / 10000));
  }
  if (before.version() > 0 || does_without_timescaledb_) return;
  // Its loader is in the server, so that only the database lacks it.
  if (rows_of("SELECT current_setting('timescaledb.disable_load', true)").at(0).at(0)) {
    throw Error(ErrorCode::ObjectNotInPrerequisiteState,
                "the server has TimescaleDB, and this database does not",
                "A database with the schema for PostgreSQL alone cannot have the extension later.",
                "CREATE EXTENSION timescaledb; in this database first, or migrate it --without-timescaledb.");
  }
}

/// Some managed servers have the edition without aggregates, compression and policies.
void Migrator::check_license() {
  if (rows_of("SELECT current_setting('timescaledb.license', true)").at(0).at(0) != "apache") return;
  throw Error(
      ErrorCode::FeatureNotSupported,
      "the schema needs TimescaleDB's community edition; this server has timescaledb.license = 'apache'", {},
      "Set timescaledb.license = 'timescale' in the server's configuration, or migrate a database "
      "without the extension --without-timescaledb.");
}

std::vector<std::vector<std::optional<std::string>>> Migrator::rows_of(const std::string& sql) {
  std::vector<std::vector<std::optional<std::string>>> rows;
  connection_.run_script(sql, [&](const TextResult& result) {
    rows.insert(rows.end(), result.rows.begin(), result.rows.end());
  });
  return rows;
}

std::vector<AppliedMigration> Migrator::applied() {
  if (!rows_of("SELECT to_regclass('tickstone_schema_version')").at(0).at(0)) return {};
  std::vector<AppliedMigration> found;
  for (const auto& row : rows_of("SELECT version, name, checksum, applied_at FROM tickstone_schema_version "
                                 "ORDER BY version")) {
    found.push_back({std::stoi(row.at(0).value_or("0")), row.at(1).value_or(""), row.at(2).value_or(""),
                     row.at(3).value_or("")});
  }
  return found;
}

SchemaStatus Migrator::compare(std::vector<AppliedMigration> applied) const {
  for (std::size_t i = 0; i < applied.size(); ++i) {
    const AppliedMigration& there = applied[i];
    if (there.version > newest()) {
      throw Error(ErrorCode::ObjectNotInPrerequisiteState,
                  fmt::format("the schema is of version {}, newer than version {} of this program",
                              applied.back().version, newest()),
                  {}, "Use the Tickstone that brought it there, or a newer one.");
    }
    const Migration& ours = migrations_[i];
    if (there.version != ours.version) {
      throw Error(
          ErrorCode::ObjectNotInPrerequisiteState,
          fmt::format("version {} of the schema is missing below version {}", ours.version, there.version),
          "tickstone_schema_version has had rows deleted.", "Restore them from a backup.");
    }
    if (there.checksum != ours.checksum) {
      throw Error(
          ErrorCode::ObjectNotInPrerequisiteState,
          fmt::format("version {} of the schema ({}) was applied with other SQL than this program has",
                      there.version, there.name),
          fmt::format("Its checksum is {}, this program's {}.", there.checksum, ours.checksum),
          "Use the Tickstone that applied it. If the difference is known to be harmless, set the "
          "checksum in tickstone_schema_version.");
    }
  }
  const auto done = static_cast<std::ptrdiff_t>(applied.size());
  return {std::move(applied), {migrations_.begin() + done, migrations_.end()}};
}

SchemaStatus Migrator::status() { return compare(applied()); }

void Migrator::make_version_table() {
  try {
    rows_of(std::string(kVersionTable));
  } catch (const Error& error) {
    // IF NOT EXISTS looks before it makes: of two at once one may fail, and finds it made. Which error
    // it gets depends on what of it the other had made: its name, its row type, or neither for sure.
    const ErrorCode code = error.code();
    if (code != ErrorCode::UniqueViolation && code != ErrorCode::DuplicateTable &&
        code != ErrorCode::DuplicateObject) {
      throw;
    }
  }
}

bool Migrator::apply(const Migration& migration) {
  const auto start = std::chrono::steady_clock::now();
  rows_of("BEGIN");
  try {
    rows_of("LOCK TABLE tickstone_schema_version IN ACCESS EXCLUSIVE MODE");
    const SchemaStatus now = status();
    if (now.version() >= migration.version) {
      rows_of("ROLLBACK");
      return false;
    }
    if (!migration.sql.empty()) rows_of(migration.sql);
    rows_of(
        fmt::format("INSERT INTO tickstone_schema_version (version, name, checksum, duration_ms) "
                    "VALUES ({}, {}, {}, {})",
                    migration.version, quote_literal(migration.name), quote_literal(migration.checksum),
                    since(start).count()));
    rows_of("COMMIT");
  } catch (const Error&) {
    try {
      if (connection_.is_open() && connection_.in_transaction()) rows_of("ROLLBACK");
    } catch (const Error&) {
      // The connection is gone, and the transaction with it; the first error says why.
    }
    throw;
  }
  return true;
}

void Migrator::migrate(int to,
                       const std::function<void(const Migration&, std::chrono::milliseconds)>& on_applied) {
  const SchemaStatus before = status();
  if (to < before.version()) {
    throw Error(
        ErrorCode::InvalidParameterValue,
        fmt::format("the schema is of version {} already; there is no way back to {}", before.version(), to),
        {}, "Restore a backup of that time.");
  }
  if (to > newest()) {
    throw Error(ErrorCode::InvalidParameterValue,
                fmt::format("there is no version {}; the newest is {}", to, newest()));
  }
  if (before.version() == to) return;
  check_server(before);
  // What is there already needs no word.
  rows_of("SET client_min_messages = 'warning'");
  make_version_table();
  for (const Migration& migration : before.pending) {
    if (migration.version > to) break;
    const auto start = std::chrono::steady_clock::now();
    try {
      if (apply(migration)) on_applied(migration, since(start));
    } catch (const Error& error) {
      std::string detail =
          fmt::format("In version {} ({}) of the schema.", migration.version, migration.name);
      if (!error.detail().empty()) detail += " " + std::string(error.detail());
      throw Error(error.code(), error.what(), detail, std::string(error.hint()));
    }
  }
}

}  // namespace tickstone::market
