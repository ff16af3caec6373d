// SPDX-License-Identifier: Apache-2.0
// The views of pg_catalog that PostgreSQL makes from its tables.
#include <algorithm>

#include "catalog/populated.hpp"
#include "catalog/shown_text.hpp"
#include "catalog/system_columns.hpp"
#include "catalog/system_oids.hpp"
#include "catalog/system_rows.hpp"

namespace tickstone::catalog {
namespace {

void pg_tables(RowWriter& rows, const RowContext& context) {
  for (const SystemRelation& relation : system_relation_list()) {
    if (relation.is_view) continue;
    rows.add({{"schemaname", relation.schema_name},
              {"tablename", relation.name},
              {"tableowner", owner_name(context.catalog, {})},
              {"hasindexes", false},
              {"hasrules", false},
              {"hastriggers", false},
              {"rowsecurity", false}});
  }
  for (const RelationObject* relation : context.catalog.relations()) {
    if (relation->kind != RelationKind::Table) continue;
    rows.add({{"schemaname", schema_name(context.catalog, relation->schema)},
              {"tablename", relation->name},
              {"tableowner", owner_name(context.catalog, relation->owner)},
              {"hasindexes", !relation->indexes.empty()},
              {"hasrules", false},
              {"hastriggers", false},
              {"rowsecurity", false}});
  }
}

void pg_views(RowWriter& rows, const RowContext& context) {
  for (const SystemRelation& relation : system_relation_list()) {
    if (!relation.is_view) continue;
    rows.add({{"schemaname", relation.schema_name},
              {"viewname", relation.name},
              {"viewowner", owner_name(context.catalog, {})}});
  }
  for (const RelationObject* relation : context.catalog.relations()) {
    if (relation_kind_letter(*relation) != 'v') continue;
    rows.add({{"schemaname", schema_name(context.catalog, relation->schema)},
              {"viewname", relation->name},
              {"viewowner", owner_name(context.catalog, relation->owner)},
              {"definition", view_definition(context.catalog, context.facts, *relation)}});
  }
}

void pg_matviews(RowWriter& rows, const RowContext& context) {
  for (const RelationObject* relation : context.catalog.relations()) {
    if (relation->kind != RelationKind::MaterializedView) continue;
    rows.add({{"schemaname", schema_name(context.catalog, relation->schema)},
              {"matviewname", relation->name},
              {"matviewowner", owner_name(context.catalog, relation->owner)},
              {"hasindexes", !relation->indexes.empty()},
              {"ispopulated", is_populated(*relation)},
              {"definition", view_definition(context.catalog, context.facts, *relation)}});
  }
}

void pg_indexes(RowWriter& rows, const RowContext& context) {
  for (const RelationObject* relation : context.catalog.relations()) {
    if (relation_kind_letter(*relation) == 'v') continue;
    for (const auto& index : relation->indexes) {
      rows.add({{"schemaname", schema_name(context.catalog, relation->schema)},
                {"tablename", relation->name},
                {"indexname", index.name},
                {"indexdef", index_definition(context.catalog, *relation,
                                              shown_index(context.catalog, context.facts, index))}});
    }
  }
}

void pg_sequences(RowWriter& rows, const RowContext& context) {
  for (const RelationObject* relation : context.catalog.relations()) {
    if (!relation->sequence) continue;
    const SequenceInfo& sequence = *relation->sequence;
    rows.add({{"schemaname", schema_name(context.catalog, relation->schema)},
              {"sequencename", relation->name},
              {"sequenceowner", owner_name(context.catalog, relation->owner)},
              {"data_type", oid_of(sequence.type)},
              {"start_value", sequence.start},
              {"min_value", sequence.minimum},
              {"max_value", sequence.maximum},
              {"increment_by", sequence.increment},
              {"cycle", sequence.cycle},
              {"cache_size", sequence.cache},
              {"last_value", context.facts.last_sequence_value(relation->oid)}});
  }
}

/// Stored relations that a user sees as a table.
template <typename Visit>
void for_each_table(const RowContext& context, Visit visit) {
  for (const RelationObject* relation : context.catalog.relations()) {
    if (relation->kind == RelationKind::Table || relation->kind == RelationKind::MaterializedView) {
      visit(*relation, schema_name(context.catalog, relation->schema));
    }
  }
}

void pg_statio_user_tables(RowWriter& rows, const RowContext& context) {
  for_each_table(context, [&](const RelationObject& relation, const std::string& schema) {
    rows.add({{"relid", relation.oid}, {"schemaname", schema}, {"relname", relation.name}});
  });
}

void pg_stat_user_indexes(RowWriter& rows, const RowContext& context) {
  for_each_table(context, [&](const RelationObject& relation, const std::string& schema) {
    for (const auto& index : relation.indexes) {
      rows.add({{"relid", relation.oid},
                {"indexrelid", index.oid},
                {"schemaname", schema},
                {"relname", relation.name},
                {"indexrelname", index.name}});
    }
  });
}

void pg_statio_user_sequences(RowWriter& rows, const RowContext& context) {
  for (const RelationObject* relation : context.catalog.relations()) {
    if (!relation->sequence) continue;
    rows.add({{"relid", relation->oid},
              {"schemaname", schema_name(context.catalog, relation->schema)},
              {"relname", relation->name}});
  }
}

}  // namespace

void add_view_rows(RowMakers& makers) {
  makers[{"pg_catalog", "pg_tables"}] = pg_tables;
  makers[{"pg_catalog", "pg_views"}] = pg_views;
  makers[{"pg_catalog", "pg_matviews"}] = pg_matviews;
  makers[{"pg_catalog", "pg_indexes"}] = pg_indexes;
  makers[{"pg_catalog", "pg_sequences"}] = pg_sequences;
  for (const char* name :
       {"pg_stat_user_indexes", "pg_stat_all_indexes", "pg_statio_user_indexes", "pg_statio_all_indexes"}) {
    makers[{"pg_catalog", name}] = pg_stat_user_indexes;
  }
  for (const char* name : {"pg_statio_user_tables", "pg_statio_all_tables"}) {
    makers[{"pg_catalog", name}] = pg_statio_user_tables;
  }
  for (const char* name : {"pg_statio_user_sequences", "pg_statio_all_sequences"}) {
    makers[{"pg_catalog", name}] = pg_statio_user_sequences;
  }
}

}  // namespace tickstone::catalog
