// SPDX-License-Identifier: Apache-2.0
// information_schema's views of constraints.
#include <algorithm>

#include <fmt/format.h>

#include "catalog/system_rows.hpp"

namespace tickstone::catalog {
namespace {

using Kind = ConstraintObject::Kind;

template <typename Visit>
void for_each_constraint(const RowContext& context, Visit visit) {
  for (const RelationObject* relation : context.catalog.relations()) {
    const std::string& schema = schema_name(context.catalog, relation->schema);
    for (const auto& constraint : relation->constraints) visit(*relation, schema, constraint);
  }
}

/// NOT NULL is a CHECK constraint to the standard; PostgreSQL names it by numbers.
std::string not_null_name(const RelationObject& relation, const ColumnObject& column) {
  return fmt::format("{}_{}_{}_not_null", relation.schema, relation.oid, attribute_number(relation, column));
}

const char* type_name(Kind kind) {
  switch (kind) {
    case Kind::PrimaryKey:
      return "PRIMARY KEY";
    case Kind::Unique:
      return "UNIQUE";
    case Kind::Check:
      return "CHECK";
    case Kind::ForeignKey:
      return "FOREIGN KEY";
  }
  return "CHECK";
}

void table_constraints(RowWriter& rows, const RowContext& context) {
  const std::string database = context.facts.current_database();
  const auto add = [&](const RelationObject& relation, const std::string& name, Kind kind,
                       bool nulls_not_distinct = false) {
    const std::string& schema = schema_name(context.catalog, relation.schema);
    rows.add(
        {{"constraint_catalog", database},
         {"constraint_schema", schema},
         {"constraint_name", name},
         {"table_catalog", database},
         {"table_schema", schema},
         {"table_name", relation.name},
         {"constraint_type", type_name(kind)},
         {"is_deferrable", "NO"},
         {"initially_deferred", "NO"},
         {"enforced", "YES"},
         {"nulls_distinct", kind == Kind::Unique ? Cell(nulls_not_distinct ? "NO" : "YES") : Cell(nullptr)}});
  };
  for (const RelationObject* relation : context.catalog.relations()) {
    for (const auto& constraint : relation->constraints) {
      const bool nulls_not_distinct = std::any_of(
          relation->indexes.begin(), relation->indexes.end(),
          [&](const auto& index) { return index.oid == constraint.index && index.nulls_not_distinct; });
      add(*relation, constraint.name, constraint.kind, nulls_not_distinct);
    }
    if (relation->kind != RelationKind::Table) continue;
    for (const auto& column : relation->columns) {
      if (column.not_null) add(*relation, not_null_name(*relation, column), Kind::Check);
    }
  }
}

void check_constraints(RowWriter& rows, const RowContext& context) {
  const std::string database = context.facts.current_database();
  const auto add = [&](const std::string& schema, const std::string& name, const std::string& clause) {
    rows.add({{"constraint_catalog", database},
              {"constraint_schema", schema},
              {"constraint_name", name},
              {"check_clause", clause}});
  };
  for (const RelationObject* relation : context.catalog.relations()) {
    const std::string& schema = schema_name(context.catalog, relation->schema);
    for (const auto& constraint : relation->constraints) {
      if (constraint.kind == Kind::Check) add(schema, constraint.name, "(" + constraint.check_text + ")");
    }
    if (relation->kind != RelationKind::Table) continue;
    for (const auto& column : relation->columns) {
      if (!column.not_null) continue;
      add(schema, not_null_name(*relation, column), column.name + " IS NOT NULL");
    }
  }
  for (const TypeObject* domain : context.catalog.types()) {
    for (const auto& check : domain->checks)
      add(schema_name(context.catalog, domain->schema), check.name, "(" + check.text + ")");
  }
}

/// The constraint that a foreign key refers to.
const ConstraintObject* referenced_constraint(const RelationObject& referenced,
                                              const ConstraintObject& foreign_key) {
  for (const auto& constraint : referenced.constraints) {
    const bool is_key = constraint.kind == Kind::PrimaryKey || constraint.kind == Kind::Unique;
    if (is_key && constraint.columns == foreign_key.referenced_columns) return &constraint;
  }
  return nullptr;
}

void key_column_usage(RowWriter& rows, const RowContext& context) {
  const std::string database = context.facts.current_database();
  for_each_constraint(context, [&](const RelationObject& relation, const std::string& schema,
                                   const ConstraintObject& constraint) {
    if (constraint.kind == Kind::Check) return;
    int position = 0;
    for (const storage::ColumnId id : constraint.columns) {
      const ColumnObject* column = relation.find_column(id);
      if (column == nullptr) continue;
      ++position;
      rows.add({{"constraint_catalog", database},
                {"constraint_schema", schema},
                {"constraint_name", constraint.name},
                {"table_catalog", database},
                {"table_schema", schema},
                {"table_name", relation.name},
                {"column_name", column->name},
                {"ordinal_position", position},
                {"position_in_unique_constraint",
                 constraint.kind == Kind::ForeignKey ? Cell(position) : Cell(nullptr)}});
    }
  });
}

/// Foreign keys count as use of what they refer to, other constraints as use of their own columns.
void constraint_column_usage(RowWriter& rows, const RowContext& context) {
  const std::string database = context.facts.current_database();
  for_each_constraint(context, [&](const RelationObject& relation, const std::string& schema,
                                   const ConstraintObject& constraint) {
    const bool is_foreign = constraint.kind == Kind::ForeignKey;
    const RelationObject* used =
        is_foreign ? context.catalog.find_relation(constraint.referenced_table) : &relation;
    if (used == nullptr) return;
    for (const storage::ColumnId id : is_foreign ? constraint.referenced_columns : constraint.columns) {
      const ColumnObject* column = used->find_column(id);
      if (column == nullptr) continue;
      rows.add({{"table_catalog", database},
                {"table_schema", schema_name(context.catalog, used->schema)},
                {"table_name", used->name},
                {"column_name", column->name},
                {"constraint_catalog", database},
                {"constraint_schema", schema},
                {"constraint_name", constraint.name}});
    }
  });
}

void constraint_table_usage(RowWriter& rows, const RowContext& context) {
  const std::string database = context.facts.current_database();
  for_each_constraint(context, [&](const RelationObject& relation, const std::string& schema,
                                   const ConstraintObject& constraint) {
    if (constraint.kind == Kind::Check) return;
    const RelationObject* used = constraint.kind == Kind::ForeignKey
                                     ? context.catalog.find_relation(constraint.referenced_table)
                                     : &relation;
    if (used == nullptr) return;
    rows.add({{"table_catalog", database},
              {"table_schema", schema_name(context.catalog, used->schema)},
              {"table_name", used->name},
              {"constraint_catalog", database},
              {"constraint_schema", schema},
              {"constraint_name", constraint.name}});
  });
}

const char* action_name(char action) {
  switch (action) {
    case 'c':
      return "CASCADE";
    case 'n':
      return "SET NULL";
    case 'd':
      return "SET DEFAULT";
    case 'r':
      return "RESTRICT";
    default:
      return "NO ACTION";
  }
}

void referential_constraints(RowWriter& rows, const RowContext& context) {
  const std::string database = context.facts.current_database();
  for_each_constraint(
      context, [&](const RelationObject&, const std::string& schema, const ConstraintObject& constraint) {
        if (constraint.kind != Kind::ForeignKey) return;
        const RelationObject* used = context.catalog.find_relation(constraint.referenced_table);
        const ConstraintObject* key = used == nullptr ? nullptr : referenced_constraint(*used, constraint);
        rows.add({{"constraint_catalog", database},
                  {"constraint_schema", schema},
                  {"constraint_name", constraint.name},
                  {"unique_constraint_catalog", key == nullptr ? Cell(nullptr) : Cell(database)},
                  {"unique_constraint_schema",
                   key == nullptr ? Cell(nullptr) : Cell(schema_name(context.catalog, used->schema))},
                  {"unique_constraint_name", key == nullptr ? Cell(nullptr) : Cell(key->name)},
                  {"match_option", constraint.matches_full ? "FULL" : "NONE"},
                  {"update_rule", action_name(constraint.on_update)},
                  {"delete_rule", action_name(constraint.on_delete)}});
      });
}

}  // namespace

void add_information_constraint_rows(RowMakers& makers) {
  makers[{"information_schema", "table_constraints"}] = table_constraints;
  makers[{"information_schema", "check_constraints"}] = check_constraints;
  makers[{"information_schema", "key_column_usage"}] = key_column_usage;
  makers[{"information_schema", "constraint_column_usage"}] = constraint_column_usage;
  makers[{"information_schema", "constraint_table_usage"}] = constraint_table_usage;
  makers[{"information_schema", "referential_constraints"}] = referential_constraints;
}

}  // namespace tickstone::catalog
