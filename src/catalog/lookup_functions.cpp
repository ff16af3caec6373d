// SPDX-License-Identifier: Apache-2.0
// Functions between names and OIDs, and of visibility.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "catalog/function_call.hpp"
#include "catalog/function_facts.hpp"
#include "catalog/object_names.hpp"
#include "catalog/role_facts.hpp"
#include "catalog/system_oids.hpp"
#include "catalog/system_rows.hpp"
#include "catalog/type_facts.hpp"

namespace tickstone::catalog {
namespace {

Value get_userbyid(const FunctionCall& call) {
  if (auto name = role_name(call.catalog, call.oid(0)); !name.empty()) return text_value(std::move(name));
  return text_value(fmt::format("unknown (OID={})", call.oid(0)));
}

Value table_is_visible(const FunctionCall& call) {
  const auto named = find_named(call.catalog, call.facts, call.oid(0));
  if (!named) return Value::null_of(SqlType::of(TypeId::Boolean));
  return bool_value(is_visible(call.catalog, call.facts, *named));
}

Value function_is_visible(const FunctionCall& call) {
  const auto function = find_any_function(call.catalog, call.oid(0));
  if (!function) return Value::null_of(SqlType::of(TypeId::Boolean));
  const auto path = effective_search_path(call.facts);
  return bool_value(std::find(path.begin(), path.end(), schema_name(call.catalog, function->schema)) !=
                    path.end());
}

/// Types, operators and the like are all in pg_catalog, which is always searched.
Value is_always_visible(const FunctionCall&) { return bool_value(true); }

// From text to OIDs

Value to_regclass(const FunctionCall& call) {
  const auto found = find_by_text(call.catalog, call.facts, call.text(0));
  return found ? oid_value(found->oid) : Value::null_of(SqlType::of(TypeId::Regclass));
}

Value to_regclass_oid(const FunctionCall& call) {
  if (call.text(0) == "-") return oid_value(0);
  return oid_value(resolve_relation(call.catalog, call.facts, call.text(0)).oid);
}

/// A user's type by its name, perhaps with a schema, of arrays too; nothing where there is none.
std::optional<Oid> user_type_from_text(const FunctionCall& call, std::string_view text) {
  const bool is_array = text.ends_with("[]");
  if (is_array) text.remove_suffix(2);
  const auto parts = split_identifier(text);
  if (parts.empty() || parts.size() > 2) return std::nullopt;
  std::vector<std::string> path = effective_search_path(call.facts);
  if (parts.size() == 2) path.assign(1, parts.front());
  for (const auto& schema : path) {
    if (const TypeObject* type = call.catalog.find_type(schema, parts.back()))
      return type->oid + (is_array ? 1 : 0);
  }
  return std::nullopt;
}

/// A type as SQL or pg_type names it: `int4`, `numeric(10,2)`, `text[]`, `"char"`, `pg_catalog.text`.
std::optional<Oid> type_from_text(std::string text) {
  if (text.starts_with("pg_catalog.")) text.erase(0, 11);
  if (!text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    return static_cast<Oid>(std::stoul(text.substr(0, 10)));
  }
  bool is_array = false;
  if (text.ends_with("[]")) {
    is_array = true;
    text.erase(text.size() - 2);
  }
  if (const auto open = text.find('('); open != std::string::npos) {
    const auto close = text.find(')', open);
    text.erase(open, close == std::string::npos ? close : close - open + 1);
  }
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  while (!text.empty() && text.back() == ' ') text.pop_back();
  const TypeFacts* facts = nullptr;
  if (text == "\"char\"") {
    facts = find_type_facts("char");
  } else if (text == "char" || text == "character") {
    facts = find_type_facts("bpchar");
  } else if (const auto id = type_id_from_name(text)) {
    facts = find_type_facts(oid_of(SqlType::of(*id)));
  } else {
    facts = find_type_facts(text);
  }
  if (facts == nullptr) return std::nullopt;
  return is_array ? facts->array : facts->oid;
}

Value to_regtype(const FunctionCall& call) {
  auto oid = type_from_text(call.text(0));
  if (!oid) oid = user_type_from_text(call, call.text(0));
  return oid ? oid_value(*oid) : Value::null_of(SqlType::of(TypeId::Regtype));
}

Value to_regtype_oid(const FunctionCall& call) {
  if (call.text(0) == "-") return oid_value(0);
  auto oid = type_from_text(call.text(0));
  if (!oid) oid = user_type_from_text(call, call.text(0));
  if (!oid) throw Error(ErrorCode::UndefinedObject, fmt::format("type \"{}\" does not exist", call.text(0)));
  return oid_value(*oid);
}

/// The types between parentheses; nothing where there are none, or one is unknown.
std::optional<std::vector<TypeId>> argument_types(std::string_view text) {
  const auto open = text.find('(');
  const auto close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return std::nullopt;
  std::string_view list = text.substr(open + 1, close - open - 1);
  std::vector<TypeId> types;
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    std::string_view name = list.substr(0, end);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (const auto type = type_id_from_name(name))
      types.push_back(*type);
    else if (!name.empty())
      return std::nullopt;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return types;
}

const FunctionObject* user_function_from_text(const FunctionCall& call,
                                              const std::vector<std::string>& parts) {
  const auto types = argument_types(call.text(0));
  std::vector<std::string> path = effective_search_path(call.facts);
  if (parts.size() == 2) path.assign(1, parts.front());
  for (const auto& schema : path) {
    std::vector<const FunctionObject*> found = call.catalog.find_functions(schema, parts.back());
    if (types) {
      std::erase_if(found, [&](const FunctionObject* function) {
        return !std::equal(function->arguments.begin(), function->arguments.end(), types->begin(),
                           types->end(), [](const auto& argument, TypeId type) {
                             return argument.type.id == type && !argument.type.is_array;
                           });
      });
    }
    if (found.size() > 1) {
      throw Error(ErrorCode::AmbiguousFunction,
                  fmt::format("more than one function named \"{}\"", call.text(0)));
    }
    if (!found.empty()) return found.front();
  }
  return nullptr;
}

std::optional<FunctionFacts> function_from_text(const FunctionCall& call) {
  std::string_view text = call.text(0);
  text = text.substr(0, std::min(text.find('('), text.size()));
  const auto parts = split_identifier(text);
  if (parts.empty() || parts.size() > 2) return std::nullopt;
  const FunctionFacts* function = find_function(parts.back());
  if (function != nullptr &&
      (parts.size() == 1 || schema_name(call.catalog, function->schema) == parts.front()))
    return *function;
  const FunctionObject* of_user = user_function_from_text(call, parts);
  return of_user == nullptr ? std::nullopt : std::optional(facts_of(*of_user));
}

Value to_regproc(const FunctionCall& call) {
  const auto function = function_from_text(call);
  return function ? oid_value(function->oid) : Value::null_of(SqlType::of(TypeId::Regproc));
}

Value to_regproc_oid(const FunctionCall& call) {
  if (call.text(0) == "-") return oid_value(0);
  const auto function = function_from_text(call);
  if (function) return oid_value(function->oid);
  throw Error(ErrorCode::UndefinedFunction, fmt::format("function \"{}\" does not exist", call.text(0)));
}

const SchemaObject* schema_from_text(const FunctionCall& call) {
  const auto parts = split_identifier(call.text(0));
  return parts.size() == 1 ? call.catalog.find_schema(parts[0]) : nullptr;
}

Value to_regnamespace(const FunctionCall& call) {
  const SchemaObject* schema = schema_from_text(call);
  return schema != nullptr ? oid_value(schema->oid) : Value::null_of(SqlType::of(TypeId::Regnamespace));
}

Value to_regnamespace_oid(const FunctionCall& call) {
  if (call.text(0) == "-") return oid_value(0);
  const SchemaObject* schema = schema_from_text(call);
  if (schema != nullptr) return oid_value(schema->oid);
  throw Error(ErrorCode::InvalidSchemaName, fmt::format("schema \"{}\" does not exist", call.text(0)));
}

Value to_regrole(const FunctionCall& call) {
  const auto parts = split_identifier(call.text(0));
  const Oid role = parts.size() == 1 ? role_oid(call.catalog, parts[0]) : 0;
  return role != 0 ? oid_value(role) : Value::null_of(SqlType::of(TypeId::Regrole));
}

Value to_regrole_oid(const FunctionCall& call) {
  const auto parts = split_identifier(call.text(0));
  if (const Oid role = parts.size() == 1 ? role_oid(call.catalog, parts[0]) : 0) return oid_value(role);
  throw Error(ErrorCode::UndefinedObject, fmt::format("role \"{}\" does not exist", call.text(0)));
}

// From OIDs to text

Value regclass_name(const FunctionCall& call) {
  return text_value(call.oid(0) == 0 ? "-" : visible_name(call.catalog, call.facts, call.oid(0)));
}

Value regtype_name(const FunctionCall& call) {
  const Oid oid = call.oid(0);
  if (oid == 0) return text_value("-");
  if (call.catalog.find_type(oid) != nullptr) return text_value(type_text(call.catalog, call.facts, oid, -1));
  const TypeFacts* facts = find_type_facts(oid);
  if (facts == nullptr) return text_value(std::to_string(oid));
  const auto type = type_from_oid(oid);
  if (facts->name == "char") return text_value("\"char\"");
  if (facts->name == "bpchar") return text_value("character");
  return text_value(type && type->id != TypeId::Unknown ? to_sql(*type) : facts->name);
}

Value regproc_name(const FunctionCall& call) {
  const auto function = find_any_function(call.catalog, call.oid(0));
  if (call.oid(0) == 0) return text_value("-");
  if (!function) return text_value(std::to_string(call.oid(0)));
  const auto path = effective_search_path(call.facts);
  const std::string& schema = schema_name(call.catalog, function->schema);
  if (function->is_sql && std::find(path.begin(), path.end(), schema) == path.end())
    return text_value(qualified_name(schema, function->name));
  return text_value(quote_identifier(function->name));
}

Value regnamespace_name(const FunctionCall& call) {
  const SchemaObject* schema = call.catalog.find_schema(call.oid(0));
  if (call.oid(0) == 0) return text_value("-");
  return text_value(schema == nullptr ? std::to_string(call.oid(0)) : quote_identifier(schema->name));
}

Value regrole_name(const FunctionCall& call) {
  if (call.oid(0) == 0) return text_value("-");
  if (const auto name = role_name(call.catalog, call.oid(0)); !name.empty())
    return text_value(quote_identifier(name));
  return text_value(std::to_string(call.oid(0)));
}

// The rest

Value current_schemas(const FunctionCall& call) {
  std::vector<std::string> names;
  const auto path = call.boolean(0) ? effective_search_path(call.facts) : call.facts.search_path();
  for (const auto& name : path) {
    // The engine may have put the implicit schema there already.
    if (!call.boolean(0) && name == "pg_catalog") continue;
    if (call.catalog.find_schema(name) != nullptr) names.push_back(name);
  }
  return name_array_value(names);
}

constexpr int kEncodingUtf8 = 6;

Value encoding_to_char(const FunctionCall& call) {
  return text_value(call.integer(0) == kEncodingUtf8 ? "UTF8" : call.integer(0) == 0 ? "SQL_ASCII" : "");
}

Value char_to_encoding(const FunctionCall& call) {
  const bool is_utf8 = call.text(0) == "UTF8" || call.text(0) == "utf8" || call.text(0) == "UTF-8";
  return Value::of_integer(is_utf8 ? kEncodingUtf8 : -1);
}

Value relation_is_publishable(const FunctionCall& call) {
  const RelationObject* relation = call.catalog.find_relation(call.oid(0));
  return bool_value(relation != nullptr && relation->kind == RelationKind::Table && !relation->temporary);
}

Value is_false(const FunctionCall&) { return bool_value(false); }
Value no_oid(const FunctionCall&) { return oid_value(0); }
Value database_encoding(const FunctionCall&) { return text_value("UTF8"); }
Value client_encoding(const FunctionCall& call) {
  for (const auto& setting : call.facts.settings_shown()) {
    if (setting.name == "client_encoding") return text_value(setting.value);
  }
  return text_value("UTF8");
}
Value empty_text(const FunctionCall&) { return text_value(""); }

Value sequence_last_value(const FunctionCall& call) {
  const auto value = call.facts.last_sequence_value(call.oid(0));
  return value ? bigint_value(*value) : Value::null_of(SqlType::of(TypeId::BigInt));
}

/// What indexes of an access method can; nothing for another name.
Value indexam_has_property(const FunctionCall& call) {
  struct Method {
    Oid oid;
    std::string_view properties;
  };
  static constexpr auto kMethods = std::to_array<Method>({
      {403, "can_order can_unique can_multi_col can_exclude can_include"},  // btree
      {405, "can_exclude"},                                                 // hash
      {783, "can_multi_col can_exclude can_include"},                       // gist
      {2742, "can_multi_col"},                                              // gin
      {3580, "can_multi_col"},                                              // brin
      {4000, "can_exclude can_include"},                                    // spgist
  });
  static constexpr std::string_view kAll = " can_order can_unique can_multi_col can_exclude can_include ";
  const Value nothing = Value::null_of(SqlType::of(TypeId::Boolean));
  const std::string property = " " + call.text(1) + " ";
  if (kAll.find(property) == std::string_view::npos) return nothing;
  for (const auto& method : kMethods) {
    if (method.oid == call.oid(0))
      return bool_value((" " + std::string(method.properties) + " ").find(property) != std::string::npos);
  }
  return nothing;
}

Value no_count(const FunctionCall&) { return bigint_value(0); }

/// A text as a label of an enum type, by the type's OID.
Value enum_label(const FunctionCall& call) {
  const auto labels = call.catalog.enum_labels(call.oid(1));
  if (labels == nullptr)
    throw Error(ErrorCode::UndefinedObject, fmt::format("type with OID {} does not exist", call.oid(1)));
  labels->number_of(call.text(0));
  return text_value(std::string(call.text(0)));
}

constexpr auto kFunctions = std::to_array<FunctionEntry>({
    {"pg_get_userbyid(oid) name", get_userbyid},
    {"pg_table_is_visible(oid) bool", table_is_visible},
    {"pg_function_is_visible(oid) bool", function_is_visible},
    {"pg_type_is_visible(oid) bool", is_always_visible},
    {"pg_operator_is_visible(oid) bool", is_always_visible},
    {"pg_opclass_is_visible(oid) bool", is_always_visible},
    {"pg_opfamily_is_visible(oid) bool", is_always_visible},
    {"pg_collation_is_visible(oid) bool", is_always_visible},
    {"pg_conversion_is_visible(oid) bool", is_always_visible},
    {"pg_statistics_obj_is_visible(oid) bool", is_always_visible},
    {"pg_ts_config_is_visible(oid) bool", is_always_visible},
    {"pg_ts_dict_is_visible(oid) bool", is_always_visible},
    {"pg_ts_parser_is_visible(oid) bool", is_always_visible},
    {"pg_ts_template_is_visible(oid) bool", is_always_visible},
    {"to_regclass(text) regclass", to_regclass},
    {"to_regtype(text) regtype", to_regtype},
    {"to_regproc(text) regproc", to_regproc},
    {"to_regprocedure(text) regproc", to_regproc},
    {"to_regnamespace(text) regnamespace", to_regnamespace},
    {"to_regrole(text) regrole", to_regrole},
    {"to_regclass_oid(text) oid", to_regclass_oid},
    {"to_regtype_oid(text) oid", to_regtype_oid},
    {"to_regproc_oid(text) oid", to_regproc_oid},
    {"to_regnamespace_oid(text) oid", to_regnamespace_oid},
    {"to_regrole_oid(text) oid", to_regrole_oid},
    {"regclass_name(oid) text", regclass_name},
    {"regtype_name(oid) text", regtype_name},
    {"regproc_name(oid) text", regproc_name},
    {"regnamespace_name(oid) text", regnamespace_name},
    {"regrole_name(oid) text", regrole_name},
    {"pg_enum_label(text, oid) text", enum_label},
    {"current_schemas(bool) name[]", current_schemas},
    {"pg_encoding_to_char(int4) name", encoding_to_char},
    {"pg_char_to_encoding(name) int4", char_to_encoding},
    {"pg_relation_is_publishable(oid) bool", relation_is_publishable},
    {"getdatabaseencoding() name", database_encoding},
    {"pg_client_encoding() name", client_encoding},
    {"pg_is_in_recovery() bool", is_false},
    {"pg_is_other_temp_schema(oid) bool", is_false},
    {"row_security_active(oid) bool", is_false},
    {"pg_my_temp_schema() oid", no_oid},
    {"pg_tablespace_location(oid) text", empty_text},
    {"pg_sequence_last_value(oid) int8", sequence_last_value},
    {"pg_indexam_has_property(oid, text) bool", indexam_has_property},
    {"pg_stat_get_numscans(oid) int8", no_count},
});

}  // namespace

std::span<const FunctionEntry> lookup_functions() { return kFunctions; }

}  // namespace tickstone::catalog
