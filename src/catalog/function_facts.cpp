// SPDX-License-Identifier: Apache-2.0
#include "catalog/function_facts.hpp"

#include <charconv>
#include <map>

#include "base/check.hpp"
#include "catalog/catalog.hpp"
#include "catalog/keywords.hpp"
#include "catalog/system_oids.hpp"
#include "catalog/type_facts.hpp"
#include "types/sql_type.hpp"

namespace tickstone::catalog {
namespace {

// The text's form: entries end with `;`.
//   [oid] name(arguments) [setof] type flags      or      ... table(columns) flags
// An argument is `type`, `name type` or `name type = default`, after `variadic` where it is. Types by
// PostgreSQL's internal names, `[]` for arrays. Flags: kind, volatility, s for strict (else n).

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\n'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view take_word(std::string_view& text) {
  text = trimmed(text);
  const auto end = std::min(text.find_first_of(" \n"), text.size());
  const auto word = text.substr(0, end);
  text = trimmed(text.substr(end));
  return word;
}

Oid type_oid(std::string_view name) {
  const bool is_array = name.ends_with("[]");
  if (is_array) name.remove_suffix(2);
  const TypeFacts* type = find_type_facts(name);
  TICKSTONE_CHECK(type != nullptr);
  return is_array ? type->array : type->oid;
}

FunctionFacts::Argument read_argument(std::string_view text) {
  FunctionFacts::Argument argument;
  const auto equals = text.find('=');
  if (equals != std::string_view::npos) {
    argument.default_text = trimmed(text.substr(equals + 1));
    text = trimmed(text.substr(0, equals));
  }
  std::string_view word = take_word(text);
  if (word == "variadic") {
    argument.is_variadic = true;
    word = take_word(text);
  }
  if (text.empty()) {
    argument.type = type_oid(word);
  } else {
    argument.name = word;
    argument.type = type_oid(text);
  }
  return argument;
}

std::vector<FunctionFacts::Argument> read_arguments(std::string_view text) {
  std::vector<FunctionFacts::Argument> arguments;
  while (!(text = trimmed(text)).empty()) {
    const auto comma = std::min(text.find(','), text.size());
    arguments.push_back(read_argument(trimmed(text.substr(0, comma))));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return arguments;
}

FunctionFacts read_function(std::string_view text) {
  FunctionFacts function;
  const auto open = text.find('(');
  const auto close = text.find(')');
  std::string_view head = text.substr(0, open);
  std::string_view word = take_word(head);
  if (!head.empty()) {
    std::from_chars(word.begin(), word.end(), function.oid);
    word = head;
  }
  const auto dot = word.find('.');
  if (dot != std::string_view::npos) word.remove_prefix(dot + 1);
  function.name = word;
  function.arguments = read_arguments(text.substr(open + 1, close - open - 1));
  std::string_view tail = trimmed(text.substr(close + 1));
  if (tail.starts_with("table(")) {
    const auto end = tail.find(')');
    auto columns = read_arguments(tail.substr(6, end - 6));
    // A table of one column is a set of that column's type.
    function.result = columns.size() == 1 ? columns.front().type : type_oid("record");
    function.returns_set = true;
    for (auto& column : columns) {
      column.is_result = true;
      function.arguments.push_back(std::move(column));
    }
    tail = trimmed(tail.substr(end + 1));
  } else {
    std::string_view result = take_word(tail);
    if (result == "setof") {
      function.returns_set = true;
      result = take_word(tail);
    }
    function.result = type_oid(result);
  }
  TICKSTONE_CHECK(tail.size() == 3);
  function.kind = tail[0];
  function.volatility = tail[1];
  function.is_strict = tail[2] == 's';
  return function;
}

/// The schema that the entry's name gives, else `schema`.
Oid schema_of(std::string_view entry, Oid schema) {
  if (entry.starts_with("_timescaledb_functions.")) return kSchemaTimescaleFunctions;
  if (entry.starts_with("timescaledb_experimental.")) return kSchemaTimescaleExperimental;
  return schema;
}

void read_functions(std::string_view text, Oid schema, std::vector<FunctionFacts>& into) {
  while (!(text = trimmed(text)).empty()) {
    const auto end = text.find(';');
    TICKSTONE_CHECK(end != std::string_view::npos);
    const auto entry = text.substr(0, end);
    into.push_back(read_function(entry));
    into.back().schema = schema_of(entry, schema);
    text.remove_prefix(end + 1);
  }
}

std::string type_text(Oid oid) {
  const auto type = type_from_oid(oid);
  if (type && type->id != TypeId::Unknown) return to_sql(*type);
  const TypeFacts* facts = find_type_facts(oid);
  TICKSTONE_CHECK(facts != nullptr);
  if (facts->is_array()) return find_type_facts(facts->element)->name + "[]";
  return facts->name == "any" ? "\"any\"" : facts->name;
}

void append_argument(std::string& text, const FunctionFacts::Argument& argument, bool with_defaults) {
  if (argument.is_variadic) text += "VARIADIC ";
  if (!argument.name.empty()) text += quote_identifier(argument.name) + ' ';
  text += type_text(argument.type);
  if (!with_defaults || argument.default_text.empty()) return;
  text += " DEFAULT " + argument.default_text;
  if (argument.default_text == "NULL") text += "::" + type_text(argument.type);
}

}  // namespace

const std::vector<FunctionFacts>& all_functions() {
  static const std::vector<FunctionFacts> all = [] {
    std::vector<FunctionFacts> functions;
    read_functions(kBuiltinFunctions, kSchemaPgCatalog, functions);
    read_functions(kBuiltinAggregates, kSchemaPgCatalog, functions);
    read_functions(kCatalogFunctions, kSchemaPgCatalog, functions);
    read_functions(kTypeFunctions, kSchemaPgCatalog, functions);
    read_functions(kTimescaleFunctions, kSchemaPublic, functions);
    read_functions(kTimescaleProcedures, kSchemaPublic, functions);
    read_functions(kTickstoneFunctions, kSchemaPgCatalog, functions);
    Oid next = kFirstOwnFunction;
    for (auto& function : functions) {
      if (function.oid == 0) function.oid = next++;
    }
    return functions;
  }();
  return all;
}

const FunctionFacts* find_function(Oid oid) {
  static const auto by_oid = [] {
    std::map<Oid, const FunctionFacts*> map;
    for (const auto& function : all_functions()) map.emplace(function.oid, &function);
    return map;
  }();
  const auto found = by_oid.find(oid);
  return found == by_oid.end() ? nullptr : found->second;
}

const FunctionFacts* find_function(std::string_view name) {
  static const auto by_name = [] {
    std::map<std::string_view, const FunctionFacts*> map;
    for (const auto& function : all_functions()) map.emplace(function.name, &function);
    return map;
  }();
  const auto found = by_name.find(name);
  return found == by_name.end() ? nullptr : found->second;
}

FunctionFacts facts_of(const FunctionObject& function) {
  FunctionFacts facts;
  facts.oid = function.oid;
  facts.schema = function.schema;
  facts.name = function.name;
  for (const auto& argument : function.arguments)
    facts.arguments.push_back({argument.name, oid_of(argument.type), argument.default_text, false, false});
  for (const auto& column : function.columns)
    facts.arguments.push_back({column.name, oid_of(column.type), {}, false, true});
  facts.result = function.is_procedure ? 0 : oid_of(function.result);
  facts.returns_set = function.returns_set;
  facts.kind = function.is_procedure ? 'p' : 'f';
  facts.volatility = function.volatility;
  facts.is_strict = function.is_strict;
  facts.is_sql = true;
  facts.owner = function.owner;
  facts.source = function.body;
  return facts;
}

std::optional<FunctionFacts> find_any_function(const Catalog& catalog, Oid oid) {
  if (const FunctionFacts* facts = find_function(oid)) return *facts;
  const FunctionObject* function = catalog.find_function(oid);
  return function == nullptr ? std::nullopt : std::optional(facts_of(*function));
}

std::string function_arguments_text(const FunctionFacts& function, bool with_defaults) {
  std::string text;
  for (const auto& argument : function.arguments) {
    if (argument.is_result) continue;
    if (!text.empty()) text += ", ";
    if (function.kind == 'p' && !argument.is_variadic) text += "IN ";  // as PostgreSQL has it since 14
    append_argument(text, argument, with_defaults);
  }
  return text;
}

std::string function_result_text(const FunctionFacts& function) {
  if (function.kind == 'p') return {};
  std::string columns;
  for (const auto& argument : function.arguments) {
    if (!argument.is_result) continue;
    if (!columns.empty()) columns += ", ";
    append_argument(columns, argument, false);
  }
  if (!columns.empty()) return "TABLE(" + columns + ")";
  return (function.returns_set ? "SETOF " : "") + type_text(function.result);
}

}  // namespace tickstone::catalog
