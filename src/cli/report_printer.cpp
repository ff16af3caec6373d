// SPDX-License-Identifier: Apache-2.0
#include "cli/report_printer.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/byte_size.hpp"
#include "market/text_table.hpp"

namespace tickstone::cli {
namespace {

using market::ReportedColumn;
using market::ReportedTable;
using market::SchemaReport;
using market::TextResult;
using Json = nlohmann::ordered_json;

std::string counted(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string rows_text(const ReportedTable& table) {
  return (table.is_row_count_estimated ? "about " : "") + counted(table.rows);
}

std::string bytes_text(const ReportedTable& table) {
  return table.bytes ? format_bytes(static_cast<std::int64_t>(*table.bytes)) : "";
}

TextResult table_of(const std::vector<std::string>& names) {
  TextResult table;
  for (const auto& name : names) table.columns.push_back({name, SqlType::of(TypeId::Text)});
  return table;
}

TextResult overview(const SchemaReport& report) {
  TextResult table = table_of({"name", "kind", "rows", "size", "time", "chunks", "interval"});
  table.columns[2].type = table.columns[5].type = SqlType::of(TypeId::BigInt);
  for (const auto& one : report.tables) {
    const auto& hypertable = one.hypertable;
    table.rows.push_back({one.schema == "public" ? one.name : one.schema + "." + one.name, one.kind,
                          rows_text(one), bytes_text(one), hypertable ? hypertable->time_column : "",
                          hypertable ? counted(hypertable->chunks) : "",
                          hypertable ? hypertable->chunk_interval : ""});
  }
  return table;
}

std::string shortened(const std::optional<std::string>& text) {
  constexpr std::size_t kLongest = 32;
  if (!text) return "";
  return text->size() <= kLongest ? *text : text->substr(0, kLongest - 3) + "...";
}

TextResult columns_of(const ReportedTable& table) {
  TextResult columns =
      table_of({"column", "type", "key", "nulls", "distinct", "least", "greatest", "default"});
  columns.columns[3].type = columns.columns[4].type = SqlType::of(TypeId::BigInt);
  for (const auto& column : table.columns) {
    const auto& profile = column.profile;
    columns.rows.push_back({column.name, column.type,
                            column.is_key        ? "key"
                            : column.is_required ? "not null"
                                                 : "",
                            profile ? counted(profile->nulls) : "",
                            profile && profile->distinct ? counted(*profile->distinct) : "",
                            profile ? shortened(profile->least) : "",
                            profile ? shortened(profile->greatest) : "", shortened(column.default_value)});
  }
  return columns;
}

TextResult jobs_of(const SchemaReport& report) {
  TextResult jobs =
      table_of({"job", "what", "on", "every", "last run", "last success", "failures", "next start"});
  for (const auto& job : report.jobs) {
    jobs.rows.push_back({std::to_string(job.id), job.name, job.table, job.interval, job.last_status,
                         job.last_success, std::to_string(job.failures), job.next_start});
  }
  return jobs;
}

std::string profile_note(const ReportedTable& table) {
  if (table.profiled_rows >= table.rows) return "";
  return fmt::format("Figures of columns are of {} of these rows.\n", counted(table.profiled_rows));
}

void print_text(std::ostream& out, const SchemaReport& report) {
  out << fmt::format("Database {} on {}, {}\n\n", report.database, to_string(report.home),
                     report.server_version);
  out << market::text_table(overview(report));
  for (const auto& table : report.tables) {
    out << fmt::format("\n{} ({}, {} rows)\n", table.name, table.kind, rows_text(table));
    if (!table.comment.empty()) out << table.comment << '\n';
    out << profile_note(table) << market::text_table(columns_of(table));
    for (const auto& index : table.indexes) out << "  " << index << '\n';
    if (table.samples && !table.samples->rows.empty()) out << '\n' << market::text_table(*table.samples);
  }
  if (!report.relations.empty()) out << "\nRelations\n";
  for (const auto& one : report.relations) {
    out << fmt::format("  {}.{} -> {}.{}{}\n", one.from_table, one.from_column, one.to_table, one.to_column,
                       one.is_declared ? "" : "  (by name)");
  }
  if (!report.jobs.empty()) out << "\nJobs\n" << market::text_table(jobs_of(report));
}

template <typename T>
Json json_of(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json json_of(const ReportedTable& table) {
  Json columns = Json::array();
  for (const auto& column : table.columns) {
    Json one = {{"name", column.name},
                {"type", column.type},
                {"not_null", column.is_required},
                {"key", column.is_key},
                {"default", column.default_value.empty() ? Json(nullptr) : Json(column.default_value)}};
    if (column.profile) {
      one["nulls"] = column.profile->nulls;
      one["distinct"] = json_of(column.profile->distinct);
      one["min"] = json_of(column.profile->least);
      one["max"] = json_of(column.profile->greatest);
    }
    columns.push_back(std::move(one));
  }
  Json json = {{"schema", table.schema},
               {"name", table.name},
               {"kind", table.kind},
               {"comment", table.comment.empty() ? Json(nullptr) : Json(table.comment)},
               {"rows", table.rows},
               {"rows_estimated", table.is_row_count_estimated},
               {"profiled_rows", table.profiled_rows},
               {"bytes", json_of(table.bytes)},
               {"columns", std::move(columns)},
               {"constraints", table.constraints},
               {"indexes", table.indexes}};
  if (table.hypertable) {
    json["hypertable"] = {{"time_column", table.hypertable->time_column},
                          {"chunk_interval", table.hypertable->chunk_interval},
                          {"chunks", table.hypertable->chunks},
                          {"compression_enabled", table.hypertable->is_compressed}};
  }
  if (table.aggregate) {
    json["continuous_aggregate"] = {{"definition", table.aggregate->definition},
                                    {"materialized_only", table.aggregate->is_materialized_only}};
  }
  if (table.samples) {
    Json samples = Json::array();
    for (const auto& row : table.samples->rows) {
      Json sample = Json::object();
      for (std::size_t c = 0; c < row.size(); ++c) sample[table.samples->columns[c].name] = json_of(row[c]);
      samples.push_back(std::move(sample));
    }
    json["samples"] = std::move(samples);
  }
  return json;
}

void print_json(std::ostream& out, const SchemaReport& report) {
  Json tables = Json::array(), relations = Json::array(), jobs = Json::array();
  for (const auto& table : report.tables) tables.push_back(json_of(table));
  for (const auto& one : report.relations) {
    relations.push_back({{"from", one.from_table},
                         {"from_column", one.from_column},
                         {"to", one.to_table},
                         {"to_column", one.to_column},
                         {"declared", one.is_declared}});
  }
  for (const auto& job : report.jobs) {
    jobs.push_back({{"id", job.id},
                    {"name", job.name},
                    {"table", job.table},
                    {"interval", job.interval},
                    {"last_status", job.last_status},
                    {"last_success", job.last_success},
                    {"failures", job.failures},
                    {"next_start", job.next_start}});
  }
  const Json all = {{"home", to_string(report.home)},    {"server_version", report.server_version},
                    {"database", report.database},       {"tables", std::move(tables)},
                    {"relations", std::move(relations)}, {"jobs", std::move(jobs)}};
  out << all.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

/// A name as Mermaid takes it bare.
std::string plain(std::string name) {
  for (auto& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '[' && c != ']' && c != '(' &&
        c != ')')
      c = '_';
  }
  return name;
}

void print_mermaid(std::ostream& out, const SchemaReport& report) {
  out << "erDiagram\n";
  for (const auto& table : report.tables) {
    out << "    " << plain(table.name) << " {\n";
    for (const auto& column : table.columns)
      out << "        " << plain(column.type) << ' ' << plain(column.name) << (column.is_key ? " PK" : "")
          << '\n';
    out << "    }\n";
  }
  for (const auto& one : report.relations) {
    out << fmt::format("    {} ||{}o{{ {} : \"{}\"\n", plain(one.to_table), one.is_declared ? "--" : "..",
                       plain(one.from_table), one.from_column);
  }
}

std::string markdown_cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
  std::ranges::replace(text, '\n', ' ');
  return text;
}

void print_markdown_table(std::ostream& out, const TextResult& table) {
  out << '|';
  for (const auto& column : table.columns) out << ' ' << markdown_cell(column.name) << " |";
  out << "\n|";
  for (const auto& column : table.columns) out << (market::is_number(column.type) ? "---:|" : "---|");
  out << '\n';
  for (const auto& row : table.rows) {
    out << '|';
    for (const auto& cell : row) out << ' ' << markdown_cell(cell.value_or("")) << " |";
    out << '\n';
  }
}

void print_markdown(std::ostream& out, const SchemaReport& report) {
  out << fmt::format("# Database {}\n\nOn {}, {}.\n\n", report.database, to_string(report.home),
                     report.server_version);
  print_markdown_table(out, overview(report));
  out << "\n```mermaid\n";
  print_mermaid(out, report);
  out << "```\n";
  for (const auto& table : report.tables) {
    out << fmt::format("\n## {}\n\nA {} of {} rows. {}{}\n", table.name, table.kind, rows_text(table),
                       table.comment, profile_note(table));
    print_markdown_table(out, columns_of(table));
    for (const auto& index : table.indexes) out << "\n- `" << index << "`";
    if (!table.indexes.empty()) out << '\n';
    if (table.aggregate) out << "\n```sql\n" << table.aggregate->definition << "\n```\n";
    if (table.samples && !table.samples->rows.empty()) {
      out << '\n';
      print_markdown_table(out, *table.samples);
    }
  }
  if (!report.jobs.empty()) {
    out << "\n## Jobs\n\n";
    print_markdown_table(out, jobs_of(report));
  }
}

}  // namespace

void print_report(std::ostream& out, const SchemaReport& report, ReportFormat format) {
  switch (format) {
    case ReportFormat::Text:
      return print_text(out, report);
    case ReportFormat::Json:
      return print_json(out, report);
    case ReportFormat::Markdown:
      return print_markdown(out, report);
    case ReportFormat::Mermaid:
      return print_mermaid(out, report);
  }
}

}  // namespace tickstone::cli
