// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <string_view>
#include <vector>

namespace tickstone::cli {

/// A query that is known by name, over the application's tables.
struct ExampleQuery {
  std::string_view name, sql;
};
struct ExampleCategory {
  std::string_view title;
  std::vector<ExampleQuery> queries;
};

const std::vector<ExampleCategory>& example_queries();
/// nullptr where no query has that name.
const ExampleQuery* find_example_query(std::string_view name);
/// The names, by category.
void list_example_queries(std::ostream& out);

}  // namespace tickstone::cli
