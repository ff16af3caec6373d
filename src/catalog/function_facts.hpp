// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/catalog.hpp"
#include "catalog/objects.hpp"

namespace tickstone::catalog {

// Functions as text that `all_functions` reads.
extern const std::string_view kBuiltinFunctions;
extern const std::string_view kBuiltinAggregates;
extern const std::string_view kCatalogFunctions;
extern const std::string_view kTypeFunctions;
extern const std::string_view kTimescaleFunctions;
extern const std::string_view kTimescaleProcedures;
extern const std::string_view kTickstoneFunctions;

/// A row of pg_proc.
struct FunctionFacts {
  struct Argument {
    std::string name;  // empty: none
    Oid type = 0;
    std::string default_text;  // empty: must be given
    bool is_variadic = false;
    bool is_result = false;  // a column of the table that the function returns
  };
  Oid oid = 0;
  Oid schema = 0;
  std::string name;
  std::vector<Argument> arguments;
  Oid result = 0;
  bool returns_set = false;
  char kind = 'f';        // f function, a aggregate, w window function, p procedure
  char volatility = 'v';  // i, s, v
  bool is_strict = false;
  // Of users' functions.
  bool is_sql = false;
  std::string owner;
  std::string source;
};

/// Those that are there in every database.
const std::vector<FunctionFacts>& all_functions();
const FunctionFacts* find_function(Oid oid);
FunctionFacts facts_of(const FunctionObject& function);
/// Of those of every database and of users'.
std::optional<FunctionFacts> find_any_function(const Catalog& catalog, Oid oid);
/// The first of that name, whatever its arguments; nullptr where there is none.
const FunctionFacts* find_function(std::string_view name);

/// `bucket_width interval, ts date`; `with_defaults` adds `DEFAULT ...`.
std::string function_arguments_text(const FunctionFacts& function, bool with_defaults);
/// `SETOF record`, `TABLE(a integer)`; empty for procedures.
std::string function_result_text(const FunctionFacts& function);

}  // namespace tickstone::catalog
