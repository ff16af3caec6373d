// SPDX-License-Identifier: Apache-2.0
// Functions that print objects as SQL, and their comments.
#include <array>

#include <fmt/format.h>

#include "catalog/definition_text.hpp"
#include "catalog/function_call.hpp"
#include "catalog/function_facts.hpp"
#include "catalog/object_names.hpp"
#include "catalog/shown_text.hpp"
#include "catalog/system_oids.hpp"
#include "catalog/system_rows.hpp"
#include "catalog/type_facts.hpp"

namespace tickstone::catalog {
namespace {

Value text_or_null(std::string text) { return text.empty() ? null_text() : text_value(std::move(text)); }

Value format_type(const FunctionCall& call) {
  if (call.is_null(0)) return null_text();
  const Oid oid = call.oid(0);
  const bool has_modifier = !call.is_null(1);
  const auto modifier = has_modifier ? static_cast<std::int32_t>(call.integer(1)) : -1;
  if (oid == 0) return text_value("-");
  if (call.catalog.find_type(oid) != nullptr) return text_value(type_text(call.catalog, call.facts, oid, -1));
  const TypeFacts* facts = find_type_facts(oid);
  if (facts == nullptr) return text_value("???");
  // A bare bpchar is printed by its internal name only where the modifier is given as absent.
  if (facts->name == "bpchar" && modifier < 0) return text_value(has_modifier ? "bpchar" : "character");
  if (facts->name == "char") return text_value("\"char\"");
  const auto type = type_from_oid(oid, modifier);
  if (type && type->id != TypeId::Unknown) return text_value(to_sql(*type));
  if (facts->is_array()) return text_value(find_type_facts(facts->element)->name + "[]");
  return text_value(facts->name == "any" ? "\"any\"" : facts->name);
}

Value get_expr(const FunctionCall& call) { return text_value(call.text(0)); }

Value get_indexdef(const FunctionCall& call) {
  const auto [relation, found] = call.catalog.find_index(call.oid(0));
  if (found == nullptr) return null_text();
  const IndexObject shown = shown_index(call.catalog, call.facts, *found);
  const IndexObject* index = &shown;
  const auto column = call.count() == 3 ? call.integer(1) : 0;
  const bool is_pretty = call.count() == 3 && call.boolean(2);
  if (column > 0) {
    const auto position = static_cast<std::size_t>(column - 1);
    if (position < index->keys.size())
      return text_value(index_key_text(*relation, index->keys[position], is_pretty));
    const std::size_t included = position - index->keys.size();
    if (included >= index->include.size()) return text_value("");
    return text_value(index_key_text(*relation, {index->include[included], {}, false, false}, is_pretty));
  }
  if (!is_pretty) return text_value(index_definition(call.catalog, *relation, *index));
  return text_value(
      index_definition(*relation, *index, visible_name(call.catalog, call.facts, relation->oid), true));
}

Value get_constraintdef(const FunctionCall& call) {
  for (const TypeObject* type : call.catalog.types()) {
    for (const auto& check : type->checks) {
      if (check.oid == call.oid(0)) return text_value(domain_check_definition(check));
    }
  }
  for (const RelationObject* relation : call.catalog.relations()) {
    for (const auto& constraint : relation->constraints) {
      if (constraint.oid == call.oid(0)) {
        const bool is_pretty = call.count() == 2 && call.boolean(1);
        return text_value(constraint_definition(call.catalog, *relation, constraint, is_pretty, &call.facts));
      }
    }
  }
  return null_text();
}

Value get_viewdef(const FunctionCall& call) {
  const auto named = call.relation(0);
  if (!named || named->relation == nullptr || named->index != nullptr) return null_text();
  return text_or_null(view_definition(call.catalog, call.facts, *named->relation));
}

Value get_ruledef(const FunctionCall& call) {
  for (const RelationObject* relation : call.catalog.relations()) {
    if (relation_kind_letter(*relation) != 'v' || rule_oid(*relation) != call.oid(0)) continue;
    return text_value(fmt::format("CREATE RULE \"_RETURN\" AS\n    ON SELECT TO {} DO INSTEAD {}",
                                  qualified_name(schema_name(call.catalog, relation->schema), relation->name),
                                  view_definition(call.catalog, call.facts, *relation)));
  }
  return null_text();
}

Value get_nothing(const FunctionCall&) { return null_text(); }

Value get_function_result(const FunctionCall& call) {
  const auto function = find_any_function(call.catalog, call.oid(0));
  return !function ? null_text() : text_or_null(function_result_text(*function));
}

Value get_function_arguments(const FunctionCall& call) {
  const auto function = find_any_function(call.catalog, call.oid(0));
  return !function ? null_text() : text_value(function_arguments_text(*function, true));
}

Value get_function_identity_arguments(const FunctionCall& call) {
  const auto function = find_any_function(call.catalog, call.oid(0));
  return !function ? null_text() : text_value(function_arguments_text(*function, false));
}

std::string dollar_quoted(const std::string& body, std::string tag) {
  while (body.find("$" + tag + "$") != std::string::npos) tag += 'x';
  return fmt::format("${0}${1}${0}$", tag, body);
}

Value get_functiondef(const FunctionCall& call) {
  const auto function = find_any_function(call.catalog, call.oid(0));
  if (!function) return null_text();
  if (function->kind == 'a') {
    throw Error(ErrorCode::WrongObjectType, fmt::format("\"{}\" is an aggregate function", function->name));
  }
  const bool is_procedure = function->kind == 'p';
  std::string text = fmt::format("CREATE OR REPLACE {} {}({})\n", is_procedure ? "PROCEDURE" : "FUNCTION",
                                 qualified_name(schema_name(call.catalog, function->schema), function->name),
                                 function_arguments_text(*function, true));
  if (!is_procedure) text += fmt::format(" RETURNS {}\n", function_result_text(*function));
  if (!function->is_sql)
    return text_value(text + fmt::format(" LANGUAGE internal\nAS $function${}$function$\n", function->name));
  text += " LANGUAGE sql\n";
  std::string properties;
  if (!is_procedure && function->volatility != 'v')
    properties += function->volatility == 'i' ? " IMMUTABLE" : " STABLE";
  if (function->is_strict) properties += " STRICT";
  if (!properties.empty()) text += properties + '\n';
  return text_value(text + "AS " + dollar_quoted(function->source, is_procedure ? "procedure" : "function") +
                    '\n');
}

Value get_serial_sequence(const FunctionCall& call) {
  const NamedRelation named = resolve_relation(call.catalog, call.facts, call.text(0));
  const RelationObject* relation = named.index == nullptr ? named.relation : nullptr;
  // The column's name is taken as it stands, not folded.
  const ColumnObject* column = relation == nullptr ? nullptr : relation->find_column(call.text(1));
  if (column == nullptr) {
    throw Error(ErrorCode::UndefinedColumn,
                fmt::format("column \"{}\" of relation \"{}\" does not exist", call.text(1), named.name));
  }
  const RelationObject* sequence = call.catalog.find_relation(column->sequence);
  if (sequence == nullptr) return null_text();
  return text_value(qualified_name(schema_name(call.catalog, sequence->schema), sequence->name));
}

/// By its OID, in the catalog of that name; empty: in any.
Value description_of(const Catalog& catalog, Oid oid, std::string_view of_class) {
  const auto is_in = [&](std::string_view name) { return of_class.empty() || of_class == name; };
  if (const FunctionObject* function = is_in("pg_proc") ? catalog.find_function(oid) : nullptr)
    return text_or_null(function->comment);
  if (const TypeObject* type = is_in("pg_type") ? catalog.find_type(oid) : nullptr;
      type != nullptr && type->oid == oid)
    return text_or_null(type->comment);
  if (is_in("pg_class")) {
    if (const RelationObject* relation = catalog.find_relation(oid)) return text_or_null(relation->comment);
    if (const IndexObject* index = catalog.find_index(oid).second) return text_or_null(index->comment);
  }
  if (const SchemaObject* schema = is_in("pg_namespace") ? catalog.find_schema(oid) : nullptr)
    return text_or_null(schema_comment(*schema));
  if (is_in("pg_extension")) {
    for (const ExtensionObject* extension : catalog.extensions())
      if (extension->oid == oid) return text_or_null(extension->comment);
  }
  if (is_in("pg_constraint")) {
    for (const RelationObject* relation : catalog.relations()) {
      for (const auto& constraint : relation->constraints)
        if (constraint.oid == oid) return text_or_null(constraint.comment);
    }
  }
  return null_text();
}

Value obj_description(const FunctionCall& call) {
  return description_of(call.catalog, call.oid(0), call.count() == 1 ? std::string_view() : call.text(1));
}

Value col_description(const FunctionCall& call) {
  const RelationObject* relation = call.catalog.find_relation(call.oid(0));
  if (relation == nullptr) return null_text();
  for (const auto& column : relation->columns) {
    if (attribute_number(*relation, column) == call.integer(1)) return text_or_null(column.comment);
  }
  return null_text();
}

/// Of what all databases share.
Value shobj_description(const FunctionCall& call) {
  if (call.text(1) == "pg_database" && call.oid(0) == kDatabase)
    return text_or_null(call.catalog.database().comment);
  if (call.text(1) == "pg_authid") {
    for (const RoleObject* role : call.catalog.roles()) {
      if (role->oid == call.oid(0)) return text_or_null(role->comment);
    }
  }
  return null_text();
}

constexpr auto kFunctions = std::to_array<FunctionEntry>({
    {"format_type(oid, int4) text", format_type, false},
    {"pg_get_expr(text, oid) text", get_expr},
    {"pg_get_expr(text, oid, bool) text", get_expr},
    {"pg_get_indexdef(oid) text", get_indexdef},
    {"pg_get_indexdef(oid, int4, bool) text", get_indexdef},
    {"pg_get_constraintdef(oid) text", get_constraintdef},
    {"pg_get_constraintdef(oid, bool) text", get_constraintdef},
    {"pg_get_viewdef(oid) text", get_viewdef},
    {"pg_get_viewdef(text) text", get_viewdef},
    {"pg_get_viewdef(oid, bool) text", get_viewdef},
    {"pg_get_viewdef(text, bool) text", get_viewdef},
    {"pg_get_viewdef(oid, int4) text", get_viewdef},
    {"pg_get_ruledef(oid) text", get_ruledef},
    {"pg_get_ruledef(oid, bool) text", get_ruledef},
    {"pg_get_triggerdef(oid) text", get_nothing},
    {"pg_get_triggerdef(oid, bool) text", get_nothing},
    {"pg_get_functiondef(oid) text", get_functiondef},
    {"pg_get_function_result(oid) text", get_function_result},
    {"pg_get_function_arguments(oid) text", get_function_arguments},
    {"pg_get_function_identity_arguments(oid) text", get_function_identity_arguments},
    {"pg_get_function_arg_default(oid, int4) text", get_nothing},
    {"pg_get_function_sqlbody(oid) text", get_nothing},
    {"pg_get_serial_sequence(text, text) text", get_serial_sequence},
    {"pg_get_partkeydef(oid) text", get_nothing},
    {"pg_get_partition_constraintdef(oid) text", get_nothing},
    {"pg_get_statisticsobjdef(oid) text", get_nothing},
    {"pg_get_statisticsobjdef_columns(oid) text", get_nothing},
    {"obj_description(oid) text", obj_description},
    {"obj_description(oid, text) text", obj_description},
    {"col_description(oid, int4) text", col_description},
    {"shobj_description(oid, text) text", shobj_description},
});

}  // namespace

std::span<const FunctionEntry> definition_functions() { return kFunctions; }

}  // namespace tickstone::catalog
