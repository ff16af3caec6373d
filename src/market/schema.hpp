// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <tickstone/database_manager.hpp>

namespace tickstone::market {

/// One version of the application's schema, as one home gets it.
struct Migration {
  int version = 0;
  std::string name;      // foundation
  std::string sql;       // empty: nothing to do in this home
  std::string checksum;  // of `sql`
};

/// All versions, from 1 on without a gap.
std::vector<Migration> schema_migrations(Home home);

}  // namespace tickstone::market
