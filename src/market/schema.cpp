// SPDX-License-Identifier: Apache-2.0
#include "market/schema.hpp"

#include <charconv>
#include <map>
#include <span>

#include <fmt/format.h>

#include "base/check.hpp"
#include "base/checksum.hpp"
#include "market/schema_files.hpp"

namespace tickstone::market {
namespace {

/// `10_aggregates.timescale.sql` is for Tickstone and TimescaleDB; a file without a second word is for all.
bool is_for(std::string_view file_name, Home home) {
  file_name.remove_suffix(std::string_view(".sql").size());
  const auto dot = file_name.rfind('.');
  if (dot == std::string_view::npos) return true;
  const std::string_view kind = file_name.substr(dot + 1);
  switch (home) {
    case Home::Embedded:
    case Home::Tickstone:
      return kind == "tickstone" || kind == "timescale";
    case Home::TimescaleDb:
      return kind == "timescaledb" || kind == "timescale";
    case Home::PostgreSql:
      return kind == "postgresql";
  }
  return false;
}

}  // namespace

std::vector<Migration> schema_migrations(Home home) {
  std::map<int, Migration> by_version;
  for (const SchemaFile& file : schema_files()) {
    const auto slash = file.path.find('/');
    const auto underscore = file.path.find('_');
    TICKSTONE_CHECK(slash != std::string_view::npos && underscore < slash);
    int version = 0;
    std::from_chars(file.path.data(), file.path.data() + underscore, version);
    Migration& migration = by_version[version];
    migration.version = version;
    migration.name = file.path.substr(underscore + 1, slash - underscore - 1);
    if (!is_for(file.path.substr(slash + 1), home)) continue;
    if (!migration.sql.empty()) migration.sql += '\n';
    migration.sql += file.sql;
  }
  std::vector<Migration> migrations;
  for (auto& [version, migration] : by_version) {
    TICKSTONE_CHECK(version == static_cast<int>(migrations.size()) + 1);
    migration.checksum = fmt::format(
        "{:016x}", checksum64(std::as_bytes(std::span(migration.sql.data(), migration.sql.size()))));
    migrations.push_back(std::move(migration));
  }
  return migrations;
}

}  // namespace tickstone::market
