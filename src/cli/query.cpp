// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <tickstone/error.hpp>

#include "cli/command.hpp"
#include "cli/error_report.hpp"
#include "cli/example_queries.hpp"
#include "cli/open_connection.hpp"
#include "cli/parquet_file.hpp"
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
  std::optional<OutputFormat> given_format;
  bool is_plot = false;
  bool is_list = false;

  OutputFormat format() const { return given_format.value_or(output_format_of_file(output)); }
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
  if (!arguments.is_plot || result.columns.empty()) return print_result(out, result, arguments.format());
  const auto size = terminal_size();
  const bool is_file = !arguments.output.empty();
  out << plot(result, {size.columns, size.rows > 4 ? size.rows - 3 : size.rows, !is_file && shows_colors(),
                       is_ascii_only()});
}

/// Where text results go as they come: standard output or a file.
class TextOutput {
 public:
  explicit TextOutput(const Arguments& arguments) : arguments_(arguments) {
    if (arguments.output.empty()) return;
    file_.open(arguments.output);
    if (!file_) throw Error(ErrorCode::IoError, "could not write file \"" + arguments.output + "\"");
  }
  void add(const TextResult& result) { print(out(), result, arguments_); }
  void add_copied(std::string_view data) { out() << data; }
  void flush() { out().flush(); }
  void finish() {
    if (!out().flush()) throw Error(ErrorCode::IoError, "could not write all of the results");
  }

 private:
  std::ostream& out() { return file_.is_open() ? static_cast<std::ostream&>(file_) : std::cout; }

  const Arguments& arguments_;
  std::ofstream file_;
};

std::size_t write_text(market::Connection& connection, const std::string& sql, TextOutput& output) {
  std::size_t rows = 0;
  connection.run_script(
      sql,
      [&](const TextResult& result) {
        rows += result.rows.size();
        output.add(result);
      },
      [&](std::string_view data) { output.add_copied(data); });
  return rows;
}

std::size_t write_parquet(market::Connection& connection, const std::string& sql, const std::string& path) {
  std::optional<TextResult> found;
  std::size_t count = 0;
  connection.run_script(sql, [&](const TextResult& result) {
    if (result.columns.empty()) return;
    ++count;
    found = result;
  });
  if (count != 1)
    throw Error(ErrorCode::CardinalityViolation,
                "a Parquet file holds the rows of one statement, and " +
                    (count == 0 ? std::string("none") : std::to_string(count)) + " gave rows",
                "The statements have run; nothing was written.");
  return write_parquet_result(path, *found);
}

/// Before anything runs.
void check_output(const Arguments& arguments) {
  if (arguments.format() != OutputFormat::Parquet) return;
  if (arguments.is_plot)
    throw Error(ErrorCode::InvalidParameterValue, "--plot draws with characters, which are no Parquet");
  if (arguments.output.empty()) return require_parquet_output("-");
  const auto folder = std::filesystem::absolute(arguments.output).parent_path();
  if (access(folder.c_str(), W_OK) != 0 || std::filesystem::is_directory(arguments.output))
    throw Error(ErrorCode::IoError, "could not write file \"" + arguments.output + "\"");
}

int query(const Arguments& arguments) {
  if (arguments.is_list) {
    list_example_queries(std::cout);
    return 0;
  }
  const auto* example = arguments.file.empty() ? find_example_query(arguments.sql) : nullptr;
  std::string sql = example == nullptr ? sql_of(arguments) : std::string();
  const bool is_parquet = arguments.format() == OutputFormat::Parquet;
  const bool is_prompt = sql.empty() && arguments.sql.empty() && arguments.file.empty() &&
                         isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0;
  if (!is_prompt) check_output(arguments);
  std::optional<TextOutput> text;
  if (!is_parquet) text.emplace(arguments);
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
  if (is_prompt) {
    std::string database = arguments.store.database;
    connection->run_script("SELECT current_database()", [&](const TextResult& result) {
      database = result.rows.at(0).at(0).value_or(database);
    });
    return run_shell(*connection, database, arguments.format());
  }
  std::size_t rows = 0;
  try {
    if (example != nullptr) sql = sql_of(*example, *connection, arguments.format());
    rows = is_parquet ? write_parquet(*connection, sql, arguments.output.empty() ? "-" : arguments.output)
                      : write_text(*connection, sql, *text);
  } catch (const Error& error) {
    if (text) text->flush();
    report(error, sql);
    return connection->is_open() ? 1 : kNoConnection;
  }
  if (text) text->finish();
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
      "Without --data and -c it is the server that TICKSTONE_URL names, else inavvi on localhost:5433. All "
      "of a "
      "result is held\n"
      "in memory: tickstone export writes more than that.\n\n"
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
      "  tickstone query --data ./store -o bars.parquet \"SELECT * FROM ohlcv\"\n"
      "  tickstone query --data ./store                     a prompt\n\n"
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
                                                       {"jsonl", OutputFormat::JsonLines},
                                                       {"parquet", OutputFormat::Parquet}};
  command
      ->add_option(
          "--format", arguments->given_format,
          "table, csv, json, jsonl (an object a line) or parquet (of one statement); default: as the "
          "file's name ends, else table")
      ->transform(CLI::CheckedTransformer(formats, CLI::ignore_case).description(""))
      ->type_name("FORMAT");
  command->add_flag_callback(
      "--csv", [arguments] { arguments->given_format = OutputFormat::Csv; }, "As --format csv");
  command->add_flag_callback(
      "-j,--json", [arguments] { arguments->given_format = OutputFormat::Json; }, "As --format json");
  command->add_flag("--plot", arguments->is_plot,
                    "Draw it: candles of open, high, low and close, else a line for each column of numbers");
  return [arguments] { return query(*arguments); };
}

}  // namespace tickstone::cli
