// SPDX-License-Identifier: Apache-2.0
#include "market/schema.hpp"

#include <gtest/gtest.h>

#include "market/schema_files.hpp"

namespace tickstone::market {
namespace {

constexpr Home kHomes[] = {Home::Embedded, Home::Tickstone, Home::TimescaleDb, Home::PostgreSql};

TEST(Schema, HasTheSameVersionsInEveryHome) {
  const auto ours = schema_migrations(Home::Tickstone);
  ASSERT_FALSE(ours.empty());
  for (const Home home : kHomes) {
    const auto theirs = schema_migrations(home);
    ASSERT_EQ(theirs.size(), ours.size()) << to_string(home);
    for (std::size_t i = 0; i < ours.size(); ++i) {
      EXPECT_EQ(theirs[i].version, static_cast<int>(i) + 1);
      EXPECT_EQ(theirs[i].name, ours[i].name);
      EXPECT_FALSE(theirs[i].sql.empty()) << to_string(home) << " " << theirs[i].name;
    }
  }
}

TEST(Schema, GivesEachHomeItsOwnSql) {
  for (const Home home : kHomes) {
    std::string all;
    for (const auto& migration : schema_migrations(home)) all += migration.sql;
    const auto has = [&](std::string_view word) { return all.find(word) != std::string::npos; };
    EXPECT_TRUE(has("CREATE TABLE IF NOT EXISTS ohlcv"));
    EXPECT_EQ(has("CREATE SCHEMA _tickstone"), home == Home::PostgreSql);
    EXPECT_EQ(has("CREATE EXTENSION"), home != Home::PostgreSql);
    EXPECT_EQ(has("WITH (timescaledb.continuous,"), home != Home::PostgreSql);
    // A block in PL/pgSQL would be an error on Tickstone.
    EXPECT_EQ(has("DO $$"), home == Home::TimescaleDb);
  }
}

TEST(Schema, EmbeddedAndServerMayBeOneStore) {
  const auto embedded = schema_migrations(Home::Embedded);
  const auto served = schema_migrations(Home::Tickstone);
  for (std::size_t i = 0; i < embedded.size(); ++i) EXPECT_EQ(embedded[i].checksum, served[i].checksum);
}

TEST(Schema, EveryFileIsOfSomeHome) {
  std::size_t bytes = 0;
  std::size_t used_bytes = 0;
  for (const auto& file : schema_files()) {
    bytes += file.sql.size();
    for (const Home home : kHomes) {
      bool is_used = false;
      for (const auto& migration : schema_migrations(home))
        is_used = is_used || migration.sql.find(file.sql) != std::string::npos;
      if (is_used) {
        used_bytes += file.sql.size();
        break;
      }
    }
  }
  EXPECT_EQ(used_bytes, bytes);
}

}  // namespace
}  // namespace tickstone::market
