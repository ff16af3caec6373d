// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <tickstone/error.hpp>

#include "cli/command.hpp"
#include "cli/error_report.hpp"
#include "cli/open_connection.hpp"
#include "cli/result_printer.hpp"

namespace tickstone::cli {
namespace {

struct Arguments {
  StoreArguments store;
  std::string connect;
  std::string sql;
  std::string file;
  std::string output;
  OutputFormat format = OutputFormat::Table;
};

std::string read_all(std::istream& in) { return {std::istreambuf_iterator<char>(in), {}}; }

std::string sql_of(const Arguments& arguments) {
  if (!arguments.file.empty() && arguments.file != "-") {
    std::ifstream in(arguments.file);
    if (!in) throw Error(ErrorCode::UndefinedFile, "could not open file \"" + arguments.file + "\"");
    return read_all(in);
  }
  if (arguments.sql.empty() || arguments.sql == "-" || arguments.file == "-") {
    if (isatty(STDIN_FILENO) != 0) {
      throw Error(ErrorCode::InvalidParameterValue, "no SQL was given", {},
                  "Give it as an argument, with -f FILE, or through a pipe.");
    }
    return read_all(std::cin);
  }
  return arguments.sql;
}

int query(const Arguments& arguments) {
  const std::string sql = sql_of(arguments);
  std::ofstream file;
  if (!arguments.output.empty()) {
    file.open(arguments.output);
    if (!file) throw Error(ErrorCode::IoError, "could not write file \"" + arguments.output + "\"");
  }
  std::ostream& out = arguments.output.empty() ? std::cout : file;
  const auto target =
      arguments.connect.empty() ? open_embedded(arguments.store, false) : open_server(arguments.connect);
  try {
    target->run_script(sql, [&](const TextResult& result) { print_result(out, result, arguments.format); });
  } catch (const Error& error) {
    out.flush();
    report(error, sql);
    return 1;
  }
  return 0;
}

}  // namespace

Run add_query(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = program.add_subcommand("query", "Run SQL on a data directory or a server");
  command->footer(
      "Examples:\n"
      "  tickstone query --data ./store \"SELECT * FROM symbols LIMIT 10\"\n"
      "  tickstone query -c postgresql://inavvi_user:postgres@127.0.0.1:5433/inavvi -f report.sql --format "
      "csv\n"
      "  echo 'SELECT now()' | tickstone query --data ./store --format json");
  arguments->store.add_to(*command, false);
  command
      ->add_option("-c,--connect", arguments->connect, "A server, as a postgresql:// URL or libpq parameters")
      ->type_name("URL")
      ->excludes("--data");
  command->add_option("sql", arguments->sql, "The SQL; several statements may be separated by semicolons")
      ->type_name("SQL");
  command->add_option("-f,--file", arguments->file, "Read the SQL from a file; - is standard input")
      ->type_name("FILE");
  command->add_option("-o,--output", arguments->output, "Write to a file instead of standard output")
      ->type_name("FILE");
  const std::map<std::string, OutputFormat> formats = {
      {"table", OutputFormat::Table}, {"csv", OutputFormat::Csv}, {"json", OutputFormat::Json}};
  command->add_option("--format", arguments->format, "table, csv or json")
      ->transform(CLI::CheckedTransformer(formats, CLI::ignore_case).description(""))
      ->type_name("FORMAT")
      ->default_str("table");
  command->add_flag_callback(
      "--csv", [arguments] { arguments->format = OutputFormat::Csv; }, "As --format csv");
  command->add_flag_callback(
      "-j,--json", [arguments] { arguments->format = OutputFormat::Json; }, "As --format json");
  return [arguments] {
    if (arguments->store.data.empty() && arguments->connect.empty()) {
      throw Error(ErrorCode::InvalidParameterValue, "neither a data directory nor a server was given", {},
                  "Use --data DIR or --connect URL.");
    }
    return query(*arguments);
  };
}

}  // namespace tickstone::cli
