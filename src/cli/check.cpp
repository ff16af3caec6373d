// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "cli/check_printer.hpp"
#include "cli/command.hpp"
#include "cli/schema_target.hpp"
#include "market/check_context.hpp"
#include "market/store_check.hpp"
#include "market/table_facts.hpp"
#include "types/timestamp.hpp"

namespace tickstone::cli {
namespace {

using market::CheckResult;
using market::CheckStatus;
using std::chrono::microseconds;

struct Arguments {
  TargetArguments target;
  market::CheckOptions options;
  CheckPrintOptions print;
  microseconds timeout = std::chrono::seconds(30);
  bool has_no_write = false;
};

std::string remedy_of(const Error& error, bool is_directory) {
  switch (error.code()) {
    case ErrorCode::ConnectionFailure:
      return "See whether the server runs (systemctl status, docker ps, pg_isready) and listens on that host "
             "and port.";
    case ErrorCode::InvalidPassword:
    case ErrorCode::InvalidAuthorization:
      return "Give the right user and password: in the URL, PGPASSWORD or the password file.";
    case ErrorCode::InvalidCatalogName:
      return "Name a database that is there: psql -l lists them.";
    case ErrorCode::ObjectInUse:
      return "A server or program has the directory open: check it by its URL.";
    default:
      break;
  }
  if (!error.hint().empty()) return error.hint();
  return is_directory ? "See the message; tickstone verify looks for damage."
                      : "See the message and the server's log.";
}

CheckResult unreachable(const Error& error, bool is_directory) {
  CheckResult result;
  result.name = "connection";
  // One that somebody else has open says nothing against the store.
  result.status = error.code() == ErrorCode::ObjectInUse ? CheckStatus::Unknown : CheckStatus::Critical;
  result.found = fmt::format("{}: {}", sqlstate(error.code()), error.message());
  result.remedy = remedy_of(error, is_directory);
  return result;
}

std::vector<CheckResult> run_checks(const Arguments& arguments, CheckPrinter& printer) {
  std::optional<Target> target;
  // Boundary: that the store cannot be opened is the finding of the first check.
  try {
    target = open_target(arguments.target, false);
  } catch (const Error& error) {
    printer.print(unreachable(error, arguments.target.is_directory()));
    return {unreachable(error, arguments.target.is_directory())};
  }
  market::Connection& connection = *target->connection;
  const auto timeout_ms = std::chrono::duration_cast<std::chrono::milliseconds>(arguments.timeout).count();
  market::rows_of(connection, fmt::format("SET statement_timeout = {}", timeout_ms));
  return market::check_store(connection, target->home, arguments.options,
                             [&](const CheckResult& result) { printer.print(result); });
}

int check(Arguments& arguments) {
  arguments.options.may_write = !arguments.has_no_write;
  CheckPrinter printer(std::cout, arguments.print);
  try {
    const auto results = run_checks(arguments, printer);
    return printer.finish(market::worst_of(results));
  } catch (const Error& error) {
    // Boundary: monitoring reads the status, and one of a failed command would be taken for a warning.
    CheckResult result;
    result.name = "check";
    result.status = CheckStatus::Unknown;
    result.found = fmt::format("{}: {}", sqlstate(error.code()), error.message());
    result.remedy = error.hint();
    printer.print(result);
    return printer.finish(CheckStatus::Unknown);
  }
}

/// As PostgreSQL reads an interval: `90s`, `15 min`, `2h`, `5 days`.
void add_duration(CLI::App& command, const std::string& names, microseconds& target,
                  const std::string& help) {
  command
      .add_option_function<std::string>(
          names,
          [&target, names](const std::string& text) {
            const auto interval = parse_interval(text);
            if (!interval || interval->months != 0)
              throw CLI::ValidationError(names, "\"" + text + "\" is no duration like 90s, 15m, 2h or 5d");
            target = microseconds(interval->days * kMicrosPerDay + interval->micros);
            if (target < microseconds(0)) throw CLI::ValidationError(names, "a duration is not negative");
          },
          help)
      ->type_name("DURATION")
      ->default_str(market::duration_text(target));
}

void add_data_options(CLI::App& command, market::CheckOptions& options) {
  command
      .add_option("-t,--table", options.tables,
                  "Tables of rows by symbol and time, instead of ohlcv, trades, quotes")
      ->allow_extra_args(false)
      ->type_name("NAME");
  command.add_option("-s,--symbols", options.symbols, "Only these; each must have rows")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("SYMBOL,...");
  command
      .add_option_function<std::string>(
          "--calendar",
          [&options](const std::string& name) {
            const auto hours = trading_hours_from(name);
            if (!hours)
              throw CLI::ValidationError(
                  "--calendar", "\"" + name + "\" is none of us-equities, us-equities-extended, 24x7");
            options.hours = *hours;
          },
          "When the market trades: us-equities, us-equities-extended, 24x7")
      ->type_name("NAME")
      ->default_str("us-equities");
  command
      .add_option_function<std::string>(
          "--at",
          [&options](const std::string& text) {
            const auto us = parse_timestamptz(text, utc_zone());
            if (!us) throw CLI::ValidationError("--at", "\"" + text + "\" is no time");
            options.at = Timestamp(microseconds(*us));
          },
          "Judge freshness, gaps and duplicates as of then")
      ->type_name("TIME")
      ->default_str("now");
  add_duration(command, "--since", options.since, "How far back gaps and duplicates are looked for");
}

void add_limits(CLI::App& command, market::CheckOptions& options) {
  add_duration(
      command, "--max-age,--warn-age", options.warn_age,
      "A symbol whose newest row is older is a warning; time in which the market is closed does not count");
  add_duration(command, "--critical-age", options.critical_age, "And older than that critical");
  command.add_option("--warn-missing", options.warn_missing, "More of a symbol's bars missing is a warning")
      ->type_name("PERCENT")
      ->check(CLI::Range(0.0, 100.0).description(""))
      ->capture_default_str();
  command.add_option("--critical-missing", options.critical_missing, "And more than that critical")
      ->type_name("PERCENT")
      ->check(CLI::Range(0.0, 100.0).description(""))
      ->capture_default_str();
  add_duration(command, "--warn-latency", options.warn_latency, "A longer median round trip is a warning");
  add_duration(command, "--critical-latency", options.critical_latency, "And longer than that critical");
  command.add_option("--round-trips", options.round_trips, "How many are measured")
      ->check(CLI::Range(1, 10'000).description(""))
      ->capture_default_str();
  add_duration(command, "--job-delay", options.job_delay,
               "A job that is due longer is late; 24 times that critical");
  command.add_option("--warn-disk", options.warn_free, "Less of the disk free is a warning")
      ->type_name("PERCENT")
      ->check(CLI::Range(0.0, 100.0).description(""))
      ->capture_default_str();
  command.add_option("--critical-disk", options.critical_free, "And less than that critical")
      ->type_name("PERCENT")
      ->check(CLI::Range(0.0, 100.0).description(""))
      ->capture_default_str();
}

}  // namespace

Run add_check(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  auto* command =
      program.add_subcommand("check", "See whether a store is well, and what to do where it is not");
  command->footer(
      "Checks: connection, server, schema, tables, probe (a row is written, read and rolled back), "
      "freshness,\n"
      "gaps, duplicates, jobs, aggregates, retention, upkeep, disk. docs/check.md says what each looks "
      "at.\n\n"
      "The last line is a summary.\n\n"
      "Examples:\n"
      "  tickstone check ./store\n"
      "  tickstone check postgresql://inavvi_user:postgres@127.0.0.1:5433/inavvi\n"
      "  tickstone check --symbols AAPL,MSFT --max-age 5m --only freshness,gaps --json\n"
      "  tickstone check --calendar 24x7 --table klines --quiet ./crypto\n"
      "  tickstone check ./store --at '2026-01-05 21:00+00' --since 30d --only gaps\n\n"
      "Exit status: 0 all is OK, 1 a warning, 2 something critical, 3 something could not be found out, or a "
      "wrong\n"
      "command line.");
  arguments->target.add_to(*command);
  const auto is_check = [](std::string& name) {
    for (const auto known : market::check_names()) {
      if (name == known) return std::string();
    }
    return "\"" + name + "\" is no check; those are listed below --help";
  };
  auto* only = command->add_option("--only", arguments->options.only, "Only these checks")
                   ->delimiter(',')
                   ->allow_extra_args(false)
                   ->type_name("NAME,...")
                   ->check(CLI::Validator(is_check, ""));
  command->add_option("--skip", arguments->options.skip, "Not these checks")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NAME,...")
      ->check(CLI::Validator(is_check, ""))
      ->excludes(only);
  command->add_flag("--no-write", arguments->has_no_write, "Leave the probe out");
  add_data_options(*command, arguments->options);
  add_limits(*command, arguments->options);
  add_duration(*command, "--timeout", arguments->timeout, "The longest that a query may take; 0: no limit");
  command->add_flag("-j,--json", arguments->print.is_json, "Print JSON, with all that was found");
  command->add_flag("-q,--quiet", arguments->print.is_quiet, "Print only what is not OK, and the summary");
  command->add_option("--worst", arguments->print.items, "So many symbols, jobs or tables of a check")
      ->type_name("COUNT")
      ->capture_default_str();
  return [arguments] { return arguments->target.complete() ? check(*arguments) : kUnknownStatus; };
}

}  // namespace tickstone::cli
