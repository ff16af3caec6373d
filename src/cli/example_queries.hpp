// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "market/connection.hpp"

namespace tickstone::cli {

/// A query that is known by name, over the application's tables.
struct ExampleQuery {
  std::string_view name, sql;
  /// Only some homes have it: `sql` reads it, and `sql_without` is for the others.
  std::string_view relation = {}, sql_without = {};
};
struct ExampleCategory {
  std::string_view title;
  std::vector<ExampleQuery> queries;
};

const std::vector<ExampleCategory>& example_queries();
/// nullptr where no query has that name.
const ExampleQuery* find_example_query(std::string_view name);
/// The SQL for the home that the connection leads to.
std::string sql_for(const ExampleQuery& query, market::Connection& connection);
/// The names, by category.
void list_example_queries(std::ostream& out);

}  // namespace tickstone::cli
