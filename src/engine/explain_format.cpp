// SPDX-License-Identifier: Apache-2.0
#include "engine/explain_format.hpp"

#include <charconv>
#include <utility>

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

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string xml_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\r':
        out += "&#x0d;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

/// A name with a dash for what no tag may have in it.
std::string tag_of(const std::string& name) {
  std::string tag = name;
  for (char& c : tag) {
    const bool is_fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                         c == '-' || c == '_' || c == '.';
    if (!is_fine) c = '-';
  }
  return tag;
}

/// A member of a tree; what is in a list has the list's name without its last letter: Plans has Plan.
void append_xml(std::string& out, const std::string& name, const Json& value, std::size_t depth) {
  const std::string indent(depth * 2, ' ');
  const std::string tag = tag_of(name);
  if (!value.is_structured()) {
    out += indent + "<" + tag + ">" + xml_text(text_of(value)) + "</" + tag + ">\n";
    return;
  }
  out += indent + "<" + tag + ">\n";
  for (const auto& [key, below] : value.items())
    append_xml(out, value.is_array() ? name.substr(0, name.size() - 1) : key, below, depth + 1);
  out += indent + "</" + tag + ">\n";
}

/// The members of a tree, each on a line of its own but for the first of what stands in a list.
void append_yaml(std::string& out, const Json& tree, std::size_t depth, bool is_first_inline) {
  for (const auto& [key, value] : tree.items()) {
    if (!std::exchange(is_first_inline, false)) out += "\n" + std::string(depth * 2, ' ');
    out += key + ": ";
    if (value.is_array()) {
      for (const auto& item : value) {
        out += "\n" + std::string((depth + 1) * 2, ' ') + "- ";
        append_yaml(out, item, depth + 2, true);
      }
    } else if (value.is_object()) {
      append_yaml(out, value, depth + 1, false);
    } else {
      out += value.dump(-1, ' ', false, Json::error_handler_t::replace);
    }
  }
}

}  // namespace

ResultColumn explain_column(const sql::ExplainStatement& explain) {
  return {"QUERY PLAN", SqlType::of(explain.format == "json" ? TypeId::Json : TypeId::Text)};
}

std::string explain_tree(const std::vector<std::string>& lines, const std::string& format,
                         std::optional<double> milliseconds) {
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
  if (format == "xml") {
    std::string out = "<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n";
    append_xml(out, "Query", top, 1);
    return out + "</explain>";
  }
  if (format == "yaml") {
    std::string out = "- ";
    append_yaml(out, top, 1, true);
    return out;
  }
  return Json::array({top}).dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace tickstone::engine
