// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "duck/connection.hpp"
#include "duck/error_translation.hpp"
#include "duck/logical_types.hpp"
#include "duck/scan.hpp"

namespace tickstone::duck {

namespace {

std::string title(const std::string& name) {
  std::string result;
  bool is_start = true;
  for (const char c : name) {
    if (c == '_' || c == ' ') {
      is_start = true;
      if (!result.empty() && result.back() != ' ') result += ' ';
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    result += static_cast<char>(is_start ? std::toupper(byte) : std::tolower(byte));
    is_start = false;
  }
  while (!result.empty() && result.back() == ' ') result.pop_back();
  return result;
}

std::string text_of(const nlohmann::json& value) {
  if (value.is_string()) {
    std::string text = value.get<std::string>();
    for (char& c : text) {
      if (c == '\n') c = ' ';
    }
    return text;
  }
  if (value.is_array()) {
    std::string text;
    for (const auto& part : value) {
      if (!text.empty()) text += ", ";
      text += text_of(part);
    }
    return text;
  }
  return value.dump();
}

void append_node(const nlohmann::json& node, int depth, std::vector<std::string>& lines) {
  // Profiles name operators by "operator_name" or "operator_type", plans by "name".
  std::string name;
  for (const char* key : {"operator_name", "name", "operator_type"}) {
    if (node.contains(key) && node[key].is_string()) {
      name = node[key].get<std::string>();
      break;
    }
  }
  const nlohmann::json extra = node.value("extra_info", nlohmann::json::object());
  const bool is_wrapper = name.empty() || name == "EXPLAIN_ANALYZE" || name == "RESULT_COLLECTOR";
  if (!is_wrapper) {
    const bool is_scan = extra.contains("Relation");
    const std::string indent(static_cast<std::size_t>(depth) * 6, ' ');
    std::string line = depth == 0 ? "" : indent.substr(0, indent.size() - 4) + "->  ";
    line += is_scan ? "Scan on " + text_of(extra["Relation"]) : title(name);
    if (extra.contains("Estimated Cardinality")) {
      line += "  (rows=" + text_of(extra["Estimated Cardinality"]) + ")";
    }
    if (node.contains("operator_cardinality")) {
      line += " (actual rows=" + node["operator_cardinality"].dump();
      if (node.contains("operator_timing") && node["operator_timing"].is_number()) {
        line += fmt::format(", {:.3f} ms", node["operator_timing"].get<double>() * 1000);
      }
      line += ")";
    }
    lines.push_back(std::move(line));
    for (const auto& [key, value] : extra.items()) {
      if (key == "Relation" || key == "Estimated Cardinality" || key == "Function") continue;
      const std::string text = text_of(value);
      if (text.empty()) continue;
      lines.push_back(indent + "  " + (key == "__expression__" ? "Expression" : title(key)) + ": " + text);
    }
  }
  if (!node.contains("children")) return;
  for (const auto& child : node["children"]) append_node(child, is_wrapper ? depth : depth + 1, lines);
}

}  // namespace

std::vector<std::string> explain_lines(DuckConnection& connection, std::string_view duck_text, bool analyze,
                                       std::span<const Value> parameters) {
  auto& session = connection.session();
  session.begin_statement();
  const std::string prefix = analyze ? "EXPLAIN (ANALYZE, FORMAT JSON) " : "EXPLAIN (FORMAT JSON) ";
  duckdb::unique_ptr<duckdb::QueryResult> result;
  session.set_explaining(!analyze);
  const auto use = connection.use_workers();
  if (analyze) use->engage();
  // Boundary: DuckDB's errors end here.
  try {
    if (parameters.empty()) {
      result = connection.duck().Query(prefix + std::string(duck_text));
    } else {
      // Given values are constants to the planner.
      duckdb::case_insensitive_map_t<duckdb::BoundParameterData> values;
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        values.emplace(std::to_string(i + 1), duckdb::BoundParameterData(to_duck(parameters[i])));
      }
      auto pending = connection.duck().context->PendingQuery(prefix + std::string(duck_text), values, false);
      if (pending->HasError()) throw translate(pending->GetErrorObject());
      result = pending->Execute();
    }
  } catch (const Error&) {
    session.set_explaining(false);
    throw;
  } catch (const std::exception& exception) {
    session.set_explaining(false);
    throw translate(duckdb::ErrorData(exception));
  }
  session.set_explaining(false);
  use->end();
  if (result->HasError()) throw translate(result->GetErrorObject());
  std::string json;
  for (auto& row : *result) json = row.GetValue<std::string>(1);
  std::vector<std::string> lines;
  const auto parsed = nlohmann::json::parse(json, nullptr, false);
  if (parsed.is_discarded()) {
    lines.push_back(json);
  } else if (parsed.is_array()) {
    for (const auto& node : parsed) append_node(node, 0, lines);
  } else {
    append_node(parsed, 0, lines);
  }
  if (!analyze) {
    std::optional<std::string> reading;
    try {
      reading = reading_of_short_plan(connection, duck_text, parameters);
    } catch (const Error&) {
      // Without their values some parameters have no types: such a query is planned with them, as above.
    }
    if (reading) {
      // Among what is said of the uppermost operator.
      auto at = lines.begin();
      while (at != lines.end() && at->find("->  ") == std::string::npos) ++at;
      lines.insert(at, "  Short Plan: " + *reading);
    }
  }
  return lines;
}

}  // namespace tickstone::duck
