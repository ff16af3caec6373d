// SPDX-License-Identifier: Apache-2.0
#include "cli/result_printer.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "market/text_table.hpp"

namespace tickstone::cli {
namespace {

void print_table(std::ostream& out, const TextResult& result) {
  out << market::text_table(result);
  out << '(' << result.rows.size() << (result.rows.size() == 1 ? " row)\n" : " rows)\n");
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos && !text.empty()) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

void print_csv(std::ostream& out, const TextResult& result) {
  for (std::size_t c = 0; c < result.columns.size(); ++c)
    out << (c == 0 ? "" : ",") << csv_field(result.columns[c].name);
  out << '\n';
  for (const auto& row : result.rows) {
    for (std::size_t c = 0; c < row.size(); ++c)
      out << (c == 0 ? "" : ",") << (row[c] ? csv_field(*row[c]) : "");
    out << '\n';
  }
}

std::string json_value(const std::string& text, const SqlType& type) {
  if (type.id == TypeId::Boolean && !type.is_array) return text == "t" ? "true" : "false";
  if (market::is_number(type) && text != "NaN" && text.find("Infinity") == std::string::npos) return text;
  if ((type.id == TypeId::Json || type.id == TypeId::Jsonb) && !type.is_array) return text;
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void print_object(std::ostream& out, const TextResult& result, std::size_t r) {
  out << '{';
  for (std::size_t c = 0; c < result.columns.size(); ++c) {
    const auto& cell = result.rows[r][c];
    out << (c == 0 ? "" : ", ") << nlohmann::json(result.columns[c].name).dump() << ": "
        << (cell ? json_value(*cell, result.columns[c].type) : "null");
  }
  out << '}';
}

void print_json(std::ostream& out, const TextResult& result) {
  out << '[';
  for (std::size_t r = 0; r < result.rows.size(); ++r) {
    out << (r == 0 ? "\n  " : ",\n  ");
    print_object(out, result, r);
  }
  out << (result.rows.empty() ? "]\n" : "\n]\n");
}

void print_json_lines(std::ostream& out, const TextResult& result) {
  for (std::size_t r = 0; r < result.rows.size(); ++r) {
    print_object(out, result, r);
    out << '\n';
  }
}

}  // namespace

std::optional<OutputFormat> find_output_format(std::string_view name) {
  if (name == "table") return OutputFormat::Table;
  if (name == "csv") return OutputFormat::Csv;
  if (name == "json") return OutputFormat::Json;
  if (name == "jsonl") return OutputFormat::JsonLines;
  if (name == "parquet") return OutputFormat::Parquet;
  return std::nullopt;
}

OutputFormat output_format_of_file(std::string_view path) {
  const auto dot = path.rfind('.');
  if (dot == std::string_view::npos) return OutputFormat::Table;
  return find_output_format(path.substr(dot + 1)).value_or(OutputFormat::Table);
}

void print_result(std::ostream& out, const TextResult& result, OutputFormat format) {
  if (result.columns.empty()) {
    if (format == OutputFormat::Table) out << result.tag << '\n';
    return;
  }
  switch (format) {
    case OutputFormat::Table:
      return print_table(out, result);
    case OutputFormat::Csv:
      return print_csv(out, result);
    case OutputFormat::Json:
      return print_json(out, result);
    case OutputFormat::JsonLines:
      return print_json_lines(out, result);
    case OutputFormat::Parquet:
      TICKSTONE_CHECK(false);
  }
}

void print_expanded(std::ostream& out, const TextResult& result) {
  std::size_t width = 0;
  for (const auto& column : result.columns) width = std::max(width, market::display_width(column.name));
  for (std::size_t r = 0; r < result.rows.size(); ++r) {
    out << "-[ RECORD " << r + 1 << " ]\n";
    for (std::size_t c = 0; c < result.columns.size(); ++c) {
      const auto& name = result.columns[c].name;
      out << name << std::string(width - market::display_width(name), ' ') << " | "
          << result.rows[r][c].value_or("") << '\n';
    }
  }
  out << '(' << result.rows.size() << (result.rows.size() == 1 ? " row)\n" : " rows)\n");
}

}  // namespace tickstone::cli
