// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/schema_target.hpp"
#include "market/migrator.hpp"

namespace tickstone::cli {
namespace {

constexpr int kUsage = 2;
constexpr int kPending = 3;

struct Arguments {
  TargetArguments target;
  bool is_dry_run = false;
  bool is_status = false;
  bool is_json = false;
  bool is_without_timescaledb = false;
  int to = 0;  // 0: the newest
};

nlohmann::json json_of(Home home, const market::SchemaStatus& status, int newest) {
  nlohmann::json applied = nlohmann::json::array();
  for (const auto& one : status.applied) {
    applied.push_back({{"version", one.version},
                       {"name", one.name},
                       {"checksum", one.checksum},
                       {"applied_at", one.applied_at}});
  }
  nlohmann::json pending = nlohmann::json::array();
  for (const auto& one : status.pending)
    pending.push_back({{"version", one.version}, {"name", one.name}, {"checksum", one.checksum}});
  return {{"home", to_string(home)},
          {"version", status.version()},
          {"newest", newest},
          {"applied", applied},
          {"pending", pending}};
}

void print_status(Home home, const market::SchemaStatus& status, int newest) {
  std::cout << fmt::format("{}: version {} of {}\n", to_string(home), status.version(), newest);
  for (const auto& one : status.applied)
    std::cout << fmt::format("  {:>3}  {:<28} {}\n", one.version, one.name, one.applied_at);
  for (const auto& one : status.pending)
    std::cout << fmt::format("  {:>3}  {:<28} pending\n", one.version, one.name);
}

void print_sql(const market::SchemaStatus& status, int to) {
  for (const auto& one : status.pending) {
    if (one.version > to) break;
    std::cout << fmt::format("-- Version {}: {}\nBEGIN;\n{}COMMIT;\n\n", one.version, one.name, one.sql);
  }
}

/// What a directory without a store has: nothing yet, and looking makes none.
market::SchemaStatus status_of_nothing() { return {{}, market::schema_migrations(Home::Embedded)}; }

bool is_store_missing(const TargetArguments& target) {
  if (!target.is_directory()) return false;
  std::string directory = target.store.data.empty() ? target.address : target.store.data;
  if (directory.starts_with("file:")) directory.erase(0, 5);
  return !std::filesystem::exists(directory) || std::filesystem::is_empty(directory);
}

int look(const Arguments& arguments) {
  Home home = Home::Embedded;
  market::SchemaStatus status = status_of_nothing();
  int newest = status.pending.back().version;
  if (!is_store_missing(arguments.target)) {
    const Target target = open_target(arguments.target, false);
    market::Migrator migrator(*target.connection, target.home);
    home = target.home;
    status = migrator.status();
    newest = migrator.newest();
  }
  if (arguments.is_dry_run) {
    print_sql(status, arguments.to == 0 ? newest : arguments.to);
    return 0;
  }
  if (arguments.is_json) {
    std::cout << json_of(home, status, newest).dump(2) << "\n";
  } else {
    print_status(home, status, newest);
  }
  return status.pending.empty() ? 0 : kPending;
}

int migrate(const Arguments& arguments) {
  const Target target = open_target(arguments.target, true);
  market::Migrator migrator(*target.connection, target.home);
  if (arguments.is_without_timescaledb) migrator.do_without_timescaledb();
  migrator.migrate(arguments.to == 0 ? migrator.newest() : arguments.to,
                   [&](const market::Migration& one, std::chrono::milliseconds duration) {
                     if (arguments.is_json) return;
                     std::cout << fmt::format("applied {} {} ({} ms)\n", one.version, one.name,
                                              duration.count())
                               << std::flush;
                   });
  const market::SchemaStatus status = migrator.status();
  if (arguments.is_json) {
    std::cout << json_of(target.home, status, migrator.newest()).dump(2) << "\n";
  } else {
    std::cout << fmt::format("{}: version {} of {}\n", to_string(target.home), status.version(),
                             migrator.newest());
  }
  return 0;
}

}  // namespace

Run add_migrate(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = program.add_subcommand("migrate", "Bring the application's schema up to date");
  command->footer(
      "Examples:\n"
      "  tickstone migrate --data ./store\n"
      "  tickstone migrate postgresql://inavvi_user:postgres@127.0.0.1:5433/inavvi\n"
      "  tickstone migrate --status --json postgresql:///inavvi\n"
      "  tickstone migrate --dry-run ./store\n\n"
      "Exit status: 0 up to date, 1 failed, 2 a wrong command line, 3 (with --status) versions are pending.");
  arguments->target.add_to(*command);
  auto* dry_run = command->add_flag("--dry-run", arguments->is_dry_run, "Print the SQL, change nothing");
  auto* status =
      command->add_flag("--status", arguments->is_status, "Say what is applied and what is pending");
  auto* json = command->add_flag("-j,--json", arguments->is_json, "Print JSON");
  command->add_option("--to", arguments->to, "Stop at this version")
      ->check(CLI::PositiveNumber)
      ->type_name("VERSION");
  command->add_flag("--without-timescaledb", arguments->is_without_timescaledb,
                    "Use PostgreSQL alone in a database without the extension, though its server has it");
  dry_run->excludes(status)->excludes(json);
  return [arguments] {
    if (!arguments->target.complete()) return kUsage;
    return arguments->is_dry_run || arguments->is_status ? look(*arguments) : migrate(*arguments);
  };
}

}  // namespace tickstone::cli
