// SPDX-License-Identifier: Apache-2.0
#include "cli/shell_commands.hpp"

#include <tickstone/error.hpp>

#include "cli/example_queries.hpp"

namespace tickstone::cli {
namespace {

constexpr std::string_view kHelp =
    "Statements end with a semicolon.\n"
    "  \\d            tables, views and aggregates\n"
    "  \\d NAME       columns and indexes of one\n"
    "  \\dt           hypertables, with chunks and sizes\n"
    "  \\dj           jobs and policies, with their last run\n"
    "  \\e [NAME]     example queries; runs one\n"
    "  \\x            records one below the other, on or off\n"
    "  \\format NAME  table, csv, json, jsonl or parquet (each result a file: \\o)\n"
    "  \\plot         a picture in place of a table, on or off\n"
    "  \\timing       how long each statement took, on or off\n"
    "  \\o [FILE]     results go to a file; without one to the terminal again\n"
    "  \\i FILE       runs a file\n"
    "  \\q            ends\n";

constexpr const char* kRelations =
    "SELECT n.nspname AS schema, c.relname AS name, CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN "
    "'table' WHEN 'v' THEN "
    "'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' ELSE c.relkind::text END AS type, "
    "pg_get_userbyid(c.relowner) AS owner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE c.relkind IN "
    "('r', 'p', 'v', 'm', 'S') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT "
    "LIKE "
    "'\\_timescaledb%' AND n.nspname NOT LIKE 'timescaledb%' AND n.nspname NOT LIKE '\\_tickstone%' AND NOT "
    "c.relispartition ORDER BY 1, 2";

std::string columns_of(const std::string& table) {
  return "SELECT a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type, CASE WHEN a.attnotnull "
         "THEN 'not null' "
         "ELSE '' END AS nullable, coalesce(pg_get_expr(d.adbin, d.adrelid), '') AS \"default\" FROM "
         "pg_attribute a LEFT JOIN "
         "pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = " +
         market::quote_literal(table) +
         "::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";
}

std::string indexes_of(const std::string& table) {
  return "SELECT pg_get_indexdef(indexrelid) AS index FROM pg_index WHERE indrelid = " +
         market::quote_literal(table) + "::regclass ORDER BY indisprimary DESC, 1";
}

constexpr const char* kHypertables =
    "SELECT h.hypertable_schema AS schema, h.hypertable_name AS name, h.num_chunks AS chunks, "
    "h.compression_enabled AS "
    "compressed, pg_size_pretty(hypertable_size((quote_ident(h.hypertable_schema) || '.' || "
    "quote_ident(h.hypertable_name))::regclass)) AS size FROM timescaledb_information.hypertables h ORDER BY "
    "1, 2";

constexpr const char* kJobs =
    "SELECT j.job_id, j.application_name AS job, j.hypertable_name AS on, j.schedule_interval AS every, "
    "s.last_run_status, "
    "s.last_successful_finish, s.total_failures AS failures, s.next_start FROM timescaledb_information.jobs "
    "j LEFT JOIN "
    "timescaledb_information.job_stats s USING (job_id) ORDER BY 1";

struct Words {
  std::string command, argument;
};

Words split(std::string_view line) {
  while (!line.empty() && (line.back() == ' ' || line.back() == ';')) line.remove_suffix(1);
  const auto space = line.find(' ');
  Words words{std::string(line.substr(0, space)), {}};
  if (space != std::string_view::npos) {
    const auto from = line.find_first_not_of(' ', space);
    if (from != std::string_view::npos) words.argument = line.substr(from);
  }
  return words;
}

void toggle(bool& setting, const Words& words, const char* what) {
  setting = words.argument == "on" || (words.argument != "off" && !setting);
  std::cout << what << " is " << (setting ? "on" : "off") << ".\n";
}

void show_example(const std::string& name, const ShellHost& host) {
  if (name.empty()) return list_example_queries(std::cout);
  const auto* query = find_example_query(name);
  if (query == nullptr) {
    throw Error(ErrorCode::InvalidParameterValue, "no example query is called \"" + name + "\"", {},
                "\\e lists them.");
  }
  const std::string sql = sql_for(*query, host.connection);
  std::cout << sql << "\n\n";
  host.run(sql);
}

void set_format(const std::string& name, ShellState& state) {
  const auto found = find_output_format(name);
  if (!found)
    throw Error(ErrorCode::InvalidParameterValue, "no format is called \"" + name + "\"", {},
                "table, csv, json, jsonl or parquet.");
  state.format = *found;
}

void set_output(const std::string& path, ShellState& state) {
  if (state.file.is_open()) state.file.close();
  state.file_path = path;
  state.has_parquet = false;
  if (path.empty()) return;
  state.file.open(path);
  if (!state.file) throw Error(ErrorCode::IoError, "could not write file \"" + path + "\"");
}

}  // namespace

void run_shell_command(std::string_view line, const ShellHost& host) {
  const Words words = split(line);
  const std::string& command = words.command;
  if (command == "\\q") {
    host.state.is_done = true;
  } else if (command == "\\?" || command == "\\h") {
    std::cout << kHelp;
  } else if (command == "\\d" && words.argument.empty()) {
    host.run(kRelations);
  } else if (command == "\\d") {
    host.run(columns_of(words.argument) + "; " + indexes_of(words.argument));
  } else if (command == "\\dt") {
    host.run(kHypertables);
  } else if (command == "\\dj") {
    host.run(kJobs);
  } else if (command == "\\e") {
    show_example(words.argument, host);
  } else if (command == "\\x") {
    toggle(host.state.is_expanded, words, "Expanded display");
  } else if (command == "\\timing") {
    toggle(host.state.has_timing, words, "Timing");
  } else if (command == "\\plot") {
    toggle(host.state.is_plotting, words, "Plotting");
  } else if (command == "\\format") {
    set_format(words.argument, host.state);
  } else if (command == "\\o") {
    set_output(words.argument, host.state);
  } else if (command == "\\i") {
    if (words.argument.empty()) throw Error(ErrorCode::InvalidParameterValue, "\\i needs the name of a file");
    host.run_file(words.argument);
  } else {
    throw Error(ErrorCode::InvalidParameterValue, "there is no command " + command, {}, "\\? lists them.");
  }
}

}  // namespace tickstone::cli
