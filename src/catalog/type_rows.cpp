// SPDX-License-Identifier: Apache-2.0
// pg_type, pg_proc and what belongs to them. What is the same in every database is made once.
#include <fmt/format.h>

#include "catalog/function_facts.hpp"
#include "catalog/operator_classes.hpp"
#include "catalog/privileges.hpp"
#include "catalog/system_oids.hpp"
#include "catalog/system_rows.hpp"
#include "catalog/type_facts.hpp"

namespace tickstone::catalog {
namespace {

Oid function_oid(std::string_view name) {
  if (name.empty()) return 0;
  const FunctionFacts* function = find_function(name);
  return function == nullptr ? 0 : function->oid;
}

Oid subscript_handler(const TypeFacts& type) {
  if (type.element == 0) return 0;
  return function_oid(type.length < 0 ? "array_subscript_handler" : "raw_array_subscript_handler");
}

/// Whose a type is, and what a domain is made of.
struct TypeOrigin {
  Oid schema = kSchemaPgCatalog;
  Oid owner = kBootstrapRole;
  Oid base = 0;
  std::int32_t base_modifier = -1;
  bool not_null = false;
  std::string default_text;
};

void add_type(RowWriter& rows, const TypeFacts& type, const TypeOrigin& origin = {}) {
  const Cell default_text = origin.default_text.empty() ? Cell(nullptr) : Cell(origin.default_text);
  rows.add({{"oid", type.oid},
            {"typname", type.name},
            {"typnamespace", origin.schema},
            {"typowner", origin.owner},
            {"typlen", type.length},
            {"typbyval", type.by_value},
            {"typtype", type.kind},
            {"typcategory", type.category},
            {"typispreferred", type.is_preferred},
            {"typisdefined", true},
            {"typdelim", ','},
            {"typsubscript", subscript_handler(type)},
            {"typelem", type.element},
            {"typarray", type.array},
            {"typinput", function_oid(type.input)},
            {"typoutput", function_oid(type.output)},
            {"typreceive", function_oid(type.receive)},
            {"typsend", function_oid(type.send)},
            {"typmodin", function_oid(type.modifier_in)},
            {"typmodout", function_oid(type.modifier_out)},
            {"typanalyze", type.is_array() ? function_oid("array_typanalyze") : 0},
            {"typalign", type.align},
            {"typstorage", type.storage},
            {"typnotnull", origin.not_null},
            {"typbasetype", origin.base},
            {"typtypmod", origin.base_modifier},
            {"typcollation", type.collation},
            {"typdefaultbin", default_text},
            {"typdefault", default_text}});
}

void pg_type(RowWriter& rows, const RowContext& context) {
  static const Batch all = [] {
    RowWriter writer(*system_relation_columns("pg_catalog", "pg_type"), RowWriter::Unnamed::Zero);
    for (const TypeFacts& type : all_type_facts()) add_type(writer, type);
    return writer.take();
  }();
  rows.add_all(all);
  for (const TypeObject* type : context.catalog.types()) {
    TypeOrigin origin{type->schema, owner_oid(context.catalog, type->owner)};
    const TypeFacts facts = facts_of(*type);
    if (type->kind == TypeObject::Kind::Domain) {
      origin.base = oid_of(type->base);
      origin.base_modifier = typmod_of(type->base);
      origin.not_null = type->not_null;
      origin.default_text = domain_default(context, *type).value_or("");
    }
    add_type(rows, facts, origin);
    if (facts.array != 0) add_type(rows, array_facts_of(facts), {type->schema, origin.owner});
  }
}

void pg_enum(RowWriter& rows, const RowContext& context) {
  for (const TypeObject* type : context.catalog.types()) {
    double order = 0;
    for (const auto& label : type->labels)
      rows.add({{"oid", label.oid},
                {"enumtypid", type->oid},
                {"enumsortorder", ++order},
                {"enumlabel", label.text}});
  }
}

void add_function(RowWriter& rows, const FunctionFacts& function, Oid owner = kBootstrapRole,
                  const Cell& acl = nullptr) {
  constexpr Oid kLanguageInternal = 12;
  constexpr Oid kLanguageC = 13;
  constexpr Oid kLanguageSql = 14;
  std::vector<std::int64_t> types;
  std::vector<std::int64_t> all_types;
  std::vector<std::string> names;
  std::vector<std::string> modes;
  bool has_names = false;
  bool has_modes = false;
  int default_count = 0;
  std::string defaults;
  Oid variadic = 0;
  for (const auto& argument : function.arguments) {
    all_types.push_back(argument.type);
    names.push_back(argument.name);
    modes.emplace_back(argument.is_result ? "t" : argument.is_variadic ? "v" : "i");
    has_names = has_names || !argument.name.empty();
    has_modes = has_modes || argument.is_result || argument.is_variadic;
    if (!argument.is_result) types.push_back(argument.type);
    if (argument.is_variadic) {
      const TypeFacts* array = find_type_facts(argument.type);
      variadic = array != nullptr && array->element != 0 ? array->element : argument.type;
    }
    if (!argument.default_text.empty()) {
      defaults += (default_count++ == 0 ? "" : ", ") + argument.default_text;
    }
  }
  rows.add({{"oid", function.oid},
            {"proname", function.name},
            {"pronamespace", function.schema},
            {"proowner", owner},
            {"prolang", function.is_sql                       ? kLanguageSql
                        : function.schema == kSchemaPgCatalog ? kLanguageInternal
                                                              : kLanguageC},
            {"procost", function.is_sql ? 100 : 1},
            {"prorows", function.returns_set ? 1000 : 0},
            {"provariadic", variadic},
            {"prokind", function.kind},
            {"proisstrict", function.is_strict},
            {"proretset", function.returns_set},
            {"provolatile", function.volatility},
            {"proparallel", function.is_sql ? 'u' : 's'},
            {"pronargs", types.size()},
            {"pronargdefaults", default_count},
            {"prorettype", function.result},
            {"proargtypes", vector_text(types)},
            {"proallargtypes", has_modes ? Cell::integers(all_types) : Cell(nullptr)},
            {"proargmodes", has_modes ? Cell(modes) : Cell(nullptr)},
            {"proargnames", has_names ? Cell(names) : Cell(nullptr)},
            {"proargdefaults", defaults.empty() ? Cell(nullptr) : Cell(defaults)},
            {"prosrc", function.is_sql ? function.source : function.name},
            {"proacl", acl}});
}

void pg_proc(RowWriter& rows, const RowContext& context) {
  static const Batch all = [] {
    RowWriter writer(*system_relation_columns("pg_catalog", "pg_proc"), RowWriter::Unnamed::Zero);
    for (const FunctionFacts& function : all_functions()) add_function(writer, function);
    return writer.take();
  }();
  if (context.audience == Audience::Everybody) {
    rows.add_all(all);
  } else {
    for (const FunctionFacts& function : all_functions()) {
      if (function.schema == kSchemaPgCatalog) add_function(rows, function);
    }
  }
  if (context.catalog.functions().empty()) return;
  RowWriter of_users(*system_relation_columns("pg_catalog", "pg_proc"), RowWriter::Unnamed::Zero);
  for (const FunctionObject* function : context.catalog.functions())
    add_function(of_users, facts_of(*function), owner_oid(context.catalog, function->owner),
                 acl_texts(*function));
  rows.add_all(of_users.take());
}

void pg_aggregate(RowWriter& rows, const RowContext&) {
  for (const FunctionFacts& function : all_functions()) {
    if (function.kind != 'a') continue;
    const bool is_ordered_set = function.name.starts_with("percentile_") || function.name == "mode";
    rows.add({{"aggfnoid", function.oid},
              {"aggkind", is_ordered_set ? 'o' : 'n'},
              {"aggfinalmodify", 'r'},
              {"aggmfinalmodify", 'r'}});
  }
}

void pg_am(RowWriter& rows, const RowContext&) {
  const auto add = [&](Oid oid, const char* name, const char* handler, char type) {
    rows.add({{"oid", oid}, {"amname", name}, {"amhandler", function_oid(handler)}, {"amtype", type}});
  };
  add(kAccessMethodHeap, "heap", "heap_tableam_handler", 't');
  add(kAccessMethodBtree, "btree", "bthandler", 'i');
  add(kAccessMethodHash, "hash", "hashhandler", 'i');
  add(kAccessMethodGist, "gist", "gisthandler", 'i');
  add(kAccessMethodGin, "gin", "ginhandler", 'i');
  add(kAccessMethodSpgist, "spgist", "spghandler", 'i');
  add(kAccessMethodBrin, "brin", "brinhandler", 'i');
}

Oid method_oid(std::string_view method) {
  return method == "btree" ? kAccessMethodBtree : method == "hash" ? kAccessMethodHash : kAccessMethodGin;
}

void pg_opclass(RowWriter& rows, const RowContext&) {
  for (const OperatorClass& operators : operator_classes()) {
    const TypeFacts* type = find_type_facts(operators.type);
    rows.add({{"oid", operators.oid},
              {"opcmethod", method_oid(operators.method)},
              {"opcname", operators.name},
              {"opcnamespace", kSchemaPgCatalog},
              {"opcowner", kBootstrapRole},
              {"opcfamily", operators.family},
              {"opcintype", type == nullptr ? 0 : type->oid},
              {"opcdefault", operators.is_default},
              {"opckeytype", operators.key_type}});
  }
}

void pg_language(RowWriter& rows, const RowContext&) {
  const auto add = [&](Oid oid, const char* name, bool is_trusted) {
    rows.add({{"oid", oid}, {"lanname", name}, {"lanowner", kBootstrapRole}, {"lanpltrusted", is_trusted}});
  };
  add(12, "internal", false);
  add(13, "c", false);
  add(14, "sql", true);
}

void pg_collation(RowWriter& rows, const RowContext&) {
  const auto add = [&](Oid oid, const char* name, char provider, Cell locale) {
    rows.add({{"oid", oid},
              {"collname", name},
              {"collnamespace", kSchemaPgCatalog},
              {"collowner", kBootstrapRole},
              {"collprovider", provider},
              {"collisdeterministic", true},
              {"collencoding", -1},
              {"collcollate", locale},
              {"collctype", locale}});
  };
  add(kCollationDefault, "default", 'd', nullptr);
  add(kCollationC, "C", 'c', "C");
  add(951, "POSIX", 'c', "POSIX");
}

}  // namespace

void add_type_rows(RowMakers& makers) {
  makers[{"pg_catalog", "pg_type"}] = pg_type;
  makers[{"pg_catalog", "pg_enum"}] = pg_enum;
  makers[{"pg_catalog", "pg_proc"}] = pg_proc;
  makers[{"pg_catalog", "pg_aggregate"}] = pg_aggregate;
  makers[{"pg_catalog", "pg_am"}] = pg_am;
  makers[{"pg_catalog", "pg_opclass"}] = pg_opclass;
  makers[{"pg_catalog", "pg_language"}] = pg_language;
  makers[{"pg_catalog", "pg_collation"}] = pg_collation;
}

}  // namespace tickstone::catalog
