// SPDX-License-Identifier: Apache-2.0
#include "catalog/name_lookup.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "catalog/chunk_facts.hpp"
#include "catalog/object_names.hpp"
#include "catalog/system_columns.hpp"
#include "catalog/system_rows.hpp"

namespace tickstone::catalog {
namespace {

NamedRelation named_chunk(const Chunk& chunk) {
  return {chunk.oid(), chunk.schema(), chunk.name(), chunk.relation, nullptr, true};
}

std::vector<std::string> parsed_name(std::string_view text) {
  auto parts = split_identifier(text);
  // database.schema.name: there is one database.
  if (parts.size() == 3) parts.erase(parts.begin());
  if (parts.empty() || parts.size() > 2) throw Error(ErrorCode::SyntaxError, "invalid name syntax");
  return parts;
}

std::optional<NamedRelation> find_by_parts(const Catalog& catalog, const RunningFacts& facts,
                                           const std::vector<std::string>& parts) {
  if (parts.size() == 2) return find_named(catalog, facts, parts[0], parts[1]);
  for (const auto& schema : effective_search_path(facts)) {
    if (auto found = find_named(catalog, facts, schema, parts[0])) return found;
  }
  return std::nullopt;
}

std::optional<Oid> parsed_oid(std::string_view text) {
  Oid oid = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), oid);
  return error == std::errc{} && end == text.end() ? std::optional(oid) : std::nullopt;
}

}  // namespace

std::vector<std::string> effective_search_path(const RunningFacts& facts) {
  auto path = facts.search_path();
  if (std::find(path.begin(), path.end(), "pg_catalog") == path.end())
    path.insert(path.begin(), "pg_catalog");
  return path;
}

std::optional<NamedRelation> find_named(const Catalog& catalog, const RunningFacts& facts, Oid oid) {
  if (oid >= kFirstChunkOid) {
    const auto chunk = find_chunk(catalog, facts.current_view(), oid);
    return chunk ? std::optional(named_chunk(*chunk)) : std::nullopt;
  }
  if (const RelationObject* relation = catalog.find_relation(oid)) {
    return NamedRelation{oid, schema_name(catalog, relation->schema), relation->name, relation};
  }
  if (const auto [relation, index] = catalog.find_index(oid); index != nullptr) {
    return NamedRelation{oid, schema_name(catalog, relation->schema), index->name, relation, index};
  }
  if (const SystemRelation* system = find_system_relation(oid)) {
    return NamedRelation{oid, system->schema_name, system->name};
  }
  return std::nullopt;
}

std::optional<NamedRelation> find_named(const Catalog& catalog, const RunningFacts& facts,
                                        std::string_view schema, std::string_view name) {
  const std::string owned_schema(schema);
  if (const RelationObject* relation = catalog.find_relation(schema, name)) {
    return NamedRelation{relation->oid, owned_schema, relation->name, relation};
  }
  if (const auto [relation, index] = catalog.find_index(schema, name); index != nullptr) {
    return NamedRelation{index->oid, owned_schema, index->name, relation, index};
  }
  if (const SystemRelation* system = find_system_relation(schema, name)) {
    return NamedRelation{system->oid, owned_schema, system->name};
  }
  if (const auto chunk = find_chunk(catalog, facts.current_view(), schema, name)) return named_chunk(*chunk);
  return std::nullopt;
}

bool is_visible(const Catalog& catalog, const RunningFacts& facts, const NamedRelation& named) {
  const auto first = find_by_parts(catalog, facts, {named.name});
  return first && first->oid == named.oid;
}

std::string visible_name(const Catalog& catalog, const RunningFacts& facts, Oid relation_or_index) {
  const auto named = find_named(catalog, facts, relation_or_index);
  if (!named) return std::to_string(relation_or_index);
  return is_visible(catalog, facts, *named) ? quote_identifier(named->name)
                                            : qualified_name(named->schema, named->name);
}

std::optional<NamedRelation> find_by_text(const Catalog& catalog, const RunningFacts& facts,
                                          std::string_view text) {
  if (const auto oid = parsed_oid(text)) {
    auto named = find_named(catalog, facts, *oid);
    return named ? named : std::optional(NamedRelation{*oid, {}, std::to_string(*oid)});
  }
  return find_by_parts(catalog, facts, parsed_name(text));
}

NamedRelation resolve_relation(const Catalog& catalog, const RunningFacts& facts, std::string_view text) {
  if (auto found = find_by_text(catalog, facts, text)) return *found;
  const auto parts = parsed_name(text);
  if (parts.size() == 2 && catalog.find_schema(parts[0]) == nullptr) {
    throw Error(ErrorCode::InvalidSchemaName, fmt::format("schema \"{}\" does not exist", parts[0]));
  }
  std::string name = parts[0];
  if (parts.size() == 2) name += "." + parts[1];
  throw Error(ErrorCode::UndefinedTable, fmt::format("relation \"{}\" does not exist", name));
}

}  // namespace tickstone::catalog
