// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <iostream>
#include <map>

#include <CLI/CLI.hpp>

#include <tickstone/error.hpp>

#include "cli/command.hpp"
#include "cli/report_printer.hpp"
#include "cli/schema_target.hpp"

namespace tickstone::cli {
namespace {

struct Arguments {
  TargetArguments target;
  market::ReportRequest request;
  bool has_no_profiles = false;
  ReportFormat format = ReportFormat::Text;
  std::string output;
};

int explore(const Arguments& arguments) {
  std::ofstream file;
  if (!arguments.output.empty()) {
    file.open(arguments.output);
    if (!file) throw Error(ErrorCode::IoError, "could not write file \"" + arguments.output + "\"");
  }
  std::ostream& out = arguments.output.empty() ? std::cout : file;
  const Target target = open_target(arguments.target, false);
  market::ReportRequest request = arguments.request;
  request.with_profiles = !arguments.has_no_profiles;
  print_report(out, market::report_schema(*target.connection, target.home, request), arguments.format);
  if (!out.flush()) throw Error(ErrorCode::IoError, "could not write all of the report");
  return 0;
}

}  // namespace

Run add_explore(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  auto* command =
      program.add_subcommand("explore", "Show what a store holds: tables, columns, sizes, relations, jobs");
  command->footer(
      "Examples:\n"
      "  tickstone explore ./store\n"
      "  tickstone explore ./store --table ohlcv --samples 5\n"
      "  tickstone explore postgresql://inavvi_user:postgres@127.0.0.1:5433/inavvi --format markdown -o "
      "schema.md\n"
      "  tickstone explore ./store --format mermaid         an entity-relationship diagram\n"
      "  tickstone explore ./store --json\n\n"
      "Exit status: 0 done, 1 failed, 2 a wrong command line.");
  arguments->target.add_to(*command);
  command->add_option("-t,--table", arguments->request.tables, "Only these tables")->type_name("NAME");
  command->add_option("--samples", arguments->request.samples, "So many rows of each table")
      ->type_name("ROWS");
  command
      ->add_option("--row-limit", arguments->request.row_limit,
                   "Null, distinct, least and greatest of a larger table are of that many rows")
      ->check(CLI::PositiveNumber)
      ->type_name("ROWS")
      ->capture_default_str();
  command->add_flag("--no-profile", arguments->has_no_profiles, "Do not look into the rows");
  const std::map<std::string, ReportFormat> formats = {{"text", ReportFormat::Text},
                                                       {"json", ReportFormat::Json},
                                                       {"markdown", ReportFormat::Markdown},
                                                       {"mermaid", ReportFormat::Mermaid}};
  command->add_option("--format", arguments->format, "text, json, markdown or mermaid")
      ->transform(CLI::CheckedTransformer(formats, CLI::ignore_case).description(""))
      ->type_name("FORMAT")
      ->default_str("text");
  command->add_flag_callback(
      "-j,--json", [arguments] { arguments->format = ReportFormat::Json; }, "As --format json");
  command->add_option("-o,--output", arguments->output, "Write to a file instead of standard output")
      ->type_name("FILE");
  return [arguments] { return arguments->target.complete() ? explore(*arguments) : 2; };
}

}  // namespace tickstone::cli
