// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <tickstone/error.hpp>

#include "cli/command.hpp"
#include "cli/import_run.hpp"
#include "cli/open_connection.hpp"

namespace tickstone::cli {
namespace {

constexpr int kSomeRejected = 3;

struct Arguments {
  StoreArguments store;
  std::string connect;
  std::string table;
  std::string format = "auto";
  std::string mapping_file;
  std::vector<std::string> files;
  std::vector<std::string> mapping;  // header=column
  std::vector<std::string> columns;
  std::optional<std::string> symbol;
  std::optional<std::string> timeframe;
  std::string existing;
  std::string reject_file;
  std::string null_text;
  char delimiter = ',';
  bool no_header = false;
  bool skip_existing = false;
  bool is_dry_run = false;
  bool again = false;
  bool untracked = false;
  bool as_json = false;
};

std::string read_mapping_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw Error(ErrorCode::UndefinedFile, "could not read mapping file \"" + path + "\"");
  return text.str();
}

void set_renamed(const Arguments& arguments, ImportJob& job) {
  for (const auto& pair : arguments.mapping) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos)
      throw Error(ErrorCode::InvalidParameterValue, "\"" + pair + "\" is no mapping", {},
                  "Write --map HEADER=COLUMN.");
    const std::string column = pair.substr(equals + 1);
    if (!column.empty() && std::any_of(job.renamed.begin(), job.renamed.end(),
                                       [&](const auto& other) { return other.second == column; })) {
      throw Error(ErrorCode::DuplicateColumn, "two fields of the file go to column \"" + column + "\"", {},
                  "Use --map to say which.");
    }
    if (!column.empty() && std::none_of(job.columns.begin(), job.columns.end(),
                                        [&](const auto& one) { return one.name == column; })) {
      throw Error(ErrorCode::UndefinedColumn,
                  "column \"" + column + "\" of relation \"" + job.table + "\" does not exist");
    }
    job.renamed.emplace_back(pair.substr(0, equals), column);
  }
}

/// Files of one format are read alike; whether one is Parquet its name says.
void set_layout(const Arguments& arguments, ImportJob& job) {
  job.layout.delimiter = arguments.delimiter;
  job.layout.null_text = arguments.null_text;
  job.layout.has_header = !arguments.no_header;
  job.layout.fields = arguments.columns;
  job.layout.is_parquet = arguments.format == "parquet";
  if (arguments.format != "csv" && arguments.format != "parquet" && arguments.format != "auto") {
    job.layout.format = &market::import_format(arguments.format);
    job.mapping = job.layout.format->mapping;
    // A table need not have all columns that a format could fill.
    std::erase_if(job.mapping.columns, [&](const market::MappedColumn& mapped) {
      return std::none_of(job.columns.begin(), job.columns.end(),
                          [&](const auto& one) { return one.name == mapped.column; });
    });
  }
  if (!arguments.mapping_file.empty()) {
    auto given = market::parse_import_mapping(read_mapping_file(arguments.mapping_file));
    for (auto& column : given.columns) job.mapping.set(std::move(column));
    if (given.delimiter) job.layout.delimiter = *given.delimiter;
    if (given.null_text) job.layout.null_text = *given.null_text;
    if (given.has_header) job.layout.has_header = *given.has_header;
    if (!given.fields.empty()) job.layout.fields = given.fields;
  }
  if (arguments.timeframe && job.mapping.find("timeframe") != nullptr) {
    market::MappedColumn timeframe;
    timeframe.column = "timeframe";
    timeframe.source = market::MappedColumn::Source::Constant;
    timeframe.text = *arguments.timeframe;
    job.mapping.set(std::move(timeframe));
  }
  if (!job.layout.has_header && job.layout.fields.empty()) {
    for (const auto& column : job.columns) job.layout.fields.push_back(column.name);
  }
}

ExistingRows existing_rows(const Arguments& arguments) {
  std::string how = arguments.existing;
  if (how.empty()) how = arguments.skip_existing ? "skip" : "reject";
  if (how == "skip") return ExistingRows::Skip;
  return how == "update" ? ExistingRows::Update : ExistingRows::Reject;
}

/// Schema and name, whatever the search path is today.
std::string full_name(market::Connection& target, const std::string& table) {
  std::string name;
  target.run_script(
      "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
      "WHERE c.oid = " +
          market::quote_literal(table) + "::regclass",
      [&](const market::TextResult& result) {
        if (!result.rows.empty()) name = result.rows[0][0].value_or("");
      });
  return name.empty() ? table : name;
}

const char* state_name(FileOutcome::State state) {
  switch (state) {
    case FileOutcome::State::Loaded:
      return "loaded";
    case FileOutcome::State::Resumed:
      return "resumed";
    case FileOutcome::State::DoneBefore:
      return "done before";
    case FileOutcome::State::DryRun:
      return "dry run";
  }
  return "";
}

nlohmann::json json_of(const RowCounts& rows) {
  return {{"new", rows.added}, {"changed", rows.changed}, {"same", rows.same}, {"rejected", rows.rejected}};
}

std::string count(std::uint64_t number) { return std::to_string(number); }

void print(const FileOutcome& outcome, const ImportJob& job) {
  std::string text = outcome.path + ": ";
  switch (outcome.state) {
    case FileOutcome::State::Loaded:
    case FileOutcome::State::Resumed:
      text += count(outcome.rows.added) + " rows into " + job.table;
      if (job.existing == ExistingRows::Update) text += ", " + count(outcome.rows.changed) + " changed";
      if (job.existing != ExistingRows::Reject)
        text += ", " + count(outcome.rows.same) + " were there already";
      if (outcome.state == FileOutcome::State::Resumed) text += " (taken up where it was cut short)";
      break;
    case FileOutcome::State::DoneBefore:
      text += "done before, " + count(outcome.rows.added + outcome.rows.changed + outcome.rows.same) +
              " rows (--again loads it once more)";
      break;
    case FileOutcome::State::DryRun:
      text += count(outcome.rows.added) + " rows could be read, " + count(outcome.rows.rejected) + " not";
      for (const auto& line : outcome.mapping) text += "\n  " + line;
      break;
  }
  std::printf("%s\n", text.c_str());
}

int import(const Arguments& arguments) {
  const std::vector<std::string> files = find_files(arguments.files);
  const auto target =
      arguments.connect.empty() ? open_embedded(arguments.store, false) : open_server(arguments.connect);
  // Times without a zone are UTC, wherever the server is.
  target->run_script("SET TimeZone = 'UTC'", [](const market::TextResult&) {});
  ImportJob job{*target,
                arguments.table,
                {},
                {},
                {},
                {},
                arguments.symbol,
                arguments.timeframe,
                existing_rows(arguments),
                arguments.is_dry_run};
  if (job.table.empty()) {
    const bool has_own =
        arguments.format != "auto" && arguments.format != "csv" && arguments.format != "parquet";
    if (!has_own)
      throw Error(ErrorCode::InvalidParameterValue, "no table was given", {}, "Use --table TABLE.");
    job.table = market::import_format(arguments.format).table;
  }
  target->run_script("SELECT * FROM " + job.table + " LIMIT 0",
                     [&](const market::TextResult& result) { job.columns = result.columns; });
  set_layout(arguments, job);
  set_renamed(arguments, job);
  std::optional<ImportLedger> ledger;
  if (!arguments.untracked && !job.is_dry_run) ledger.emplace(*target, full_name(*target, job.table));
  RejectFile rejects(!arguments.reject_file.empty()
                         ? arguments.reject_file
                         : (files.front() == "-" ? "stdin" : files.front()) + ".rejects.csv");
  RowCounts total;
  auto outcomes = nlohmann::json::array();
  std::vector<std::string> told;
  for (const auto& path : files) {
    const bool is_tracked = ledger && path != "-";
    if (is_tracked && arguments.again) ledger->forget(identify(path));
    job.layout.is_parquet =
        arguments.format == "parquet" || (arguments.format == "auto" && path.ends_with(".parquet"));
    const FileOutcome outcome = import_file(job, path, is_tracked ? &*ledger : nullptr, rejects);
    for (const auto& name : outcome.unused_fields) {
      if (job.layout.format != nullptr || std::find(told.begin(), told.end(), name) != told.end()) continue;
      told.push_back(name);
      std::fprintf(stderr, "NOTICE:  field \"%s\" is no column of %s, left out\n", name.c_str(),
                   job.table.c_str());
    }
    if (outcome.state != FileOutcome::State::DoneBefore) total += outcome.rows;
    if (arguments.as_json) {
      nlohmann::json one = json_of(outcome.rows);
      one["file"] = outcome.path;
      one["state"] = state_name(outcome.state);
      if (job.is_dry_run) one["columns"] = outcome.mapping;
      outcomes.push_back(one);
    } else {
      print(outcome, job);
    }
  }
  if (arguments.as_json) {
    const nlohmann::json all = {
        {"table", job.table},
        {"files", outcomes},
        {"total", json_of(total)},
        {"reject_file",
         total.rejected > 0 && !job.is_dry_run ? nlohmann::json(rejects.path()) : nlohmann::json(nullptr)}};
    std::printf("%s\n", all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  }
  if (total.rejected == 0) return 0;
  if (!job.is_dry_run)
    std::fprintf(stderr, "WARNING:  %llu rows were rejected: see %s\n",
                 static_cast<unsigned long long>(total.rejected), rejects.path().c_str());
  return kSomeRejected;
}

}  // namespace

Run add_import(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = program.add_subcommand(
      "import", "Load files (CSV, Parquet, Polygon, Binance; plain, gzip, zstd, zip) into a table");
  command->footer(
      "Fields go to the columns that the header names, or that the format or a mapping file says. Rows that "
      "cannot be "
      "loaded\n"
      "are written to the reject file with their line and the reason; the others are loaded. The table "
      "tickstone_imports says\n"
      "how far each file has come: run an import that was interrupted again and each row is loaded once; a "
      "file that "
      "was done\n"
      "is not loaded again. docs/import.md says more.\n"
      "Formats: csv, parquet,\n" +
      market::import_format_names() +
      ".\n\n"
      "Examples:\n"
      "  tickstone import --data ./store --table trades trades-2026-01-05.csv.gz\n"
      "  tickstone import --data ./store --format polygon-minute-aggs 'minute_aggs_v1/2026/01/*.csv.gz'\n"
      "  tickstone import --data ./store --format binance-klines --existing update BTCUSDT-1m-2026-01.zip\n"
      "  tickstone import --data ./store --table ohlcv --mapping bars.json --dry-run bars.parquet\n"
      "  tickstone import -c postgresql://inavvi_user:postgres@127.0.0.1:5433/inavvi --table ohlcv --map "
      "Date=timestamp bars.csv\n\n"
      "Exit status: 0 all loaded, 1 failed, 2 a wrong command line, 3 some rejected.");
  arguments->store.add_to(*command, false);
  command->add_option("-c,--connect", arguments->connect, "A server instead of a data directory")
      ->type_name("URL")
      ->excludes("--data");
  command
      ->add_option("-t,--table", arguments->table,
                   "The table, perhaps with its schema (default: the format's)")
      ->type_name("TABLE");
  command
      ->add_option("files", arguments->files,
                   "Files, directories and patterns such as 'data/*.csv.gz'; - is standard input")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("-f,--format", arguments->format,
                   "What the files are (default: csv, or parquet by the name)")
      ->type_name("FORMAT");
  command
      ->add_option("--mapping", arguments->mapping_file, "A JSON file that says what each column is made of")
      ->type_name("FILE");
  command
      ->add_option("--map", arguments->mapping,
                   "HEADER=COLUMN where the names differ; HEADER= leaves the field out")
      ->type_name("HEADER=COLUMN");
  command->add_option("--symbol", arguments->symbol, "Of files whose name does not say it (Binance)")
      ->type_name("SYMBOL");
  command->add_option("--timeframe", arguments->timeframe, "Of bars, instead of the format's own")
      ->type_name("NAME");
  command->add_option("--delimiter", arguments->delimiter, "Between fields")->capture_default_str();
  command->add_option("--null", arguments->null_text, "The text that means NULL (default: an empty field)")
      ->type_name("TEXT");
  command->add_flag("--no-header", arguments->no_header, "The first line is a row");
  command->add_option("--columns", arguments->columns, "Names of the fields, with --no-header")
      ->delimiter(',')
      ->type_name("NAMES");
  command
      ->add_option("--existing", arguments->existing,
                   "Rows whose key the table has already: reject (default), skip, or update")
      ->type_name("HOW")
      ->check(CLI::IsMember({"reject", "skip", "update"}));
  command->add_flag("--skip-existing", arguments->skip_existing, "The same as --existing skip");
  command->add_flag("--dry-run", arguments->is_dry_run,
                    "Read and convert everything, write nothing, and show what each column is made of");
  command->add_flag("--again", arguments->again, "Load files that were loaded before once more");
  command->add_flag("--untracked", arguments->untracked,
                    "Without tickstone_imports; a second run loads all again");
  command->add_flag("-j,--json", arguments->as_json, "The summary as JSON");
  command
      ->add_option("--reject-file", arguments->reject_file,
                   "Where rejected rows go (default: FILE.rejects.csv)")
      ->type_name("FILE");
  return [arguments] {
    if (arguments->store.data.empty() && arguments->connect.empty()) {
      throw Error(ErrorCode::InvalidParameterValue, "neither a data directory nor a server was given", {},
                  "Use --data DIR or --connect URL.");
    }
    return import(*arguments);
  };
}

}  // namespace tickstone::cli
