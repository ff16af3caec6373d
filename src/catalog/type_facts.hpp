// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.hpp"

namespace tickstone::catalog {

/// A row of pg_type.
struct TypeFacts {
  Oid oid = 0;
  std::string name;
  std::int16_t length = 0;
  bool by_value = false;
  char kind = 'b';  // b base, p pseudo
  char category = 'U';
  bool is_preferred = false;
  char align = 'i', storage = 'p';
  Oid collation = 0, element = 0, array = 0;
  std::string input, output, receive, send, modifier_in, modifier_out;  // functions; empty: none
  /// An array type in the sense of the wire: int2vector has an element and is none.
  bool is_array() const { return input == "array_in"; }
};

/// The types that columns and functions can have, array types and pseudo-types too.
const std::vector<TypeFacts>& all_type_facts();
const TypeFacts* find_type_facts(Oid oid);
const TypeFacts* find_type_facts(std::string_view name);

/// A type that a user made, and the array type of a type.
TypeFacts facts_of(const TypeObject& type);
TypeFacts array_facts_of(const TypeFacts& element);
/// One of PostgreSQL's or of a user's.
std::optional<TypeFacts> find_any_type(const Catalog& catalog, Oid oid);
/// As regtype prints it: a user's type with its schema where search_path does not find it.
std::string type_text(const Catalog& catalog, const RunningFacts& facts, Oid oid, std::int32_t modifier);
/// Of a column: its domain, or its type.
std::string type_text(const Catalog& catalog, const RunningFacts& facts, const ColumnObject& column);

}  // namespace tickstone::catalog
