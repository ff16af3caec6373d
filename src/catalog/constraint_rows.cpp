// SPDX-License-Identifier: Apache-2.0
// pg_index, pg_constraint and what depends on what.
#include <algorithm>

#include "catalog/object_names.hpp"
#include "catalog/operator_classes.hpp"
#include "catalog/system_oids.hpp"
#include "catalog/system_rows.hpp"
#include "catalog/type_facts.hpp"

namespace tickstone::catalog {
namespace {

// pg_index.indoption's bits.
constexpr int kDescending = 1;
constexpr int kNullsFirst = 2;

void add_index(RowWriter& rows, const RelationObject& relation, const IndexObject& index) {
  std::vector<std::int64_t> keys;
  std::vector<std::int64_t> collations;
  std::vector<std::int64_t> classes;
  std::vector<std::int64_t> options;
  std::string expressions;
  for (const auto& key : index.keys) {
    const ColumnObject* column = key.expression_text.empty() ? relation.find_column(key.column) : nullptr;
    const SqlType type = column != nullptr ? column->type : key.type.value_or(SqlType::of(TypeId::Text));
    const TypeFacts* facts = find_type_facts(oid_of(type));
    keys.push_back(column == nullptr ? 0 : attribute_number(relation, *column));
    collations.push_back(facts == nullptr ? 0 : facts->collation);
    classes.push_back(default_operator_class(index.method, type));
    options.push_back((key.descending ? kDescending : 0) | (key.nulls_first ? kNullsFirst : 0));
    if (!key.expression_text.empty()) {
      if (!expressions.empty()) expressions += ", ";
      expressions += key.expression_text;
    }
  }
  for (const storage::ColumnId id : index.include) keys.push_back(attribute_number(relation, id));
  rows.add({{"indexrelid", index.oid},
            {"indrelid", relation.oid},
            {"indnatts", keys.size()},
            {"indnkeyatts", index.keys.size()},
            {"indisunique", index.is_unique},
            {"indnullsnotdistinct", index.nulls_not_distinct},
            {"indisprimary", index.is_primary},
            {"indimmediate", true},
            {"indisvalid", true},
            {"indisready", true},
            {"indislive", true},
            {"indkey", vector_text(keys)},
            {"indcollation", vector_text(collations)},
            {"indclass", vector_text(classes)},
            {"indoption", vector_text(options)},
            {"indexprs", expressions.empty() ? Cell(nullptr) : Cell(expressions)},
            {"indpred", index.where_text.empty() ? Cell(nullptr) : Cell(index.where_text)}});
}

void pg_index(RowWriter& rows, const RowContext& context) {
  for (const RelationObject* relation : context.catalog.relations()) {
    if (relation_kind_letter(*relation) == 'v') continue;
    for (const auto& index : relation->indexes) add_index(rows, *relation, index);
  }
}

char constraint_letter(ConstraintObject::Kind kind) {
  switch (kind) {
    case ConstraintObject::Kind::PrimaryKey:
      return 'p';
    case ConstraintObject::Kind::Unique:
      return 'u';
    case ConstraintObject::Kind::Check:
      return 'c';
    case ConstraintObject::Kind::ForeignKey:
      return 'f';
  }
  return 'c';
}

Cell column_numbers(const RelationObject& relation, const std::vector<storage::ColumnId>& columns) {
  if (columns.empty()) return nullptr;
  std::vector<std::int64_t> numbers;
  for (const storage::ColumnId id : columns) numbers.push_back(attribute_number(relation, id));
  return Cell::integers(numbers);
}

/// What a foreign key leans on: the index of the referenced columns.
Oid referenced_index(const RelationObject& referenced, const ConstraintObject& foreign_key) {
  for (const auto& constraint : referenced.constraints) {
    if (constraint.index != 0 && constraint.columns == foreign_key.referenced_columns)
      return constraint.index;
  }
  return 0;
}

void pg_constraint(RowWriter& rows, const RowContext& context) {
  for (const RelationObject* relation : context.catalog.relations()) {
    for (const auto& constraint : relation->constraints) {
      const bool is_foreign = constraint.kind == ConstraintObject::Kind::ForeignKey;
      const RelationObject* referenced =
          is_foreign ? context.catalog.find_relation(constraint.referenced_table) : nullptr;
      const bool is_check = constraint.kind == ConstraintObject::Kind::Check;
      rows.add(
          {{"oid", constraint.oid},
           {"conname", constraint.name},
           {"connamespace", relation->schema},
           {"contype", constraint_letter(constraint.kind)},
           {"condeferrable", constraint.is_deferrable},
           {"condeferred", constraint.is_deferred},
           {"convalidated", !constraint.is_not_valid},
           {"conrelid", relation->oid},
           {"conindid", referenced != nullptr ? referenced_index(*referenced, constraint) : constraint.index},
           {"confrelid", constraint.referenced_table},
           {"confupdtype", is_foreign ? constraint.on_update : ' '},
           {"confdeltype", is_foreign ? constraint.on_delete : ' '},
           {"confmatchtype", constraint.matches_full ? 'f'
                             : is_foreign            ? 's'
                                                     : ' '},
           {"conislocal", true},
           {"connoinherit", !is_check},
           {"conkey", column_numbers(*relation, constraint.columns)},
           {"confkey", referenced == nullptr ? Cell(nullptr)
                                             : column_numbers(*referenced, constraint.referenced_columns)},
           {"conbin", is_check ? Cell(constraint.check_text) : Cell(nullptr)}});
    }
  }
  for (const TypeObject* type : context.catalog.types()) {
    for (const auto& check : type->checks) {
      rows.add({{"oid", check.oid},
                {"conname", check.name},
                {"connamespace", type->schema},
                {"contype", 'c'},
                {"convalidated", !check.is_not_valid},
                {"contypid", type->oid},
                {"confupdtype", ' '},
                {"confdeltype", ' '},
                {"confmatchtype", ' '},
                {"conislocal", true},
                {"connoinherit", false},
                {"conbin", check.text}});
    }
  }
}

struct Dependency {
  Oid of_class, of, on_class, on;
  int on_column;
  char kind;  // n normal, a automatic, i internal
};

void add_dependency(RowWriter& rows, const Dependency& dependency) {
  rows.add({{"classid", dependency.of_class},
            {"objid", dependency.of},
            {"refclassid", dependency.on_class},
            {"refobjid", dependency.on},
            {"refobjsubid", dependency.on_column},
            {"deptype", dependency.kind}});
}

void pg_depend(RowWriter& rows, const RowContext& context) {
  constexpr Oid kRelation = kClassOfRelations;
  for (const FunctionObject* function : context.catalog.functions())
    add_dependency(rows, {kClassOfFunctions, function->oid, kClassOfSchemas, function->schema, 0, 'n'});
  for (const RelationObject* relation : context.catalog.relations()) {
    const Oid oid = relation->oid;
    add_dependency(rows, {kRelation, oid, kClassOfSchemas, relation->schema, 0, 'n'});
    if (relation->sequence && relation->sequence->owner_table != 0) {
      const SequenceInfo& sequence = *relation->sequence;
      const RelationObject* table = context.catalog.find_relation(sequence.owner_table);
      const ColumnObject* column = table == nullptr ? nullptr : table->find_column(sequence.owner_column);
      if (column != nullptr) {
        add_dependency(rows, {kRelation, oid, kRelation, table->oid, attribute_number(*table, *column),
                              column->identity != 0 ? 'i' : 'a'});
      }
    }
    for (const auto& column : relation->columns) {
      // A type comes before the tables that have it.
      const Oid type = column.domain != 0               ? column.domain
                       : column.type.id == TypeId::Enum ? column.type.user_oid()
                                                        : 0;
      if (type != 0) add_dependency(rows, {kRelation, oid, kClassOfTypes, type, 0, 'n'});
      if (!has_default(column)) continue;
      const Oid expression = default_oid(*relation, column);
      add_dependency(rows, {kClassOfDefaults, expression, kRelation, oid, attribute_number(*relation, column),
                            column.generated_text.empty() ? 'a' : 'i'});
      if (column.sequence != 0 && column.identity == 0) {
        add_dependency(rows, {kClassOfDefaults, expression, kRelation, column.sequence, 0, 'n'});
      }
    }
    for (const auto& constraint : relation->constraints) {
      for (const storage::ColumnId id : constraint.columns) {
        add_dependency(rows, {kClassOfConstraints, constraint.oid, kRelation, oid,
                              attribute_number(*relation, id), 'a'});
      }
      if (constraint.kind == ConstraintObject::Kind::ForeignKey) {
        const RelationObject* referenced = context.catalog.find_relation(constraint.referenced_table);
        if (referenced == nullptr) continue;
        for (const storage::ColumnId id : constraint.referenced_columns) {
          add_dependency(rows, {kClassOfConstraints, constraint.oid, kRelation, referenced->oid,
                                attribute_number(*referenced, id), 'n'});
        }
        if (const Oid index = referenced_index(*referenced, constraint); index != 0)
          add_dependency(rows, {kClassOfConstraints, constraint.oid, kRelation, index, 0, 'n'});
      } else if (constraint.index != 0) {
        add_dependency(rows, {kRelation, constraint.index, kClassOfConstraints, constraint.oid, 0, 'i'});
      }
    }
    for (const auto& index : relation->indexes) {
      const bool is_of_constraint =
          std::any_of(relation->constraints.begin(), relation->constraints.end(),
                      [&](const ConstraintObject& constraint) { return constraint.index == index.oid; });
      if (is_of_constraint) continue;
      for (const auto& key : index.keys) {
        const int column = key.expression_text.empty() ? attribute_number(*relation, key.column) : 0;
        add_dependency(rows, {kRelation, index.oid, kRelation, oid, column, 'a'});
      }
    }
    const char kind = shown_kind_letter(context, *relation);
    if (kind != 'v' && kind != 'm') continue;
    add_dependency(rows, {kClassOfRules, rule_oid(*relation), kRelation, oid, 0, 'i'});
    for (const Oid read : relation->depends_on) {
      add_dependency(rows, {kClassOfRules, rule_oid(*relation), kRelation, read, 0, 'n'});
    }
  }
  for (const TypeObject* type : context.catalog.types()) {
    add_dependency(rows, {kClassOfTypes, type->oid, kClassOfSchemas, type->schema, 0, 'n'});
    if (type->base.id == TypeId::Enum)
      add_dependency(rows, {kClassOfTypes, type->oid, kClassOfTypes, type->base.user_oid(), 0, 'n'});
    for (const auto& check : type->checks)
      add_dependency(rows, {kClassOfConstraints, check.oid, kClassOfTypes, type->oid, 0, 'a'});
  }
}

}  // namespace

void add_constraint_rows(RowMakers& makers) {
  makers[{"pg_catalog", "pg_index"}] = pg_index;
  makers[{"pg_catalog", "pg_constraint"}] = pg_constraint;
  makers[{"pg_catalog", "pg_depend"}] = pg_depend;
}

}  // namespace tickstone::catalog
