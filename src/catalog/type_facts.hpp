// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "catalog/objects.hpp"

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

}  // namespace tickstone::catalog
