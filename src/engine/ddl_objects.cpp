// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <tickstone/error.hpp>

#include "catalog/populated.hpp"
#include "engine/chunk_relation.hpp"
#include "engine/continuous_aggregate.hpp"
#include "engine/ddl_table.hpp"
#include "engine/executors.hpp"
#include "engine/job_actions.hpp"
#include "engine/query_plan.hpp"
#include "engine/rights.hpp"
#include "engine/stored_texts.hpp"
#include "engine/table_schema.hpp"
#include "engine/transaction_block.hpp"
#include "engine/unique_keys.hpp"
#include "engine/user_functions.hpp"
#include "engine/user_types.hpp"
#include "engine/view_target.hpp"

namespace tickstone::engine {
namespace {

/// A view's output columns, by planning its query.
std::vector<ResultColumn> view_columns(SessionContext& context, const sql::Expr& query) {
  return QueryPlan::make(context, query, {})->columns();
}

/// Foreign keys of other tables to the relation, and columns that take their default from a sequence: what
/// depends on it beside views.
struct Dependent {
  catalog::Oid relation = 0;
  catalog::Oid constraint = 0;
  storage::ColumnId column = 0;
  std::string description;
};

std::vector<Dependent> other_dependents(const catalog::Catalog& catalog,
                                        const catalog::RelationObject& relation,
                                        const std::vector<catalog::Oid>& together) {
  std::vector<Dependent> found;
  for (const auto* other : catalog.relations()) {
    if (other->oid == relation.oid ||
        std::find(together.begin(), together.end(), other->oid) != together.end())
      continue;
    for (const auto& constraint : other->constraints) {
      if (constraint.kind == catalog::ConstraintObject::Kind::ForeignKey &&
          constraint.referenced_table == relation.oid) {
        found.push_back(
            {other->oid, constraint.oid, 0, "constraint " + constraint.name + " on table " + other->name});
      }
    }
    if (relation.kind != catalog::RelationKind::Sequence) continue;
    for (const auto& column : other->columns) {
      if (column.sequence != relation.oid) continue;
      if (column.identity != 0) {
        throw Error(ErrorCode::DependentObjectsStillExist,
                    "cannot drop sequence " + relation.name + " because column " + column.name +
                        " of table " + other->name + " requires it",
                    {}, "You can drop column " + column.name + " of table " + other->name + " instead.");
      }
      found.push_back(
          {other->oid, 0, column.id, "default value for column " + column.name + " of table " + other->name});
    }
  }
  return found;
}

/// The table of an index, so that nobody writes rows past it meanwhile.
void lock_indexed_table(SessionContext& context, const sql::QualifiedName& index, const std::string& tag) {
  const auto catalog = context.catalog();
  for (const auto& schema : context.schemas_to_search(index.schema)) {
    const auto [owner, found] = catalog->find_index(schema, index.name);
    if (owner == nullptr) continue;
    require_owner(context, "index", index.name, owner->owner);
    context.lock_for_change({catalog->find_schema(owner->schema)->name, owner->name, 0}, tag);
    return;
  }
}

[[noreturn]] void wrong_kind(const catalog::RelationObject& relation, const std::string& wanted) {
  throw Error(ErrorCode::WrongObjectType, "\"" + relation.name + "\" is not " + wanted, {},
              relation.kind == catalog::RelationKind::Sequence ? "Use DROP SEQUENCE to remove a sequence."
              : relation.kind == catalog::RelationKind::View   ? "Use DROP VIEW to remove a view."
              : relation.kind == catalog::RelationKind::Table
                  ? "Use DROP TABLE to remove a table."
                  : "Use DROP MATERIALIZED VIEW to remove a materialized view.");
}

/// The owner of a schema may drop what is in it, whoever made it.
void require_dropper(const SessionContext& context, const sql::QualifiedName& name) {
  const auto catalog = context.catalog();
  const auto* relation = context.find_user_relation(name.schema, name.name);
  const auto* schema = relation == nullptr ? nullptr : catalog->find_schema(relation->schema);
  if (schema == nullptr || !has_rights_of(context, schema->owner)) require_owner(context, name);
}

}  // namespace

std::string described(const catalog::RelationObject& relation) {
  using Kind = catalog::RelationKind;
  const char* kind = relation.kind == Kind::View || relation.kind == Kind::ContinuousAggregate ? "view "
                     : relation.kind == Kind::MaterializedView ? "materialized view "
                     : relation.kind == Kind::Sequence         ? "sequence "
                                                               : "table ";
  return kind + relation.name;
}

void drop_relation(SessionContext& context, catalog::CatalogEdit& edit, catalog::Oid oid, bool cascade,
                   const std::vector<catalog::Oid>& together) {
  const auto* found = edit.catalog().find_relation(oid);
  if (found == nullptr) return;  // already dropped by a cascade
  const catalog::RelationObject relation = *found;
  std::vector<catalog::RelationObject> dependents;
  for (const auto* dependent : edit.catalog().dependents(oid)) {
    if (std::find(together.begin(), together.end(), dependent->oid) == together.end())
      dependents.push_back(*dependent);
  }
  const auto others = other_dependents(edit.catalog(), relation, together);
  if ((!dependents.empty() || !others.empty()) && !cascade) {
    std::string detail;
    const auto add = [&](const std::string& name) {
      detail += (detail.empty() ? "" : "\n") + name + " depends on " + described(relation);
    };
    for (const auto& dependent : dependents) add(described(dependent));
    for (const auto& other : others) add(other.description);
    throw Error(ErrorCode::DependentObjectsStillExist,
                "cannot drop " + described(relation) + " because other objects depend on it", detail,
                "Use DROP ... CASCADE to drop the dependent objects too.");
  }
  for (const auto& dependent : dependents) {
    if (edit.catalog().find_relation(dependent.oid) == nullptr) continue;
    context.notice("drop cascades to " + described(dependent));
    drop_relation(context, edit, dependent.oid, true, together);
  }
  for (const auto& other : others) {
    const auto* present = edit.catalog().find_relation(other.relation);
    if (present == nullptr) continue;
    context.notice("drop cascades to " + other.description);
    auto changed = *present;
    std::erase_if(changed.constraints,
                  [&](const auto& constraint) { return constraint.oid == other.constraint; });
    for (auto& column : changed.columns) {
      if (other.column == 0 || column.id != other.column) continue;
      column.default_text.clear();
      column.sequence = 0;
    }
    edit.put_relation(changed);
  }
  for (const auto* job : edit.catalog().jobs()) {
    if (job->relation == oid) remove_job(context, job->id);
  }
  std::vector<catalog::Oid> sequences;
  for (const auto* other : edit.catalog().relations()) {
    if (other->sequence && other->sequence->owner_table == oid) sequences.push_back(other->oid);
  }
  for (const auto& column : relation.columns) {
    const auto* owned = column.sequence == 0 ? nullptr : edit.catalog().find_relation(column.sequence);
    if (owned != nullptr && owned->sequence->owner_table == oid &&
        std::find(sequences.begin(), sequences.end(), column.sequence) == sequences.end())
      sequences.push_back(column.sequence);
  }
  for (const auto sequence : sequences) {
    context.on_commit([&store = context.database().store(), sequence] { store.drop_sequence(sequence); });
    edit.remove_relation(sequence);
  }
  if (relation.kind == catalog::RelationKind::Sequence) {
    context.on_commit([&store = context.database().store(), oid] { store.drop_sequence(oid); });
  }
  if (relation.is_stored()) drop_storage(context, relation);
  forget_aggregate_of(context, relation);
  edit.remove_relation(oid);
}

std::string execute_create_index(Execution& execution, const sql::CreateIndexStatement& create) {
  auto& context = execution.context;
  if (create.concurrently) refuse_in_block(context, "CREATE INDEX CONCURRENTLY");
  require_owner(context, create.table);
  context.lock_for_change(create.table, "CREATE INDEX");
  auto& edit = context.edit_catalog("CREATE INDEX");
  catalog::RelationObject relation = context.relation(create.table);
  if (!relation.is_stored())
    throw Error(ErrorCode::WrongObjectType, "cannot create index on relation \"" + relation.name + "\"");
  if (relation.aggregate && create.unique)
    throw Error(ErrorCode::FeatureNotSupported, "continuous aggregates do not support UNIQUE indexes");
  require_create(context, *edit.catalog().find_schema(relation.schema));
  catalog::IndexObject index;
  index.is_unique = create.unique;
  index.method = create.method;
  static const std::vector<std::string> methods = {"btree", "hash", "gin", "gist", "brin", "spgist"};
  if (std::find(methods.begin(), methods.end(), create.method) == methods.end()) {
    throw Error(ErrorCode::UndefinedObject, "access method \"" + create.method + "\" does not exist");
  }
  std::string joined;
  for (const auto& key : create.keys) {
    catalog::IndexObject::Key made;
    if (key.column.empty()) {
      made.expression_text = text_in_full(context, key.expression);
      // A function's name, as PostgreSQL takes it.
      const std::string text = sql::to_postgres_text(key.expression);
      const auto end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_");
      joined += end != std::string::npos && end > 0 && text[end] == '(' ? "_" + text.substr(0, end) : "_expr";
    } else {
      const auto* column = relation.find_column(key.column);
      if (column == nullptr)
        throw Error(ErrorCode::UndefinedColumn, "column \"" + key.column + "\" does not exist");
      made.column = column->id;
      joined += "_" + key.column;
    }
    made.descending = key.descending;
    made.nulls_first = key.nulls_first.value_or(key.descending);
    index.keys.push_back(std::move(made));
  }
  for (const auto& name : create.include) {
    const auto* column = relation.find_column(name);
    if (column == nullptr) throw Error(ErrorCode::UndefinedColumn, "column \"" + name + "\" does not exist");
    index.include.push_back(column->id);
  }
  if (create.where) index.where_text = text_in_full(context, create.where);
  index.name = create.name.empty()
                   ? edit.catalog().free_name(relation.schema, relation.name + joined + "_idx")
                   : create.name;
  if (edit.catalog().free_name(relation.schema, index.name) != index.name) {
    if (!create.if_not_exists)
      throw Error(ErrorCode::DuplicateTable, "relation \"" + index.name + "\" already exists");
    context.notice({"NOTICE",
                    ErrorCode::DuplicateTable,
                    "relation \"" + index.name + "\" already exists, skipping",
                    {},
                    {}});
    return "CREATE INDEX";
  }
  index.oid = context.database().store().next_table_id();
  if (create.unique) {
    if (create.method != "btree") {
      throw Error(ErrorCode::FeatureNotSupported,
                  "access method \"" + create.method + "\" does not support unique indexes");
    }
    index.nulls_not_distinct = create.nulls_not_distinct;
    plan_index(context, relation, index);
    std::vector<storage::ColumnId> columns;
    for (const auto& key : index.keys) columns.push_back(key.column);
    require_time_column(relation, columns, "unique index");
    index.key_table = context.database().store().next_table_id();
    context.writes("CREATE INDEX").create_table(key_table_schema(relation, index, index.key_table));
    fill_key_table(context, relation, index);
  }
  relation.indexes.push_back(std::move(index));
  edit.put_relation(relation);
  return "CREATE INDEX";
}

namespace {

/// WITH (...) and WITH CHECK OPTION; and what is remembered of the view.
void set_view_options(SessionContext& context, const sql::CreateViewStatement& create,
                      catalog::RelationObject& view) {
  const std::string problem = view_problem(context, create.query);
  for (const auto& option : create.options) {
    if (option.name == "security_invoker" && option.value != "false")
      throw Error(ErrorCode::FeatureNotSupported, "views with security_invoker are not supported");
    if (option.name != "check_option" && option.name != "security_barrier" &&
        option.name != "security_invoker")
      throw Error(ErrorCode::InvalidParameterValue, "unrecognized parameter \"" + option.name + "\"");
    if (option.name == "check_option") {
      if (option.value != "local" && option.value != "cascaded") {
        throw Error(ErrorCode::InvalidParameterValue,
                    "invalid value for enum option \"check_option\": " + option.value,
                    "Valid values are \"local\" and \"cascaded\".");
      }
      if (!problem.empty()) {
        throw Error(ErrorCode::FeatureNotSupported,
                    "WITH CHECK OPTION is supported only on automatically updatable views", {}, problem);
      }
    }
    view.options.emplace_back(option.name, option.value.empty() ? "true" : option.value);
  }
  if (problem.empty()) view.options.emplace_back(catalog::kUpdatable, "true");
}

}  // namespace

std::string execute_create_view(Execution& execution, const sql::CreateViewStatement& create) {
  auto& context = execution.context;
  if (sql::locks_rows(create.query))
    throw Error(ErrorCode::FeatureNotSupported, "a view that locks rows is not supported", {},
                "Use the locking clause where the view is read.");
  auto& edit = context.edit_catalog("CREATE VIEW");
  const auto sources = context.relations_of(create.query);
  const bool reads_temporary = std::any_of(sources.begin(), sources.end(), [&](const auto oid) {
    const auto* source = edit.catalog().find_relation(oid);
    return source != nullptr &&
           edit.catalog().find_schema(source->schema)->name == context.existing_temporary_schema();
  });
  const bool is_temporary = create.temporary || reads_temporary;
  if (reads_temporary && !create.temporary && create.view.schema != "pg_temp") {
    if (!create.view.schema.empty())
      throw Error(ErrorCode::InvalidTableDefinition,
                  "cannot create temporary relation in non-temporary schema");
    context.notice("view \"" + create.view.name + "\" will be a temporary view");
  }
  const auto schema_name =
      is_temporary ? context.temporary_schema() : context.creation_schema(create.view.schema).name;
  const auto* existing = edit.catalog().find_relation(schema_name, create.view.name);
  if (existing != nullptr && !(create.or_replace && existing->kind == catalog::RelationKind::View)) {
    if (create.or_replace) wrong_kind(*existing, "a view");
    throw Error(ErrorCode::DuplicateTable, "relation \"" + create.view.name + "\" already exists");
  }
  catalog::RelationObject view;
  view.oid = existing != nullptr ? existing->oid : context.database().store().next_table_id();
  view.kind = catalog::RelationKind::View;
  view.schema = edit.catalog().find_schema(schema_name)->oid;
  view.name = create.view.name;
  view.owner = existing != nullptr ? existing->owner : context.user();
  if (existing != nullptr) {
    require_owner(context, *existing);
    view.grants = existing->grants;
    view.comment = existing->comment;
  } else {
    give_first_rights(context, view);
  }
  const auto columns = view_columns(context, create.query);
  if (create.columns.size() > columns.size())
    throw Error(ErrorCode::SyntaxError, "CREATE VIEW specifies more column names than columns");
  std::string text = text_in_full(context, create.query);
  if (!create.columns.empty()) {
    // Renamed columns become aliases around the query.
    std::string names;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      names += (i == 0 ? "" : ", ") +
               catalog::quote_identifier(i < create.columns.size() ? create.columns[i] : columns[i].name);
    }
    text = "SELECT * FROM (" + text + ") AS renamed(" + names + ")";
  }
  for (std::size_t i = 0; i < columns.size(); ++i) {
    catalog::ColumnObject column;
    column.id = view.next_column_id++;
    column.name = i < create.columns.size() ? create.columns[i] : columns[i].name;
    column.type = columns[i].type;
    if (view.find_column(column.name) != nullptr) {
      throw Error(ErrorCode::DuplicateColumn, "column \"" + column.name + "\" specified more than once");
    }
    view.columns.push_back(std::move(column));
  }
  if (existing != nullptr) {
    for (std::size_t i = 0; i < existing->columns.size(); ++i) {
      if (i >= view.columns.size())
        throw Error(ErrorCode::InvalidTableDefinition, "cannot drop columns from view");
      if (existing->columns[i].name != view.columns[i].name) {
        throw Error(ErrorCode::InvalidTableDefinition, "cannot change name of view column \"" +
                                                           existing->columns[i].name + "\" to \"" +
                                                           view.columns[i].name + "\"");
      }
      if (existing->columns[i].type != view.columns[i].type) {
        throw Error(ErrorCode::InvalidTableDefinition,
                    "cannot change data type of view column \"" + existing->columns[i].name + "\" from " +
                        to_sql(existing->columns[i].type) + " to " + to_sql(view.columns[i].type));
      }
      view.columns[i].grants = existing->columns[i].grants;
      view.columns[i].comment = existing->columns[i].comment;
    }
  }
  view.view_text = std::move(text);
  view.depends_on = sources;
  set_view_options(context, create, view);
  edit.put_relation(view);
  return "CREATE VIEW";
}

std::string execute_create_schema(Execution& execution, const sql::CreateSchemaStatement& create) {
  auto& context = execution.context;
  if (create.name.starts_with("pg_")) {
    throw Error(ErrorCode::ReservedName, "unacceptable schema name \"" + create.name + "\"",
                "The prefix \"pg_\" is reserved for system schemas.");
  }
  require_of_database(context, catalog::Privilege::Create);
  auto& edit = context.edit_catalog("CREATE SCHEMA");
  if (edit.catalog().find_schema(create.name) != nullptr) {
    if (!create.if_not_exists)
      throw Error(ErrorCode::DuplicateSchema, "schema \"" + create.name + "\" already exists");
    context.notice({"NOTICE",
                    ErrorCode::DuplicateSchema,
                    "schema \"" + create.name + "\" already exists, skipping",
                    {},
                    {}});
    return "CREATE SCHEMA";
  }
  catalog::SchemaObject schema{context.database().store().next_table_id(), create.name,
                               create.owner.empty() ? context.user() : create.owner};
  give_first_rights(context, schema);
  edit.put_schema(schema);
  return "CREATE SCHEMA";
}

std::string execute_create_extension(Execution& execution, const sql::CreateExtensionStatement& create) {
  auto& context = execution.context;
  static const std::vector<std::pair<std::string, std::string>> known = {
      {"timescaledb", "2.28.3"}, {"timescaledb_toolkit", "1.21.0"},
      {"plpgsql", "1.0"},        {"pg_stat_statements", "1.10"},
      {"pgcrypto", "1.3"},       {"uuid-ossp", "1.1"}};
  const auto found =
      std::find_if(known.begin(), known.end(), [&](const auto& e) { return e.first == create.name; });
  if (found == known.end()) {
    throw Error(ErrorCode::FeatureNotSupported, "extension \"" + create.name + "\" is not available", {},
                "Tickstone has timescaledb built in; other extensions cannot be loaded.");
  }
  if (context.catalog()->find_extension(create.name) != nullptr) {
    if (!create.if_not_exists)
      throw Error(ErrorCode::DuplicateObject, "extension \"" + create.name + "\" already exists");
    context.notice({"NOTICE",
                    ErrorCode::DuplicateObject,
                    "extension \"" + create.name + "\" already exists, skipping",
                    {},
                    {}});
    return "CREATE EXTENSION";
  }
  auto& edit = context.edit_catalog("CREATE EXTENSION");
  const auto* schema = edit.catalog().find_schema("public");
  edit.put_extension({context.database().store().next_table_id(), create.name, found->second,
                      schema == nullptr ? 0 : schema->oid});
  return "CREATE EXTENSION";
}

std::string execute_drop(Execution& execution, const sql::DropStatement& drop) {
  auto& context = execution.context;
  using What = sql::DropStatement::What;
  using Kind = catalog::RelationKind;
  const std::string tag = drop.what == What::Table              ? "DROP TABLE"
                          : drop.what == What::View             ? "DROP VIEW"
                          : drop.what == What::Index            ? "DROP INDEX"
                          : drop.what == What::MaterializedView ? "DROP MATERIALIZED VIEW"
                          : drop.what == What::Sequence         ? "DROP SEQUENCE"
                          : drop.what == What::Schema           ? "DROP SCHEMA"
                                                                : "DROP EXTENSION";
  if (drop.what == What::Other)
    throw Error(ErrorCode::FeatureNotSupported, "DROP " + drop.description + " is not supported");
  if (drop.concurrently) refuse_in_block(context, tag + " CONCURRENTLY");
  for (const auto& name : drop.names) {
    if (drop.what != What::Schema && drop.what != What::Extension && drop.what != What::Index)
      require_dropper(context, name);
    if (drop.what == What::Table || drop.what == What::MaterializedView) context.lock_for_change(name, tag);
    if (drop.what == What::Index) lock_indexed_table(context, name, tag);
  }
  auto& edit = context.edit_catalog(tag);
  std::vector<catalog::Oid> together;
  for (const auto& name : drop.names) {
    const auto* relation = context.find_user_relation(name.schema, name.name);
    if (relation != nullptr && drop.what != What::Schema) together.push_back(relation->oid);
  }
  for (const auto& name : drop.names) {
    if (drop.what == What::Schema) {
      const auto* schema = edit.catalog().find_schema(name.name);
      if (schema == nullptr) {
        if (!drop.if_exists)
          throw Error(ErrorCode::InvalidSchemaName, "schema \"" + name.name + "\" does not exist");
        context.notice("schema \"" + name.name + "\" does not exist, skipping");
        continue;
      }
      if (schema->oid < storage::kFirstUserTable && name.name != "public") {
        throw Error(ErrorCode::DependentObjectsStillExist,
                    "cannot drop schema " + name.name + " because it is required by the database system");
      }
      require_owner(context, "schema", schema->name, schema->owner);
      const auto oid = schema->oid;
      std::vector<catalog::Oid> inside;
      for (const auto* relation : edit.catalog().relations()) {
        if (relation->schema == oid) inside.push_back(relation->oid);
      }
      if (!inside.empty() && !drop.cascade) {
        throw Error(
            ErrorCode::DependentObjectsStillExist,
            "cannot drop schema " + name.name + " because other objects depend on it",
            described(*edit.catalog().find_relation(inside.front())) + " depends on schema " + name.name,
            "Use DROP ... CASCADE to drop the dependent objects too.");
      }
      std::vector<catalog::Oid> functions;
      for (const auto* function : edit.catalog().functions()) {
        if (function->schema != oid) continue;
        functions.push_back(function->oid);
        if (drop.cascade) continue;
        throw Error(ErrorCode::DependentObjectsStillExist,
                    "cannot drop schema " + name.name + " because other objects depend on it",
                    described_function(edit.catalog(), *function) + " depends on schema " + name.name,
                    "Use DROP ... CASCADE to drop the dependent objects too.");
      }
      for (const auto* type : edit.catalog().types()) {
        if (type->schema != oid || drop.cascade) continue;
        throw Error(ErrorCode::DependentObjectsStillExist,
                    "cannot drop schema " + name.name + " because other objects depend on it",
                    described(*type) + " depends on schema " + name.name,
                    "Use DROP ... CASCADE to drop the dependent objects too.");
      }
      for (const auto relation : inside) drop_relation(context, edit, relation, true);
      drop_types_of(context, edit, oid);
      for (const auto function : functions) edit.remove_function(function);
      edit.remove_schema(oid);
      continue;
    }
    if (drop.what == What::Extension) {
      if (edit.catalog().find_extension(name.name) == nullptr) {
        if (!drop.if_exists)
          throw Error(ErrorCode::UndefinedObject, "extension \"" + name.name + "\" does not exist");
        context.notice("extension \"" + name.name + "\" does not exist, skipping");
        continue;
      }
      if (name.name == "timescaledb") {
        for (const auto* relation : edit.catalog().relations()) {
          if (relation->hypertable) {
            throw Error(ErrorCode::DependentObjectsStillExist,
                        "cannot drop extension timescaledb because other objects depend on it",
                        "table " + relation->name + " is a hypertable", "Drop the hypertables first.");
          }
        }
      }
      edit.remove_extension(name.name);
      continue;
    }
    if (drop.what == What::Index) {
      bool dropped = false;
      for (const auto& schema : context.schemas_to_search(name.schema)) {
        const auto [owner, index] = edit.catalog().find_index(schema, name.name);
        if (owner == nullptr) continue;
        auto relation = *owner;
        const auto index_oid = index->oid;
        for (const auto& constraint : relation.constraints) {
          if (constraint.index == index_oid) {
            throw Error(
                ErrorCode::DependentObjectsStillExist,
                "cannot drop index " + name.name + " because constraint " + constraint.name + " on table " +
                    relation.name + " requires it",
                {},
                "You can drop constraint " + constraint.name + " on table " + relation.name + " instead.");
          }
        }
        require_unreferenced(context, edit, relation, index_oid, "index " + name.name, drop.cascade);
        if (index->key_table != 0) context.writes(tag).drop_table(index->key_table);
        std::erase_if(relation.indexes, [&](const auto& candidate) { return candidate.oid == index_oid; });
        edit.put_relation(relation);
        dropped = true;
        break;
      }
      if (!dropped) {
        if (context.find_user_relation(name.schema, name.name) != nullptr)
          throw Error(ErrorCode::WrongObjectType, "\"" + name.name + "\" is not an index");
        if (!drop.if_exists)
          throw Error(ErrorCode::UndefinedObject, "index \"" + name.name + "\" does not exist");
        context.notice("index \"" + name.name + "\" does not exist, skipping");
      }
      continue;
    }
    if (!name.schema.empty()) context.require_usage(name.schema);
    const auto* relation = context.find_user_relation(name.schema, name.name);
    const std::string kind = drop.what == What::Table      ? "table"
                             : drop.what == What::View     ? "view"
                             : drop.what == What::Sequence ? "sequence"
                                                           : "materialized view";
    if (relation == nullptr && drop.what == What::Table) {
      if (const auto chunk = find_chunk(context, name.schema, name.name)) {
        if (chunk->relation->kind != Kind::Table)
          throw Error(ErrorCode::FeatureNotSupported,
                      "cannot drop a chunk of a continuous aggregate by its name", {}, "Use drop_chunks().");
        drop_chunk(context, *chunk, tag);
        continue;
      }
    }
    if (relation == nullptr) {
      if (!drop.if_exists)
        throw Error(ErrorCode::UndefinedTable, kind + " \"" + name.name + "\" does not exist");
      context.notice(kind + " \"" + name.name + "\" does not exist, skipping");
      continue;
    }
    const bool fits = drop.what == What::Table      ? relation->kind == Kind::Table
                      : drop.what == What::View     ? relation->kind == Kind::View
                      : drop.what == What::Sequence ? relation->kind == Kind::Sequence
                                                    : relation->kind == Kind::MaterializedView ||
                                                          relation->kind == Kind::ContinuousAggregate;
    if (!fits) wrong_kind(*relation, "a " + kind);
    drop_relation(context, edit, relation->oid, drop.cascade, together);
  }
  return tag;
}

}  // namespace tickstone::engine
