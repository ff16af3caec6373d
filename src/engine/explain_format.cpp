// SPDX-License-Identifier: Apache-2.0
#include "engine/explain_format.hpp"

#include <charconv>

#include <nlohmann/json.hpp>

namespace tickstone::engine {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kArrow = "->  ";

/// The number after `word` in a line like `Filter  (rows=5) (actual rows=3, 0.012 ms)`.
std::optional<double> number_after(std::string_view text, std::string_view word) {
  const auto at = text.find(word);
  if (at == std::string_view::npos) return std::nullopt;
  double value = 0;
  const char* begin = text.data() + at + word.size();
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

Json node_of(std::string_view line) {
  Json node;
  const auto end = line.find("  (");
  const auto actual = line.find(" (actual rows=");
  const std::string_view name = line.substr(0, std::min(end, actual));
  constexpr std::string_view kOn = " on ";
  const auto on = name.find(kOn);
  node["Node Type"] = name.substr(0, on);
  if (on != std::string_view::npos) node["Relation Name"] = name.substr(on + kOn.size());
  if (const auto rows = number_after(line, "  (rows=~")) node["Plan Rows"] = static_cast<std::int64_t>(*rows);
  if (const auto rows = number_after(line, "  (rows=")) node["Plan Rows"] = static_cast<std::int64_t>(*rows);
  if (const auto rows = number_after(line, " (actual rows=")) {
    node["Actual Rows"] = static_cast<std::int64_t>(*rows);
    if (const auto comma = line.find(", ", actual); comma != std::string_view::npos) {
      if (const auto ms = number_after(line.substr(comma), ", ")) node["Actual Total Time"] = *ms;
    }
  }
  return node;
}

/// Reads the node at `at` and all below it; `at` is then behind them.
Json tree_of(const std::vector<std::string>& lines, std::size_t& at, std::size_t depth) {
  const auto indent_of = [](std::string_view line) {
    return std::min(line.find_first_not_of(' '), line.size());
  };
  const auto is_node = [&](std::string_view line) {
    return line.substr(indent_of(line)).starts_with(kArrow);
  };
  std::string_view line = lines[at++];
  line.remove_prefix(indent_of(line));
  if (line.starts_with(kArrow)) line.remove_prefix(kArrow.size());
  Json node = node_of(line);
  while (at < lines.size() && !is_node(lines[at]) && indent_of(lines[at]) == depth * 6 + 2) {
    const std::string_view property = std::string_view(lines[at]).substr(depth * 6 + 2);
    const auto colon = property.find(": ");
    if (colon != std::string_view::npos)
      node[std::string(property.substr(0, colon))] = property.substr(colon + 2);
    ++at;
  }
  Json below = Json::array();
  while (at < lines.size() && is_node(lines[at]) && indent_of(lines[at]) == (depth + 1) * 6 - 4)
    below.push_back(tree_of(lines, at, depth + 1));
  if (!below.empty()) node["Plans"] = std::move(below);
  return node;
}

}  // namespace

ResultColumn explain_column(const sql::ExplainStatement& explain) {
  return {"QUERY PLAN", SqlType::of(explain.format == "json" ? TypeId::Json : TypeId::Text)};
}

std::string explain_json(const std::vector<std::string>& lines, std::optional<double> milliseconds) {
  // What writes stands before the plan of what it reads.
  Json top;
  Json* into = &top["Plan"];
  std::size_t at = 0;
  while (at < lines.size()) {
    Json node = tree_of(lines, at, 0);
    if (into->is_null()) {
      *into = std::move(node);
    } else {
      (*into)["Plans"].push_back(std::move(node));
    }
  }
  if (milliseconds) top["Execution Time"] = *milliseconds;
  return Json::array({top}).dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace tickstone::engine
