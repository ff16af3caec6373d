// SPDX-License-Identifier: Apache-2.0
// information_schema: what there is. Its constraints are in information_constraint_rows.cpp.
#include <fmt/format.h>

#include "catalog/function_facts.hpp"
#include "catalog/populated.hpp"
#include "catalog/privileges.hpp"
#include "catalog/shown_text.hpp"
#include "catalog/system_columns.hpp"
#include "catalog/system_oids.hpp"
#include "catalog/system_rows.hpp"
#include "catalog/type_facts.hpp"

namespace tickstone::catalog {
namespace {

Cell yes_or_no(bool value) { return value ? "YES" : "NO"; }

void information_schema_catalog_name(RowWriter& rows, const RowContext& context) {
  rows.add({{"catalog_name", context.facts.current_database()}});
}

void schemata(RowWriter& rows, const RowContext& context) {
  for (const SchemaObject* schema : context.catalog.schemas()) {
    rows.add({{"catalog_name", context.facts.current_database()},
              {"schema_name", schema->name},
              {"schema_owner", owner_name(context.catalog, schema->owner)}});
  }
}

const char* table_type(const RelationObject& relation) {
  if (relation_kind_letter(relation) == 'v') return "VIEW";
  return relation.temporary ? "LOCAL TEMPORARY" : "BASE TABLE";
}

/// As in PostgreSQL, information_schema does not know materialized views and lists sequences elsewhere.
bool is_listed(const RelationObject& relation) {
  return relation.kind != RelationKind::Sequence && relation.kind != RelationKind::MaterializedView;
}

std::string option_of(const RelationObject& relation, std::string_view wanted) {
  for (const auto& [name, value] : relation.options) {
    if (name == wanted) return value;
  }
  return {};
}

bool is_updatable(const RelationObject& relation) { return !option_of(relation, kUpdatable).empty(); }

void tables(RowWriter& rows, const RowContext& context) {
  const std::string database = context.facts.current_database();
  for (const RelationObject* relation : context.catalog.relations()) {
    if (!is_listed(*relation)) continue;
    rows.add(
        {{"table_catalog", database},
         {"table_schema", schema_name(context.catalog, relation->schema)},
         {"table_name", relation->name},
         {"table_type", table_type(*relation)},
         {"is_insertable_into", yes_or_no(relation->kind == RelationKind::Table || is_updatable(*relation))},
         {"is_typed", "NO"},
         {"commit_action", relation->temporary ? Cell("PRESERVE") : Cell(nullptr)}});
  }
  for (const SystemRelation& relation : system_relation_list()) {
    rows.add({{"table_catalog", database},
              {"table_schema", relation.schema_name},
              {"table_name", relation.name},
              {"table_type", relation.is_view ? "VIEW" : "BASE TABLE"},
              {"is_insertable_into", "NO"},
              {"is_typed", "NO"}});
  }
}

/// The columns of information_schema that describe a type.
struct TypeDescription {
  std::string data_type;
  std::string udt_schema = "pg_catalog", udt_name;
  Cell length = nullptr, octets = nullptr;
  Cell precision = nullptr, radix = nullptr, scale = nullptr;
  Cell datetime_precision = nullptr;
};

TypeDescription describe(const RowContext& context, const SqlType& type) {
  TypeDescription description;
  const auto facts = find_any_type(context.catalog, oid_of(type));
  description.udt_name = facts ? facts->name : "text";
  if (const TypeObject* user = context.catalog.find_type(oid_of(type)))
    description.udt_schema = schema_name(context.catalog, user->schema);
  if (type.is_array) {
    description.data_type = "ARRAY";
    return description;
  }
  if (type.id == TypeId::Enum) {
    description.data_type = "USER-DEFINED";
    return description;
  }
  SqlType bare = type;
  bare.precision = -1;
  description.data_type = type.id == TypeId::Char ? "character" : to_sql(bare);
  const auto number = [&](int precision, int radix, Cell scale) {
    description.precision = precision;
    description.radix = radix;
    description.scale = std::move(scale);
  };
  switch (type.id) {
    case TypeId::SmallInt:
      number(16, 2, 0);
      break;
    case TypeId::Integer:
      number(32, 2, 0);
      break;
    case TypeId::BigInt:
      number(64, 2, 0);
      break;
    case TypeId::Real:
      number(24, 2, nullptr);
      break;
    case TypeId::Double:
      number(53, 2, nullptr);
      break;
    case TypeId::Numeric:
      description.radix = 10;
      if (type.precision >= 0) number(type.precision, 10, static_cast<int>(type.scale));
      break;
    case TypeId::Text:
      description.octets = 1 << 30;
      break;
    case TypeId::Varchar:
    case TypeId::Char:
      if (type.precision >= 0) description.length = static_cast<int>(type.precision);
      description.octets = type.precision >= 0 ? type.precision * 4 : 1 << 30;
      break;
    case TypeId::Date:
      description.datetime_precision = 0;
      break;
    case TypeId::Time:
    case TypeId::Timestamp:
    case TypeId::TimestampTz:
    case TypeId::Interval:
      description.datetime_precision = type.precision >= 0 ? static_cast<int>(type.precision) : 6;
      break;
    case TypeId::TimestampNs:
      description.datetime_precision = 9;
      break;
    default:
      break;
  }
  return description;
}

void add_identity(std::vector<Field>& fields, const RowContext& context, const ColumnObject& column) {
  fields.push_back({"identity_generation", column.identity == 'a' ? "ALWAYS" : "BY DEFAULT"});
  const RelationObject* sequence = context.catalog.find_relation(column.sequence);
  if (sequence == nullptr || !sequence->sequence) return;
  fields.push_back({"identity_start", std::to_string(sequence->sequence->start)});
  fields.push_back({"identity_increment", std::to_string(sequence->sequence->increment)});
  fields.push_back({"identity_maximum", std::to_string(sequence->sequence->maximum)});
  fields.push_back({"identity_minimum", std::to_string(sequence->sequence->minimum)});
}

void columns(RowWriter& rows, const RowContext& context) {
  const std::string database = context.facts.current_database();
  const auto add = [&](const std::string& schema, const std::string& table, const ColumnObject& column,
                       int number, bool is_updatable) {
    const TypeDescription type = describe(context, column.type);
    const bool is_generated = !column.generated_text.empty();
    std::vector<Field> fields = {
        {"table_catalog", database},
        {"table_schema", schema},
        {"table_name", table},
        {"column_name", column.name},
        {"ordinal_position", number},
        {"column_default", column.default_text.empty()
                               ? Cell(nullptr)
                               : Cell(default_expression(context.catalog, context.facts, column))},
        {"is_nullable", yes_or_no(!column.not_null)},
        {"data_type", type.data_type},
        {"character_maximum_length", type.length},
        {"character_octet_length", type.octets},
        {"numeric_precision", type.precision},
        {"numeric_precision_radix", type.radix},
        {"numeric_scale", type.scale},
        {"datetime_precision", type.datetime_precision},
        {"udt_catalog", database},
        {"udt_schema", type.udt_schema},
        {"udt_name", type.udt_name},
        {"dtd_identifier", std::to_string(number)},
        {"is_self_referencing", "NO"},
        {"is_identity", yes_or_no(column.identity != 0)},
        {"identity_cycle", "NO"},
        {"is_generated", is_generated ? "ALWAYS" : "NEVER"},
        {"generation_expression",
         is_generated ? Cell(default_expression(context.catalog, context.facts, column)) : Cell(nullptr)},
        {"is_updatable", yes_or_no(is_updatable)}};
    if (column.identity != 0) add_identity(fields, context, column);
    if (const TypeObject* domain = column.domain == 0 ? nullptr : context.catalog.find_type(column.domain)) {
      fields.push_back({"domain_catalog", database});
      fields.push_back({"domain_schema", schema_name(context.catalog, domain->schema)});
      fields.push_back({"domain_name", domain->name});
    }
    rows.add(std::span<const Field>(fields));
  };
  for (const RelationObject* relation : context.catalog.relations()) {
    if (!is_listed(*relation)) continue;
    const bool is_table = relation->kind == RelationKind::Table;
    for (const ColumnObject& column : relation->columns) {
      ColumnObject shown = column;
      shown.not_null = column.not_null && is_table;
      add(schema_name(context.catalog, relation->schema), relation->name, shown,
          attribute_number(*relation, column), is_table || is_updatable(*relation));
    }
  }
  for (const SystemRelation& relation : system_relation_list()) {
    int number = 0;
    for (const auto& column : relation.columns) {
      ColumnObject object;
      object.name = column.name;
      object.type = column.type;
      add(relation.schema_name, relation.name, object, ++number, false);
    }
  }
}

void domains(RowWriter& rows, const RowContext& context) {
  const std::string database = context.facts.current_database();
  for (const TypeObject* domain : context.catalog.types()) {
    if (domain->kind != TypeObject::Kind::Domain) continue;
    const TypeDescription type = describe(context, domain->base);
    rows.add({{"domain_catalog", database},
              {"domain_schema", schema_name(context.catalog, domain->schema)},
              {"domain_name", domain->name},
              {"data_type", type.data_type},
              {"character_maximum_length", type.length},
              {"character_octet_length", type.octets},
              {"numeric_precision", type.precision},
              {"numeric_precision_radix", type.radix},
              {"numeric_scale", type.scale},
              {"datetime_precision", type.datetime_precision},
              {"domain_default", domain_default(context, *domain)},
              {"udt_catalog", database},
              {"udt_schema", type.udt_schema},
              {"udt_name", type.udt_name},
              {"dtd_identifier", "1"}});
  }
}

void domain_constraints(RowWriter& rows, const RowContext& context) {
  const std::string database = context.facts.current_database();
  for (const TypeObject* domain : context.catalog.types()) {
    const std::string& schema = schema_name(context.catalog, domain->schema);
    for (const auto& check : domain->checks) {
      rows.add({{"constraint_catalog", database},
                {"constraint_schema", schema},
                {"constraint_name", check.name},
                {"domain_catalog", database},
                {"domain_schema", schema},
                {"domain_name", domain->name},
                {"is_deferrable", "NO"},
                {"initially_deferred", "NO"}});
    }
  }
}

void column_domain_usage(RowWriter& rows, const RowContext& context) {
  const std::string database = context.facts.current_database();
  for (const RelationObject* relation : context.catalog.relations()) {
    for (const ColumnObject& column : relation->columns) {
      const TypeObject* domain = column.domain == 0 ? nullptr : context.catalog.find_type(column.domain);
      if (domain == nullptr) continue;
      rows.add({{"domain_catalog", database},
                {"domain_schema", schema_name(context.catalog, domain->schema)},
                {"domain_name", domain->name},
                {"table_catalog", database},
                {"table_schema", schema_name(context.catalog, relation->schema)},
                {"table_name", relation->name},
                {"column_name", column.name}});
    }
  }
}

void views(RowWriter& rows, const RowContext& context) {
  const std::string database = context.facts.current_database();
  const auto add = [&](const std::string& schema, const std::string& name, Cell definition,
                       const RelationObject* relation = nullptr) {
    const std::string check = relation == nullptr ? "" : option_of(*relation, "check_option");
    const bool can_be_written = relation != nullptr && is_updatable(*relation);
    rows.add({{"table_catalog", database},
              {"table_schema", schema},
              {"table_name", name},
              {"view_definition", std::move(definition)},
              {"check_option", check.empty()      ? "NONE"
                               : check == "local" ? "LOCAL"
                                                  : "CASCADED"},
              {"is_updatable", yes_or_no(can_be_written)},
              {"is_insertable_into", yes_or_no(can_be_written)},
              {"is_trigger_updatable", "NO"},
              {"is_trigger_deletable", "NO"},
              {"is_trigger_insertable_into", "NO"}});
  };
  for (const RelationObject* relation : context.catalog.relations()) {
    if (relation_kind_letter(*relation) != 'v') continue;
    add(schema_name(context.catalog, relation->schema), relation->name,
        view_definition(context.catalog, context.facts, *relation), relation);
  }
  for (const SystemRelation& relation : system_relation_list()) {
    if (relation.is_view) add(relation.schema_name, relation.name, nullptr);
  }
}

void sequences(RowWriter& rows, const RowContext& context) {
  for (const RelationObject* relation : context.catalog.relations()) {
    // A sequence behind an identity column is not listed.
    if (!relation->sequence) continue;
    const SequenceInfo& sequence = *relation->sequence;
    const RelationObject* table = context.catalog.find_relation(sequence.owner_table);
    const ColumnObject* column = table == nullptr ? nullptr : table->find_column(sequence.owner_column);
    if (column != nullptr && column->identity != 0) continue;
    const TypeDescription type = describe(context, sequence.type);
    rows.add({{"sequence_catalog", context.facts.current_database()},
              {"sequence_schema", schema_name(context.catalog, relation->schema)},
              {"sequence_name", relation->name},
              {"data_type", type.data_type},
              {"numeric_precision", type.precision},
              {"numeric_precision_radix", type.radix},
              {"numeric_scale", type.scale},
              {"start_value", std::to_string(sequence.start)},
              {"minimum_value", std::to_string(sequence.minimum)},
              {"maximum_value", std::to_string(sequence.maximum)},
              {"increment", std::to_string(sequence.increment)},
              {"cycle_option", yes_or_no(sequence.cycle)}});
  }
}

void add_routine(RowWriter& rows, const RowContext& context, const FunctionFacts& function) {
  const std::string database = context.facts.current_database();
  const TypeFacts* result = find_type_facts(function.result);
  rows.add({{"specific_catalog", database},
            {"specific_schema", schema_name(context.catalog, function.schema)},
            {"specific_name", fmt::format("{}_{}", function.name, function.oid)},
            {"routine_catalog", database},
            {"routine_schema", schema_name(context.catalog, function.schema)},
            {"routine_name", function.name},
            {"routine_type", function.kind == 'p' ? "PROCEDURE" : "FUNCTION"},
            {"udt_catalog", database},
            {"udt_schema", "pg_catalog"},
            {"udt_name", result == nullptr ? Cell(nullptr) : Cell(result->name)},
            {"data_type", function_result_text(function)},
            {"routine_body", function.is_sql ? "SQL" : "EXTERNAL"},
            {"routine_definition", function.is_sql ? Cell(function.source) : Cell(nullptr)},
            {"external_language", function.is_sql ? "SQL" : "INTERNAL"},
            {"is_deterministic", yes_or_no(function.volatility == 'i')},
            {"security_type", "INVOKER"}});
}

void routines(RowWriter& rows, const RowContext& context) {
  for (const FunctionFacts& function : all_functions()) {
    if (function.kind == 'f' || function.kind == 'p') add_routine(rows, context, function);
  }
  for (const FunctionObject* function : context.catalog.functions())
    add_routine(rows, context, facts_of(*function));
}

void view_table_usage(RowWriter& rows, const RowContext& context) {
  const std::string database = context.facts.current_database();
  for (const RelationObject* relation : context.catalog.relations()) {
    if (relation_kind_letter(*relation) != 'v') continue;
    for (const Oid oid : relation->depends_on) {
      const RelationObject* read = context.catalog.find_relation(oid);
      if (read == nullptr) continue;
      rows.add({{"view_catalog", database},
                {"view_schema", schema_name(context.catalog, relation->schema)},
                {"view_name", relation->name},
                {"table_catalog", database},
                {"table_schema", schema_name(context.catalog, read->schema)},
                {"table_name", read->name}});
    }
  }
}

/// Of the columns that are arrays.
void element_types(RowWriter& rows, const RowContext& context) {
  const std::string database = context.facts.current_database();
  for (const RelationObject* relation : context.catalog.relations()) {
    if (!is_listed(*relation)) continue;
    for (const auto& column : relation->columns) {
      if (!column.type.is_array) continue;
      const TypeDescription type = describe(context, column.type.element());
      rows.add({{"object_catalog", database},
                {"object_schema", schema_name(context.catalog, relation->schema)},
                {"object_name", relation->name},
                {"object_type", relation_kind_letter(*relation) == 'v' ? "VIEW" : "TABLE"},
                {"collection_type_identifier", std::to_string(attribute_number(*relation, column))},
                {"data_type", type.data_type},
                {"udt_catalog", database},
                {"udt_schema", "pg_catalog"},
                {"udt_name", type.udt_name},
                {"dtd_identifier", "a" + std::to_string(attribute_number(*relation, column))}});
    }
  }
}

void collations(RowWriter& rows, const RowContext& context) {
  for (const char* name : {"default", "C", "POSIX"}) {
    rows.add({{"collation_catalog", context.facts.current_database()},
              {"collation_schema", "pg_catalog"},
              {"collation_name", name},
              {"pad_attribute", "NO PAD"}});
  }
}

void enabled_roles(RowWriter& rows, const RowContext& context) {
  for (const RoleObject* role : context.catalog.roles()) rows.add({{"role_name", role->name}});
}

void character_sets(RowWriter& rows, const RowContext& context) {
  rows.add({{"character_set_name", "UTF8"},
            {"character_repertoire", "UCS"},
            {"form_of_use", "UTF8"},
            {"default_collate_catalog", context.facts.current_database()},
            {"default_collate_schema", "pg_catalog"},
            {"default_collate_name", "C.UTF-8"}});
}

/// Those of a table with its owner's own, that the role has given or has been given.
std::vector<GrantObject> shown_grants(const RowContext& context, const RelationObject& relation) {
  const std::string owner = owner_name(context.catalog, relation.owner);
  std::vector<GrantObject> grants{{owner, owner, kTablePrivileges, kTablePrivileges}};
  grants.insert(grants.end(), relation.grants.begin(), relation.grants.end());
  const std::string user = context.facts.current_user();
  std::erase_if(grants, [&](const GrantObject& grant) {
    return !grant.grantee.empty() && !is_member(context.catalog, user, grant.grantee) &&
           !is_member(context.catalog, user, grant.grantor);
  });
  return grants;
}

void table_privileges(RowWriter& rows, const RowContext& context) {
  const std::string database = context.facts.current_database();
  for (const RelationObject* relation : context.catalog.relations()) {
    if (!is_listed(*relation)) continue;
    for (const auto& grant : shown_grants(context, *relation)) {
      for (const auto& [privilege, name, letter] : privilege_names()) {
        if ((grant.privileges & bits(privilege)) == 0) continue;
        rows.add({{"grantor", grant.grantor},
                  {"grantee", grant.grantee.empty() ? "PUBLIC" : grant.grantee},
                  {"table_catalog", database},
                  {"table_schema", schema_name(context.catalog, relation->schema)},
                  {"table_name", relation->name},
                  {"privilege_type", name},
                  {"is_grantable", yes_or_no((grant.grantable & bits(privilege)) != 0)},
                  {"with_hierarchy", yes_or_no(privilege == Privilege::Select)}});
      }
    }
  }
}

/// What a table's grants let do with each of its columns, and the columns' own.
void column_privileges(RowWriter& rows, const RowContext& context) {
  const std::string database = context.facts.current_database();
  const std::string user = context.facts.current_user();
  for (const RelationObject* relation : context.catalog.relations()) {
    if (!is_listed(*relation)) continue;
    const auto of_table = shown_grants(context, *relation);
    for (const auto& column : relation->columns) {
      const auto add = [&](const GrantObject& grant) {
        for (const auto& [privilege, name, letter] : privilege_names()) {
          if ((grant.privileges & bits(privilege) & kColumnPrivileges) == 0) continue;
          rows.add({{"grantor", grant.grantor},
                    {"grantee", grant.grantee.empty() ? "PUBLIC" : grant.grantee},
                    {"table_catalog", database},
                    {"table_schema", schema_name(context.catalog, relation->schema)},
                    {"table_name", relation->name},
                    {"column_name", column.name},
                    {"privilege_type", name},
                    {"is_grantable", yes_or_no((grant.grantable & bits(privilege)) != 0)}});
        }
      };
      for (const auto& grant : of_table) add(grant);
      for (GrantObject grant : column.grants) {
        // What the table's say already is not said again.
        for (const auto& of_all : of_table) {
          if (of_all.grantee == grant.grantee && of_all.grantor == grant.grantor)
            grant.privileges &=
                static_cast<Privileges>(~of_all.privileges | (grant.grantable & ~of_all.grantable));
        }
        if (grant.grantee.empty() || is_member(context.catalog, user, grant.grantee) ||
            is_member(context.catalog, user, grant.grantor))
          add(grant);
      }
    }
  }
}

}  // namespace

void add_information_rows(RowMakers& makers) {
  makers[{"information_schema", "information_schema_catalog_name"}] = information_schema_catalog_name;
  makers[{"information_schema", "schemata"}] = schemata;
  makers[{"information_schema", "tables"}] = tables;
  makers[{"information_schema", "columns"}] = columns;
  makers[{"information_schema", "views"}] = views;
  makers[{"information_schema", "domains"}] = domains;
  makers[{"information_schema", "domain_constraints"}] = domain_constraints;
  makers[{"information_schema", "column_domain_usage"}] = column_domain_usage;
  makers[{"information_schema", "sequences"}] = sequences;
  makers[{"information_schema", "routines"}] = routines;
  makers[{"information_schema", "view_table_usage"}] = view_table_usage;
  makers[{"information_schema", "element_types"}] = element_types;
  makers[{"information_schema", "collations"}] = collations;
  makers[{"information_schema", "enabled_roles"}] = enabled_roles;
  makers[{"information_schema", "character_sets"}] = character_sets;
  makers[{"information_schema", "table_privileges"}] = table_privileges;
  makers[{"information_schema", "role_table_grants"}] = table_privileges;
  makers[{"information_schema", "column_privileges"}] = column_privileges;
  makers[{"information_schema", "role_column_grants"}] = column_privileges;
}

}  // namespace tickstone::catalog
