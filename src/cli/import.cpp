// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <tickstone/error.hpp>

#include "cli/command.hpp"
#include "cli/input_file.hpp"
#include "cli/open_connection.hpp"
#include "cli/progress_bar.hpp"
#include "cli/result_printer.hpp"
#include "cli/row_loader.hpp"
#include "types/copy_format.hpp"

namespace tickstone::cli {
namespace {

constexpr int kSomeRejected = 3;

struct Arguments {
  StoreArguments store;
  std::string connect;
  std::string table;
  std::vector<std::string> files;
  std::vector<std::string> mapping;  // header=column
  std::vector<std::string> columns;
  std::string reject_file;
  std::string null_text;
  char delimiter = ',';
  bool no_header = false;
  bool skip_existing = false;
};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

/// `Adj Close` and `adj_close` are one name.
std::string plain_name(const std::string& header) {
  std::string name;
  for (const char c : lower(header))
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 || (c & 0x80) != 0 ? c : '_';
  return name;
}

std::vector<std::string> split_header(const std::string& line, char delimiter) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"')
      fields.back() += line[++i];
    else if (c == '"')
      quoted = !quoted;
    else if (c == delimiter && !quoted)
      fields.emplace_back();
    else if (c != '\r')
      fields.back() += c;
  }
  return fields;
}

/// Which column of the table each field of the file goes to.
std::vector<CopyColumn> map_columns(const Arguments& arguments, const std::vector<std::string>& header,
                                    const TextResult& table) {
  std::map<std::string, std::string> given;
  for (const auto& pair : arguments.mapping) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos)
      throw Error(ErrorCode::InvalidParameterValue, "\"" + pair + "\" is no mapping", {},
                  "Write --map HEADER=COLUMN.");
    given[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  std::vector<CopyColumn> columns;
  std::vector<std::string> left_out;
  for (const auto& name : header) {
    const auto mapped = given.find(name);
    const std::string wanted = mapped != given.end() ? mapped->second : plain_name(name);
    const auto found = std::find_if(table.columns.begin(), table.columns.end(), [&](const auto& c) {
      return c.name == wanted || (mapped == given.end() && plain_name(c.name) == wanted);
    });
    if (found == table.columns.end()) {
      if (mapped != given.end() && !wanted.empty()) {
        throw Error(ErrorCode::UndefinedColumn,
                    "column \"" + wanted + "\" of relation \"" + arguments.table + "\" does not exist");
      }
      left_out.push_back(name);
      columns.push_back({name, SqlType::of(TypeId::Text), true});
      continue;
    }
    if (std::any_of(columns.begin(), columns.end(),
                    [&](const auto& c) { return !c.is_ignored && c.name == found->name; })) {
      throw Error(ErrorCode::DuplicateColumn, "two fields of the file go to column \"" + found->name + "\"",
                  {}, "Use --map to say which.");
    }
    columns.push_back({found->name, found->type, false});
  }
  if (left_out.size() == header.size()) {
    std::string names;
    for (const auto& c : table.columns) names += (names.empty() ? "" : ", ") + c.name;
    throw Error(ErrorCode::UndefinedColumn,
                "no field of the file's header is a column of \"" + arguments.table + "\"",
                "The table has: " + names + ".",
                "Use --map HEADER=COLUMN, or --no-header when the first line is a row.");
  }
  for (const auto& name : left_out)
    std::fprintf(stderr, "NOTICE:  field \"%s\" is no column of %s, left out\n", name.c_str(),
                 arguments.table.c_str());
  return columns;
}

/// Takes the first line off the stream and leaves the rest in `chunk`.
std::string take_line(InputFile& file, std::string& chunk) {
  std::string line;
  for (;;) {
    if (const auto end = chunk.find('\n'); end != std::string::npos) {
      line += chunk.substr(0, end);
      chunk.erase(0, end + 1);
      break;
    }
    line += chunk;
    chunk.clear();
    if (!file.read(chunk)) break;
  }
  if (line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
  return line;
}

std::uint64_t import_file(const Arguments& arguments, const std::string& path, market::Connection& target,
                          const TextResult& table, RejectFile& rejects, std::uint64_t& skipped) {
  const auto file = InputFile::open(path);
  std::string chunk;
  std::vector<std::string> header = arguments.columns;
  std::uint64_t skipped_lines = 0;
  if (!arguments.no_header) {
    const std::string line = take_line(*file, chunk);
    if (line.empty()) throw Error(ErrorCode::BadCopyFileFormat, "file \"" + path + "\" is empty");
    header = split_header(line, arguments.delimiter);
    skipped_lines = 1;
  } else if (header.empty()) {
    for (const auto& column : table.columns) header.push_back(column.name);
  }
  const auto columns = map_columns(arguments, header, table);
  CopyOptions options = CopyOptions::csv();
  options.delimiter = arguments.delimiter;
  options.null_text = arguments.null_text;
  CopyReader reader(options, columns, arguments.table);
  std::vector<std::uint64_t> lines;
  reader.set_line_numbers(&lines);
  reader.set_bad_row_handler([&](const CopyBadRow& bad) {
    // COPY's context counts lines from after the header; the column is what it adds.
    std::string reason = bad.error.message();
    if (const auto at = bad.error.context().find("column "); at != std::string::npos) {
      reason += " (" + bad.error.context().substr(at) + ")";
    }
    rejects.add(path, bad.line_number + skipped_lines, reason, bad.text);
  });

  RowLoader loader(target, arguments.table, columns, rejects, path, arguments.delimiter,
                   arguments.skip_existing ? ExistingRows::Skip : ExistingRows::Reject);
  ProgressBar progress(path, file->size_bytes());
  Batch batch = reader.make_batch();
  const auto flush = [&] {
    for (auto& line : lines) line += skipped_lines;
    loader.load(batch, lines);
    lines.clear();
    batch = reader.make_batch();
    progress.show(file->position_bytes(), fmt::format("{} rows", loader.row_count()));
  };
  do {
    reader.feed(chunk, batch);
    if (batch.row_count() >= RowLoader::kBatchRows) flush();
  } while (file->read(chunk));
  reader.finish(batch);
  flush();
  skipped += loader.skipped_count();
  return loader.row_count();
}

int import(const Arguments& arguments) {
  const auto target =
      arguments.connect.empty() ? open_embedded(arguments.store, false) : open_server(arguments.connect);
  TextResult table;
  target->run_script("SELECT * FROM " + arguments.table + " LIMIT 0",
                     [&](const TextResult& result) { table = result; });
  const auto& first = arguments.files.front();
  RejectFile rejects(!arguments.reject_file.empty() ? arguments.reject_file
                                                    : (first == "-" ? "stdin" : first) + ".rejects.csv");
  for (const auto& path : arguments.files) {
    std::uint64_t skipped = 0;
    const std::uint64_t count = import_file(arguments, path, *target, table, rejects, skipped);
    std::printf("%s: %llu rows into %s", path.c_str(), static_cast<unsigned long long>(count),
                arguments.table.c_str());
    if (arguments.skip_existing)
      std::printf(", %llu were there already", static_cast<unsigned long long>(skipped));
    std::printf("\n");
  }
  if (rejects.row_count() == 0) return 0;
  std::fprintf(stderr, "WARNING:  %llu rows were rejected: see %s\n",
               static_cast<unsigned long long>(rejects.row_count()), rejects.path().c_str());
  return kSomeRejected;
}

}  // namespace

Run add_import(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = program.add_subcommand("import", "Load CSV files (plain, gzip, zstd) into a table");
  command->footer(
      "Fields go to the columns that the header names. Rows that cannot be loaded are written to the reject "
      "file with their line\n"
      "and the reason; the others are loaded. An import that was interrupted is taken up again with "
      "--skip-existing.\n"
      "Exit status: 0 all loaded, 3 some rejected, 1 failed.\n\n"
      "Examples:\n"
      "  tickstone import --data ./store --table trades trades-2026-01-05.csv.gz\n"
      "  tickstone import -c postgresql://inavvi_user:postgres@127.0.0.1:5433/inavvi --table ohlcv --map "
      "Date=timestamp bars.csv");
  arguments->store.add_to(*command, false);
  command->add_option("-c,--connect", arguments->connect, "A server instead of a data directory")
      ->type_name("URL")
      ->excludes("--data");
  command->add_option("-t,--table", arguments->table, "The table, perhaps with its schema")
      ->type_name("TABLE")
      ->required();
  command->add_option("files", arguments->files, "CSV files; - is standard input")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--map", arguments->mapping,
                   "HEADER=COLUMN where the names differ; HEADER= leaves the field out")
      ->type_name("HEADER=COLUMN");
  command->add_option("--delimiter", arguments->delimiter, "Between fields")->capture_default_str();
  command->add_option("--null", arguments->null_text, "The text that means NULL (default: an empty field)")
      ->type_name("TEXT");
  command->add_flag("--no-header", arguments->no_header, "The first line is a row");
  command->add_option("--columns", arguments->columns, "Columns of the fields, with --no-header")
      ->delimiter(',')
      ->type_name("NAMES");
  command->add_flag("--skip-existing", arguments->skip_existing,
                    "Leave out rows whose key the table has already, instead of rejecting them");
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
