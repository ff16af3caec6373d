// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "base/check.hpp"
#include "catalog/chunk_facts.hpp"
#include "catalog/function_call.hpp"
#include "catalog/system_columns.hpp"
#include "types/array_value.hpp"

namespace tickstone::catalog {
namespace {

CatalogFunction read_signature(const FunctionEntry& entry) {
  CatalogFunction function;
  const std::string_view text = entry.signature;
  const auto open = text.find('(');
  const auto close = text.find(')');
  TICKSTONE_CHECK(open != std::string_view::npos && close != std::string_view::npos);
  function.name = text.substr(0, open);
  std::string_view arguments = text.substr(open + 1, close - open - 1);
  while (!arguments.empty()) {
    const auto comma = std::min(arguments.find(", "), arguments.size());
    function.arguments.push_back(facts_type(arguments.substr(0, comma)));
    arguments.remove_prefix(std::min(comma + 2, arguments.size()));
  }
  function.result = facts_type(text.substr(close + 2));
  function.null_in_null_out = entry.null_in_null_out;
  return function;
}

struct Registry {
  std::vector<CatalogFunction> functions;
  struct Overload {
    std::size_t function;
    Implementation implementation;
  };
  std::map<std::string, std::vector<Overload>, std::less<>> by_name;
};

const Registry& registry() {
  static const Registry all = [] {
    Registry made;
    for (const auto& entries :
         {definition_functions(), lookup_functions(), privilege_functions(), size_functions()}) {
      for (const FunctionEntry& entry : entries) {
        made.functions.push_back(read_signature(entry));
        made.by_name[made.functions.back().name].push_back({made.functions.size() - 1, entry.implementation});
      }
    }
    return made;
  }();
  return all;
}

/// Overloads of one name share an implementation or differ in the number of arguments, so the first with as
/// many is right.
const Registry::Overload* find_overload(std::string_view name, std::size_t argument_count) {
  const auto found = registry().by_name.find(name);
  if (found == registry().by_name.end()) return nullptr;
  for (const auto& overload : found->second) {
    if (registry().functions[overload.function].arguments.size() == argument_count) return &overload;
  }
  return nullptr;
}

}  // namespace

std::optional<NamedRelation> FunctionCall::relation(std::size_t i) const {
  return is_text(i) ? resolve_relation(catalog, facts, text(i)) : find_named(catalog, facts, oid(i));
}

const RelationObject& FunctionCall::hypertable(std::size_t i) const {
  const auto named = relation(i);
  if (!named)
    throw Error(ErrorCode::UndefinedTable, fmt::format("relation with OID {} does not exist", oid(i)));
  if (named->relation == nullptr || named->index != nullptr || !has_chunks(*named->relation)) {
    throw Error(ErrorCode::HypertableNotExist, fmt::format("table \"{}\" is not a hypertable", named->name));
  }
  return *named->relation;
}

Value oid_value(Oid oid, TypeId type) { return Value{SqlType::of(type), false, 0, oid}; }
Value text_value(std::string text) { return Value::of_text(std::move(text)); }
Value null_text() { return Value::null_of(SqlType::of(TypeId::Text)); }
Value bool_value(bool value) { return Value::of_bool(value); }
Value bigint_value(std::int64_t value) { return Value::of_bigint(value); }

Value name_array_value(const std::vector<std::string>& names) {
  ArrayBuilder builder;
  for (const auto& name : names) builder.add(name);
  Value value = Value::null_of(SqlType::array_of(TypeId::Name));
  value.is_null = false;
  value.text = builder.finish();
  return value;
}

const std::vector<CatalogFunction>& catalog_functions() { return registry().functions; }

Value call_catalog_function(std::string_view name, std::span<const Value> arguments, const Catalog& catalog,
                            const RunningFacts& facts) {
  const auto* overload = find_overload(name, arguments.size());
  if (overload == nullptr) {
    throw Error(ErrorCode::UndefinedFunction,
                fmt::format("function {} with {} arguments does not exist", name, arguments.size()));
  }
  const CatalogFunction& function = registry().functions[overload->function];
  const bool has_null =
      std::any_of(arguments.begin(), arguments.end(), [](const Value& v) { return v.is_null; });
  if (function.null_in_null_out && has_null) return Value::null_of(function.result);
  Value result = overload->implementation({name, arguments, catalog, facts});
  result.type = function.result;
  return result;
}

}  // namespace tickstone::catalog
