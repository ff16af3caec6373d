// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <tickstone/error.hpp>

#include "cli/command.hpp"
#include "cli/export_rows.hpp"
#include "cli/open_connection.hpp"
#include "cli/parquet_file.hpp"
#include "cli/progress_bar.hpp"
#include "types/timestamp.hpp"

namespace tickstone::cli {
namespace {

namespace fs = std::filesystem;

const auto kIgnore = [](const market::TextResult&) {};

struct Arguments {
  StoreArguments store;
  std::string connect;
  std::string table;
  std::string query;
  std::string output;
  std::string format;
  std::string compression;
  std::string from;
  std::string to;
  std::string symbol_column = "symbol";
  std::string time_column;
  std::vector<std::string> symbols;
  std::vector<std::string> partition_by;
  std::string null_text;
  bool no_header = false;
  bool overwrites = false;
  bool as_json = false;
};

/// One file to be written.
struct Part {
  std::string path;
  std::string condition;
};

bool is_time(const SqlType& type) {
  return !type.is_array && (type.id == TypeId::TimestampTz || type.id == TypeId::Timestamp ||
                            type.id == TypeId::TimestampNs || type.id == TypeId::Date);
}

class Export {
 public:
  Export(const Arguments& arguments, market::Connection& connection)
      : arguments_(arguments), connection_(connection) {
    set_layout();
    source_ = arguments.query.empty() ? arguments.table : "(" + arguments.query + ") AS exported";
    connection_.run_script("SELECT * FROM " + source_ + " LIMIT 0",
                           [&](const market::TextResult& result) { columns_ = result.columns; });
    find_columns();
    set_condition();
  }

  nlohmann::json run() {
    const std::vector<Part> parts =
        arguments_.partition_by.empty() ? std::vector{Part{arguments_.output, ""}} : make_parts();
    for (const auto& part : parts) {
      if (arguments_.overwrites || part.path == "-" || !fs::exists(part.path)) continue;
      throw Error(ErrorCode::DuplicateObject, "file \"" + part.path + "\" already exists", {},
                  "Use --overwrite, or another name.");
    }
    auto files = nlohmann::json::array();
    std::uint64_t total = 0;
    if (layout_.format == ExportFormat::Parquet)
      columns_ = with_exact_numerics(connection_, select(""), columns_);
    ProgressBar bar("export", arguments_.partition_by.empty() ? 0 : parts.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (parts[i].path != "-") make_directory(parts[i].path);
      const std::uint64_t rows =
          export_rows(connection_, select(parts[i].condition) + order_, columns_, layout_, parts[i].path,
                      [&](std::uint64_t count) { bar.show(i, fmt::format("{} rows", total + count)); });
      total += rows;
      const std::uint64_t bytes = parts[i].path == "-" ? 0 : fs::file_size(parts[i].path);
      files.push_back({{"file", parts[i].path}, {"rows", rows}, {"bytes", bytes}});
    }
    return {{"rows", total}, {"files", files}};
  }

 private:
  void set_layout() {
    const std::string& path = arguments_.output;
    const bool is_parquet =
        arguments_.format == "parquet" || (arguments_.format.empty() && path.ends_with(".parquet"));
    layout_.format = is_parquet ? ExportFormat::Parquet : ExportFormat::Csv;
    std::string compression = arguments_.compression;
    if (compression.empty())
      compression = path.ends_with(".gz") ? "gzip" : path.ends_with(".zst") || is_parquet ? "zstd" : "none";
    layout_.compression = compression == "gzip"   ? Compression::Gzip
                          : compression == "zstd" ? Compression::Zstd
                                                  : Compression::None;
    layout_.has_header = !arguments_.no_header;
    layout_.null_text = arguments_.null_text;
    if (is_parquet) require_parquet_output(path);
  }

  bool has_column(const std::string& name) const {
    return std::any_of(columns_.begin(), columns_.end(), [&](const auto& one) { return one.name == name; });
  }

  const std::string& needed(const std::string& name, const char* what, const char* option) const {
    if (!name.empty() && has_column(name)) return name;
    throw Error(ErrorCode::UndefinedColumn,
                name.empty() ? std::string("no column has the rows' ") + what
                             : "column \"" + name + "\" does not exist",
                {}, std::string("Name the column of the ") + what + " with " + option + ".");
  }

  /// The time column that is named, or called `timestamp` or `time`, or the first.
  void find_columns() {
    time_column_ = arguments_.time_column;
    for (const char* name : {"timestamp", "time"}) {
      for (const auto& column : columns_) {
        if (time_column_.empty() && column.name == name && is_time(column.type)) time_column_ = name;
      }
    }
    for (const auto& column : columns_) {
      if (time_column_.empty() && is_time(column.type)) time_column_ = column.name;
    }
  }

  void add_condition(const std::string& condition) {
    condition_ += (condition_.empty() ? "" : " AND ") + condition;
  }

  void set_condition() {
    if (!arguments_.symbols.empty()) {
      std::string list;
      for (const auto& symbol : arguments_.symbols)
        list += (list.empty() ? "" : ", ") + market::quote_literal(symbol);
      add_condition(market::quote_name(needed(arguments_.symbol_column, "symbol", "--symbol-column")) +
                    " IN (" + list + ")");
    }
    if (!arguments_.from.empty()) add_condition(time() + " >= " + market::quote_literal(arguments_.from));
    if (!arguments_.to.empty()) add_condition(time() + " < " + market::quote_literal(arguments_.to));
    // A query has its own order.
    if (!arguments_.query.empty()) return;
    std::string keys;
    if (has_column(arguments_.symbol_column)) keys = market::quote_name(arguments_.symbol_column);
    if (!time_column_.empty()) keys += (keys.empty() ? "" : ", ") + market::quote_name(time_column_);
    if (!keys.empty()) order_ = " ORDER BY " + keys;
  }

  std::string time() const { return market::quote_name(needed(time_column_, "time", "--time-column")); }

  std::string select(const std::string& condition) const {
    std::string where = condition_;
    if (!condition.empty()) where += (where.empty() ? "" : " AND ") + condition;
    return "SELECT * FROM " + source_ + (where.empty() ? "" : " WHERE " + where);
  }

  /// A file for each of the values that are there: `symbol=AAPL/day=2026-01-05/rows.csv.gz`.
  std::vector<Part> make_parts() {
    std::vector<std::string> keys;
    for (const auto& by : arguments_.partition_by) {
      keys.push_back(by == "symbol"
                         ? market::quote_name(needed(arguments_.symbol_column, "symbol", "--symbol-column")) +
                               "::text"
                         : time() + "::date::text");
    }
    std::string list;
    for (const auto& key : keys) list += (list.empty() ? "" : ", ") + key;
    std::vector<Part> parts;
    connection_.run_script("SELECT DISTINCT " + list + " FROM (" + select("") + ") AS parts ORDER BY " +
                               (keys.size() > 1 ? "1, 2" : "1"),
                           [&](const market::TextResult& result) {
                             for (const auto& row : result.rows) parts.push_back(make_part(row));
                           });
    return parts;
  }

  Part make_part(const std::vector<std::optional<std::string>>& values) const {
    Part part{arguments_.output, ""};
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::string& by = arguments_.partition_by[i];
      const std::string column = market::quote_name(by == "symbol" ? arguments_.symbol_column : time_column_);
      part.path += "/" + by + "=" + (values[i] ? safe_name(*values[i]) : "NULL");
      part.condition += part.condition.empty() ? "" : " AND ";
      if (!values[i]) {
        part.condition += column + " IS NULL";
      } else if (by == "symbol") {
        part.condition += column + " = " + market::quote_literal(*values[i]);
      } else {
        std::string next;
        append_date(next, parse_date(*values[i]).value_or(0) + 1);
        part.condition += column + " >= " + market::quote_literal(*values[i]) + " AND " + column + " < " +
                          market::quote_literal(next);
      }
    }
    part.path += "/rows";
    if (layout_.format == ExportFormat::Parquet) {
      part.path += ".parquet";
    } else {
      part.path += layout_.compression == Compression::Gzip   ? ".csv.gz"
                   : layout_.compression == Compression::Zstd ? ".csv.zst"
                                                              : ".csv";
    }
    return part;
  }

  /// What stands in a directory's name, whatever a symbol is made of.
  static std::string safe_name(const std::string& text) {
    std::string name;
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte <= ' ' || byte == 0x7F ||
          std::string_view("/\\:*?\"<>|%=").find(c) != std::string_view::npos || (c == '.' && name.empty()))
        name += fmt::format("%{:02X}", byte);
      else
        name += c;
    }
    return name;
  }

  static void make_directory(const std::string& path) {
    const auto folder = fs::path(path).parent_path();
    std::error_code failure;
    if (!folder.empty()) fs::create_directories(folder, failure);
    if (failure)
      throw Error(ErrorCode::IoError,
                  "could not make directory \"" + folder.string() + "\": " + failure.message());
  }

  const Arguments& arguments_;
  market::Connection& connection_;
  ExportLayout layout_;
  std::string source_;
  std::string condition_;
  std::string order_;
  std::string time_column_;
  std::vector<market::ResultColumn> columns_;
};

int run_export(const Arguments& arguments) {
  const auto connection =
      arguments.connect.empty() ? open_embedded(arguments.store, false) : open_server(arguments.connect);
  for (const char* setting : {"TimeZone = 'UTC'", "DateStyle = 'ISO, MDY'", "IntervalStyle = 'postgres'"})
    connection->run_script(std::string("SET ") + setting, kIgnore);
  // All files are of one moment.
  connection->run_script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", kIgnore);
  const nlohmann::json done = Export(arguments, *connection).run();
  connection->run_script("COMMIT", kIgnore);
  if (arguments.as_json) {
    std::printf("%s\n", done.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  } else if (arguments.output != "-") {
    std::printf("%llu rows in %zu files\n",
                static_cast<unsigned long long>(done["rows"].get<std::uint64_t>()), done["files"].size());
  }
  return 0;
}

}  // namespace

Run add_export(CLI::App& program) {
  auto arguments = std::make_shared<Arguments>();
  auto* command = program.add_subcommand("export", "Write a table or a query as CSV or Parquet files");
  command->footer(
      "All files are of one moment, and each appears whole or not at all. Decimals are exact: in Parquet "
      "DECIMAL with the "
      "digits\n"
      "that the values need. Times are UTC.\n"
      "\n"
      "Examples:\n"
      "  tickstone export --data ./store --table ohlcv --symbols AAPL,MSFT --from 2026-01-01 -o "
      "bars.parquet\n"
      "  tickstone export --data ./store --table trades --partition-by symbol,day --compression gzip -o "
      "./trades\n"
      "  tickstone export -c postgresql://inavvi_user@127.0.0.1:5433/inavvi --query \"SELECT * FROM "
      "daily_ohlcv_agg\" -o days.csv\n\n"
      "Exit status: 0 done, 1 failed, 2 a wrong command line.");
  arguments->store.add_to(*command, false);
  command->add_option("-c,--connect", arguments->connect, "A server instead of a data directory")
      ->type_name("URL")
      ->excludes("--data");
  auto* table = command->add_option("-t,--table", arguments->table, "The table, perhaps with its schema")
                    ->type_name("TABLE");
  command->add_option("-q,--query", arguments->query, "A query instead of a table")
      ->type_name("SQL")
      ->excludes(table);
  command
      ->add_option("-o,--output", arguments->output,
                   "The file (- is standard output), or the directory with --partition-by")
      ->type_name("PATH")
      ->required();
  command->add_option("-f,--format", arguments->format, "csv or parquet (default: by the name, csv)")
      ->check(CLI::IsMember({"csv", "parquet"}));
  command
      ->add_option("--compression", arguments->compression,
                   "none, gzip or zstd (default: by the name; Parquet zstd)")
      ->check(CLI::IsMember({"none", "gzip", "zstd"}));
  command->add_option("--symbols", arguments->symbols, "Only rows of these")
      ->delimiter(',')
      ->type_name("NAMES");
  command->add_option("--from", arguments->from, "Only rows from this time on")->type_name("TIME");
  command->add_option("--to", arguments->to, "Only rows before this time")->type_name("TIME");
  command->add_option("--symbol-column", arguments->symbol_column, "Where the symbol stands")
      ->capture_default_str();
  command
      ->add_option("--time-column", arguments->time_column,
                   "Where the time stands (default: timestamp, time, or the first time)")
      ->type_name("NAME");
  command
      ->add_option("--partition-by", arguments->partition_by,
                   "A file for each symbol, day, or both: symbol=AAPL/day=2026-01-05/rows.csv")
      ->delimiter(',')
      ->check(CLI::IsMember({"symbol", "day"}));
  command->add_option("--null", arguments->null_text, "What stands for NULL in CSV (default: an empty field)")
      ->type_name("TEXT");
  command->add_flag("--no-header", arguments->no_header, "CSV without the line of names");
  command->add_flag("--overwrite", arguments->overwrites, "Put files in the place of those that are there");
  command->add_flag("-j,--json", arguments->as_json, "The summary as JSON");
  return [arguments] {
    if (arguments->store.data.empty() && arguments->connect.empty()) {
      throw Error(ErrorCode::InvalidParameterValue, "neither a data directory nor a server was given", {},
                  "Use --data DIR or --connect URL.");
    }
    if (arguments->table.empty() && arguments->query.empty())
      throw Error(ErrorCode::InvalidParameterValue, "neither a table nor a query was given", {},
                  "Use --table TABLE or --query SQL.");
    return run_export(*arguments);
  };
}

}  // namespace tickstone::cli
