// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

#include "catalog/objects.hpp"
#include "types/sql_type.hpp"

namespace tickstone::catalog {

/// A row of pg_opclass: how an index method orders or hashes a type.
struct OperatorClass {
  Oid oid = 0;
  std::string_view method;
  std::string_view name;
  Oid family = 0;
  std::string_view type;  // pg_type.typname
  bool is_default = true;
  Oid key_type = 0;
};

std::span<const OperatorClass> operator_classes();
/// Of the method for a column of that type; 0 where there is none.
Oid default_operator_class(std::string_view method, const SqlType& type);

}  // namespace tickstone::catalog
