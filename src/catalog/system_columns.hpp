// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.hpp"

namespace tickstone::catalog {

// The columns of the system relations, as text that `system_relation_list` reads.
extern const std::string_view kPgCatalogTables;
extern const std::string_view kPgCatalogViews;
extern const std::string_view kInformationSchema;
extern const std::string_view kTimescaleInformation;
extern const std::string_view kTimescaleExperimental;
extern const std::string_view kTickstoneViews;

struct SystemRelation {
  Oid oid = 0;
  Oid schema = 0;
  std::string schema_name, name;
  bool is_view = false;
  std::vector<SystemColumn> columns;
};

/// All of them, by schema and then as listed.
const std::vector<SystemRelation>& system_relation_list();
const SystemRelation* find_system_relation(std::string_view schema, std::string_view name);
const SystemRelation* find_system_relation(Oid oid);

/// A type as those texts (and those of functions) name it: PostgreSQL's internal name, `[]` for an array.
/// Types that Tickstone does not have are shown as the nearest that it has: pg_node_tree as text.
SqlType facts_type(std::string_view name);

}  // namespace tickstone::catalog
