// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "catalog/catalog.hpp"
#include "catalog/name_lookup.hpp"

namespace tickstone::catalog {

/// One call of a catalog function: its arguments and what it may look at.
struct FunctionCall {
  std::string_view name;
  std::span<const Value> arguments;
  const Catalog& catalog;
  const RunningFacts& facts;

  std::size_t count() const { return arguments.size(); }
  bool is_text(std::size_t i) const { return is_text_like(arguments[i].type.id); }
  bool is_null(std::size_t i) const { return i >= arguments.size() || arguments[i].is_null; }
  Oid oid(std::size_t i) const { return static_cast<Oid>(arguments[i].integer); }
  std::int64_t integer(std::size_t i) const { return static_cast<std::int64_t>(arguments[i].integer); }
  bool boolean(std::size_t i) const { return arguments[i].integer != 0; }
  const std::string& text(std::size_t i) const { return arguments[i].text; }
  /// A relation by OID or by name. Nothing for an OID that does not exist; UndefinedTable for a name.
  std::optional<NamedRelation> relation(std::size_t i) const;
  /// A hypertable or continuous aggregate. Errors: UndefinedTable, HypertableNotExist.
  const RelationObject& hypertable(std::size_t i) const;
};

using Implementation = Value (*)(const FunctionCall& call);

struct FunctionEntry {
  /// `name(type, type) result`, types by PostgreSQL's internal names.
  const char* signature;
  Implementation implementation;
  bool null_in_null_out = true;
};

// One list a file.
std::span<const FunctionEntry> definition_functions();
std::span<const FunctionEntry> lookup_functions();
std::span<const FunctionEntry> privilege_functions();
std::span<const FunctionEntry> size_functions();

// Results.
Value oid_value(Oid oid, TypeId type = TypeId::Oid);
Value text_value(std::string text);
Value null_text();
Value bool_value(bool value);
Value bigint_value(std::int64_t value);
Value name_array_value(const std::vector<std::string>& names);

}  // namespace tickstone::catalog
