// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include <CLI/CLI.hpp>

#include <tickstone/error.hpp>

#include "cli/command.hpp"
#include "cli/progress_bar.hpp"
#include "cli/schema_target.hpp"
#include "market/market_simulator.hpp"
#include "market/migrator.hpp"

namespace tickstone::cli {
namespace {

using market::SimulatedTable;

struct Arguments {
  StoreArguments store;
  std::string connect;
  std::string output;
  market::SimulationOptions options;
};

void print_counts(const std::array<std::uint64_t, market::kSimulatedTableCount>& counts) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto name = market::table_name(static_cast<SimulatedTable>(i));
    std::printf("%-20.*s %12llu rows\n", static_cast<int>(name.size()), name.data(),
                static_cast<unsigned long long>(counts[i]));
  }
}

int simulate(const Arguments& arguments) {
  std::array<std::uint64_t, market::kSimulatedTableCount> counts{};
  std::unique_ptr<market::Connection> target;
  std::array<std::ofstream, market::kSimulatedTableCount> files;
  if (!arguments.output.empty()) {
    std::filesystem::create_directories(arguments.output);
    for (std::size_t i = 0; i < files.size(); ++i) {
      const auto table = static_cast<SimulatedTable>(i);
      const auto path =
          std::filesystem::path(arguments.output) / (std::string(market::table_name(table)) + ".csv");
      files[i].open(path);
      std::string header;
      for (const char c : market::column_list(table)) header += c == ' ' ? "" : std::string(1, c);
      files[i] << header << '\n';
      if (!files[i]) throw Error(ErrorCode::IoError, "could not write file \"" + path.string() + "\"");
    }
  } else {
    Target opened = open_target({arguments.connect, arguments.store}, true);
    target = std::move(opened.connection);
    market::Migrator migrator(*target, opened.home);
    if (migrator.status().version() < market::kTablesVersion)
      migrator.migrate(market::kTablesVersion, [](const market::Migration&, std::chrono::milliseconds) {});
  }
  ProgressBar progress("simulating", 1000);
  market::MarketSimulator(arguments.options)
      .run(
          [&](SimulatedTable table, std::string_view csv) {
            const auto index = static_cast<std::size_t>(table);
            if (target == nullptr) {
              files[index] << csv;
              counts[index] += static_cast<std::uint64_t>(std::count(csv.begin(), csv.end(), '\n'));
              return;
            }
            bool sent = false;
            const std::string copy = "COPY " + std::string(market::table_name(table)) + " (" +
                                     std::string(market::column_list(table)) + ") FROM STDIN (FORMAT csv)";
            counts[index] += market::rows_of_tag(target->copy_in(copy, [&](std::string& chunk) {
              if (sent) return false;
              chunk = csv;
              return sent = true;
            }));
          },
          [&](double part) { progress.show(static_cast<std::uint64_t>(part * 1000), ""); });
  for (auto& file : files) {
    if (!file.is_open()) continue;
    file.close();
    if (!file)
      throw Error(ErrorCode::IoError, "could not write all of a file in \"" + arguments.output + "\"");
  }
  print_counts(counts);
  return 0;
}

}  // namespace

Run add_simulate(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = program.add_subcommand(
      "simulate", "Write a made-up market: symbols, trades, quotes, bars, options, features");
  command->footer(
      "Every row says source = 'simulator'. Quotes bracket trades and bars agree with them; the same seed "
      "gives the same rows.\n"
      "Tables are made as tickstone migrate makes them where they are missing.\n\n"
      "Examples:\n"
      "  tickstone simulate --data ./store --symbols 20 --days 5\n"
      "  tickstone simulate --output ./csv --symbols 500 --days 2 --trades-per-day 5000\n\n"
      "Exit status: 0 done, 1 failed, 2 a wrong command line.");
  arguments->store.add_to(*command, false);
  command->add_option("-c,--connect", arguments->connect, "A server instead of a data directory")
      ->type_name("URL")
      ->excludes("--data");
  command->add_option("-o,--output", arguments->output, "Write CSV files into a directory instead")
      ->type_name("DIR")
      ->excludes("--data")
      ->excludes("--connect");
  command->add_option("--seed", arguments->options.seed, "What decides every number")->capture_default_str();
  command->add_option("--symbols", arguments->options.symbol_count, "How many symbols")
      ->capture_default_str()
      ->check(CLI::Range(1, 10'000));
  command->add_option("--days", arguments->options.day_count, "How many trading days")
      ->capture_default_str()
      ->check(CLI::Range(1, 10'000));
  command
      ->add_option("--trades-per-day", arguments->options.trades_per_symbol_day,
                   "Trades of a symbol and day, on average")
      ->capture_default_str()
      ->check(CLI::Range(0, 10'000'000));
  command->add_option("--start", arguments->options.first_day, "First day")
      ->type_name("DATE")
      ->capture_default_str();
  return [arguments] {
    if (arguments->store.data.empty() && arguments->connect.empty() && arguments->output.empty()) {
      throw Error(ErrorCode::InvalidParameterValue, "no target was given", {},
                  "Use --data DIR, --connect URL or --output DIR.");
    }
    return simulate(*arguments);
  };
}

}  // namespace tickstone::cli
