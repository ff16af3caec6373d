// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.hpp"

namespace tickstone::catalog {

/// Whatever has a row in pg_class, and chunks.
struct NamedRelation {
  Oid oid = 0;
  std::string schema, name;
  const RelationObject* relation = nullptr;  // the relation, or the one that the index or chunk belongs to
  const IndexObject* index = nullptr;
  bool is_chunk = false;
};

/// The search path with what PostgreSQL searches without being told: pg_catalog first.
std::vector<std::string> effective_search_path(const RunningFacts& facts);

std::optional<NamedRelation> find_named(const Catalog& catalog, const RunningFacts& facts, Oid oid);
std::optional<NamedRelation> find_named(const Catalog& catalog, const RunningFacts& facts,
                                        std::string_view schema, std::string_view name);
bool is_visible(const Catalog& catalog, const RunningFacts& facts, const NamedRelation& named);

/// From text as regclass reads it: a name, a qualified name or a number.
/// Errors of `resolve_relation`: UndefinedTable, InvalidSchemaName, SyntaxError ("invalid name syntax").
std::optional<NamedRelation> find_by_text(const Catalog& catalog, const RunningFacts& facts,
                                          std::string_view text);
NamedRelation resolve_relation(const Catalog& catalog, const RunningFacts& facts, std::string_view text);

}  // namespace tickstone::catalog
