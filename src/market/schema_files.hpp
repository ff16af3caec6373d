// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

namespace tickstone::market {

/// One file of schema/ as it was when the program was built.
struct SchemaFile {
  std::string_view path;  // 0002_tables/10_market_data.sql
  std::string_view sql;
};

/// All of them, in the order of their paths.
const std::vector<SchemaFile>& schema_files();

}  // namespace tickstone::market
