// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <functional>
#include <future>
#include <sstream>
#include <thread>

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
  std::size_t jobs = 1;
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

std::string reject_path(const Arguments& arguments, const std::string& path) {
  if (!arguments.reject_file.empty()) return arguments.reject_file;
  return (path == "-" ? "stdin" : path) + ".rejects.csv";
}

void set_time_zone(market::Connection& target) {
  // Times without a zone are UTC, wherever the server is.
  target.run_script("SET TimeZone = 'UTC'", [](const market::TextResult&) {});
}

/// Loads files one after the other over one connection.
class Importer {
 public:
  Importer(const Arguments& arguments, const ImportJob& job) : arguments_(arguments), job_(job) {
    if (!arguments.untracked && !job.is_dry_run)
      ledger_.emplace(job.target, full_name(job.target, job.table));
  }

  FileOutcome load(const std::string& path, RejectFile& rejects) {
    const bool is_tracked = ledger_ && path != "-";
    if (is_tracked && arguments_.again) ledger_->forget(identify(path));
    job_.layout.is_parquet =
        arguments_.format == "parquet" || (arguments_.format == "auto" && path.ends_with(".parquet"));
    return import_file(job_, path, is_tracked ? &*ledger_ : nullptr, rejects);
  }

 private:
  const Arguments& arguments_;
  ImportJob job_;
  std::optional<ImportLedger> ledger_;
};

using OnOutcome = std::function<void(const FileOutcome&)>;

/// Each file over whichever connection is free; outcomes are told in the order of the files. After an error
/// no other file is begun.
void load_side_by_side(const Arguments& arguments, const ImportJob& job, market::ConnectionSource& source,
                       const std::vector<std::string>& files, const OnOutcome& on_outcome) {
  std::vector<std::promise<FileOutcome>> outcomes(files.size());
  std::atomic<std::size_t> next_file = 0;
  std::atomic<bool> has_failed = false;
  const auto work = [&] {
    std::unique_ptr<market::Connection> connection;
    std::optional<Importer> importer;
    while (!has_failed) {
      const std::size_t file = next_file++;
      if (file >= files.size()) return;
      // Boundary: rethrown where the outcome is waited for.
      try {
        if (!importer) {
          connection = source.connect();
          set_time_zone(*connection);
          importer.emplace(arguments, job.with_target(*connection));
        }
        RejectFile rejects(reject_path(arguments, files[file]));
        outcomes[file].set_value(importer->load(files[file], rejects));
      } catch (...) {
        has_failed = true;
        outcomes[file].set_exception(std::current_exception());
      }
    }
  };
  std::vector<std::jthread> workers;
  for (std::size_t i = 0; i < std::min(arguments.jobs, files.size()); ++i) workers.emplace_back(work);
  // Those before one that has failed have begun: nobody waits for one that never will.
  for (auto& outcome : outcomes) on_outcome(outcome.get_future().get());
}

void load_in_turn(const Arguments& arguments, const ImportJob& job, const std::vector<std::string>& files,
                  const OnOutcome& on_outcome) {
  Importer importer(arguments, job);
  RejectFile rejects(reject_path(arguments, files.front()));
  for (const auto& path : files) on_outcome(importer.load(path, rejects));
}

/// Prints what becomes of the files, and counts.
class Summary {
 public:
  Summary(const Arguments& arguments, const ImportJob& job) : arguments_(arguments), job_(job) {}

  void add(const FileOutcome& outcome) {
    for (const auto& name : outcome.unused_fields) {
      if (job_.layout.format != nullptr || std::find(told_.begin(), told_.end(), name) != told_.end())
        continue;
      told_.push_back(name);
      std::fprintf(stderr, "NOTICE:  field \"%s\" is no column of %s, left out\n", name.c_str(),
                   job_.table.c_str());
    }
    if (outcome.state != FileOutcome::State::DoneBefore) total_ += outcome.rows;
    if (!outcome.reject_file.empty() &&
        std::find(reject_files_.begin(), reject_files_.end(), outcome.reject_file) == reject_files_.end())
      reject_files_.push_back(outcome.reject_file);
    if (!arguments_.as_json) return print(outcome, job_);
    nlohmann::json one = json_of(outcome.rows);
    one["file"] = outcome.path;
    one["state"] = state_name(outcome.state);
    if (job_.is_dry_run) one["columns"] = outcome.mapping;
    if (!outcome.reject_file.empty()) one["reject_file"] = outcome.reject_file;
    files_.push_back(one);
  }

  /// Returns the exit status.
  int finish() const {
    if (arguments_.as_json) {
      const nlohmann::json all = {
          {"table", job_.table},
          {"files", files_},
          {"total", json_of(total_)},
          {"reject_file",
           reject_files_.size() == 1 ? nlohmann::json(reject_files_.front()) : nlohmann::json(nullptr)}};
      std::printf("%s\n", all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    }
    if (total_.rejected == 0) return 0;
    if (!job_.is_dry_run) {
      std::string where;
      for (const auto& file : reject_files_) where += (where.empty() ? "" : ", ") + file;
      std::fprintf(stderr, "WARNING:  %llu rows were rejected: see %s\n",
                   static_cast<unsigned long long>(total_.rejected), where.c_str());
    }
    return kSomeRejected;
  }

 private:
  const Arguments& arguments_;
  const ImportJob& job_;
  RowCounts total_;
  nlohmann::json files_ = nlohmann::json::array();
  std::vector<std::string> told_;
  std::vector<std::string> reject_files_;
};

int import(const Arguments& arguments) {
  const std::vector<std::string> files = find_files(arguments.files);
  const auto source = arguments.connect.empty() ? open_embedded_source(arguments.store, false)
                                                : open_server_source(arguments.connect);
  const auto target = source->connect();
  set_time_zone(*target);
  ImportJob job{*target,
                arguments.table,
                {},
                {},
                {},
                {},
                arguments.symbol,
                arguments.timeframe,
                existing_rows(arguments),
                arguments.is_dry_run,
                arguments.jobs == 1};
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
  Summary summary(arguments, job);
  const OnOutcome tell = [&](const FileOutcome& outcome) { summary.add(outcome); };
  if (arguments.jobs == 1) {
    load_in_turn(arguments, job, files, tell);
  } else {
    // Made by one: the others find it.
    if (!arguments.untracked && !job.is_dry_run) ImportLedger(*target, full_name(*target, job.table));
    load_side_by_side(arguments, job, *source, files, tell);
  }
  return summary.finish();
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
      "  tickstone import --data ./store --format polygon-minute-aggs 'minute_aggs_v1/2026/01/*.csv.gz' "
      "--jobs 2\n"
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
  auto* reject_file =
      command
          ->add_option("--reject-file", arguments->reject_file,
                       "Where rejected rows go (default: FILE.rejects.csv, of the first file)")
          ->type_name("FILE");
  command
      ->add_option("--jobs", arguments->jobs,
                   "Load so many files at a time; each has a reject file of its own then")
      ->check(CLI::Range(1, 64))
      ->type_name("COUNT")
      ->capture_default_str()
      ->excludes(reject_file);
  return [arguments] {
    if (arguments->store.data.empty() && arguments->connect.empty()) {
      throw Error(ErrorCode::InvalidParameterValue, "neither a data directory nor a server was given", {},
                  "Use --data DIR or --connect URL.");
    }
    return import(*arguments);
  };
}

}  // namespace tickstone::cli
