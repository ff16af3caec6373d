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
#include "cli/example_queries.hpp"
#include "cli/open_connection.hpp"
#include "cli/plot.hpp"
#include "cli/result_printer.hpp"
#include "cli/server_address.hpp"
#include "cli/shell.hpp"
#include "cli/terminal.hpp"

namespace tickstone::cli {
namespace {

constexpr int kNoConnection = 3;

struct Arguments {
  StoreArguments store;
  std::string connect;
  std::string sql;
  std::string file;
  std::string output;
  OutputFormat format = OutputFormat::Table;
  bool is_plot = false;
  bool is_list = false;
};

std::string read_all(std::istream& in) { return {std::istreambuf_iterator<char>(in), {}}; }

/// Empty: none was given, and there is somebody to ask.
std::string sql_of(const Arguments& arguments) {
  if (!arguments.file.empty() && arguments.file != "-") {
    std::ifstream in(arguments.file);
    if (!in) throw Error(ErrorCode::UndefinedFile, "could not open file \"" + arguments.file + "\"");
    return read_all(in);
  }
  if (arguments.sql.empty() || arguments.sql == "-" || arguments.file == "-") {
    if (isatty(STDIN_FILENO) == 0) return read_all(std::cin);
    if (arguments.sql.empty() && arguments.file.empty() && isatty(STDOUT_FILENO) != 0) return {};
    throw Error(ErrorCode::InvalidParameterValue, "no SQL was given", {},
                "Give it as an argument, with -f FILE, or through a pipe.");
  }
  return arguments.sql;
}

std::string sql_of(const ExampleQuery& example, market::Connection& connection, OutputFormat format) {
  std::string sql = sql_for(example, connection);
  // Read by people alone: the other formats are read by programs.
  if (format == OutputFormat::Table)
    std::cerr << "Executing example query '" << example.name << "':\n" << sql << "\n\n";
  return sql;
}

std::unique_ptr<market::Connection> open(const Arguments& arguments) {
  if (!arguments.store.data.empty()) return open_embedded(arguments.store, false);
  return open_server(arguments.connect.empty() ? default_server_address()
                                               : server_address_of(arguments.connect));
}

void print(std::ostream& out, const TextResult& result, const Arguments& arguments) {
  if (!arguments.is_plot || result.columns.empty()) return print_result(out, result, arguments.format);
  const auto size = terminal_size();
  const bool is_file = !arguments.output.empty();
  out << plot(result, {size.columns, size.rows > 4 ? size.rows - 3 : size.rows, !is_file && shows_colors(),
                       is_ascii_only()});
}

int query(const Arguments& arguments) {
  if (arguments.is_list) {
    list_example_queries(std::cout);
    return 0;
  }
  const auto* example = arguments.file.empty() ? find_example_query(arguments.sql) : nullptr;
  std::string sql = example == nullptr ? sql_of(arguments) : std::string();
  std::ofstream file;
  if (!arguments.output.empty()) {
    file.open(arguments.output);
    if (!file) throw Error(ErrorCode::IoError, "could not write file \"" + arguments.output + "\"");
  }
  std::ostream& out = arguments.output.empty() ? std::cout : file;
  std::unique_ptr<market::Connection> connection;
  try {
    connection = open(arguments);
  } catch (const Error& error) {
    report(error);
    if (!arguments.store.data.empty()) return 1;
    if (arguments.connect.empty())
      std::cerr << "Name a server with -c host:port/database, or a directory with --data DIR.\n";
    return kNoConnection;
  }
  if (sql.empty() && arguments.sql.empty() && arguments.file.empty() && isatty(STDIN_FILENO) != 0 &&
      isatty(STDOUT_FILENO) != 0) {
    std::string database = arguments.store.database;
    connection->run_script("SELECT current_database()", [&](const TextResult& result) {
      database = result.rows.at(0).at(0).value_or(database);
    });
    return run_shell(*connection, database, arguments.format);
  }
  std::size_t rows = 0;
  try {
    if (example != nullptr) sql = sql_of(*example, *connection, arguments.format);
    connection->run_script(
        sql,
        [&](const TextResult& result) {
          rows += result.rows.size();
          print(out, result, arguments);
        },
        [&](std::string_view data) { out << data; });
  } catch (const Error& error) {
    out.flush();
    report(error, sql);
    return connection->is_open() ? 1 : kNoConnection;
  }
  if (!out.flush()) throw Error(ErrorCode::IoError, "could not write all of the results");
  if (!arguments.output.empty())
    std::cerr << "Results saved to " << arguments.output << " (" << rows
              << (rows == 1 ? " row)\n" : " rows)\n");
  return 0;
}

}  // namespace

Run add_query(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = program.add_subcommand(
      "query", "Run SQL or an example query on a data directory or a server; without SQL, at a prompt");
  command->footer(
      "Examples:\n"
      "  tickstone query -l                                 the example queries\n"
      "  tickstone query recent_ohlcv                       one of them\n"
      "  tickstone query \"SELECT * FROM symbols WHERE active = true LIMIT 10;\"\n"
      "  tickstone query -f my_query.sql\n"
      "  tickstone query recent_trades -o trades_output.txt\n"
      "  tickstone query -j \"SELECT * FROM positions ORDER BY timestamp DESC LIMIT 10;\"\n"
      "  tickstone query -c \"localhost:5433/inavvi?user=inavvi_user&password=postgres\" tables\n"
      "  tickstone query --data ./store --plot \"SELECT timestamp, open, high, low, close FROM ohlcv WHERE "
      "symbol = 'AAPL' "
      "ORDER BY 1\"\n"
      "  tickstone query --data ./store                     a prompt\n"
      "Without --data and -c it is the server that TICKSTONE_URL names, else inavvi on localhost:5433.\n"
      "Exit status: 0 done, 1 the SQL failed, 2 a wrong command line, 3 no connection to the server.");
  arguments->store.add_to(*command, false);
  command
      ->add_option(
          "-c,--connect,--connection", arguments->connect,
          "A server: host:port/database?user=...&password=..., a postgresql:// URL or libpq parameters")
      ->type_name("ADDRESS")
      ->excludes("--data");
  command
      ->add_option(
          "sql", arguments->sql,
          "The SQL, or the name of an example query; several statements may be separated by semicolons")
      ->type_name("SQL");
  command->add_option("-f,--file", arguments->file, "Read the SQL from a file; - is standard input")
      ->type_name("FILE");
  command->add_option("-o,--output", arguments->output, "Write to a file instead of standard output")
      ->type_name("FILE");
  command->add_flag("-l,--list", arguments->is_list, "List the example queries");
  const std::map<std::string, OutputFormat> formats = {{"table", OutputFormat::Table},
                                                       {"csv", OutputFormat::Csv},
                                                       {"json", OutputFormat::Json},
                                                       {"jsonl", OutputFormat::JsonLines}};
  command->add_option("--format", arguments->format, "table, csv, json or jsonl (an object a line)")
      ->transform(CLI::CheckedTransformer(formats, CLI::ignore_case).description(""))
      ->type_name("FORMAT")
      ->default_str("table");
  command->add_flag_callback(
      "--csv", [arguments] { arguments->format = OutputFormat::Csv; }, "As --format csv");
  command->add_flag_callback(
      "-j,--json", [arguments] { arguments->format = OutputFormat::Json; }, "As --format json");
  command->add_flag("--plot", arguments->is_plot,
                    "Draw it: candles of open, high, low and close, else a line for each column of numbers");
  return [arguments] { return query(*arguments); };
}

}  // namespace tickstone::cli
