// SPDX-License-Identifier: Apache-2.0
// pg_class and what describes its columns.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "catalog/chunk_facts.hpp"
#include "catalog/definition_text.hpp"
#include "catalog/object_names.hpp"
#include "catalog/populated.hpp"
#include "catalog/privileges.hpp"
#include "catalog/role_facts.hpp"
#include "catalog/shown_text.hpp"
#include "catalog/system_columns.hpp"
#include "catalog/system_oids.hpp"
#include "catalog/system_rows.hpp"
#include "catalog/type_facts.hpp"

namespace tickstone::catalog {
namespace {

Oid access_method_oid(const std::string& method) {
  if (method == "hash") return kAccessMethodHash;
  if (method == "gist") return kAccessMethodGist;
  if (method == "gin") return kAccessMethodGin;
  if (method == "brin") return kAccessMethodBrin;
  if (method == "spgist") return kAccessMethodSpgist;
  return kAccessMethodBtree;
}

std::optional<std::vector<std::string>> option_texts(const RelationObject& relation) {
  if (relation.options.empty()) return std::nullopt;
  std::vector<std::string> texts;
  for (const auto& [name, value] : relation.options) {
    // Else our own, but for the one that users set.
    if (!name.starts_with("tickstone.") || name == "tickstone.eager") texts.push_back(name + "=" + value);
  }
  if (texts.empty()) return std::nullopt;
  return texts;
}

int attribute_count(const RelationObject& relation) {
  int count = 0;
  for (const auto& column : relation.columns) count = std::max(count, attribute_number(relation, column));
  return relation.kind == RelationKind::Sequence ? 3 : count;
}

void pg_namespace(RowWriter& rows, const RowContext& context) {
  for (const SchemaObject* schema : context.catalog.schemas()) {
    if (!is_shown_schema(context, schema->oid)) continue;
    rows.add({{"oid", schema->oid},
              {"nspname", schema->name},
              {"nspowner", schema_owner_oid(context.catalog, *schema)},
              {"nspacl", acl_texts(context.catalog, *schema)}});
  }
}

void add_index_class(RowWriter& rows, const RowContext& context, const RelationObject& relation,
                     const IndexObject& index) {
  rows.add({{"oid", index.oid},
            {"relname", index.name},
            {"relnamespace", relation.schema},
            {"relowner", owner_oid(context.catalog, relation.owner)},
            {"relam", access_method_oid(index.method)},
            {"relfilenode", index.oid},
            {"relpersistence", relation.temporary ? 't' : 'p'},
            {"relkind", 'i'},
            {"relnatts", index.keys.size() + index.include.size()},
            {"relispopulated", true},
            {"relreplident", 'n'}});
}

/// Chunks as tables, which is what SQL may use them as.
void add_chunk_classes(RowWriter& rows, const RowContext& context, const RelationObject& relation) {
  if (context.audience == Audience::Dump) return;
  const auto chunks = chunks_of(relation, context.facts.current_view());
  if (chunks.empty()) return;
  const SchemaObject* schema = context.catalog.find_schema(chunk_schema(relation));
  for (const Chunk& chunk : chunks) {
    const RelationSize size = chunk_size(chunk.info);
    rows.add({{"oid", chunk.oid()},
              {"relname", chunk.name()},
              {"relnamespace", schema == nullptr ? relation.schema : schema->oid},
              {"relowner", owner_oid(context.catalog, relation.owner)},
              {"relam", kAccessMethodHeap},
              {"relfilenode", chunk.oid()},
              {"relpages", size.table_bytes / 8192},
              {"reltuples", static_cast<double>(size.row_count)},
              {"relpersistence", 'p'},
              {"relkind", 'r'},
              {"relnatts", attribute_count(relation)},
              {"relispopulated", true},
              {"relreplident", 'd'}});
  }
}

/// A chunk inherits from its hypertable, as in TimescaleDB.
void pg_inherits(RowWriter& rows, const RowContext& context) {
  if (context.audience == Audience::Dump) return;
  for (const RelationObject* relation : context.catalog.relations()) {
    if (relation->kind != RelationKind::Table) continue;
    for (const Chunk& chunk : chunks_of(*relation, context.facts.current_view())) {
      rows.add({{"inhrelid", chunk.oid()},
                {"inhparent", relation->oid},
                {"inhseqno", 1},
                {"inhdetachpending", false}});
    }
  }
}

/// Tables with foreign keys, and those that they refer to: PostgreSQL keeps such keys by triggers.
std::set<Oid> tables_with_triggers(const Catalog& catalog) {
  std::set<Oid> tables;
  for (const RelationObject* relation : catalog.relations()) {
    for (const auto& constraint : relation->constraints) {
      if (constraint.kind != ConstraintObject::Kind::ForeignKey) continue;
      tables.insert(relation->oid);
      tables.insert(constraint.referenced_table);
    }
  }
  return tables;
}

void pg_class(RowWriter& rows, const RowContext& context) {
  for (const SystemRelation& relation : system_relation_list()) {
    if (!is_shown_schema(context, relation.schema)) continue;
    rows.add({{"oid", relation.oid},
              {"relname", relation.name},
              {"relnamespace", relation.schema},
              {"relowner", kBootstrapRole},
              {"relam", relation.is_view ? 0 : kAccessMethodHeap},
              {"reltuples", relation.is_view ? 0 : -1},
              {"relpersistence", 'p'},
              {"relkind", relation.is_view ? 'v' : 'r'},
              {"relnatts", relation.columns.size()},
              {"relhasrules", relation.is_view},
              {"relispopulated", true},
              {"relreplident", 'n'}});
  }
  const storage::ReadView& view = context.facts.current_view();
  const auto with_triggers = tables_with_triggers(context.catalog);
  for (const RelationObject* relation : context.catalog.relations()) {
    const char kind = shown_kind_letter(context, *relation);
    const bool is_table = kind == 'r' || kind == 'm';
    const bool has_indexes = is_table && relation->kind != RelationKind::ContinuousAggregate;
    const RelationSize size = relation_size(*relation, view);
    const auto checks = std::count_if(
        relation->constraints.begin(), relation->constraints.end(),
        [](const ConstraintObject& constraint) { return constraint.kind == ConstraintObject::Kind::Check; });
    rows.add({{"oid", relation->oid},
              {"relname", relation->name},
              {"relnamespace", relation->schema},
              {"relowner", owner_oid(context.catalog, relation->owner)},
              {"relam", is_table ? kAccessMethodHeap : 0},
              {"relfilenode", kind == 'v' ? 0 : relation->oid},
              {"relpages", size.table_bytes / 8192},
              {"reltuples", is_table      ? static_cast<double>(size.row_count)
                            : kind == 'S' ? 1.0
                                          : 0.0},
              {"relhasindex", has_indexes && !relation->indexes.empty()},
              {"relpersistence", relation->temporary ? 't' : 'p'},
              {"relkind", kind},
              {"relnatts", attribute_count(*relation)},
              {"relchecks", checks},
              {"relhasrules", kind == 'v' || kind == 'm'},
              {"relhastriggers", with_triggers.contains(relation->oid)},
              {"relhassubclass", relation->kind == RelationKind::Table && has_chunks(*relation)},
              {"relispopulated", is_populated(*relation)},
              {"relreplident", is_table ? 'd' : 'n'},
              {"relacl", acl_texts(*relation)},
              {"reloptions", option_texts(*relation)}});
    add_chunk_classes(rows, context, *relation);
    if (!has_indexes) continue;
    for (const auto& index : relation->indexes) add_index_class(rows, context, *relation, index);
  }
}

struct AttributeFlags {
  bool not_null = false, has_default = false;
  char identity = 0, generated = 0;
  bool is_array_element = false;  // of an array column, in a GIN index
  Oid domain = 0;
  std::optional<std::vector<std::string>> acl = std::nullopt;
};

void add_attribute(RowWriter& rows, Oid relation, const std::string& name, const SqlType& type, int number,
                   const AttributeFlags& flags) {
  const Oid type_oid = flags.domain != 0 ? flags.domain : oid_of(type);
  const TypeFacts* facts = type.id == TypeId::Enum ? find_type_facts(type.is_array ? "_int4" : "int4")
                                                   : find_type_facts(oid_of(type));
  if (facts == nullptr) facts = find_type_facts("text");
  rows.add({{"attrelid", relation},
            {"attname", name},
            {"atttypid", type_oid},
            {"attstattarget", -1},
            {"attlen", facts->length},
            {"attnum", number},
            {"attndims", type.is_array || flags.is_array_element ? 1 : 0},
            {"attcacheoff", -1},
            {"atttypmod", flags.domain != 0 ? -1 : typmod_of(type)},
            {"attbyval", facts->by_value},
            {"attalign", facts->align},
            {"attstorage", facts->storage},
            {"attnotnull", flags.not_null},
            {"atthasdef", flags.has_default},
            {"attidentity", flags.identity},
            {"attgenerated", flags.generated},
            {"attislocal", true},
            {"attcollation", facts->collation},
            {"attacl", flags.acl}});
}

const Batch& system_attributes(const std::vector<SystemColumn>& columns) {
  static const Batch all = [&] {
    RowWriter rows(columns, RowWriter::Unnamed::Zero);
    for (const SystemRelation& relation : system_relation_list()) {
      int number = 0;
      for (const auto& column : relation.columns) {
        add_attribute(rows, relation.oid, column.name, column.type, ++number, {});
      }
    }
    return rows.take();
  }();
  return all;
}

void add_index_attributes(RowWriter& rows, const RelationObject& relation, const IndexObject& index) {
  int number = 0;
  std::set<std::string> names;
  const auto add_column = [&](storage::ColumnId id) {
    const ColumnObject* column = relation.find_column(id);
    if (column == nullptr) return;
    // A GIN index has the elements of an array as its keys.
    const bool is_element = index.method == "gin" && column->type.is_array;
    AttributeFlags flags;
    flags.is_array_element = is_element;
    const SqlType type = is_element ? column->type.element() : column->type;
    names.insert(column->name);
    add_attribute(rows, index.oid, column->name, type, ++number, flags);
  };
  for (const auto& key : index.keys) {
    if (key.expression_text.empty()) {
      add_column(key.column);
    } else {
      // As PostgreSQL calls it: by the function that is called, and with a number where that is taken.
      const std::string called = called_function(key.expression_text);
      // A cast is called what is cast.
      const auto name_end = key.expression_text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_");
      const bool is_cast = name_end != std::string::npos && name_end > 0 &&
                           key.expression_text.compare(name_end, 2, "::") == 0;
      const std::string base = is_cast          ? key.expression_text.substr(0, name_end)
                               : called.empty() ? "expr"
                                                : called;
      std::string name = base;
      for (int i = 1; !names.insert(name).second; ++i) name = base + std::to_string(i);
      add_attribute(rows, index.oid, name, key.type.value_or(SqlType::of(TypeId::Text)), ++number, {});
    }
  }
  for (const storage::ColumnId id : index.include) add_column(id);
}

void pg_attribute(RowWriter& rows, const RowContext& context) {
  rows.add_all(system_attributes(*system_relation_columns("pg_catalog", "pg_attribute")));
  for (const RelationObject* relation : context.catalog.relations()) {
    if (relation->kind == RelationKind::Sequence) {
      add_attribute(rows, relation->oid, "last_value", SqlType::of(TypeId::BigInt), 1, {true});
      add_attribute(rows, relation->oid, "log_cnt", SqlType::of(TypeId::BigInt), 2, {true});
      add_attribute(rows, relation->oid, "is_called", SqlType::of(TypeId::Boolean), 3, {true});
      continue;
    }
    const bool is_view = relation_kind_letter(*relation) == 'v';
    for (const auto& column : relation->columns) {
      AttributeFlags flags{column.not_null && !is_view, has_default(column), column.identity,
                           column.generated_text.empty() ? char{0} : 's'};
      flags.domain = column.domain;
      flags.acl = acl_texts(column);
      add_attribute(rows, relation->oid, column.name, column.type, attribute_number(*relation, column),
                    flags);
    }
    for (const Chunk& chunk : chunks_of(*relation, context.facts.current_view())) {
      for (const auto& column : relation->columns)
        add_attribute(rows, chunk.oid(), column.name, column.type, attribute_number(*relation, column),
                      {column.not_null});
    }
    if (is_view) continue;
    for (const auto& index : relation->indexes) add_index_attributes(rows, *relation, index);
  }
}

void pg_attrdef(RowWriter& rows, const RowContext& context) {
  for (const RelationObject* relation : context.catalog.relations()) {
    for (const auto& column : relation->columns) {
      if (!has_default(column)) continue;
      rows.add({{"oid", default_oid(*relation, column)},
                {"adrelid", relation->oid},
                {"adnum", attribute_number(*relation, column)},
                {"adbin", default_expression(context.catalog, context.facts, column)}});
    }
  }
}

void pg_sequence(RowWriter& rows, const RowContext& context) {
  for (const RelationObject* relation : context.catalog.relations()) {
    if (!relation->sequence) continue;
    const SequenceInfo& sequence = *relation->sequence;
    rows.add({{"seqrelid", relation->oid},
              {"seqtypid", oid_of(sequence.type)},
              {"seqstart", sequence.start},
              {"seqincrement", sequence.increment},
              {"seqmax", sequence.maximum},
              {"seqmin", sequence.minimum},
              {"seqcache", sequence.cache},
              {"seqcycle", sequence.cycle}});
  }
}

void pg_description(RowWriter& rows, const RowContext& context) {
  const auto add_object = [&](Oid oid, Oid of_class, const std::string& comment) {
    if (comment.empty()) return;
    rows.add({{"objoid", oid}, {"classoid", of_class}, {"objsubid", 0}, {"description", comment}});
  };
  for (const SchemaObject* schema : context.catalog.schemas())
    add_object(schema->oid, kClassOfSchemas, schema_comment(*schema));
  for (const ExtensionObject* extension : context.catalog.extensions())
    add_object(extension->oid, kClassOfExtensions, extension->comment);
  for (const RelationObject* relation : context.catalog.relations()) {
    const auto add = [&](int column, const std::string& comment) {
      if (comment.empty()) return;
      rows.add({{"objoid", relation->oid},
                {"classoid", kClassOfRelations},
                {"objsubid", column},
                {"description", comment}});
    };
    add(0, relation->comment);
    for (const auto& column : relation->columns) add(attribute_number(*relation, column), column.comment);
    for (const auto& index : relation->indexes) add_object(index.oid, kClassOfRelations, index.comment);
    for (const auto& constraint : relation->constraints)
      add_object(constraint.oid, kClassOfConstraints, constraint.comment);
  }
  for (const TypeObject* type : context.catalog.types()) add_object(type->oid, kClassOfTypes, type->comment);
  for (const FunctionObject* function : context.catalog.functions())
    add_object(function->oid, kClassOfFunctions, function->comment);
}

/// What an object may be used for before anybody has said anything of it.
void pg_init_privs(RowWriter& rows, const RowContext& context) {
  const std::string bootstrap = database_owner(context.catalog);
  for (const auto& [oid, owner] :
       {std::pair{kSchemaPgCatalog, bootstrap}, std::pair{kSchemaPublic, std::string("pg_database_owner")},
        std::pair{kSchemaInformation, bootstrap}}) {
    rows.add({{"objoid", oid},
              {"classoid", kClassOfSchemas},
              {"objsubid", 0},
              {"privtype", 'i'},
              {"initprivs", public_schema_acl(owner)}});
  }
}

void pg_default_acl(RowWriter& rows, const RowContext& context) {
  Oid number = kFirstDefaultRights;
  for (const DefaultRights& rights : context.catalog.database().default_rights) {
    rows.add({{"oid", number++},
              {"defaclrole", owner_oid(context.catalog, rights.role)},
              {"defaclnamespace", rights.schema},
              {"defaclobjtype", rights.objects},
              {"defaclacl", acl_texts(rights)}});
  }
}

/// The rule of a view, which psql's \d looks for, or of a materialized view.
void pg_rewrite(RowWriter& rows, const RowContext& context) {
  for (const RelationObject* relation : context.catalog.relations()) {
    const char kind = shown_kind_letter(context, *relation);
    if (kind != 'v' && kind != 'm') continue;
    rows.add({{"oid", rule_oid(*relation)},
              {"rulename", "_RETURN"},
              {"ev_class", relation->oid},
              {"ev_type", '1'},
              {"ev_enabled", 'O'},
              {"is_instead", true},
              {"ev_qual", "<>"},
              {"ev_action", "<>"}});
  }
}

}  // namespace

void add_relation_rows(RowMakers& makers) {
  makers[{"pg_catalog", "pg_namespace"}] = pg_namespace;
  makers[{"pg_catalog", "pg_class"}] = pg_class;
  makers[{"pg_catalog", "pg_attribute"}] = pg_attribute;
  makers[{"pg_catalog", "pg_inherits"}] = pg_inherits;
  makers[{"pg_catalog", "pg_attrdef"}] = pg_attrdef;
  makers[{"pg_catalog", "pg_sequence"}] = pg_sequence;
  makers[{"pg_catalog", "pg_description"}] = pg_description;
  makers[{"pg_catalog", "pg_rewrite"}] = pg_rewrite;
  makers[{"pg_catalog", "pg_init_privs"}] = pg_init_privs;
  makers[{"pg_catalog", "pg_default_acl"}] = pg_default_acl;
}

}  // namespace tickstone::catalog
