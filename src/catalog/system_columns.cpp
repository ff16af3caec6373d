// SPDX-License-Identifier: Apache-2.0
#include "catalog/system_columns.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "base/check.hpp"
#include "catalog/system_oids.hpp"

namespace tickstone::catalog {
namespace {

SqlType varchar(int length) {
  SqlType type = SqlType::of(TypeId::Varchar);
  type.precision = static_cast<std::int16_t>(length);
  return type;
}

const std::map<std::string_view, SqlType>& aliases() {
  static const std::map<std::string_view, SqlType> all = {
      {"char", SqlType::of(TypeId::InternalChar)},
      // The domains of information_schema: clients are told the base type.
      {"sql_identifier", SqlType::of(TypeId::Name)},
      {"character_data", SqlType::of(TypeId::Varchar)},
      {"cardinal_number", SqlType::of(TypeId::Integer)},
      {"yes_or_no", varchar(3)},
      {"time_stamp", SqlType::of(TypeId::TimestampTz)},
      // Types that Tickstone does not have.
      {"xid", SqlType::of(TypeId::Oid)},
      {"pg_node_tree", SqlType::of(TypeId::Text)},
      {"pg_lsn", SqlType::of(TypeId::Text)},
      {"inet", SqlType::of(TypeId::Text)},
      {"anyarray", SqlType::of(TypeId::Text)},
      {"pg_ndistinct", SqlType::of(TypeId::Text)},
      {"pg_dependencies", SqlType::of(TypeId::Text)},
      {"pg_mcv_list", SqlType::of(TypeId::Bytea)},
      {"pg_statistic", SqlType::of(TypeId::Text)},
  };
  return all;
}

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\n'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!(text = trimmed(text)).empty()) {
    const auto end = std::min(text.find_first_of(" \n"), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

/// `name kind [oid]: column type, column type`.
SystemRelation read_relation(std::string_view line) {
  const auto colon = line.find(':');
  TICKSTONE_CHECK(colon != std::string_view::npos);
  const auto head = words_of(line.substr(0, colon));
  TICKSTONE_CHECK(head.size() == 2 || head.size() == 3);
  SystemRelation relation;
  relation.name = head[0];
  relation.is_view = head[1] == "v";
  if (head.size() == 3) std::from_chars(head[2].begin(), head[2].end(), relation.oid);
  std::string_view rest = line.substr(colon + 1);
  while (!rest.empty()) {
    const auto comma = std::min(rest.find(','), rest.size());
    const auto column = words_of(rest.substr(0, comma));
    TICKSTONE_CHECK(column.size() == 2);
    relation.columns.push_back({std::string(column[0]), facts_type(column[1])});
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return relation;
}

/// Relations start at the beginning of a line; indented lines go on with the columns.
void read_relations(std::string_view text, Oid schema, std::string_view schema_name,
                    std::vector<SystemRelation>& into) {
  text = trimmed(text);
  while (!text.empty()) {
    std::size_t end = text.find('\n');
    while (end != std::string_view::npos && end + 1 < text.size() && text[end + 1] == ' ') {
      end = text.find('\n', end + 1);
    }
    into.push_back(read_relation(text.substr(0, end)));
    into.back().schema = schema;
    into.back().schema_name = schema_name;
    text = trimmed(end == std::string_view::npos ? std::string_view{} : text.substr(end));
  }
}

}  // namespace

SqlType facts_type(std::string_view name) {
  const bool is_array = name.ends_with("[]");
  if (is_array) name.remove_suffix(2);
  const auto alias = aliases().find(name);
  SqlType type;
  if (alias != aliases().end()) {
    type = alias->second;
  } else {
    const auto id = type_id_from_name(name);
    TICKSTONE_CHECK(id.has_value());
    type = SqlType::of(*id);
  }
  type.is_array = is_array;
  return type;
}

const std::vector<SystemRelation>& system_relation_list() {
  static const std::vector<SystemRelation> all = [] {
    std::vector<SystemRelation> relations;
    read_relations(kPgCatalogTables, kSchemaPgCatalog, "pg_catalog", relations);
    read_relations(kPgCatalogViews, kSchemaPgCatalog, "pg_catalog", relations);
    read_relations(kInformationSchema, kSchemaInformation, "information_schema", relations);
    read_relations(kTimescaleInformation, kSchemaTimescaleInformation, "timescaledb_information", relations);
    read_relations(kTimescaleExperimental, kSchemaTimescaleExperimental, "timescaledb_experimental",
                   relations);
    read_relations(kTickstoneViews, kSchemaTickstone, "tickstone", relations);
    Oid next = kFirstSystemRelation;
    for (auto& relation : relations) {
      if (relation.oid == 0) relation.oid = next++;
    }
    return relations;
  }();
  return all;
}

const SystemRelation* find_system_relation(std::string_view schema, std::string_view name) {
  static const auto by_name = [] {
    std::map<std::pair<std::string_view, std::string_view>, const SystemRelation*> map;
    for (const auto& relation : system_relation_list()) {
      map[{relation.schema_name, relation.name}] = &relation;
    }
    return map;
  }();
  const auto found = by_name.find({schema, name});
  return found == by_name.end() ? nullptr : found->second;
}

const SystemRelation* find_system_relation(Oid oid) {
  static const auto by_oid = [] {
    std::map<Oid, const SystemRelation*> map;
    for (const auto& relation : system_relation_list()) map[relation.oid] = &relation;
    return map;
  }();
  const auto found = by_oid.find(oid);
  return found == by_oid.end() ? nullptr : found->second;
}

}  // namespace tickstone::catalog
