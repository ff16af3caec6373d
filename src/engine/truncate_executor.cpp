// SPDX-License-Identifier: Apache-2.0
// TRUNCATE of tables, and of chunks by their names.
#include <algorithm>

#include <tickstone/error.hpp>

#include "engine/aggregate_log.hpp"
#include "engine/aggregate_tracker.hpp"
#include "engine/chunk_relation.hpp"
#include "engine/executors.hpp"
#include "engine/rights.hpp"
#include "engine/write_target.hpp"
#include "storage/chunk_reshaping.hpp"

namespace tickstone::engine {
namespace {

/// What TRUNCATE is to truncate. With CASCADE also the tables with foreign keys to those, `also` by name.
std::vector<catalog::RelationObject> truncated_tables(SessionContext& context,
                                                      const sql::TruncateStatement& truncate,
                                                      std::vector<std::string>& also) {
  std::vector<catalog::RelationObject> tables;
  const auto is_listed = [&](catalog::Oid oid) {
    return std::any_of(tables.begin(), tables.end(), [&](const auto& table) { return table.oid == oid; });
  };
  for (const auto& name : truncate.tables) {
    if (find_chunk(context, name.schema, name.name)) continue;
    const auto& relation = relation_to_write(context, name);
    if (relation.kind != catalog::RelationKind::Table && !relation.aggregate) {
      throw Error(ErrorCode::WrongObjectType, "\"" + relation.name + "\" is not a table");
    }
    if (is_eager_aggregate(relation)) {
      throw Error(ErrorCode::FeatureNotSupported, "cannot truncate an eager continuous aggregate",
                  "It is what its query gives at each commit.");
    }
    if (!is_listed(relation.oid)) tables.push_back(relation);
  }
  also.clear();
  const auto catalog = context.catalog();
  for (std::size_t i = 0; i < tables.size(); ++i) {
    for (const auto* child : catalog->relations()) {
      const bool refers =
          std::any_of(child->constraints.begin(), child->constraints.end(), [&](const auto& c) {
            return c.kind == catalog::ConstraintObject::Kind::ForeignKey &&
                   c.referenced_table == tables[i].oid;
          });
      if (!refers || is_listed(child->oid)) continue;
      if (!truncate.cascade) {
        throw Error(ErrorCode::FeatureNotSupported,
                    "cannot truncate a table referenced in a foreign key constraint",
                    "Table \"" + child->name + "\" references \"" + tables[i].name + "\".",
                    "Truncate table \"" + child->name + "\" at the same time, or use TRUNCATE ... CASCADE.");
      }
      also.push_back(child->name);
      tables.push_back(*child);
    }
  }
  return tables;
}

void require_truncate(const SessionContext& context, const sql::TruncateStatement& truncate) {
  const auto catalog = context.catalog();
  for (const auto& name : truncate.tables) {
    const auto chunk = find_chunk(context, name.schema, name.name);
    const auto* relation = chunk ? chunk->relation : context.find_user_relation(name.schema, name.name);
    if (relation != nullptr) require_privilege(context, *relation, catalog::Privilege::Truncate);
  }
  for (const auto& name : truncate.only) {
    const auto* relation = context.find_user_relation(name.schema, name.name);
    if (relation == nullptr || !relation->hypertable) continue;
    if (relation->aggregate)
      throw Error(ErrorCode::WrongObjectType, "cannot truncate only a continuous aggregate");
    throw Error(ErrorCode::WrongObjectType, "cannot truncate only a hypertable", {},
                "Do not specify the ONLY keyword, or use truncate only on the chunks directly.");
  }
}

/// Takes the rows out of the chunks among what TRUNCATE names. Their tables are locked as a whole.
void truncate_chunks(SessionContext& context, const sql::TruncateStatement& truncate,
                     std::string_view command) {
  for (const auto& name : truncate.tables) {
    auto chunk = find_chunk(context, name.schema, name.name);
    if (!chunk) continue;
    if (chunk->relation->kind != catalog::RelationKind::Table)
      throw Error(ErrorCode::FeatureNotSupported, "cannot truncate a chunk of a continuous aggregate");
    const auto catalog = context.catalog();
    const auto& schema = catalog->find_schema(chunk->relation->schema)->name;
    if (context.lock_for_change({schema, chunk->relation->name, 0}, command)) {
      context.refresh_view();
      chunk = find_chunk(context, name.schema, name.name);
      if (!chunk) throw Error(ErrorCode::UndefinedTable, "relation \"" + name.name + "\" does not exist");
    }
    forget_unique_keys(context, *chunk->relation, chunk->info.range, command);
    storage::ChunkReshaping::of(context.writes(command))
        .empty_chunk(chunk->relation->table(), chunk->info.range);
  }
}

}  // namespace

std::string execute_truncate(Execution& execution, const sql::TruncateStatement& truncate) {
  auto& context = execution.context;
  require_truncate(context, truncate);
  std::vector<catalog::RelationObject> tables;
  std::vector<std::string> also;
  for (bool is_settled = false; !is_settled;) {
    tables = truncated_tables(context, truncate, also);
    is_settled = true;
    const auto catalog = context.catalog();
    for (const auto& table : tables) {
      const auto schema = catalog->find_schema(table.schema)->name;
      if (context.lock_for_change({schema, table.name, 0}, "TRUNCATE TABLE")) is_settled = false;
    }
  }
  for (const auto& name : also) context.notice("truncate cascades to table \"" + name + "\"");
  truncate_chunks(context, truncate, "TRUNCATE TABLE");
  auto& writes = context.writes("TRUNCATE TABLE");
  auto& store = context.database().store();
  for (const auto& relation : tables) {
    writes.truncate(relation.table());
    if (relation.aggregate) empty_aggregate(writes, relation.oid);
    for (const auto& index : relation.indexes) {
      if (index.key_table != 0) writes.truncate(index.key_table);
    }
    if (!truncate.restart_identity) continue;
    for (const auto& column : relation.columns) {
      if (column.sequence == 0) continue;
      const auto* sequence = context.catalog()->find_relation(column.sequence);
      // A default may be of a sequence that belongs to nobody, or to another table.
      if (sequence == nullptr || !sequence->sequence || sequence->sequence->owner_table != relation.oid)
        continue;
      context.on_commit([&store, oid = sequence->oid, start = sequence->sequence->start] {
        store.set_sequence(oid, start);
      });
    }
  }
  return "TRUNCATE TABLE";
}

}  // namespace tickstone::engine
