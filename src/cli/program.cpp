// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include <tickstone/error.hpp>

#include "base/logging.hpp"
#include "cli/check_printer.hpp"
#include "cli/command.hpp"
#include "cli/error_report.hpp"

namespace tickstone::cli {
namespace {

using Adder = Run (*)(CLI::App&);

/// As --help lists them.
const std::vector<std::pair<const char*, std::vector<Adder>>> kGroups = {
    {"A store", {add_init, add_serve, add_migrate, add_jobs}},
    {"Asking it", {add_query, add_explore, add_check}},
    {"Data in and out", {add_import, add_simulate, add_export, add_copy}},
    {"Keeping it safe", {add_backup, add_restore, add_verify}},
    {"This program", {add_version}},
};

}  // namespace

int run_program(int argc, char** argv) {
  // To standard error: standard output has what was asked for.
  start_logging(LogLevel::Warning);
  CLI::App program("Tickstone: the database of trading systems.", "tickstone");
  program.footer(
      "tickstone SUBCOMMAND --help says more.\n\n"
      "Examples:\n"
      "  tickstone simulate --data ./store --symbols 20 --days 2\n"
      "  tickstone query --data ./store \"SELECT count(*) FROM trades\"\n"
      "  tickstone import --data ./store --table trades trades.csv.gz\n"
      "  tickstone check ./store\n"
      "  tickstone backup --data ./store ./backup\n"
      "  tickstone serve --data ./store --port 5433\n\n"
      "Exit status: 0 done, 1 failed, 2 a wrong command line; 3 as the subcommand says.");
  program.require_subcommand(1);
  program.fallthrough(false);
  program.set_help_all_flag("--help-all", "Help of all subcommands");
  std::vector<Run> runs;
  for (const auto& [group, adders] : kGroups) {
    for (const Adder add : adders) {
      runs.push_back(add(program));
      program.get_subcommands([](CLI::App*) { return true; }).back()->group(group);
    }
  }
  const auto subcommands = program.get_subcommands([](CLI::App*) { return true; });
  if (argc > 1 && argv[1][0] != '-' &&
      std::none_of(subcommands.begin(), subcommands.end(),
                   [&](const CLI::App* one) { return one->get_name() == argv[1]; })) {
    std::fprintf(stderr, "tickstone: \"%s\" is no subcommand\nRun tickstone --help for a list.\n", argv[1]);
    return 2;
  }
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = program.exit(error);
    // Monitoring would take 2 for critical.
    const int wrong = argc > 1 && std::string_view(argv[1]) == "check" ? kUnknownStatus : 2;
    return status == 0 ? 0 : wrong;
  }
  // Boundary: whatever went wrong in a subcommand is told here.
  try {
    for (std::size_t i = 0; i < subcommands.size(); ++i) {
      if (subcommands[i]->parsed()) return runs[i]();
    }
  } catch (const Error& error) {
    report(error);
    return 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tickstone: %s\n", error.what());
    return 1;
  }
  return 2;
}

}  // namespace tickstone::cli
