// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "market/connection.hpp"
#include "market/schema.hpp"

namespace tickstone::market {

/// The version that has the tables, without aggregates and policies.
constexpr int kTablesVersion = 2;

/// A row of tickstone_schema_version.
struct AppliedMigration {
  int version = 0;
  std::string name;
  std::string checksum;
  std::string applied_at;
};

struct SchemaStatus {
  std::vector<AppliedMigration> applied;
  std::vector<Migration> pending;

  int version() const { return applied.empty() ? 0 : applied.back().version; }
};

/// Brings the application's schema of one home up to date.
///
/// Each version is one transaction under a lock of the version table: a process that dies leaves a whole
/// number of them, and two that migrate at once wait for each other. Errors: ObjectNotInPrerequisiteState
/// where the schema is newer than this program or its SQL was another, or where a server that has TimescaleDB
/// lacks it in this database and nobody has said that it need not; FeatureNotSupported for a server that is
/// too old, or of TimescaleDB's edition without aggregates; what the home says of the SQL, with the version
/// in the detail. Threads: one at a time. Lifetime: shorter than the connection.
class Migrator {
 public:
  Migrator(Connection& connection, Home home);

  /// Keeps to PostgreSQL's own means on a server that has TimescaleDB: it cannot be had in that database
  /// later.
  void do_without_timescaledb() { does_without_timescaledb_ = true; }
  /// Reads only.
  SchemaStatus status();
  /// Applies what is pending up to version `to`; what is in already is not an error, but there is no way
  /// back. `on_applied` is told of each version when it is committed.
  void migrate(int to, const std::function<void(const Migration&, std::chrono::milliseconds)>& on_applied);
  /// The newest version that this program knows.
  int newest() const { return migrations_.back().version; }

 private:
  std::vector<std::vector<std::optional<std::string>>> rows_of(const std::string& sql);
  std::vector<AppliedMigration> applied();
  SchemaStatus compare(std::vector<AppliedMigration> applied) const;
  void check_server(const SchemaStatus& before);
  void check_license();
  void make_version_table();
  /// False where another process has been faster.
  bool apply(const Migration& migration);

  Connection& connection_;
  const Home home_;
  const std::vector<Migration> migrations_;
  bool does_without_timescaledb_ = false;
};

}  // namespace tickstone::market
