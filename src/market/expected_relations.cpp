// SPDX-License-Identifier: Apache-2.0
#include "market/expected_relations.hpp"

#include <algorithm>
#include <array>

namespace tickstone::market {
namespace {

/// What comes before a name, in the words of our own SQL.
constexpr std::string_view kTable = "CREATE TABLE IF NOT EXISTS ";
constexpr std::array<std::string_view, 2> kViews = {"CREATE MATERIALIZED VIEW IF NOT EXISTS ",
                                                    "CREATE OR REPLACE VIEW "};
constexpr std::string_view kAggregate = "_tickstone.create_continuous_aggregate(";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

std::string word_of(std::string_view text) {
  return std::string(text.substr(0, text.find_first_of(" (;,\n")));
}

/// The name of the column that a line of CREATE TABLE defines; empty of a constraint.
std::string column_of(std::string_view line) {
  constexpr std::array<std::string_view, 5> kConstraints = {"PRIMARY", "UNIQUE", "CONSTRAINT", "CHECK",
                                                            "FOREIGN"};
  std::string name = word_of(trimmed(line));
  if (std::ranges::find(kConstraints, name) != kConstraints.end() || name.starts_with("--")) return {};
  return name;
}

class Reader {
 public:
  Reader(const Migration& migration, std::vector<ExpectedRelation>& relations)
      : version_(migration.version), relations_(relations) {}

  void read(std::string_view line) {
    if (in_table_) {
      if (line.starts_with(")")) {
        in_table_ = false;
      } else if (auto column = column_of(line); !column.empty()) {
        relations_.back().columns.push_back(std::move(column));
      }
      return;
    }
    if (is_name_next_) {
      is_name_next_ = false;
      const auto open = line.find('\''), close = line.find('\'', open + 1);
      if (close != std::string_view::npos) add(std::string(line.substr(open + 1, close - open - 1)));
    }
    if (line.starts_with(kTable)) {
      add(word_of(line.substr(kTable.size())));
      in_table_ = true;
    }
    for (const auto& view : kViews) {
      if (line.starts_with(view)) add(word_of(line.substr(view.size())));
    }
    if (line.starts_with("SELECT ") && line.ends_with(kAggregate)) is_name_next_ = true;
  }

 private:
  void add(std::string name) { relations_.push_back({std::move(name), {}, version_}); }

  const int version_;
  std::vector<ExpectedRelation>& relations_;
  bool in_table_ = false;
  bool is_name_next_ = false;
};

}  // namespace

std::vector<ExpectedRelation> expected_relations(const std::vector<Migration>& migrations) {
  std::vector<ExpectedRelation> relations;
  for (const auto& migration : migrations) {
    if (migration.name == "foundation") continue;
    Reader reader(migration, relations);
    std::string_view rest = migration.sql;
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      reader.read(rest.substr(0, end));
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
  }
  return relations;
}

}  // namespace tickstone::market
